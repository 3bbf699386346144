"""A store from what the user names."""

from pathlib import Path

from obstore.store import from_url

from datacube.errors import StoreError
from datacube.store.location import Folder, Objects
from datacube.store.zarr_store import ZarrStore


def open_store(location: str | Path, *, read_only: bool = False) -> ZarrStore:
    """Open the store at `location`: a folder, made where it is missing, or an object store's URL.

    Raises
    ------
    StoreError
        If the folder is missing and `read_only`, or the URL is not understood.
    """
    text = str(location)
    if "://" in text and not text.startswith("file://"):
        try:
            bucket = from_url(text)
        except Exception as error:
            raise StoreError(f"the store {text!r} cannot be opened: {error}") from error
        return ZarrStore(Objects(bucket, text), read_only=read_only)
    path = Path(text.removeprefix("file://"))
    if read_only and not path.is_dir():
        raise StoreError(f"there is no store at {path}")
    return ZarrStore(Folder(path), read_only=read_only)
