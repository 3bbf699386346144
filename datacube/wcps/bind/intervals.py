"""What stands in brackets: bounds, factors and domains of named axes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite

from pyproj import CRS

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, RequestError
from datacube.plan import query
from datacube.plan.crs import names_indices, names_times, parse_crs
from datacube.plan.nodes import POINT, Literal, leaves
from datacube.times import Period
from datacube.wcps.bind.iterators import NotVectorisableError, iterators_of
from datacube.wcps.bind.periods import parse_time
from datacube.wcps.bind.scope import Scope
from datacube.wcps.bind.values import (
    Constant,
    Coordinates,
    Cuts,
    Extents,
    Index,
    Interval,
    Moments,
    Periods,
    Raster,
    Value,
    Words,
)
from datacube.wcps.syntax import AxisPoint, AxisTrim, Expr, Span, SubsetItem

type Moving = Index | Moments | Coordinates


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One item: an interval or a place of a named axis, its bounds bound."""

    axis: str
    """As the query spelled it."""
    span: Span
    crs: CRS | None = None
    """The CRS that the query named, where it is one of the plane."""
    indices: bool = False
    """Bounds are grid indices, both inclusive."""
    low: Value | None = None
    high: Value | None = None
    """None is `*`."""
    at: Value | None = None
    """The place of a slice, or a factor; then there are no bounds."""
    interval: Interval | None = None
    """The domain that the bounds were taken from, whole."""

    @property
    def moving(self) -> bool:
        """Whether a bound depends on an iterator."""
        return any(is_moving(value) for value in (self.low, self.high, self.at))

    @property
    def following(self) -> bool:
        """Whether a bound depends on an iterator, or a trim's comes from one that stands still.

        What such a trim keeps may be nothing at some places.
        """
        bounds = (self.low, self.high)
        standing = self.crs is None and any(isinstance(b, Index | Moments) for b in bounds)
        return standing or self.moving


def is_moving(value: Value | None) -> bool:
    """Tell whether a value depends on an iterator."""
    match value:
        case Index(terms=terms):
            return bool(terms)
        case Moments(iterator=name) | Coordinates(iterator=name):
            return bool(name)
        case Raster(iterators=names):
            return bool(names)
        case _:
            return False


def expand(items: Iterable[SubsetItem], scope: Scope) -> tuple[Part | Constant, ...]:
    """Bind the items of a bracket; a `let` list or a domain stands for its parts.

    A number without an axis, which is a factor of `scale`, stays.

    Raises
    ------
    RequestError
        If an item is no interval, or a bound cannot be bound.
    """
    found: list[Part | Constant] = []
    for item in items:
        try:
            found.extend(_expanded(item, scope))
        except RequestError as error:
            scope.locate(error, item.span)
            raise
    return tuple(found)


def parts(items: Iterable[SubsetItem], scope: Scope) -> tuple[Part, ...]:
    """Bind the items of a bracket in which every item names its axis.

    Raises
    ------
    InvalidParameterError
        If one does not.
    """
    found = expand(items, scope)
    made = tuple(one for one in found if isinstance(one, Part))
    if len(made) < len(found):
        raise InvalidParameterError(
            "a number here needs the name of its axis, as in Lat(10:20)", parameter="subset"
        )
    return made


def counted(part: Part, axis: Axis) -> Part:
    """Return a part with grid indices where an iterator over indices stands on a time axis.

    Clients of rasdaman write `ansi($t)` for `ansi:"CRS:1"($t)`; on time nothing else can be meant.
    """
    if isinstance(axis, TimeAxis) and any(
        isinstance(value, Index) for value in (part.low, part.high, part.at)
    ):
        return replace(part, indices=True)
    return part


def asked(part: Part, axis: Axis, scope: Scope) -> query.Trim | query.Slice:
    """Return a part whose bounds are known as a trim or slice of `axis`.

    Raises
    ------
    InvalidParameterError
        If a bound is of the wrong kind.
    """
    if part.interval is not None:
        return _of_interval(part)
    if part.at is not None:
        place = bound(part.at, axis, scope)
        return query.Slice(axis=part.axis, at=place, crs=part.crs, grid_index=part.indices)
    return query.Trim(
        axis=part.axis,
        low=None if part.low is None else bound(part.low, axis, scope),
        high=None if part.high is None else bound(part.high, axis, scope),
        crs=part.crs,
        grid_indices=part.indices,
    )


def bound(value: Value, axis: Axis | None, scope: Scope) -> float | Period:
    """Return a bound that is known now: a time where it is a text on a time axis, else a number.

    Raises
    ------
    InvalidParameterError
        If it is neither, or depends on cells.
    """
    match value:
        case Words(text=text) | Moments(iterator="", texts=(text,)) | Periods(texts=(text,)):
            return parse_time(text) if isinstance(axis, TimeAxis) else _written(text, axis)
        case _:
            return number(value, scope)


def number(value: Value, scope: Scope) -> float:
    """Return a real number that is known now.

    Raises
    ------
    NotVectorisableError
        If it depends on iterators.
    InvalidParameterError
        If it is none, or depends on cells.
    """
    known: object = value.value if isinstance(value, Constant) else None
    match value:
        case Constant() if isinstance(known, int | float) and not isinstance(known, bool):
            found = float(known)
        case Index(offset=offset, terms=()):
            found = float(offset)
        case Coordinates(iterator="", numbers=(one,)):
            found = one
        case Raster(plan=plan) if plan.domain == POINT:
            if not all(isinstance(leaf, Literal) for leaf in leaves(plan)):
                raise InvalidParameterError(
                    "a bound must be known before cells are read; this one depends on cells"
                )
            return number(Constant(value=scope.context.fold(plan)), scope)
        case _:
            names = iterators_of(value)
            if names:
                raise NotVectorisableError("a number is needed that no iterator changes", names)
            raise InvalidParameterError("a bound is a number or a time in quotes")
    if not isfinite(found):
        raise InvalidParameterError(f"a bound is a finite number, not {found:g}")
    return found


def _expanded(item: SubsetItem, scope: Scope) -> tuple[Part | Constant, ...]:
    if isinstance(item, AxisTrim):
        crs, indices = named_crs(item.crs)
        low = None if item.low is None else scope.bind(item.low)
        high = None if item.high is None else scope.bind(item.high)
        return (Part(axis=item.axis, span=item.span, crs=crs, indices=indices, low=low, high=high),)
    if isinstance(item, AxisPoint):
        return (_point(item, scope),)
    return _stands_for(item, scope)


def _point(item: AxisPoint, scope: Scope) -> Part:
    crs, indices = named_crs(item.crs)
    value = scope.bind(item.at)
    made = Part(axis=item.axis, span=item.span, crs=crs, indices=indices)
    match value:
        case Interval():
            return replace(made, interval=value)
        case Extents(intervals=(interval,)):
            return replace(made, interval=interval)
        case _:
            return replace(made, at=value)


def _stands_for(item: Expr, scope: Scope) -> tuple[Part | Constant, ...]:
    value = scope.bind(item)
    match value:
        case Cuts(items=items):
            return expand(items, scope)
        case Interval():
            return (Part(axis=value.axis.name, span=item.span, interval=value),)
        case Extents(domain=domain, intervals=intervals):
            grid = domain.grid
            planar = () if grid is None else (grid.y.name, grid.x.name)
            return tuple(
                Part(
                    axis=one.axis.name,
                    span=item.span,
                    interval=one,
                    crs=grid.crs
                    if grid is not None and one.axis.name in planar and not one.indices
                    else None,
                )
                for one in intervals
            )
        case Constant():
            return (value,)
        case _:
            return (Constant(value=number(value, scope)),)


def named_crs(text: str | None) -> tuple[CRS | None, bool]:
    """Return the CRS of a plane that a subset names, and whether it means grid indices.

    The CRS is None where none is named, or that of time.

    Raises
    ------
    UnknownNameError
        If there is no such CRS.
    """
    if text is None or names_times(text):
        return None, False
    if names_indices(text):
        return None, True
    return parse_crs(text), False


def _of_interval(part: Part) -> query.Trim:
    interval = part.interval
    if interval is None:
        raise TypeError("the part is no interval")
    axis = interval.axis
    crs = part.crs if interval.crs is None else named_crs(interval.crs)[0]
    low, high = (
        parse_time(end) if isinstance(end, str) else end for end in (interval.low, interval.high)
    )
    indices = interval.indices
    if isinstance(axis, RegularAxis) and axis.index and not indices:
        indices, low, high = True, float(axis.first), float(axis.stop - 1)
    return query.Trim(
        axis=part.axis, low=low, high=high, crs=None if indices else crs, grid_indices=indices
    )


def _written(text: str, axis: Axis | None) -> float:
    """Read a number in quotes."""
    try:
        found = float(text)
    except ValueError:
        name = "this axis" if axis is None else f"axis {axis.name!r}"
        raise InvalidParameterError(f"{name} takes numbers, not {text!r}") from None
    if not isfinite(found):
        raise InvalidParameterError(f"a bound is a finite number, not {text!r}")
    return found
