"""From what a user names to a catalogue."""

from os import PathLike, fspath

from copernicube.client.catalogue import Catalogue


def open_catalogue(
    location: str | PathLike[str], as_of: int | None = None, *, catalog: str = ""
) -> Catalogue:
    """Open a store (a folder, an object-store URL) or a server (`http://host:8080`).

    `as_of` is a revision of the catalogue, by default the newest. The catalogue stays
    at its revision; open it again to see what was ingested since. `catalog` is the address
    of a store's catalogue that is not inside it, such as `postgresql://USER@HOST/DATABASE`.

    Raises
    ------
    StoreError
        If there is no store or server, or it cannot be read.
    RequestError
        If the revision does not exist; RevisionError if it was purged.
    """
    text = fspath(location)
    if text.startswith(("http://", "https://")):
        from copernicube.client.remote import RemoteSource  # noqa: PLC0415 obstore, on demand

        return Catalogue(RemoteSource(text, as_of))
    from copernicube.client.local import LocalSource  # noqa: PLC0415 store and catalogue, on demand

    return Catalogue(LocalSource(text, as_of, catalog=catalog))
