"""The versions of WMS that are spoken, and which of them a request is answered in."""

import re
from enum import StrEnum

from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, MissingParameterError, shown


class Version(StrEnum):
    """A version of the standard."""

    V1_1_1 = "1.1.1"
    """OGC 01-068r3: document types, SRS for CRS, x before y always."""
    V1_3_0 = "1.3.0"
    """OGC 06-042."""


_NUMBERS = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,2}")


def negotiated(kvp: Kvp) -> Version:
    """Choose the version of the capabilities (OGC 06-042, 6.2.4).

    Absent or unreadable gives the highest; one that is not spoken gives the next lower, and
    below all the lowest.

    >>> [str(negotiated(Kvp.of(version=text))) for text in ("", "1.2", "9", "1.0.0")]
    ['1.3.0', '1.1.1', '1.3.0', '1.1.1']
    """
    text = _asked(kvp)
    if not _NUMBERS.fullmatch(text):
        return Version.V1_3_0
    asked = _ordered(text)
    return max((v for v in Version if _ordered(v) <= asked), default=Version.V1_1_1)


def spoken(kvp: Kvp) -> Version:
    """Return the version that a request other than of capabilities is made in.

    `1.1.0` is taken as 1.1.1, which changed no parameter.

    Raises
    ------
    MissingParameterError, UnsupportedError
    """
    text = _asked(kvp)
    if not text:
        raise MissingParameterError("version")
    if text == "1.1.0":
        return Version.V1_1_1
    if text not in list(Version):
        raise UnsupportedError(
            f"WMS version {shown(text)} is not offered; offered are {', '.join(Version)}",
            parameter="VERSION",
        )
    return Version(text)


def _asked(kvp: Kvp) -> str:
    # Clients of WMS 1.0.0 say WMTVER.
    return kvp.one("version", default=kvp.one("wmtver", default=""))


def _ordered(text: str) -> tuple[int, ...]:
    parts = tuple(map(int, text.split(".")))
    return parts + (0,) * (3 - len(parts))
