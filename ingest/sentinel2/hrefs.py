"""Where the assets of a STAC item lie, and what an item may refer to."""

from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import Request, urlopen

import obstore
from obstore.exceptions import BaseError as ObjectStoreError

from datacube.errors import SourceError, UnsafeSourceError
from ingest.rasters import ObjectStoreAccess
from ingest.sentinel2.containers import s3_store

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Base:
    """The place of the item's own document: a path, an `http(s)://` or an `s3://` address."""

    location: str

    @property
    def remote(self) -> bool:
        """Whether the item came over a network."""
        return is_remote(self.location)

    def resolve(self, href: str) -> str:
        """Return the path or address that `href` means.

        An item in a file may name local files, relative or not, and remote ones; an
        item from a network may name remote files only.

        Raises
        ------
        UnsafeSourceError
            If it means another kind of place.
        """
        scheme = urlsplit(href).scheme
        if scheme in ("http", "https", "s3"):
            return href
        if self.remote:
            if scheme:
                raise UnsafeSourceError(
                    f"{self.location} refers to {href!r}; a remote item may refer to "
                    "http, https and s3 places only"
                )
            return _join(self.location, href)
        if scheme not in ("", "file"):
            raise UnsafeSourceError(
                f"{self.location} refers to {href!r}; local files, http, https and s3 are allowed"
            )
        name = unquote(urlsplit(href).path) if scheme else href
        path = (Path(self.location).resolve().parent / name).resolve()
        if str(path).startswith("/vsi"):
            raise UnsafeSourceError(f"{self.location} refers to {href!r}, a name special to GDAL")
        return str(path)


def is_remote(location: str) -> bool:
    """Tell an address from a path."""
    return location.startswith(("http://", "https://", "s3://"))


def fetch(location: str, limit_bytes: int, access: ObjectStoreAccess) -> bytes:
    """Return a small file, local or remote.

    Raises
    ------
    SourceError
        If it cannot be read or is empty.
    UnsafeSourceError
        If it has more than `limit_bytes`.
    """
    try:
        if location.startswith("s3://"):
            data = _fetch_s3(location, limit_bytes, access)
        elif is_remote(location):
            request = Request(location, headers={"User-Agent": "copernicube"})  # noqa: S310  # http(s) only, by is_remote
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  # as above
                data = answer.read(limit_bytes + 1)
        else:
            with Path(location).open("rb") as file:
                data = file.read(limit_bytes + 1)
    except (OSError, URLError, ObjectStoreError) as error:
        raise SourceError(f"{location} cannot be read: {error}") from error
    if len(data) > limit_bytes:
        raise UnsafeSourceError(f"{location} has more than the {limit_bytes} bytes allowed")
    if not data:
        raise SourceError(f"{location} is empty")
    return data


def _fetch_s3(location: str, limit_bytes: int, access: ObjectStoreAccess) -> bytes:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    result = obstore.get(s3_store(bucket, access), key)
    if result.meta["size"] > limit_bytes:
        raise UnsafeSourceError(f"{location} has more than the {limit_bytes} bytes allowed")
    return bytes(result.bytes())


def _join(base: str, href: str) -> str:
    if base.startswith("s3://"):
        # urljoin does not know the scheme as hierarchical.
        return "s3://" + urljoin("http://" + base.removeprefix("s3://"), href).removeprefix(
            "http://"
        )
    return urljoin(base, href)
