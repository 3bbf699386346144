"""What cannot be ingested fails alone, at once and with its reason; the rest lands."""

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from tests.acceptance.answers import open_to_read
from tests.acceptance.commands import run_command
from tests.acceptance.small_scenes import CUBE, small_scenes
from tests.builders.broken import truncate, xml_with_external_entity, zip_bomb
from tests.builders.catalogue_rows import claimed

LEAK = "what another file holds"
GOOD = ("east", "west later")
AT_ONCE_S = 10.0
"""Idle it takes a tenth of a second; other tests may have the processors."""
SQUARE = [[15.0, 46.0], [15.1, 46.0], [15.1, 46.1], [15.0, 46.1], [15.0, 46.0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """An input, what makes it from a folder and a good SAFE, and how it is refused."""

    make: Callable[[Path, Path], Path]
    code: str
    says: str
    """Regular expression that the message holds."""


def _file(name: str, content: bytes) -> Callable[[Path, Path], Path]:
    def make(folder: Path, _: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def _item(**changes: object) -> Callable[[Path, Path], Path]:
    """Return a maker of a STAC item with one asset that is missing; `None` removes a member."""
    item: dict[str, object] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A_33TWM_20230815_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
        "properties": {"datetime": "2023-08-15T09:57:00Z", "earthsearch:boa_offset_applied": True},
        "links": [],
        "assets": _asset("./absent.tif"),
    }
    changed = {key: value for key, value in (item | changes).items() if value is not None}
    return _file("item.json", json.dumps(changed).encode())


def _asset(href: str) -> dict[str, object]:
    bands = [{"name": "red", "common_name": "red"}]
    return {"red": {"href": href, "type": "image/tiff; application=geotiff", "eo:bands": bands}}


def _image(safe: Path, band: str) -> Path:
    (image,) = safe.rglob(f"*_{band}_10m.jp2")
    return image


def _copy(folder: Path, safe: Path) -> Path:
    return shutil.copytree(safe, folder / safe.name)


def _cut_image(kept: float) -> Callable[[Path, Path], Path]:
    def make(folder: Path, safe: Path) -> Path:
        copied = _copy(folder, safe)
        image = _image(copied, "B04")
        truncate(image, int(image.stat().st_size * kept))
        return copied

    return make


def _text_for_image(folder: Path, safe: Path) -> Path:
    copied = _copy(folder, safe)
    _image(copied, "B04").write_text(f"{LEAK}\n" * 100)
    return copied


def _external_entity(folder: Path, safe: Path) -> Path:
    secret = folder / "secret.txt"
    secret.write_text(LEAK)
    copied = _copy(folder, safe)
    xml_with_external_entity(copied, secret)
    return copied


def _growing_entities(folder: Path, safe: Path) -> Path:
    copied = _copy(folder, safe)
    (metadata,) = copied.glob("MTD_MSIL2A.xml")
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    body = f'<!DOCTYPE a [<!ENTITY a0 "ha">{laughs}]><a>&a11;</a>'
    metadata.write_text(f'<?xml version="1.0" encoding="UTF-8"?>{body}')
    return copied


def _cut_zip(folder: Path, safe: Path) -> Path:
    archive = folder / f"{safe.name}.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in safe.rglob("*"):
            target.write(path, path.relative_to(safe.parent))
    return truncate(archive, archive.stat().st_size // 2)


def _spying_vrt(folder: Path, _: Path) -> Path:
    (folder / "secret.txt").write_text(LEAK)
    vrt = folder / "spy.tif"
    vrt.write_text(
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1">'
        f"<SimpleSource><SourceFilename>{folder}/secret.txt</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    return _item(assets=_asset("./spy.tif"))(folder, vrt)


def _folder(name: str) -> Callable[[Path, Path], Path]:
    def make(folder: Path, _: Path) -> Path:
        path = folder / name
        path.mkdir()
        (path / "notes.txt").write_text("nothing here")
        return path

    return make


PROPERTIES = {"earthsearch:boa_offset_applied": True}
BAD: Mapping[str, Bad] = {
    "nothing": Bad(make=lambda f, _: f / "gone.SAFE", code="source", says="does not exist"),
    "empty zip": Bad(make=_file("empty.zip", b""), code="source", says="is empty"),
    "empty item": Bad(make=_file("empty.json", b""), code="source", says="is empty"),
    "empty file": Bad(make=_file("empty", b""), code="source", says="is empty"),
    "text": Bad(make=_file("text.txt", b"hello"), code="unsupported-source", says="no product"),
    "folder": Bad(make=_folder("plain"), code="unsupported-source", says="no product"),
    "empty SAFE": Bad(make=_folder("a.SAFE"), code="unsupported-source", says="MTD_MSIL"),
    "empty JP2": Bad(make=_cut_image(0), code="source", says="B04_10m.jp2"),
    "JP2 of a header": Bad(make=_cut_image(0.01), code="source", says="B04_10m.jp2"),
    "half a JP2": Bad(make=_cut_image(0.5), code="source", says="B04_10m.jp2"),
    "JP2 without its end": Bad(make=_cut_image(0.95), code="source", says="B04_10m.jp2"),
    "text for a JP2": Bad(make=_text_for_image, code="source", says="B04_10m.jp2"),
    "half a zip": Bad(make=_cut_zip, code="source", says="zip"),
    "zip bomb": Bad(
        make=lambda f, _: zip_bomb(f / "bomb.zip"), code="unsafe-source", says=r"bomb\.zip"
    ),
    "external entity": Bad(make=_external_entity, code="unsafe-source", says="document type"),
    "growing entities": Bad(make=_growing_entities, code="unsafe-source", says="document type"),
    "no JSON": Bad(make=_file("a.json", b'{"type": "Fea'), code="source", says="not JSON"),
    "deep JSON": Bad(make=_file("a.json", b"[" * 10**6), code="source", says="not JSON"),
    "another JSON": Bad(
        make=_file("a.json", b'{"type": "Point"}'), code="unsupported-source", says="'Point'"
    ),
    "item without geometry": Bad(
        make=_item(geometry=None), code="unsupported-source", says="has no geometry"
    ),
    "item with a geometry of text": Bad(
        make=_item(geometry="here"), code="unsupported-source", says="geometry"
    ),
    "item without properties": Bad(
        make=_item(properties=None), code="unsupported-source", says="properties"
    ),
    "item with a wrong date": Bad(
        make=_item(properties=PROPERTIES | {"datetime": "2023-13-45T00:00:00Z"}, assets=None),
        code="unsupported-source",
        says="asset",
    ),
    "item without assets": Bad(make=_item(assets=None), code="unsupported-source", says="no asset"),
    "item whose asset is missing": Bad(make=_item(), code="source", says=r"absent\.tif"),
    "item that names what GDAL reads": Bad(
        make=_item(assets=_asset("/vsizip//etc/a.zip/b.tif")), code="unsafe-source", says="GDAL"
    ),
    "item with a VRT": Bad(make=_spying_vrt, code="source", says=r"spy\.tif"),
}


@pytest.fixture(scope="module")
def beside(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that stays empty."""
    return shutil.copytree(prepared, tmp_path_factory.mktemp("bad") / "store")


@pytest.mark.parametrize("name", BAD)
def test_it_fails_at_once_and_says_why(
    name: str, built: Mapping[str, Path], beside: Path, tmp_path: Path
) -> None:
    bad = BAD[name]
    place = bad.make(tmp_path, built["west"])
    start = monotonic()
    done = run_command("ingest", "--store", beside, "--json", place)
    seconds = monotonic() - start
    assert done.code == 1
    (scene,) = json.loads(done.out)["scenes"]
    assert scene["status"] == "failed"
    assert scene["error_code"] == bad.code, scene["note"]
    assert re.search(bad.says, scene["note"]), scene["note"]
    for text in (done.out, done.err):
        assert LEAK not in text
        assert "Traceback" not in text
    assert len(scene["note"]) < 1000
    assert seconds < AT_ONCE_S
    local = open_to_read(beside)
    assert local.catalog.view().revision == 0
    assert local.catalog.view().cubes() == ()
    assert claimed(local.catalog) == []
    local.catalog.close()


def test_the_others_of_the_command_land(
    built: Mapping[str, Path], store: Path, tmp_path: Path
) -> None:
    places = [built[GOOD[0]]]
    for number, bad in enumerate(BAD.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        places.append(bad.make(folder, built["west"]))
    places.append(built[GOOD[1]])
    done = run_command("ingest", "--store", store, "--json", *places)
    assert done.code == 1
    report = json.loads(done.out)
    assert (report["ingested"], report["failed"]) == (len(GOOD), len(BAD))
    assert [scene["source"] for scene in report["scenes"]][1:-1] == [str(p) for p in places[1:-1]]
    local = open_to_read(store)
    visible = {slot.scene.product_id for slot in local.catalog.view().slots(CUBE)}
    assert visible == {small_scenes()[name].product_id for name in GOOD}
    times = local.catalog.view().coverage(CUBE).acquisitions
    assert [t.reference.replace(microsecond=0) for t in times] == [
        datetime(2023, 8, 15, 9, 50, 31, tzinfo=UTC),
        datetime(2023, 8, 20, 9, 50, 31, tzinfo=UTC),
    ]
    local.catalog.close()
    assert run_command("verify", "--store", store).code == 0
