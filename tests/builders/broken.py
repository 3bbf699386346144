"""Pack products, and spoil them in the ways a careless network or a hostile sender does."""

import zipfile
from pathlib import Path

BOMB_BYTES = 2**27
"""Inflated size of each of a bomb's two members."""

_BLOCK = bytes([0x20]) * 2**20
_BOMB_NAME = "S2A_MSIL2A_20230815T095031_N0509_R079_T33TWM_20230815T155031.SAFE"


def zip_safe(safe: Path) -> Path:
    """Write `<name>.SAFE.zip` beside the folder: stored, with the .SAFE folder inside."""
    archive = safe.with_name(f"{safe.name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(safe.rglob("*")):
            target.write(path, path.relative_to(safe.parent))
    return archive


def truncate(path: Path, keep_bytes: int) -> Path:
    """Keep the first `keep_bytes` of a file, fewer than it has."""
    content = path.read_bytes()
    if not 0 <= keep_bytes < len(content):
        raise ValueError(f"{keep_bytes} bytes of {len(content)}; fewer are needed")
    path.write_bytes(content[:keep_bytes])
    return path


def empty_file(path: Path) -> Path:
    """Make `path` a file of no bytes."""
    path.write_bytes(b"")
    return path


def zip_bomb(path: Path) -> Path:
    """Write a zip under 300 kB, named inside like a product, that inflates to 256 MiB.

    The metadata is well-formed XML full of blanks, the image is blanks alone; both inflate about a
    thousandfold.
    """
    tile = "GRANULE/L2A_T33TWM_A042547_20230815T095630/IMG_DATA/R10m"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, head, tail in (
            ("MTD_MSIL2A.xml", b"<Level-2A_User_Product>", b"</Level-2A_User_Product>"),
            (f"{tile}/T33TWM_20230815T095031_B02_10m.jp2", b"", b""),
        ):
            with target.open(f"{_BOMB_NAME}/{name}", "w") as member:
                member.write(head)
                for _ in range(BOMB_BYTES // len(_BLOCK)):
                    member.write(_BLOCK)
                member.write(tail)
    return path


def xml_with_external_entity(safe: Path, target: Path) -> Path:
    """Make the spacecraft's name in the product's metadata an entity that is the file `target`.

    Returns the metadata's path.
    """
    (metadata,) = safe.glob("MTD_MSIL*.xml")
    declaration, rest = metadata.read_text(encoding="utf-8").split("?>", 1)
    start, stop = "<SPACECRAFT_NAME>", "</SPACECRAFT_NAME>"
    before, after = rest.split(start, 1)
    doctype = f'<!DOCTYPE product [<!ENTITY leak SYSTEM "{target.resolve().as_uri()}">]>'
    hostile = f"{before}{start}&leak;{stop}{after.split(stop, 1)[1]}"
    metadata.write_text(f"{declaration}?>\n{doctype}{hostile}", encoding="utf-8")
    return metadata
