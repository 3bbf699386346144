"""What a service that lets others write needs of who writes: coverages offered, and what became."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pyproj import CRS

from datacube.cells import Values
from datacube.errors import RequestError
from datacube.protocols import Principal
from datacube.times import Period


class NotAllowedError(RequestError):
    """The asker may not do what is asked for."""

    code = "not-allowed"


class TakenNameError(RequestError):
    """A new coverage has an id that is given already."""

    code = "taken-name"


class CoverageTypeError(RequestError):
    """A coverage that is offered is of no kind that can be stored."""

    code = "coverage-type"


class InconsistentChangeError(RequestError):
    """A change does not fit the coverage that it is to change."""

    code = "inconsistent-change"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InlineCells:
    """Cells that came in the text of a request."""

    crs: CRS
    corner: tuple[float, float]
    """`(x, y)` of the outer corner of the first cell."""
    step: tuple[float, float]
    """Signed cell sizes, `(x, y)`, in the unit of the CRS."""
    values: Values
    """`(time, band, y, x)`; one time where the coverage has none."""
    nodata: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offered:
    """A coverage that somebody offers."""

    content: Path | InlineCells
    """A GeoTIFF or netCDF file, or the cells themselves."""
    bands: tuple[str, ...] = ()
    """Names in the order of the bands; empty: what the file calls them."""
    times: tuple[Period, ...] = ()
    """When the cells are of; empty: what the file says, if anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """Bounds of a change on one axis of the plane, closed, in the coverage's CRS."""

    axis: str
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Cells of a coverage, and what is to stand in their place."""

    coverage_id: str
    offered: Offered
    trims: tuple[Trimmed, ...] = ()
    bands: tuple[tuple[str, str], ...] = ()
    """`(band of what is offered, band of the coverage)`; empty: by name, else by place."""
    mask: Offered | None = None
    """On the grid of what is offered; cells where it is 0 stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a change did."""

    revision: int
    """The revision since which it shows."""
    coverage_id: str = ""


class WriteCoverages(Protocol):
    """Changes which coverages there are; each call shows as a whole, or not at all."""

    def insert(
        self, coverage_id: str, offered: Offered, principal: Principal, *, new_id: bool = False
    ) -> Written:
        """Add a coverage; with `new_id` under an id of its own, made from `coverage_id`.

        Raises
        ------
        TakenNameError
            If the id is given already.
        CoverageTypeError
            If the cells cannot be stored as a coverage.
        LimitExceededError
        """
        ...

    def update(self, change: Change, principal: Principal) -> Written:
        """Put cells in the place of others, or beside them: another area, another time.

        Raises
        ------
        UnknownNameError
            If there is no such coverage.
        InconsistentChangeError
            If the cells do not fit it.
        LimitExceededError
        """
        ...

    def delete(self, coverage_ids: tuple[str, ...], principal: Principal) -> Written:
        """Let coverages be no longer there; older revisions show them.

        Raises
        ------
        UnknownNameError
            If there is no such coverage; then all stay.
        InvalidParameterError
            If an id names a part of a cube only.
        """
        ...
