"""Where a catalogue lies, from what the user names."""

from pathlib import Path

from datacube.catalog.catalog import SqlCatalog
from datacube.catalog.sqlite import SqliteDatabase
from datacube.errors import InvalidParameterError, StoreReadOnlyError
from datacube.offers import NO_OFFERS, Offers

CATALOG_FILE = "catalog.sqlite"
"""Name of the catalogue inside a store that is a folder."""
_SCHEME = "sqlite:///"


def open_catalog(
    location: str | Path, *, read_only: bool = False, offers: Offers = NO_OFFERS
) -> SqlCatalog:
    """Open the catalogue of a store, made where it is missing and may be written.

    `location` is a store's folder, a file ending in `.sqlite`, or `sqlite:///PATH`.
    A catalogue that cannot be opened for writing is read from a copy, which follows
    the original within a second; then, as with `read_only`, writing raises
    StoreReadOnlyError. `offers` are what products offer beside their stored bands.

    Raises
    ------
    InvalidParameterError
        If `location` names another kind of database, or an object store, which has
        no room for a catalogue.
    StoreError
        If it is missing and may not be made, or was made by another version.
    """
    return SqlCatalog(SqliteDatabase(catalog_path(location), read_only=read_only), offers)


def catalog_exists(location: str | Path) -> bool:
    """Tell whether `open_catalog` would find a catalogue; makes nothing."""
    return _file(location).exists()


def catalog_path(location: str | Path) -> Path:
    """Return the file that `open_catalog` would open; creates a missing store folder."""
    path = _file(location)
    if not path.parent.is_dir():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreReadOnlyError(f"{path.parent} cannot be made: {error}") from error
    return path


def _file(location: str | Path) -> Path:
    text = str(location)
    if text.startswith(_SCHEME):
        path = Path(text.removeprefix(_SCHEME))
    elif "://" in text and not text.startswith("file://"):
        raise InvalidParameterError(
            f"{text!r} cannot hold a catalogue; allowed are a folder, "
            "a file ending in .sqlite and sqlite:///PATH",
            parameter="catalog",
        )
    else:
        path = Path(text.removeprefix("file://"))
        if path.suffix != ".sqlite":
            path = path / CATALOG_FILE
    return path.absolute()
