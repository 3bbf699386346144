"""Functions with arguments of their own form: subsets, scales, geometries, results."""

from collections.abc import Callable, Mapping

from lark import Token

from datacube.wcps import syntax
from datacube.wcps.raw import (
    MisplacedError,
    Node,
    Part,
    RawBraces,
    RawCall,
    RawInterval,
    listed,
    plain_call,
    settle,
    span_of,
    subset_items,
    unquote,
    value,
)
from datacube.wcps.syntax import SubsetItem


def _take(call: RawCall, least: int, most: int, usage: str) -> list[Part]:
    """Return the call's arguments, their number checked."""
    if not least <= len(call.items) <= most:
        raise MisplacedError(
            f"{call.name} takes {least}"
            + (f" to {most}" if most > least else "")
            + f" arguments, as in {usage}, not {len(call.items)}",
            call.span,
        )
    return list(call.items)


def _text(part: Part, what: str) -> str:
    if isinstance(part, Token) and part.type == "TEXT":
        return unquote(part)
    raise MisplacedError(f"{what} is a text in quotes", span_of(part))


def _braces(part: Part, what: str) -> list[Part]:
    if isinstance(part, RawBraces):
        return list(part.items)
    raise MisplacedError(f"{what} stands in braces", span_of(part))


def _method(part: Part) -> str:
    """Return the name of a method in braces, in quotes or bare; none is the empty text."""
    span = span_of(part)
    if isinstance(part, RawBraces):
        if not part.items:
            return ""
        if len(part.items) == 1:
            part = part.items[0]
    if isinstance(part, Token) and part.type in ("NAME", "TEXT"):
        return (unquote(part) if part.type == "TEXT" else str(part)).lower()
    if isinstance(part, syntax.Variable):
        return part.name.lower()
    raise MisplacedError("expected the name of one method, as in {bilinear}", span)


def _encode(call: RawCall) -> Node:
    parts = _take(call, 2, 3, 'encode($c, "image/png")')
    return syntax.Encode(
        source=value(parts[0]),
        format=_text(parts[1], "the format"),
        parameters=_text(parts[2], "the third argument") if parts[2:] else "",
        span=call.span,
    )


def _describe(call: RawCall) -> Node:
    parts = _take(call, 2, 3, 'describe($c, "gml")')
    return syntax.Describe(
        source=value(parts[0]),
        format=_text(parts[1], "the format"),
        parameters=_text(parts[2], "the third argument") if parts[2:] else "",
        span=call.span,
    )


def _axes(call: RawCall, usage: str) -> tuple[syntax.Expr, tuple[SubsetItem, ...]]:
    """Return the source and the axes, which stand in braces or follow as arguments."""
    parts = _take(call, 2, 100, usage)
    first = parts[1]
    items = first.items if isinstance(first, RawBraces) and len(parts) == 2 else parts[1:]
    return value(parts[0]), subset_items(items)


def _subset(call: RawCall) -> Node:
    source, items = _axes(call, f"{call.name}($c, {{Lat(10:20)}})")
    return syntax.Subset(source=source, items=items, span=call.span)


def _extend(call: RawCall) -> Node:
    source, items = _axes(call, "extend($c, {Lat(10:20)})")
    return syntax.Extend(source=source, items=items, span=call.span)


def _scale(call: RawCall) -> Node:
    parts = _take(call, 2, 3, "scale($c, {Lat(0.5), Lon(0.5)})")
    by = parts[1]
    return syntax.Scale(
        source=value(parts[0]),
        items=subset_items(by.items if isinstance(by, RawBraces) else [by]),
        method=_methods(parts[2]) if parts[2:] else "",
        span=call.span,
    )


def _methods(part: Part) -> str | tuple[syntax.AxisMethod, ...]:
    """Return the name of one method, or methods by axis: `{Lat(average), Lon(near)}`."""
    if not _holds_axes(part) or not isinstance(part, RawBraces):
        return _method(part)
    found = []
    for item in part.items:
        match item:
            case RawInterval(bounds=(Token() as axis, Token() as method)):
                pass
            case RawCall(items=(Token() as method,)):
                axis = Token("NAME", item.name)
            case _:
                axis = method = Token("STAR", "")
        if axis.type != "NAME" or method.type not in ("NAME", "TEXT"):
            raise MisplacedError("expected axes and methods, as in {Lat(average)}", span_of(item))
        found.append(syntax.AxisMethod(axis=str(axis), method=_method(method), span=span_of(item)))
    return tuple(found)


def _crs_transform(call: RawCall) -> Node:
    parts = _take(call, 2, 5, 'crsTransform($c, "EPSG:3857", {bilinear})')
    crs, rest = parts[1], parts[2:]
    method = _method(rest.pop(0)) if rest and not _holds_axes(rest[0]) else ""
    # With one argument left it is the extent where an item is no resolution: the client `wcps`
    # leaves resolutions out, rasdaman writes them as empty braces.
    resolutions = rest.pop(0) if rest and (rest[1:] or not _is_extent(rest[0])) else None
    return syntax.CrsTransform(
        source=value(parts[0]),
        crs=tuple(_axis_crs(item) for item in crs.items)
        if isinstance(crs, RawBraces)
        else _text(crs, "the CRS"),
        method=method,
        resolutions=()
        if resolutions is None
        else tuple(map(_resolution, _braces(resolutions, "the resolution"))),
        extent=subset_items(_braces(rest.pop(0), "the extent")) if rest else (),
        span=call.span,
    )


def _holds_axes(part: Part) -> bool:
    """Tell whether braces hold `X:100`, `X(1:2)` or `domain($c)`, and so name no method."""
    named = (RawInterval, RawCall, syntax.Call)
    return isinstance(part, RawBraces) and any(isinstance(item, named) for item in part.items)


def _is_extent(part: Part) -> bool:
    """Tell whether braces hold an interval `X(1:2)` or a domain, which no resolution is."""
    return isinstance(part, RawBraces) and any(
        isinstance(item, syntax.Call) or (isinstance(item, RawCall) and not _is_point(item))
        for item in part.items
    )


def _is_point(call: RawCall) -> bool:
    return isinstance(subset_items([call])[0], syntax.AxisPoint)


def _axis_crs(part: Part) -> syntax.AxisCrs:
    if isinstance(part, RawInterval) and len(part.bounds) == 2:
        axis, crs = part.bounds
        if isinstance(axis, Token) and axis.type == "NAME":
            return syntax.AxisCrs(axis=str(axis), crs=_text(crs, "the CRS"), span=part.span)
    raise MisplacedError('expected an axis and its CRS, as in Lat:"EPSG:3857"', span_of(part))


def _resolution(part: Part) -> syntax.AxisPoint:
    if isinstance(part, RawInterval) and len(part.bounds) == 2:
        axis, at = part.bounds
        if isinstance(axis, Token) and axis.type == "NAME":
            return syntax.AxisPoint(axis=str(axis), at=value(at), span=part.span)
    if isinstance(part, RawCall):
        (item,) = subset_items([part])
        if isinstance(item, syntax.AxisPoint):
            return item
    raise MisplacedError("expected an axis and its resolution, as in X:100", span_of(part))


def _clip(call: RawCall) -> Node:
    parts = _take(call, 2, 3, "clip($c, POLYGON((1 1, 2 1, 2 2, 1 1)))")
    geometry = parts[1] if isinstance(parts[1], Token) else settle(parts[1])
    if isinstance(geometry, Token):
        geometry = value(geometry)
    if not isinstance(geometry, syntax.Wkt | syntax.Curtain | syntax.Corridor | syntax.Variable):
        raise MisplacedError(
            "clip takes a POLYGON, MULTIPOLYGON, LINESTRING, CURTAIN or CORRIDOR,"
            " or a variable with one",
            span_of(parts[1]),
        )
    return syntax.Clip(
        source=value(parts[0]),
        geometry=geometry,
        crs=_text(parts[2], "the CRS") if parts[2:] else None,
        span=call.span,
    )


def _curtain(call: RawCall) -> Node:
    projection, geometry = _take(call, 2, 2, "CURTAIN(projection(Lat, Lon), LINESTRING(1 1, 2 2))")
    return syntax.Curtain(
        axes=_projection(projection), geometry=_geometry(geometry), span=call.span
    )


def _corridor(call: RawCall) -> Node:
    parts = _take(
        call, 3, 4, "CORRIDOR(projection(Lat, Lon), LINESTRING(...), POLYGON((...)), discrete)"
    )
    if parts[3:] and not (isinstance(parts[3], Token) and parts[3].lower() == "discrete"):
        raise MisplacedError("expected the word discrete", span_of(parts[3]))
    return syntax.Corridor(
        axes=_projection(parts[0]),
        track=_geometry(parts[1]),
        mask=_geometry(parts[2]),
        discrete=len(parts) == 4,
        span=call.span,
    )


def _projection(part: Part) -> tuple[str, ...]:
    if isinstance(part, syntax.Call) and part.function == "projection":
        names = tuple(arg.name for arg in part.args if isinstance(arg, syntax.Variable))
        if names and len(names) == len(part.args):
            return names
    raise MisplacedError("expected the axes, as in projection(Lat, Lon)", span_of(part))


def _geometry(part: Part) -> syntax.Wkt:
    if isinstance(part, syntax.Wkt):
        return part
    raise MisplacedError("expected a geometry, as in LINESTRING(1 1, 2 2)", span_of(part))


def _polygonize(call: RawCall) -> Node:
    parts = _take(call, 2, 3, 'polygonize($c, "GeoJSON", 8)')
    neighbours = value(parts[2]) if parts[2:] else syntax.Number(value=4)
    if not isinstance(neighbours, syntax.Number) or neighbours.value not in (4, 8):
        raise MisplacedError("the neighbours of a cell are 4 or 8", span_of(parts[2]))
    return syntax.Polygonize(
        source=value(parts[0]),
        format=_text(parts[1], "the format"),
        connectedness=int(neighbours.value),
        span=call.span,
    )


def _times(call: RawCall) -> Node:
    """Return a function that lists times, of a time or of a range `low:high` of times."""
    args = tuple(map(listed, call.items))
    return syntax.Call(function=call.name.lower(), args=args, span=call.span)


_UNITS = ("years", "months", "days", "hours", "minutes", "seconds")
SPECIAL: Mapping[str, Callable[[RawCall], Node]] = {
    "clip": _clip,
    "corridor": _corridor,
    "crstransform": _crs_transform,
    "curtain": _curtain,
    "describe": _describe,
    "encode": _encode,
    "extend": _extend,
    "polygonize": _polygonize,
    "scale": _scale,
    "slice": _subset,
    "trim": _subset,
    **dict.fromkeys(_UNITS, _times),
    **dict.fromkeys((f"all{unit}" for unit in _UNITS), _times),
}


def call(name: str, items: list[Part], span: syntax.Span) -> RawCall:
    """Return a call whose arguments are decided, except lists in braces and bounds."""
    settled = [item if isinstance(item, Token | RawBraces) else settle(item) for item in items]
    return RawCall(name, settled, span, SPECIAL.get(name.lower(), plain_call))
