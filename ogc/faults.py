"""From failures to the exception codes and statuses of a service."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from datacube.errors import (
    AbandonedError,
    CubeError,
    InvalidParameterError,
    RequestError,
    SchedulerError,
    StoreUnreachableError,
    UnavailableError,
    UnknownNameError,
)

_LOG = logging.getLogger(__name__)


UNLOCATED = ("VersionNegotiationFailed", "InvalidUpdateSequence")
"""Codes that OWS Common wants no locator with (OGC 06-121r9, table 27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a service calls a failure."""

    exception_code: str | None
    """The service's own code; WMS has none for most failures."""
    status: int
    """HTTP status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One failure as a service tells it."""

    fault: Fault
    locator: str
    """The parameter or name at fault, or empty."""
    message: str


class UnsupportedError(RequestError):
    """A service, version or operation that is not offered."""

    code = "not-supported"

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter
        """The parameter that asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTable:
    """How one service names failures.

    The first key that is in `faults` counts: `<code>/<kind of name or parameter>`,
    then `<code>`, then the codes of the classes above.
    """

    faults: Mapping[str, Fault]
    encode: Callable[[Report], bytes]
    """Writes the service's exception document."""
    media_type: str
    status: int | None = None
    """Sent whatever the fault, as with pictures, which clients show only then."""

    def report(self, error: Exception) -> Report:
        """Classify a failure; one that is not a CubeError is logged under an id that is told."""
        if not isinstance(error, CubeError):
            identifier = uuid4().hex[:12]
            _LOG.error("request failed, id %s", identifier, exc_info=error)
            return Report(
                fault=self.faults["failure"],
                locator="",
                message=f"the server failed to answer; its log tells why under {identifier}",
            )
        fault = next(self.faults[key] for key in _keys(error) if key in self.faults)
        if isinstance(error, AbandonedError):
            _LOG.info("request ended: %s", error)
        elif fault.status == 500:
            _LOG.error("request failed: %s", error, exc_info=error)
        elif isinstance(error, StoreUnreachableError | SchedulerError):
            _LOG.error("request failed: %s", error)
        return Report(fault=fault, locator=_locator(error), message=_message(error))


def retry_headers(error: Exception) -> tuple[tuple[str, str], ...]:
    """Return when to ask again, where that may help (RFC 9110, 10.2.3)."""
    if isinstance(error, UnavailableError):
        return (("Retry-After", str(error.retry_after_s)),)
    return ()


def _message(error: CubeError) -> str:
    """Return what happened with its notes, such as the place in a query.

    Addresses and versions of a cluster are its operator's: the log has them.
    """
    if isinstance(error, SchedulerError):
        return (
            "the cluster that large answers are computed on cannot take this one now; "
            f"ask again in {error.retry_after_s} s"
        )
    return "\n".join((str(error), *getattr(error, "__notes__", ())))


def _keys(error: CubeError) -> list[str]:
    codes: list[str] = []
    for kind in type(error).__mro__:
        code = getattr(kind, "code", None)
        if isinstance(code, str) and code not in codes:
            codes.append(code)
    detail = error.kind if isinstance(error, UnknownNameError) else ""
    if isinstance(error, InvalidParameterError | UnsupportedError):
        detail = error.parameter.casefold()
    return [f"{codes[0]}/{detail}", *codes] if detail else codes


def _locator(error: CubeError) -> str:
    if isinstance(error, UnknownNameError):
        return error.name
    if isinstance(error, InvalidParameterError | UnsupportedError):
        return error.parameter
    return ""
