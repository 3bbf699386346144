"""Parameters of GetCapabilities that services with OWS Common share (OGC 06-121r9, 7.2)."""

from collections.abc import Sequence

from datacube.errors import InvalidParameterError, UnknownNameError
from ogc.kvp import Kvp, integer

ALL = "All"
_ANY = 2**53


def listed(text: str) -> tuple[str, ...]:
    """Return the parts of a list, without blanks and without empty ones.

    >>> listed("2.0.1, 1.0.0,")
    ('2.0.1', '1.0.0')
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_update_sequence(kvp: Kvp) -> int | None:
    """Return the revision of the document that the client has, None where it has none.

    Raises
    ------
    InvalidParameterError
        If UPDATESEQUENCE is no integer.
    """
    text = kvp.one("updatesequence", default="")
    return integer(text, "UPDATESEQUENCE", low=-_ANY, high=_ANY) if text else None


def is_current(asked: int | None, revision: int) -> bool:
    """Tell whether the client's document is the newest.

    Raises
    ------
    InvalidParameterError
        If it is newer than any.
    """
    if asked is not None and asked > revision:
        raise InvalidParameterError(
            f"UPDATESEQUENCE {asked} lies ahead of the current revision {revision}",
            parameter="UPDATESEQUENCE",
        )
    return asked == revision


def parse_sections(kvp: Kvp, offered: Sequence[str]) -> tuple[str, ...]:
    """Return the sections that SECTIONS names, in any case, as `offered` orders them.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    by_name = {name.casefold(): name for name in (*offered, ALL)}
    asked = listed(kvp.one("sections", default=ALL))
    for part in asked:
        if part.casefold() not in by_name:
            raise UnknownNameError("section", part, (*offered, ALL))
    named = {by_name[part.casefold()] for part in asked}
    return tuple(name for name in offered if name in named or ALL in named)
