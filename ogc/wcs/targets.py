"""The lattice of an answer where a request gives its box and its number or size of cells."""

from dataclasses import dataclass, replace

from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import Grid
from datacube.plan.warping import axis_names, box_in
from datacube.protocols import Bbox

_WORLD = 1e9
"""No CRS has coordinates beyond."""
_LEAST = 1e-12
"""Part of its greatest coordinate that a box is wide at least, as numbers are no more exact."""
MAX_CELLS = 2**31
"""Cells along an axis; the limits of an answer lie far below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request says of the lattice of its answer; `grid` is for those that are complete."""

    crs: CRS | None
    """Of the answer; None: the coverage's."""
    bbox: Bbox | None = None
    """Outer edges in `bbox_crs`, x first; None: those of the coverage."""
    bbox_crs: CRS
    size: tuple[int, int] | None = None
    """Cells `(along x, along y)`."""
    steps: tuple[float, float] | None = None
    """Sizes of a cell `(along x, along y)` in the unit of `crs`, above 0."""

    @property
    def grid(self) -> Grid:
        """The lattice, rows from north to south.

        Raises
        ------
        ValueError
            If CRS, box or size is not yet known.
        """
        if self.crs is None or self.bbox is None or self.size is None:
            raise ValueError("the target has no CRS, no box or no size")
        left, bottom, right, top = self.bbox
        columns, rows = self.size
        x_name, y_name, uom = axis_names(self.crs)
        x_step, y_step = (right - left) / columns, (bottom - top) / rows
        return Grid(
            crs=self.crs,
            x=RegularAxis(name=x_name, uom=uom, start=left, step=x_step, size=columns),
            y=RegularAxis(name=y_name, uom=uom, start=top, step=y_step, size=rows),
        )


def completed(target: Target, own: Grid) -> Target:
    """Return a target with the box in its CRS and the number of cells; `own` is the coverage's.

    A cell that the box holds in part counts if at least half of it is inside. With neither size
    nor steps cells are as large as the coverage's, where the CRS is its own.

    Raises
    ------
    InvalidParameterError
        If the cells are too many, or nothing says how many.
    OutOfDomainError
        If the box has no place in the CRS.
    """
    wanted = target.crs or own.crs
    bbox, crs = (own.bbox, own.crs) if target.bbox is None else (target.bbox, target.bbox_crs)
    if crs != wanted:
        bbox = box_in(bbox, crs, wanted)
    _check(bbox)
    size, steps = target.size, target.steps
    if size is None:
        if steps is None and wanted == own.crs:
            steps = abs(own.x.step), abs(own.y.step)
        if steps is None:
            raise InvalidParameterError(
                "nothing says how many cells the answer has, whose CRS is not the coverage's; "
                "allowed is a request with the number or the size of cells",
                parameter="size",
            )
        lengths = bbox[2] - bbox[0], bbox[3] - bbox[1]
        cells = [length / step for length, step in zip(lengths, steps, strict=True)]
        if not max(cells) <= MAX_CELLS:
            raise InvalidParameterError(
                f"the answer would have {cells[0]:g} x {cells[1]:g} cells; "
                f"allowed are {MAX_CELLS} along an axis",
                parameter="RESX",
            )
        size = max(1, round(cells[0])), max(1, round(cells[1]))
    return replace(target, crs=wanted, bbox=bbox, bbox_crs=wanted, size=size)


def _check(bbox: Bbox) -> None:
    """Refuse a box that no grid can have.

    Raises
    ------
    OutOfDomainError
    """
    greatest = max(map(abs, bbox))
    least = min(bbox[2] - bbox[0], bbox[3] - bbox[1])
    if not greatest <= _WORLD or not least > greatest * _LEAST:
        raise OutOfDomainError(
            f"the box {bbox} has no extent on the Earth in the CRS of the answer"
        )
