"""The coverage constructor of WCPS 1.1: domain, range type and range set.

Axis names are iterators in the range set: indices, times, and the centres of cells of
regular axes. In the result, time and other axes come first, then the plane, y before x.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from urllib.parse import unquote

from pyproj import CRS

from datacube.axes import SNAP_DECIMALS, IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from datacube.grid import northing_first
from datacube.plan.crs import names_indices, names_times, parse_crs
from datacube.plan.functions import apply
from datacube.plan.nodes import Bands, Field, Pick, Plan
from datacube.plan.types import CAST_TYPES
from datacube.wcps import syntax
from datacube.wcps.bind.construct import constructed
from datacube.wcps.bind.iterations import Iteration, Side, check_places, indices, listed, times
from datacube.wcps.bind.iterators import still
from datacube.wcps.bind.periods import parse_duration, parse_time, steps
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.unroll import bind_over
from datacube.wcps.bind.values import Raster

_COMPOUND = re.compile(r"https?://.{1,300}/crs-compound\?(?P<parts>.+)", re.IGNORECASE)
_HOURS = 24

type AxisSyntax = syntax.IndexAxis | syntax.RegularAxis | syntax.IrregularAxis


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One CRS of a compound one, and what each of its axes is."""

    text: str
    crs: CRS | None
    """None of indices and times."""
    sides: tuple[Side, ...]
    timed: bool = False


def bind_coverage(node: syntax.Coverage, scope: Scope) -> Raster:
    """Bind the constructor of WCPS 1.1.

    Raises
    ------
    InvalidParameterError
        If the axes do not fit the CRS, or the range set not the range type.
    UnknownNameError
        If a CRS or type does not exist.
    """
    names = [axis.name for axis in node.axes]
    if len(set(names)) < len(names):
        raise InvalidParameterError(f"an axis comes twice: {', '.join(names)}")
    parts = _parts(node.crs)
    places = [(part, side) for part in parts for side in part.sides]
    if len(places) != len(node.axes):
        raise InvalidParameterError(
            f"{node.crs!r} has {len(places)} axes, and {len(names)} are given: {', '.join(names)}"
        )
    iterations = [
        _iteration(axis, part, side, scope)
        for axis, (part, side) in zip(node.axes, places, strict=True)
    ]
    ordered = sorted(iterations, key=lambda iteration: ("", "y", "x").index(iteration.side))
    over = bind_over(node, ordered, scope, lambda inner: (inner.raster(node.range_set),))
    raster = constructed(over, ordered, node.name)
    return replace(raster, plan=_typed(raster.plan, node.range_type, scope))


def _parts(text: str) -> tuple[_Part, ...]:
    compound = _COMPOUND.fullmatch(text.strip())
    if compound is None:
        return tuple(_part(one) for one in text.split("+"))
    named = (pair.partition("=") for pair in compound["parts"].split("&"))
    numbered = sorted((int(k), unquote(v)) for k, _, v in named if k.isdecimal())
    return tuple(_part(one) for _, one in numbered)


def _part(text: str) -> _Part:
    text = text.strip()
    if names_times(text):
        return _Part(text=text, crs=None, sides=("",), timed=True)
    if names_indices(text):
        number = re.search(r"Index([1-9])D$", text, re.IGNORECASE)
        if number is None:
            raise UnknownNameError("crs", text, ("OGC:Index1D", "OGC:Index2D", "..."))
        none: tuple[Side, ...] = ("",)
        return _Part(text=text, crs=None, sides=none * int(number[1]))
    crs = parse_crs(text)
    return _Part(text=text, crs=crs, sides=("y", "x") if northing_first(crs) else ("x", "y"))


def _iteration(axis: AxisSyntax, part: _Part, side: Side, scope: Scope) -> Iteration:
    try:
        made = _walked(axis, part, scope)
        if part.timed and not isinstance(made.axis, TimeAxis):
            raise InvalidParameterError(
                f"axis {axis.name!r} of {part.text!r} has times in quotes, as in "
                'irregular ("2024-01-01", "2024-02-01")'
            )
    except RequestError as error:
        scope.locate(error, axis.span)
        raise
    if part.crs is None or not isinstance(made.axis, RegularAxis) or made.axis.index:
        return replace(made, side=side)
    uom = "deg" if part.crs.is_geographic else "m"
    return replace(made, axis=replace(made.axis, crs=part.crs, uom=uom), side=side)


def _walked(axis: AxisSyntax, part: _Part, scope: Scope) -> Iteration:
    match axis:
        case syntax.IndexAxis(name=name):
            ends = [_whole(still(scope.bind(b)), name) for b in (axis.low, axis.high)]
            return indices(name, name, *ends)
        case syntax.IrregularAxis(name=name, values=values):
            found = [still(scope.bind(value)) for value in values]
            if part.timed:
                return listed(name, name, found)
            return _irregular(name, found)
        case syntax.RegularAxis(name=name):
            low, high, step = (still(scope.bind(b)) for b in (axis.low, axis.high, axis.resolution))
            return _regular(name, (low, high), step)


def _whole(bound: float | str, axis: str) -> int:
    if isinstance(bound, str) or not float(bound).is_integer():
        raise InvalidParameterError(f"axis {axis!r}: indices are whole numbers, not {bound!r}")
    return int(bound)


def _irregular(name: str, values: Sequence[float | str]) -> Iteration:
    """Return an irregular axis, evenly spaced though its coefficients may be."""
    made = listed(name, name, values)
    if made.texts:
        return made
    numbers = tuple(float(value) for value in values)
    return Iteration(
        variable=name,
        axis=IrregularAxis(name=name, uom="1", coefficients=numbers),
        numbers=tuple(value for value in values if not isinstance(value, str)),
    )


def _regular(name: str, bounds: tuple[float | str, float | str], step: float | str) -> Iteration:
    """Return an axis whose bounds are outer edges; a positive step counts from the low one.

    The last cell reaches beyond the far edge where the step does not divide the extent.
    """
    low, high = bounds
    if isinstance(low, str) and isinstance(high, str):
        if not isinstance(step, str):
            # The unit of AnsiDate is the day.
            step = f"PT{round(step * _HOURS)}H"
        return times(name, name, steps(parse_time(low), parse_time(high), parse_duration(step)))
    if isinstance(low, str) or isinstance(high, str) or isinstance(step, str):
        raise InvalidParameterError(
            f"axis {name!r} takes two numbers and a resolution, or two times and a duration, "
            f"not {low!r}, {high!r} and {step!r}"
        )
    if step == 0 or not low < high:
        raise InvalidParameterError(
            f"axis {name!r} from {low:g} to {high:g} with resolution {step:g} has no cell"
        )
    ratio = (high - low) / abs(step)
    if not isfinite(ratio):
        raise InvalidParameterError(
            f"axis {name!r} from {low:g} to {high:g} at {step:g} has no number of cells"
        )
    cells = ceil(round(ratio, SNAP_DECIMALS))
    if cells < 1:
        raise InvalidParameterError(f"axis {name!r} would have {cells} cells")
    check_places(cells, name)
    axis = RegularAxis(
        name=name, uom="1", start=low if step > 0 else high, step=float(step), size=cells
    )
    numbers = tuple(float(number) for number in axis.coordinates())
    return Iteration(variable=name, axis=axis, numbers=numbers)


def _typed(plan: Plan, declared: Sequence[syntax.RangeField], scope: Scope) -> Plan:
    """Give the fields their declared names and types: by name where the names agree."""
    fields = plan.fields
    if len(fields) != len(declared):
        names = ", ".join(field.name for field in declared)
        raise InvalidParameterError(
            f"the range type has {len(declared)} fields ({names}), the range set {len(fields)}"
        )
    by_name = {field.name: field for field in fields}
    named = set(by_name) == {field.name for field in declared}
    picks = []
    for at, wanted in enumerate(declared):
        found = by_name[wanted.name] if named else fields[at]
        one = _cast(plan, found, wanted, scope)
        picks.append(Pick(source=one, field=one.fields[0].name, name=wanted.name))
    return Bands(picks=tuple(picks))


def _cast(plan: Plan, found: Field, wanted: syntax.RangeField, scope: Scope) -> Plan:
    one: Plan = plan
    if len(plan.fields) > 1:
        one = Bands(picks=(Pick(source=plan, field=found.name, name=found.name),))
    if not wanted.type:
        return one
    dtype = CAST_TYPES.get(wanted.type)
    if dtype is None:
        error = UnknownNameError("type", wanted.type, tuple(CAST_TYPES))
        scope.locate(error, wanted.span)
        raise error
    return apply(f"cast {dtype}", one, compat=scope.context.compat)


BINDERS: Mapping[type, Binder] = {syntax.Coverage: bind_coverage}
