"""Subsets whose place depends on iterators.

A slice takes, for each place of the iterators, the cell that it asks for; a trim as many
cells at each. Both are one node, however many places there are.
"""

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, OutOfDomainError, TimeSelectionError
from datacube.plan.cut import Asked, cut, index_range, is_by_centre
from datacube.plan.nodes import Affine, Domain, Plan, Table, Take
from datacube.plan.query import Slice as AskedSlice
from datacube.plan.query import Trim as AskedTrim
from datacube.plan.reach import acquisition_index
from datacube.times import Period
from datacube.wcps.bind.iterators import (
    NotVectorisableError,
    affine,
    axis_of,
    iterators_of,
    nothing,
    ordered,
    still,
)
from datacube.wcps.bind.periods import parse_time
from datacube.wcps.bind.scope import Scope, describe
from datacube.wcps.bind.values import (
    Constant,
    Coordinates,
    Index,
    Moments,
    Raster,
    Value,
    Words,
)

MOST_ENTRIES = 1_000_000
"""Most indices that one node lists."""


def take(
    raster: Raster, axis: int, value: Value, scope: Scope, *, grid_index: bool = False
) -> Raster:
    """Slice an axis at a place that depends on iterators.

    Parameters
    ----------
    raster
        What is sliced.
    axis
        Position of the axis among all axes of `raster.plan`.
    value
        The place: a grid index where `grid_index`, else a coordinate or time.
    scope
        Knows the axes of the iterators.
    grid_index
        The place was given in `CRS:1`.

    Raises
    ------
    NotVectorisableError
        If the slice must be bound place by place.
    OutOfDomainError, TimeSelectionError
        If any place is not on the axis.
    """
    along = raster.plan.domain.axes[axis]
    names = ordered(iterators_of(value), scope)
    if not names:
        asked = AskedSlice(axis=along.name, at=_asked(value, along), grid_index=grid_index)
        return _cut(raster, asked, scope)
    indices_are_places = grid_index or (isinstance(along, RegularAxis) and along.index)
    if isinstance(value, Index) and indices_are_places:
        _check_reach(value, 1, along, scope)
        return _taken(raster, axis, names, lambda at: _affine_index(value, at), scope)
    indices = _indices(raster, axis, value, scope)
    return _taken(raster, axis, names, lambda at: _listed_index(indices, names, at, scope), scope)


def take_range(
    raster: Raster,
    axis: int,
    low: Value | None,
    high: Value | None,
    scope: Scope,
    *,
    grid_indices: bool = False,
) -> Raster:
    """Trim an axis to bounds that depend on iterators; None is the open bound `*`.

    The axis becomes an index axis from 0 where its place differs among the iterators'.
    Where all iterators stand still and nothing lies within the bounds, one null cell is
    left, so that reductions over it are null, and counts 0.

    Raises
    ------
    NotVectorisableError
        If the number of cells differs from place to place, or a place has none.
    """
    along = raster.plan.domain.axes[axis]
    names = ordered((*iterators_of(low), *iterators_of(high)), scope)
    if not names:
        asked = _asked_trim(along, low, high, grid_indices=grid_indices)
        return _cut_or_nothing(raster, axis, asked, scope)
    if isinstance(low, Index | Constant) and isinstance(high, Index | Constant):
        return _window(raster, axis, (low, high), scope, grid_indices=grid_indices)
    if isinstance(along, TimeAxis) and len(names) == 1 and not grid_indices:
        return _time_window(raster, axis, (low, high), scope)
    raise _ragged(along, names)


def _cut(raster: Raster, asked: Asked, scope: Scope) -> Raster:
    skip = len(raster.iterators)
    plan = cut(raster.plan, (asked,), scope.context.view, skip=skip)
    return Raster(plan=plan, iterators=raster.iterators, about=raster.about)


def _cut_or_nothing(raster: Raster, axis: int, asked: AskedTrim, scope: Scope) -> Raster:
    try:
        return _cut(raster, asked, scope)
    except (OutOfDomainError, TimeSelectionError):
        domain = raster.plan.domain
        one = domain.having(axis, _first_cell(domain.axes[axis]))
        plan = nothing(raster.plan.fields, one)
        return Raster(plan=plan, iterators=raster.iterators, about=raster.about)


def _first_cell(axis: Axis) -> Axis:
    if isinstance(axis, TimeAxis):
        return TimeAxis(name=axis.name, acquisitions=axis.acquisitions[:1])
    return axis.select(axis.first, axis.first)


def _asked(value: Value, axis: Axis) -> float | Period:
    found = still(value)
    if isinstance(found, str):
        if isinstance(axis, TimeAxis):
            return parse_time(found)
        try:
            return float(found)
        except ValueError:
            raise InvalidParameterError(
                f"axis {axis.name!r} takes numbers, not {found!r}"
            ) from None
    return found


def _asked_trim(
    axis: Axis, low: Value | None, high: Value | None, *, grid_indices: bool
) -> AskedTrim:
    return AskedTrim(
        axis=axis.name,
        low=None if low is None else _asked(low, axis),
        high=None if high is None else _asked(high, axis),
        grid_indices=grid_indices,
    )


def _ragged(axis: Axis, names: Sequence[str]) -> NotVectorisableError:
    return NotVectorisableError(
        f"the trim of axis {axis.name!r} keeps other numbers of cells at other places", names
    )


type _MakeIndex = Callable[[dict[str, int]], Affine | Table]
"""From the position of each iterator's axis in the result to the index on the source's axis."""


def _taken(
    raster: Raster, axis: int, names: tuple[str, ...], make: _MakeIndex, scope: Scope
) -> Raster:
    """Return the slice whose index depends on the iterators `names`."""
    skip = len(raster.iterators)
    own = raster.own_domain.without(axis - skip)
    return _laid(raster, axis, names, own, make, scope)


def _laid(  # noqa: PLR0913  # the parts of one node
    raster: Raster,
    axis: int,
    names: tuple[str, ...],
    own: Domain,
    make: _MakeIndex,
    scope: Scope,
    *,
    replaced: bool = False,
) -> Raster:
    every = ordered((*raster.iterators, *names), scope)
    domain = Domain(outer=(*(axis_of(n, scope) for n in every), *own.outer), grid=own.grid)
    kept = [every.index(name) for name in raster.iterators]
    skip = len(raster.iterators)
    rest = range(len(every), len(domain.axes))
    kept += [at for at in rest if not (replaced and at - len(every) == axis - skip)]
    plan = Take(
        source=raster.plan,
        axis=axis,
        index=make({name: at for at, name in enumerate(every)}),
        domain=domain,
        places=tuple(kept),
    )
    return Raster(plan=plan, iterators=every, about=raster.about)


def _affine_index(index: Index, at: dict[str, int]) -> Affine:
    terms = sorted((at[name], factor) for name, factor in index.terms)
    return Affine(offset=index.offset, terms=tuple(terms))


def _listed_index(
    indices: tuple[int, ...], names: tuple[str, ...], at: dict[str, int], scope: Scope
) -> Affine | Table:
    """Return listed indices as a sum where they are evenly spaced along one iterator."""
    if len(names) == 1:
        first = axis_of(names[0], scope).first
        step = indices[1] - indices[0] if len(indices) > 1 else 0
        if all(index == indices[0] + k * step for k, index in enumerate(indices)):
            terms = ((at[names[0]], step),) if step else ()
            return Affine(offset=indices[0] - step * first, terms=terms)
    return Table(axes=tuple(at[name] for name in names), indices=indices)


def _check_reach(index: Index, width: int, axis: Axis, scope: Scope) -> None:
    """Refuse indices beyond the axis.

    Raises
    ------
    OutOfDomainError
        With the lowest and highest index.
    """
    low = high = index.offset
    for name, factor in index.terms:
        along = axis_of(name, scope)
        ends = sorted((factor * along.first, factor * (along.stop - 1)))
        low, high = low + ends[0], high + ends[1]
    high += width - 1
    if low < axis.first or high >= axis.stop:
        raise OutOfDomainError(
            f"the iterators walk over indices {low}:{high} of axis {axis.name!r}, "
            f"which has {axis.first}:{axis.stop - 1}"
        )


def _indices(raster: Raster, axis: int, value: Value, scope: Scope) -> tuple[int, ...]:
    along = raster.plan.domain.axes[axis]
    if isinstance(value, Moments):
        if not isinstance(along, TimeAxis):
            raise InvalidParameterError(f"axis {along.name!r} takes numbers, not times")
        return _time_indices(raster.plan, axis, value.texts, scope)
    if isinstance(along, TimeAxis) or not isinstance(value, Index | Coordinates):
        names = iterators_of(value)
        raise NotVectorisableError(f"the slice of axis {along.name!r} is no plain index", names)
    if isinstance(value, Coordinates):
        numbers: Sequence[float] = value.numbers
    else:
        numbers = _numbers(value, scope)
    return tuple(along.at(number) for number in numbers)


def _numbers(index: Index, scope: Scope) -> list[float]:
    names = ordered([name for name, _ in index.terms], scope)
    axes = [axis_of(name, scope) for name in names]
    if prod(axis.size for axis in axes) > MOST_ENTRIES:
        raise NotVectorisableError("the iterators have too many places to list", names)
    factors = dict(index.terms)
    return [
        float(index.offset + sum(factors[n] * k for n, k in zip(names, places, strict=True)))
        for places in product(*(range(axis.first, axis.stop) for axis in axes))
    ]


def _time_indices(plan: Plan, axis: int, texts: Sequence[str], scope: Scope) -> tuple[int, ...]:
    along = plan.domain.axes[axis]
    if not isinstance(along, TimeAxis):
        raise TypeError(f"axis {along.name!r} is no time axis")
    at = {acquisition.reference: k for k, acquisition in enumerate(along)}
    apart = all(
        one.last < other.first
        for one, other in zip(along.acquisitions, along.acquisitions[1:], strict=False)
    )
    found: list[int] = []
    for text in texts:
        period = parse_time(text)
        exact = at.get(period.start) if apart and _is_instant(period) else None
        if exact is None:
            exact = acquisition_index(plan, axis, period, scope.context.view)
        found.append(exact)
    return tuple(found)


def _is_instant(period: Period) -> bool:
    return (period.end - period.start).total_seconds() <= 1


def _window(
    raster: Raster,
    axis: int,
    bounds: tuple[Index | Constant, Index | Constant],
    scope: Scope,
    *,
    grid_indices: bool,
) -> Raster:
    """Return a trim to as many indices at every place."""
    domain = raster.plan.domain
    along = domain.axes[axis]
    names = ordered([n for value in bounds for n in iterators_of(value)], scope)
    low, high = (affine(value) for value in bounds)
    if (
        low is None
        or high is None
        or dict(low.terms) != dict(high.terms)
        or not isinstance(along, RegularAxis)
        or not (grid_indices or along.index)
    ):
        raise _ragged(along, names)
    asked = AskedTrim(axis=along.name, low=low.offset, high=high.offset, grid_indices=grid_indices)
    first, stop = index_range(along, asked, by_centre=is_by_centre(domain, axis))
    moved = Index(offset=first, terms=low.terms)
    try:
        _check_reach(moved, stop - first, along, scope)
    except OutOfDomainError as error:
        raise _ragged(along, names) from error
    own_at = axis - len(raster.iterators)

    def make(at: dict[str, int]) -> Affine:
        affine = _affine_index(moved, at)
        return Affine(offset=affine.offset, terms=(*affine.terms, (len(at) + own_at, 1)))

    own = with_index_axis(raster.own_domain, own_at, stop - first)
    return _laid(raster, axis, names, own, make, scope, replaced=True)


def with_index_axis(domain: Domain, at: int, size: int) -> Domain:
    """Return a domain in which one axis counts its cells from 0.

    A plane on the Earth breaks by it; its other axis keeps the CRS.
    """
    old = domain.axes[at]
    axis = RegularAxis(name=old.name, uom="1", start=0, step=1, size=size, index=True)
    if at < len(domain.outer) or domain.plane.x.index:
        return domain.having(at, axis)
    left = domain.without(at).outer
    return Domain(outer=(*left[:at], axis, *left[at:]))


def _time_window(
    raster: Raster, axis: int, bounds: tuple[Value | None, Value | None], scope: Scope
) -> Raster:
    """Return a trim of time to as many acquisitions at every place."""
    along = raster.plan.domain.axes[axis]
    if not isinstance(along, TimeAxis):
        raise TypeError(f"axis {along.name!r} is no time axis")
    (name,) = ordered([n for value in bounds for n in iterators_of(value)], scope)
    size = axis_of(name, scope).size
    lows, highs = (_place_texts(value, size, along) for value in bounds)
    spans: list[tuple[int, int]] = []
    references = {a.reference: k for k, a in enumerate(along)}
    for low, high in zip(lows, highs, strict=True):
        try:
            kept = along.trim(
                None if low is None else parse_time(low),
                None if high is None else parse_time(high),
            )
        except TimeSelectionError as error:
            raise _ragged(along, (name,)) from error
        first = references[kept.acquisitions[0].reference]
        spans.append((first, first + kept.size))
    width = spans[0][1] - spans[0][0]
    if any(stop - first != width for first, stop in spans):
        raise _ragged(along, (name,))
    own_at = axis - len(raster.iterators)
    indices = tuple(first + k for first, _ in spans for k in range(width))

    def make(at: dict[str, int]) -> Table:
        return Table(axes=(at[name], len(at) + own_at), indices=indices)

    own = with_index_axis(raster.own_domain, own_at, width)
    return _laid(raster, axis, (name,), own, make, scope, replaced=True)


def _place_texts(value: Value | None, size: int, axis: Axis) -> tuple[str | None, ...]:
    match value:
        case None:
            return (None,) * size
        case Words(text=text) | Moments(iterator="", texts=(text,)):
            return (text,) * size
        case Moments(texts=texts):
            return texts
        case _:
            raise InvalidParameterError(f"axis {axis.name!r} takes times, not {describe(value)}")
