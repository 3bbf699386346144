"""Values at places, as CoverageJSON, GeoJSON and CSV write them."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from datacube.axes import Axis, TimeAxis
from datacube.cells import Cells, Valid, Values
from datacube.encode.described import listed_places
from datacube.errors import LimitExceededError
from datacube.plan.nodes import Domain, Plan
from datacube.protocols import Limits
from datacube.times import iso_text

type Number = int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of places and times with a number a band; rows without any are left out."""

    keys: tuple[str, ...]
    """Names of the columns that say where and when: `t`, `x`, `y`, `z`, further axes."""
    names: tuple[str, ...]
    """Of the bands."""
    rows: Iterator[tuple[tuple[object, ...], tuple[Number, ...]]]
    """Place and numbers, in the order of the cells."""

    def as_csv(self) -> bytes:
        """Write a heading and a line a row; what is null is empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*self.keys, *self.names))
        writer.writerows((*place, *numbers) for place, numbers in self.rows)
        return text.getvalue().encode()


def numbers_of(values: Values, valid: Valid) -> list[Number]:
    """Return cells in row-major order as JSON has them: null where there is no finite number."""
    flat, known = values.ravel(), valid.ravel()
    if flat.dtype.kind == "f":
        known = known & np.isfinite(flat)
        numbers = (
            [float(f"{v:.7g}") for v in flat.tolist()] if flat.itemsize <= 4 else flat.tolist()
        )
    else:
        numbers = flat.tolist() if flat.dtype.kind != "b" else flat.astype("uint8").tolist()
    return [
        number if there else None for number, there in zip(numbers, known.tolist(), strict=True)
    ]


def coordinate_texts(axis: Axis) -> Sequence[object]:
    """Return what the cells of an axis are called: times in ISO 8601, else numbers."""
    if isinstance(axis, TimeAxis):
        return listed_places(axis)
    return [float(place) for place in axis.coordinates()]


def axis_key(axis: Axis, domain: Domain, vertical: int | None) -> str:
    """Return the name of an axis in an answer: `t`, `z`, `x`, `y`, else its own."""
    if isinstance(axis, TimeAxis):
        return "t"
    if vertical is not None and axis == domain.outer[vertical]:
        return "z"
    if domain.grid is not None and axis in domain.grid.axes:
        return "x" if axis == domain.grid.x else "y"
    return axis.name


def iso_of(seconds: float) -> str:
    """Return a time given in seconds since 1970."""
    return iso_text(datetime.fromtimestamp(seconds, UTC))


def grid_table(plan: Plan, cells: Cells, vertical: int | None) -> Table:
    """List the cells of a grid."""
    domain = plan.domain
    keys = [axis_key(axis, domain, vertical) for axis in domain.axes]
    order = sorted(range(len(keys)), key=lambda at: column_order(keys[at]))
    places = [coordinate_texts(axis) for axis in domain.axes]
    return Table(
        keys=tuple(keys[at] for at in order),
        names=cells.names,
        rows=_grid_rows(places, order, cells),
    )


def column_order(key: str) -> int:
    """Return where a column stands: time, x, y, z, then further axes as they come."""
    return ("t", "x", "y", "z", key).index(key)


def check_rows(rows: int, limits: Limits) -> None:
    """Refuse a table that is too long.

    Raises
    ------
    LimitExceededError
    """
    if rows > limits.table_rows:
        raise LimitExceededError(
            f"a table of {rows:,} rows is over the limit of {limits.table_rows:,} "
            "(LIMIT_TABLE_ROWS); ask for less, or for f=netCDF"
        )


def _grid_rows(
    places: Sequence[Sequence[object]], order: Sequence[int], cells: Cells
) -> Iterator[tuple[tuple[object, ...], tuple[Number, ...]]]:
    anything = np.logical_or.reduce(cells.valid)
    kept = np.argwhere(anything)
    columns = [
        numbers_of(values[anything], valid[anything])
        for values, valid in zip(cells.values, cells.valid, strict=True)
    ]
    for index, numbers in zip(kept.tolist(), zip(*columns, strict=True), strict=True):
        yield tuple(places[at][index[at]] for at in order), numbers
