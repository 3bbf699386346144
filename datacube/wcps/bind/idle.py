"""Places of iterators over times at which a body asks for no acquisition at all.

`allhours` of years lists tens of thousands of hours, and a satellite passes in a few. Where a
body follows its iterator in nothing but trims of stored coverages, `$c[ansi($t:$t)]`, it is the
same at all places without an acquisition, and one of them is bound for all.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from itertools import accumulate

from datacube.axes import TimeAxis
from datacube.errors import InvalidParameterError
from datacube.plan.names import is_time
from datacube.wcps import syntax
from datacube.wcps.bind.iterations import Iteration
from datacube.wcps.bind.periods import parse_time
from datacube.wcps.bind.scope import Scope
from datacube.wcps.bind.values import Raster


def idle_places(node: object, iteration: Iteration, scope: Scope) -> frozenset[int]:
    """Return the places, from 0, at which the body of a condenser or constructor is the same.

    None where the body may follow the iterator otherwise than by trims.
    """
    if not iteration.texts or not isinstance(node, syntax.Condense | syntax.Construct):
        return frozenset()
    variable = syntax.Variable(name=iteration.variable)
    uses, axes = 0, list[TimeAxis]()
    for part in _parts(node):
        if part == variable:
            uses += 1
        elif isinstance(part, syntax.Subset):
            found = _time_axis(part.source, scope)
            for item in part.items:
                if found is not None and _follows(item, variable, found):
                    uses -= 2
                    axes.append(found)
    try:
        periods = [parse_time(text) for text in iteration.texts]
    except InvalidParameterError:
        return frozenset()
    if uses or not axes:
        return frozenset()
    busy = [_Busy(axis) for axis in axes]
    return frozenset(
        at
        for at, period in enumerate(periods)
        if not any(one.within(period.start, period.end) for one in busy)
    )


def _parts(node: syntax.Condense | syntax.Construct) -> Iterator[object]:
    """Yield all that the body is made of, at any depth."""
    body = (node.using, node.where) if isinstance(node, syntax.Condense) else (node.value,)
    todo: list[object] = list(body)
    while todo:
        part = todo.pop()
        if isinstance(part, tuple):
            todo.extend(part)
        elif is_dataclass(part) and not isinstance(part, syntax.Wkt | syntax.Span):
            yield part
            todo.extend(getattr(part, field.name) for field in fields(part) if field.compare)


def _time_axis(source: syntax.Expr, scope: Scope) -> TimeAxis | None:
    """Return the time axis of a stored coverage, or of a part of one."""
    while isinstance(source, syntax.Select | syntax.Subset):
        source = source.source
    value = scope.variables.get(source.name) if isinstance(source, syntax.Variable) else None
    if not isinstance(value, Raster):
        return None
    return next((axis for axis in value.own_axes if isinstance(axis, TimeAxis)), None)


def _follows(item: syntax.SubsetItem, variable: syntax.Variable, axis: TimeAxis) -> bool:
    return (
        isinstance(item, syntax.AxisTrim)
        and item.crs is None
        and (is_time(item.axis) or item.axis == axis.name)
        and item.low == item.high == variable
    )


class _Busy:
    """When an axis has acquisitions."""

    def __init__(self, axis: TimeAxis) -> None:
        known = sorted((acquisition.first, acquisition.last) for acquisition in axis)
        self.firsts = [first for first, _ in known]
        self.lasts = list(accumulate((last for _, last in known), max))

    def within(self, start: datetime, end: datetime) -> bool:
        """Tell whether an acquisition touches `[start, end)`."""
        before = bisect_left(self.firsts, end)
        return before > 0 and self.lasts[before - 1] >= start
