"""Which axis of a coverage becomes the rows of a picture, and in which order text lists them."""

from dataclasses import dataclass

from datacube.axes import Axis
from datacube.errors import InvalidParameterError
from datacube.grid import Grid, y_first
from datacube.plan.axis_order import crs_order
from datacube.plan.formats import CSV, JSON, NETCDF
from datacube.plan.nodes import Domain, Encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """A coverage as planes of rows and columns."""

    outer: tuple[Axis, ...]
    """The axes before the last two."""
    rows: int
    """Rows of a plane as it is written."""
    columns: int
    grid: Grid | None
    """None where the two axes are no plane of a CRS."""
    swapped: bool
    """Rows run along the domain's last axis, so each plane is written transposed."""


def text_order(domain: Domain, transpose: tuple[int, int] | None) -> tuple[int, ...]:
    """Return `crs_order` with two positions swapped.

    Raises
    ------
    InvalidParameterError
        If there are not as many axes.
    """
    order = list(crs_order(domain))
    if transpose is not None:
        one, other = transpose
        if max(one, other) >= len(order):
            raise _no_such_axes(transpose, domain)
        order[one], order[other] = order[other], order[one]
    return tuple(order)


def raster_of(node: Encode, domain: Domain) -> Raster:
    """Return how a coverage is written as planes.

    Rows run along the last axis but one (y), columns along the last (x). The parameter
    `transpose` swaps them. With `compat` columns run along the axis that the CRS lists
    first, as rasdaman writes, but x on the Earth always; `transpose` swaps there too,
    except on the Earth where y is listed first, as rasdaman's users write it for that.

    Raises
    ------
    InvalidParameterError
        If there are fewer than two axes, or `transpose` names others than the last two.
    """
    if len(domain.axes) < 2:
        raise InvalidParameterError(
            f"{node.media_type} needs two axes; the coverage has "
            f"{_names(domain)}: ask for {JSON}, {CSV} or {NETCDF}, or a number without encode",
            parameter="format",
        )
    last = len(domain.axes) - 1
    transpose = node.parameters.transpose
    if transpose is not None and {*transpose} != {last - 1, last}:
        raise _no_such_axes(transpose, domain)
    swapped = _swapped(domain, asked=transpose is not None, compat=node.compat)
    rows, columns = domain.shape[-2:]
    return Raster(
        outer=domain.axes[:-2],
        rows=columns if swapped else rows,
        columns=rows if swapped else columns,
        grid=domain.grid,
        swapped=swapped,
    )


def _swapped(domain: Domain, *, asked: bool, compat: bool) -> bool:
    if not compat:
        return asked
    rows_first = domain.grid is None or y_first(domain.grid)
    if domain.grid is not None and domain.grid.on_earth:
        return asked and not rows_first
    return asked != rows_first


def _no_such_axes(transpose: tuple[int, int], domain: Domain) -> InvalidParameterError:
    count = len(crs_order(domain))
    named = f"{list(transpose)}"
    return InvalidParameterError(
        f"transpose {named} does not fit the axes {_names(domain)}; "
        + (f"allowed: [{count - 2},{count - 1}]" if count >= 2 else "it needs two axes"),
        parameter="encode",
    )


def _names(domain: Domain) -> str:
    return ", ".join(domain.axes[at].name for at in crs_order(domain)) or "none"
