"""A store from what the user names."""

from pathlib import Path

from datacube.errors import StoreError
from datacube.store.location import Folder
from datacube.store.objects import Objects
from datacube.store.zarr_store import ZarrStore


def open_store(location: str | Path, *, read_only: bool = False) -> ZarrStore:
    """Open the store at `location`: a folder, made where it is missing, or an object store's URL.

    Raises
    ------
    StoreError
        If the folder is missing and `read_only`; if the URL is not understood, or what it
        names does not answer, refuses the keys or has no such bucket.
    """
    text = str(location)
    if "://" in text and not text.startswith("file://"):
        objects = Objects(text)
        objects.check()
        return ZarrStore(objects, read_only=read_only)
    path = Path(text.removeprefix("file://"))
    if read_only and not path.is_dir():
        raise StoreError(f"there is no store at {path}")
    return ZarrStore(Folder(path), read_only=read_only)
