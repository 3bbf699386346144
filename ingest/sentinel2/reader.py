"""The mission's reader."""

import re
from collections.abc import Sequence
from pathlib import Path

from ingest.rasters import ObjectStoreAccess
from ingest.scene import CubeChoice, Scene, UnreadableScene
from ingest.sentinel2.safe import open_safe
from ingest.sentinel2.stac import open_stac

_SAFE_NAME = re.compile(r"\.SAFE/?(\.zip)?$|\.zip$", re.IGNORECASE)
_JSON_NAME = re.compile(r"\.(geo)?json$", re.IGNORECASE)


class Sentinel2Reader:
    """Opens SAFE products and STAC items of Sentinel-2 L1C and L2A; implements `SceneReader`."""

    def __init__(self, access: ObjectStoreAccess | None = None) -> None:
        self._access = access or ObjectStoreAccess()

    def recognises(self, location: str) -> bool:
        """Tell a SAFE product or a STAC document by name, else by its first bytes."""
        return _is_safe(location) or _is_json(location)

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene | UnreadableScene]:
        """Open the scenes at `location`: metadata and headers of files only.

        Raises
        ------
        SourceError
        """
        if _is_safe(location):
            return [open_safe(location, choice, self._access)]
        return open_stac(location, choice, self._access)


def _is_safe(location: str) -> bool:
    if _SAFE_NAME.search(location):
        return not location.startswith(("http://", "https://"))
    path = Path(location)
    if path.is_dir():
        return any(path.glob("MTD_MSIL*.xml"))
    return _first_bytes(path)[:4] == b"PK\3\4"


def _is_json(location: str) -> bool:
    if location.startswith(("http://", "https://")) or _JSON_NAME.search(location):
        return True
    return _first_bytes(Path(location)).lstrip()[:1] == b"{"


def _first_bytes(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(64)
