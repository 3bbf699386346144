"""Coverages at addresses: of the origins that an operator allowed, and no other."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import IO
from urllib.parse import urlsplit

from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.writing import NotAllowedError
from ogc.kvp import shown
from ogc.wcs.transaction.writing import TransactionLimits

_CHUNK_BYTES = 2**20
_SCHEMES = ("http", "https")
_READ_S = 10.0
"""How long one read may stand still."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect leads where nobody allowed it."""

    def redirect_request(  # the library's signature
        self,
        req: urllib.request.Request,  # noqa: ARG002  # as above
        fp: IO[bytes],  # noqa: ARG002  # as above
        code: int,  # noqa: ARG002  # as above
        msg: str,  # noqa: ARG002  # as above
        headers: HTTPMessage,  # noqa: ARG002  # as above
        newurl: str,  # noqa: ARG002  # as above
    ) -> None:
        """Follow none."""
        return


def origin_of(address: str) -> str | None:
    """Return `scheme://host:port` of an address; None where it is none that may be fetched.

    >>> origin_of("https://Data.example/a.tif"), origin_of("https://u@data.example/")
    ('https://data.example:443', None)
    """
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc:
        return None
    if any(c <= " " or c in {"\x7f", "\\"} for c in address):
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"


@contextmanager
def fetched(address: str, limits: TransactionLimits) -> Iterator[Path]:
    """Give a file of an allowed origin, which is deleted at the end.

    Raises
    ------
    NotAllowedError
        If the origin is none of those that the operator allowed.
    InvalidParameterError
        If it cannot be fetched; redirects are not followed.
    LimitExceededError
        If it is too long, or too slow.
    """
    allowed = {origin_of(one.strip()) for one in limits.hosts.split(",") if one.strip()}
    origin = origin_of(address)
    if origin is None or origin not in allowed:
        raise NotAllowedError(
            f"{shown(address)} is not fetched: the operator allowed "
            f"{'other origins only' if allowed else 'none'}; send the file with the request"
        )
    with TemporaryDirectory(prefix="copernicube-fetched-") as folder:
        path = Path(folder) / "coverage"
        try:
            _load(address, path, limits)
        except (OSError, HTTPException, ValueError) as error:
            raise InvalidParameterError(
                f"{shown(address)} cannot be fetched: {str(error)[:200]}", parameter="coverageRef"
            ) from error
        yield path


def _load(address: str, path: Path, limits: TransactionLimits) -> None:
    opener = urllib.request.build_opener(_NoRedirects)
    until = monotonic() + limits.seconds
    length = 0
    with (
        opener.open(address, timeout=min(_READ_S, limits.seconds)) as answer,
        path.open("wb") as file,
    ):
        while chunk := answer.read1(_CHUNK_BYTES):
            length += len(chunk)
            if length > limits.file_bytes:
                raise LimitExceededError(
                    f"{shown(address)} has more than the {limits.file_bytes} bytes allowed "
                    "(TRANSACTION_FILE_BYTES)"
                )
            if monotonic() > until:
                raise LimitExceededError(
                    f"{shown(address)} takes longer than the {limits.seconds:g} s allowed "
                    "(TRANSACTION_SECONDS)"
                )
            file.write(chunk)
