"""Every failure a caller may handle, as one tree with stable codes.

::

    CubeError
    ├── RequestError               the request cannot be understood or allowed
    │   ├── InvalidParameterError
    │   │   └── PlaceNeededError
    │   ├── UnknownNameError       coverage, layer, style, band, axis, format, CRS
    │   ├── OutOfDomainError
    │   ├── TimeSelectionError
    │   ├── RevisionError
    │   ├── LimitExceededError
    │   └── QuerySyntaxError
    ├── AbandonedError             nobody waits for the answer any more
    ├── UnavailableError           what answers cannot now; later it may
    │   ├── SchedulerError         the cluster that work is sent to cannot take it
    │   └── StoreUnreachableError  (a StoreError, too)
    ├── StoreError                 the store cannot give or take what it should
    │   ├── StoreDamagedError
    │   ├── StoreFullError
    │   ├── StoreReadOnlyError
    │   └── CommitConflictError
    └── SourceError                a file or item offered for ingest is unusable
        ├── UnsupportedSourceError
        ├── UnsafeSourceError
        └── WrongResolutionError

Codes are append-only: services map them to their own exception codes.
"""

from difflib import get_close_matches
from typing import ClassVar

NAME_CHARACTERS = 200
"""Most that a message repeats of a name."""
_PARTS = ("band", "axis")
"""Kinds of names that one coverage has, where the others are offered by the service."""

_COMPARED = 1000
"""Most names that a misspelt one is compared with."""


class CubeError(Exception):
    """Any failure a caller may handle. Match `code`, not text."""

    code: ClassVar[str] = "failure"


class RequestError(CubeError):
    """The request cannot be understood or is not allowed."""

    code = "invalid-request"


class InvalidParameterError(RequestError):
    """A parameter is missing or has a value that is not allowed."""

    code = "invalid-parameter"

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter
        """The parameter's name as the service spells it, or empty."""


class PlaceNeededError(InvalidParameterError):
    """A map has to ask for a place on an axis, and does not."""

    code = "place-needed"


class UnknownNameError(RequestError):
    """A name that is not offered to this principal.

    `kind` tells what was named: `coverage`, `layer`, `style`, `band`,
    `axis`, `format`, `crs`, `collection` or `cube`.
    """

    code = "unknown-name"

    def __init__(self, kind: str, name: str, offered: tuple[str, ...] = ()) -> None:
        shown = ", ".join(offered[:20]) + (", ..." if len(offered) > 20 else "")
        name = name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 3]}..."
        part = kind in _PARTS
        spelled = name if part and name.isalnum() else repr(name)
        has = "this coverage has" if part else "offered:"
        near = get_close_matches(name, offered[:_COMPARED], n=1)
        meant = f"; did you mean {near[0]}?" if near and len(offered) > 1 else ""
        told = f"; {has} {shown}" if shown else ""
        super().__init__(f"unknown {kind} {spelled}{told}{meant}")
        self.kind = kind
        self.name = name
        """The name as it came, cut where it is longer than any."""


class OutOfDomainError(RequestError):
    """The request addresses cells the cube does not have."""

    code = "out-of-domain"


class TimeSelectionError(RequestError):
    """A time selects no acquisition, or several where one is needed."""

    code = "time-selection"


class RevisionError(RequestError):
    """The revision does not exist yet, or was purged."""

    code = "revision"

    def __init__(self, message: str, *, purged: bool) -> None:
        super().__init__(message)
        self.purged = purged
        """True where the revision existed and is no longer readable."""


class LimitExceededError(RequestError):
    """The request would cost more than is allowed; the message has the estimate."""

    code = "limit-exceeded"


class QuerySyntaxError(RequestError):
    """The text of a query is not WCPS; a note on the error shows the place."""

    code = "query-syntax"

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        """Line of the first character that does not fit, from 1."""
        self.column = column
        """Its place in the line, from 1."""


class AbandonedError(CubeError):
    """Nobody waits for the answer any more, so that work on it ended."""

    code = "abandoned"

    def __init__(self) -> None:
        super().__init__("the client went away before the answer was made")


class UnavailableError(CubeError):
    """What is needed for the answer cannot take the work now; later it may."""

    code = "unavailable"
    retry_after_s: int
    """When to try again."""


class SchedulerError(UnavailableError):
    """The cluster that work is sent to does not answer, does not fit, or lost the work."""

    code = "scheduler"
    retry_after_s = 30


class StoreError(CubeError):
    """The store cannot give or take what it should."""

    code = "store"


class StoreDamagedError(StoreError):
    """A recorded shard is missing or unreadable."""

    code = "store-damaged"


class StoreFullError(StoreError):
    """No space is left; nothing of the failed write is visible."""

    code = "store-full"


class StoreReadOnlyError(StoreError):
    """The store or its catalogue cannot be written."""

    code = "store-read-only"


class StoreUnreachableError(UnavailableError, StoreError):
    """The database of the catalogue does not answer; later it may."""

    code = "store-unreachable"
    retry_after_s = 5


class CommitConflictError(StoreError):
    """Another writer committed the same scene first."""

    code = "commit-conflict"


class SourceError(CubeError):
    """A file or item offered for ingest is unusable."""

    code = "source"


class UnsupportedSourceError(SourceError):
    """No reader knows this product, or a needed part of it is missing."""

    code = "unsupported-source"


class UnsafeSourceError(SourceError):
    """The file is built to harm: a zip bomb, an external entity, a path outside."""

    code = "unsafe-source"


class WrongResolutionError(SourceError):
    """The data's cells do not fit the cube's; the message names the options that would."""

    code = "wrong-resolution"
