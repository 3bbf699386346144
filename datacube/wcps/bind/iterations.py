"""What iterators walk over: `$t ansi(imageCrsDomain($c, ansi))`, `$x x(0:9)`, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from math import floor
from typing import Literal as OneOf

from pyproj import CRS

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, LimitExceededError, RequestError
from datacube.times import Acquisition, Period, iso_text
from datacube.wcps import syntax
from datacube.wcps.bind.iterators import still
from datacube.wcps.bind.periods import Duration, parse_duration, parse_time, steps
from datacube.wcps.bind.scope import Scope, describe
from datacube.wcps.bind.values import (
    Constant,
    Coordinates,
    Extents,
    Index,
    Interval,
    Moments,
    Periods,
    Raster,
    Value,
)

MOST_PLACES = 1_000_000
"""Most places of an iterator whose coordinates are listed one by one."""
_GREATEST = 2**53
_SNAP = 1e-5
"""A bound this part of a step beyond the last place counts as that place."""

type Side = OneOf["y", "x", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """The places of one iterator, and what its variable is at each.

    A whole number affine in the index, unless there are texts or numbers.
    """

    variable: str
    axis: Axis
    offset: int = 0
    factor: int = 1
    """At index k the variable is `offset + factor * k`."""
    texts: tuple[str, ...] = ()
    """Times or parts of times, one a place."""
    numbers: tuple[float, ...] = ()
    """Coordinates, one a place; whole ones stay whole."""
    side: Side = ""
    """Which axis of the plane of `axis.crs` it is."""

    def moving(self, identity: str) -> Value:
        """Return the variable's value while its places are an axis of plans."""
        if self.texts:
            return Moments(iterator=identity, texts=self.texts)
        if self.numbers:
            return Coordinates(iterator=identity, numbers=self.numbers)
        return Index(offset=self.offset, terms=((identity, self.factor),))

    def standing(self, place: int) -> Value:
        """Return the variable's value at one place, counted from 0."""
        if self.texts:
            return Moments(iterator="", texts=(self.texts[place],))
        if not self.numbers:
            index = self.axis.first + place
            return Index(offset=self.offset + self.factor * index, terms=())
        number = self.numbers[place]
        if isinstance(number, int):
            return Index(offset=number, terms=())
        return Constant(value=number)


def bind_iterators(nodes: Sequence[syntax.Iterator], scope: Scope) -> tuple[Iteration, ...]:
    """Bind the domains of iterators; in one the names of the others are unknown.

    Raises
    ------
    NotVectorisableError
        If a domain depends on an iterator further out.
    InvalidParameterError
        If two have one variable or one axis.
    RequestError
        If a domain is none, or too large to list.
    """
    made: list[Iteration] = []
    for node in nodes:
        try:
            _check_new(node, made)
            made.append(_domain(node, scope))
        except RequestError as error:
            scope.locate(error, node.span)
            raise
    return tuple(made)


def _check_new(node: syntax.Iterator, made: Sequence[Iteration]) -> None:
    if node.variable in (iteration.variable for iteration in made):
        raise InvalidParameterError(f"two iterators are called ${node.variable}")
    if node.axis in (iteration.axis.name for iteration in made):
        raise InvalidParameterError(f"two iterators walk along an axis called {node.axis!r}")


def _domain(node: syntax.Iterator, scope: Scope) -> Iteration:
    match node.domain:
        case syntax.Range(low=low, high=high, step=step):
            bounds = still(scope.bind(low)), still(scope.bind(high))
            apart = None if step is None else still(scope.bind(step))
            return stepped(node.variable, node.axis, bounds, apart)
        case syntax.Listed(values=values):
            return listed(node.variable, node.axis, [still(scope.bind(v)) for v in values])
        case other:
            return _walked(node, other, scope.bind(other), scope)


def _walked(node: syntax.Iterator, expr: syntax.Expr, value: Value, scope: Scope) -> Iteration:
    match value:
        case Interval():
            return _whole(node, expr, value, scope)
        case Extents(intervals=(interval,)):
            return _whole(node, expr, interval, scope)
        case Extents(intervals=intervals):
            names = ", ".join(interval.axis.name for interval in intervals)
            raise InvalidParameterError(
                f"an iterator walks along one axis, not {len(intervals)}: {names}; "
                "name one, as in domain($c, Lat)"
            )
        case Periods(texts=texts):
            return listed(node.variable, node.axis, texts)
        case Raster():
            raise InvalidParameterError(f"an iterator walks over a domain, not {describe(value)}")
        case _:
            return listed(node.variable, node.axis, [still(value)])


def _whole(node: syntax.Iterator, expr: syntax.Expr, interval: Interval, scope: Scope) -> Iteration:
    """Return an iterator over all cells of an axis."""
    axis = replace(interval.axis, name=node.axis)
    if interval.indices or (isinstance(axis, RegularAxis) and axis.index):
        return indices(node.variable, node.axis, axis.first, axis.stop - 1)
    if isinstance(axis, TimeAxis):
        texts = tuple(iso_text(acquisition.reference) for acquisition in axis)
        return Iteration(variable=node.variable, axis=axis, texts=texts)
    check_places(axis.size, node.axis)
    side: Side = ""
    if isinstance(axis, RegularAxis):
        crs, side = _plane_of(expr, interval.axis.name, scope)
        axis = replace(axis, crs=crs or axis.crs)
    numbers = tuple(float(number) for number in axis.coordinates())
    return Iteration(variable=node.variable, axis=axis, numbers=numbers, side=side)


def _plane_of(expr: syntax.Expr, axis: str, scope: Scope) -> tuple[CRS | None, Side]:
    """Return the CRS of the plane that an axis of `domain($c, axis)` belongs to."""
    if not (isinstance(expr, syntax.Call) and len(expr.args) == 2):
        return None, ""
    raster = scope.raster(expr.args[0])
    grid = raster.own_domain.grid
    if grid is None or axis not in (grid.y.name, grid.x.name):
        return None, ""
    return grid.crs, "y" if axis == grid.y.name else "x"


def indices(variable: str, axis: str, low: int, high: int, step: int = 1) -> Iteration:
    """Return an iterator over whole numbers, both ends inclusive.

    Raises
    ------
    InvalidParameterError
        If there is none.
    """
    size = (high - low) // step + 1
    if size < 1 or max(abs(low), abs(high)) > _GREATEST:
        raise InvalidParameterError(
            f"{low}:{high}{'' if step == 1 else f':{step}'} on axis {axis!r} has no place; the "
            "low bound comes first, and both lie within 2^53 of 0"
        )
    plain = step == 1
    along = RegularAxis(
        name=axis,
        uom="1",
        start=0 if plain else low,
        step=step,
        first=low if plain else 0,
        size=size,
        index=True,
    )
    return Iteration(variable=variable, axis=along, offset=0 if plain else low, factor=step)


def stepped(
    variable: str, axis: str, bounds: tuple[float | str, float | str], step: float | str | None
) -> Iteration:
    """Return an iterator over `low:high[:step]`, both ends inclusive.

    Numbers without a step are 1 apart, times as far as the first is precise. A step in
    time is an ISO 8601 duration.

    Raises
    ------
    InvalidParameterError
        If bounds and step do not go together, or there is no place.
    LimitExceededError
        If there are too many.
    """
    first, last = bounds
    if isinstance(first, str) and isinstance(last, str):
        duration = None if step is None else _duration(step)
        return times(variable, axis, steps(parse_time(first), parse_time(last), duration))
    if isinstance(first, str) or isinstance(last, str):
        raise InvalidParameterError(
            f"the bounds of axis {axis!r} are two numbers or two times in quotes, "
            f"not {first!r} and {last!r}"
        )
    if isinstance(step, str):
        raise InvalidParameterError(f"a step between numbers is a number, not {step!r}")
    return _numeric(variable, axis, (first, last), step)


def _duration(step: float | str) -> Duration:
    if isinstance(step, str):
        return parse_duration(step)
    raise InvalidParameterError(f"a step in time is a duration such as P1M, not {step:g}")


def _numeric(
    variable: str, axis: str, bounds: tuple[float, float], step: float | None
) -> Iteration:
    low, high = bounds
    if step == 0:
        raise InvalidParameterError(f"the step of axis {axis!r} is 0")
    if step is None and float(low).is_integer() and float(high).is_integer():
        return indices(variable, axis, int(low), int(high))
    if step is not None and all(type(number) is int for number in (low, high, step)):
        return indices(variable, axis, int(low), int(high), int(step))
    step = 1.0 if step is None else step
    places = (high - low) / step + _SNAP
    if not 0 <= places < _GREATEST:
        raise InvalidParameterError(f"{low:g}:{high:g}:{step:g} on axis {axis!r} has no place")
    size = floor(places) + 1
    check_places(size, axis)
    along = RegularAxis(name=axis, uom="1", start=low - step / 2, step=step, size=size)
    return Iteration(variable=variable, axis=along, numbers=_centres(along))


def _centres(axis: RegularAxis) -> tuple[float, ...]:
    return tuple(float(number) for number in axis.coordinates())


def check_places(number: int, axis: str) -> None:
    """Refuse an axis of too many coordinates to list.

    Raises
    ------
    LimitExceededError
        With their number and the number allowed.
    """
    if number > MOST_PLACES:
        raise LimitExceededError(
            f"axis {axis!r} has {number:,} places; an iterator walks over at most "
            f"{MOST_PLACES:,} coordinates, indices are not limited (imageCrsDomain)"
        )


def listed(variable: str, axis: str, values: Sequence[float | str]) -> Iteration:
    """Return an iterator over values listed one by one.

    Raises
    ------
    InvalidParameterError
        If they are not all numbers or all texts.
    """
    texts = [value for value in values if isinstance(value, str)]
    numbers = [value for value in values if not isinstance(value, str)]
    if texts and numbers:
        raise InvalidParameterError(
            f"the places of axis {axis!r} are all numbers or all times in quotes, not both"
        )
    if texts:
        return times(variable, axis, texts)
    return _listed_numbers(variable, axis, numbers)


def _listed_numbers(variable: str, axis: str, numbers: Sequence[float]) -> Iteration:
    gaps = {b - a for a, b in pairwise(numbers)}
    whole = [number for number in numbers if isinstance(number, int)]
    if len(whole) == len(numbers) and len(gaps) <= 1 and 0 not in gaps:
        return indices(variable, axis, whole[0], whole[-1], int(next(iter(gaps), 1)))
    along = _ascending(axis, numbers)
    return Iteration(variable=variable, axis=along, numbers=tuple(numbers))


def _ascending(axis: str, numbers: Sequence[float]) -> IrregularAxis:
    if any(a >= b for a, b in pairwise(numbers)):
        shown = ", ".join(f"{number:g}" for number in numbers[:10])
        raise InvalidParameterError(f"the places of axis {axis!r} ascend; these do not: {shown}")
    return IrregularAxis(name=axis, uom="1", coefficients=tuple(map(float, numbers)))


def times(variable: str, axis: str, texts: Sequence[str]) -> Iteration:
    """Return an iterator over texts: times, or parts of times such as `"05"`.

    Times are those of a time axis, parts the indices of an index axis.

    Raises
    ------
    InvalidParameterError
        If the times do not ascend.
    """
    found = tuple(texts)
    if all(text.isdecimal() and len(text) <= 2 for text in found):
        made = _listed_numbers(variable, axis, [int(text) for text in found])
        return replace(made, texts=found, numbers=())
    periods = [parse_time(text) for text in found]
    return Iteration(
        variable=variable,
        axis=time_axis(axis, periods),
        texts=tuple(period.text for period in periods),
    )


def time_axis(axis: str, periods: Sequence[Period]) -> TimeAxis:
    """Return a time axis whose coefficients are valid as long as times are precise.

    Raises
    ------
    InvalidParameterError
        If the times do not ascend.
    """
    acquisitions = tuple(
        Acquisition(
            reference=period.start,
            first=period.start,
            last=period.end - timedelta(microseconds=1),
        )
        for period in periods
    )
    if any(a.start >= b.start for a, b in pairwise(periods)):
        shown = ", ".join(period.text for period in periods[:10])
        raise InvalidParameterError(f"the times of axis {axis!r} ascend; these do not: {shown}")
    return TimeAxis(name=axis, acquisitions=acquisitions)
