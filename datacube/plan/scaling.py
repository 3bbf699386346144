"""Scaling of bound plans: other numbers of cells on the same extents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, prod

from datacube.axes import SNAP_DECIMALS, Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.plan.functions import apply
from datacube.plan.nodes import Bands, Domain, Field, Pick, Plan, Resample, Table, Take
from datacube.plan.query import Method
from datacube.plan.windows import kernel_margins

LISTED_CELLS = 1_000_000
"""Most cells that an axis outside the plane may be scaled to."""
MOST_TAPS = 16_384
"""Most cells that a kernel weighs for one."""
_SIDE_CELLS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What an axis is scaled to."""

    cells: int
    first: int | None = None
    """Index of the first cell of the result; None: 0, or as it was where nothing changes."""
    like: RegularAxis | None = None
    """The result's axis, where the extents are equal."""


def factor_size(cells: int, factor: float, axis: str) -> int:
    """Return the number of cells after scaling by a factor, rounded half to even.

    >>> factor_size(60, 0.5, "Lat")
    30

    Raises
    ------
    InvalidParameterError
        If the factor is not above 0, or nothing would be left.
    """
    if not (isfinite(factor) and factor > 0):
        raise InvalidParameterError(
            f"scale of axis {axis!r} by {factor:g}; a factor is above 0", parameter="scale"
        )
    return check_size(round(min(cells * factor, 2.0 * _SIDE_CELLS)), axis)


def check_size(cells: int, axis: str) -> int:
    """Return a number of cells as it is.

    Raises
    ------
    InvalidParameterError
        If it is below 1, or beyond any array.
    """
    if not 1 <= cells <= _SIDE_CELLS:
        raise InvalidParameterError(
            f"scale would leave {cells} cells along {axis!r}; allowed: 1 to {_SIDE_CELLS}",
            parameter="scale",
        )
    return cells


def keep_ratio(domain: Domain, sizes: dict[int, Size]) -> dict[int, Size]:
    """Give the other axis of a plane of which one is scaled a size in the same ratio."""
    if domain.grid is None:
        return sizes
    x, y = len(domain.axes) - 1, len(domain.axes) - 2
    for given, other in ((x, y), (y, x)):
        if given in sizes and other not in sizes:
            one, axis = domain.axes[given], domain.axes[other]
            cells = max(1, round(axis.size * sizes[given].cells / one.size))
            return {**sizes, other: Size(cells=check_size(cells, axis.name))}
    return sizes


def scale(
    plan: Plan, sizes: Mapping[int, Size], method: Method | Sequence[Method] = Method.NEAREST
) -> Plan:
    """Give axes, named by position, other numbers of cells over the same extents.

    NEAREST takes source cell `floor(k * N_source / N_target)` for cell k, on every axis.
    The other methods are for the plane. Where the method is one each axis, in the order of
    the domain, y is made before x, and numbers are rounded once.

    Raises
    ------
    InvalidParameterError
        If a method other than nearest is asked of an axis outside the plane, or MODE of
        wide numbers.
    LimitExceededError
        If an axis outside the plane would become too long.
    """
    domain = plan.domain
    methods = [method] * len(domain.axes) if isinstance(method, Method) else method
    outer = [at for at in sizes if at < len(domain.outer) and _changes(domain.axes[at], sizes[at])]
    for at in outer:
        if methods[at] is not Method.NEAREST:
            raise InvalidParameterError(
                f"method {methods[at]} is for the axes of a map; axis {domain.axes[at].name!r} is "
                "scaled by nearest alone",
                parameter="interpolation",
            )
        plan = _taken(plan, at, sizes[at])
    y, x = len(domain.outer), len(domain.outer) + 1
    if domain.grid is None or methods[y] is methods[x]:
        return _planar(plan, sizes, methods[-1])
    return _one_after_other(plan, sizes, (methods[y], methods[x]))


def scaled_axis(axis: RegularAxis, size: Size) -> RegularAxis:
    """Return `size.cells` cells over the extent of `axis`, numbered as `size` says."""
    like = size.like
    if like is not None and like.size == size.cells and _one_extent(axis, like):
        return replace(like, name=axis.name)
    if size.cells == axis.size and size.first in (None, axis.first):
        return axis
    first = size.first or 0
    step = axis.step * axis.size / size.cells
    edge = axis.start + axis.first * axis.step
    return replace(axis, start=edge - first * step, step=step, first=first, size=size.cells)


def check_method(node: Resample) -> None:
    """Refuse a method that means nothing for its cells, or takes too many of them for one.

    Raises
    ------
    InvalidParameterError
        If fields are complex.
    LimitExceededError
        If a kernel would be longer than `MOST_TAPS` cells.
    """
    method, fields = node.method, node.source.fields
    if method is Method.NEAREST:
        return
    parts = [field.name for field in fields if field.numpy_dtype.kind == "c"]
    if parts:
        raise InvalidParameterError(
            f"method {method} is for real numbers, and {', '.join(parts)} is complex; resample "
            "re(...) and im(...), or take near",
            parameter="interpolation",
        )
    taps = prod(2 * margin for margin in kernel_margins(node))
    if taps > MOST_TAPS:
        raise LimitExceededError(
            f"method {method} would weigh {taps:,} cells for one; {MOST_TAPS:,} are allowed; "
            "take average, or scale down first"
        )


def check_classes(plan: Plan, method: Method) -> None:
    """Refuse the most frequent of thousands of values: it means little and costs much.

    Raises
    ------
    InvalidParameterError
        With the fields that are too wide.
    """
    wide = [field.name for field in plan.fields if field.numpy_dtype.itemsize > 1]
    if wide and method is Method.MODE:
        raise InvalidParameterError(
            f"method mode is for classes in one byte, not for {', '.join(wide)}",
            parameter="interpolation",
        )


def _changes(axis: Axis, size: Size) -> bool:
    if isinstance(axis, RegularAxis):
        return scaled_axis(axis, size) != axis
    return size.cells != axis.size


def _one_extent(axis: RegularAxis, other: RegularAxis) -> bool:
    """Tell whether two axes run from the same edge to the same edge, to 1e-5 of a cell."""
    ends = (axis.start + axis.first * axis.step, axis.start + axis.stop * axis.step)
    return all(
        round((end - (other.start + at * other.step)) / other.step, SNAP_DECIMALS) == 0
        for end, at in zip(ends, (other.first, other.stop), strict=True)
    )


def _planar(plan: Plan, sizes: Mapping[int, Size], method: Method) -> Plan:
    domain = plan.domain
    if domain.grid is None:
        return plan
    y, x = len(domain.outer), len(domain.outer) + 1
    grid = domain.grid
    if y in sizes:
        grid = replace(grid, y=scaled_axis(grid.y, sizes[y]))
    if x in sizes:
        grid = replace(grid, x=scaled_axis(grid.x, sizes[x]))
    if grid == domain.grid:
        return plan
    check_classes(plan, method)
    made = Resample(source=plan, grid=grid, method=method, from_edge=method is Method.NEAREST)
    check_method(made)
    return made


def _one_after_other(plan: Plan, sizes: Mapping[int, Size], methods: tuple[Method, Method]) -> Plan:
    """Scale y, then x, each by its own method; whole numbers are doubles in between."""
    fields, y, x = plan.fields, len(plan.domain.outer), len(plan.domain.outer) + 1
    moved = [at for at in (y, x) if at in sizes and _changes(plan.domain.axes[at], sizes[at])]
    both = len(moved) == 2 and Method.NEAREST not in methods
    kinds = {field.numpy_dtype.kind for field in fields}
    # Complex numbers are refused below, whatever else there is.
    whole = both and not kinds.isdisjoint("biu") and "c" not in kinds
    for method in methods:
        check_classes(plan, method)
    if whole:
        plan = apply("cast float64", plan)
    for at, method in zip((y, x), methods, strict=True):
        if at in sizes:
            plan = _planar(plan, {at: sizes[at]}, method)
    if not whole:
        return plan
    columns = [_rounded(plan, at, field) for at, field in enumerate(fields)]
    return Bands(picks=tuple(Pick(source=c, field=f.name, name=f.name) for c, f in columns))


def _rounded(plan: Plan, at: int, field: Field) -> tuple[Plan, Field]:
    """Return a field of doubles in the type that it had, with what is known of it."""
    name = plan.fields[at].name
    one: Plan = Bands(picks=(Pick(source=plan, field=name, name=field.name),))
    if field.numpy_dtype.kind in "biu":
        one = apply("round", one)
    cast = apply(f"cast {field.dtype}", one)
    return replace(cast, result=(field,)), field


def _taken(plan: Plan, at: int, size: Size) -> Plan:
    domain, cells = plan.domain, size.cells
    axis = domain.axes[at]
    if cells > LISTED_CELLS:
        raise LimitExceededError(
            f"axis {axis.name!r} would have {cells} cells; allowed outside a map: {LISTED_CELLS}"
        )
    numbers = [k * axis.size // cells for k in range(cells)]
    made: Axis
    match axis:
        case RegularAxis():
            made = scaled_axis(axis, size)
        case IrregularAxis() if cells <= axis.size:
            made = replace(axis, coefficients=tuple(axis.coefficients[k] for k in numbers))
        case TimeAxis() if cells <= axis.size:
            made = axis.keep(numbers)
        case _:
            # Repeated places have no ascending coordinates of their own.
            made = RegularAxis(
                name=axis.name, uom="1", start=0, step=1, first=0, size=cells, index=True
            )
    return Take(
        source=plan,
        axis=at,
        index=Table(axes=(at,), indices=tuple(axis.first + k for k in numbers)),
        domain=domain.having(at, made),
        places=tuple(k for k in range(len(domain.axes)) if k != at),
    )
