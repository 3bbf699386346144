"""From a syntax tree to the text of a query: `parse(print_query(query)) == query`.

One clause a line, variables with `$`, parentheses only where the tree needs them. Recursion
is as deep as the tree, which `parse` bounds; no level takes more than three calls.
"""

from collections.abc import Sequence
from types import MappingProxyType

from datacube.wcps import syntax
from datacube.wcps.raw import DOMAINS
from datacube.wcps.syntax import Expr, SubsetItem

# How tightly a node binds. An operand that binds less than its place needs stands in parentheses.
_OPEN = 0  # takes all that follows: `condense ... using`, `default return`
_LEVELS = MappingProxyType(
    {
        "overlay": 1,
        "or": 2,
        "xor": 2,
        "and": 3,
        "not": 4,
        **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), 5),
        "+": 6,
        "-": 6,
        "*": 7,
        "/": 7,
    }
)
_NOT, _COMPARISON, _SUM, _UNARY, _POSTFIX, _PRIMARY, _NAMED = 4, 5, 6, 8, 9, 10, 11

_SPELLINGS = MappingProxyType(
    {
        name.lower(): name
        for name in (
            "cellCount",
            "crsSet",
            "imageCrs",
            "imageCrsDomain",
            "interpolationDefault",
            "interpolationSet",
            "nullSet",
        )
    }
)
_OF_AXIS_OR_BAND = DOMAINS | {"interpolationdefault", "interpolationset", "nullset"}
"""Functions whose second argument is the name of an axis or band."""

_RESERVED = frozenset(
    ["not", "nan", "inf", "true", "false", "null", "switch", "flip", "sort", "condense", "coverage"]
)
"""Words that begin an expression, so that they are no bare names there."""


def print_query(query: syntax.Query) -> str:
    """Return the text of a query, without a line end."""
    bindings = ",\n    ".join(
        f"${binding.variable} in ({', '.join(map(_source, binding.sources))})"
        for binding in query.bindings
    )
    lines = [f"for {bindings}"]
    if query.lets:
        lets = ",\n    ".join(f"${let.variable} := {_let(let.value)}" for let in query.lets)
        lines.append(f"let {lets}")
    if query.where is not None:
        lines.append(f"where {print_expr(query.where)}")
    lines.append(f"return\n  {print_expr(query.result)}")
    return "\n".join(lines)


def print_expr(expr: Expr) -> str:  # noqa: C901, PLR0912  # one case a kind of node
    """Return the text of an expression."""
    match expr:
        case syntax.Number():
            return f"{expr.value!r}{expr.suffix}"
        case syntax.Complex():
            return f"({expr.real!r}, {expr.imaginary!r})"
        case syntax.Symbol():
            return expr.name
        case syntax.Text():
            return _quoted(expr.value)
        case syntax.Variable():
            return f"${expr.name}"
        case syntax.Decode():
            return f"decode(${expr.position})"
        case syntax.Unary():
            return _unary(expr)
        case syntax.Operation():
            return _concat(expr) if expr.operator == "concat" else _operation(expr)
        case syntax.Call():
            return _call(expr)
        case syntax.Braces():
            return f"{{{', '.join(map(_listed, expr.items))}}}"
        case syntax.Between():
            return f"({print_expr(expr.low)}:{print_expr(expr.high)})"
        case syntax.Cast():
            return f"({expr.type}) {_at(expr.operand, _UNARY)}"
        case syntax.IsNull():
            return f"{_at(expr.operand, _SUM)} is {'not ' if expr.negated else ''}null"
        case syntax.Select():
            return f"{_at(expr.source, _NAMED)}.{expr.name}"
        case syntax.Record():
            fields = (f"{field.name}: {print_expr(field.value)}" for field in expr.fields)
            return f"{{{'; '.join(fields)}}}"
        case syntax.NullValues():
            source = _at(expr.source, _PRIMARY)
            values = ", ".join(map(_listed, expr.values))
            return f"{source} null values [{values}]" if values else f"{source} null mask discard"
        case syntax.Subset():
            return f"{_at(expr.source, _PRIMARY)}[{_items(expr.items)}]"
        case syntax.Switch() | syntax.Flip() | syntax.Sort():
            return _clauses(expr)
        case syntax.Condense() | syntax.Construct() | syntax.ValueList() | syntax.Coverage():
            return _construction(expr)
        case _:
            return _special(expr)


type _Special = (
    syntax.Extend
    | syntax.Scale
    | syntax.CrsTransform
    | syntax.Clip
    | syntax.Polygonize
    | syntax.Encode
    | syntax.Describe
)
type _Construction = syntax.Condense | syntax.Construct | syntax.ValueList | syntax.Coverage


def _level(expr: Expr) -> int:  # one case a group of nodes
    match expr:
        case syntax.Operation(operator="concat"):
            return _POSTFIX
        case syntax.Operation():
            return _LEVELS[expr.operator]
        case syntax.Unary():
            return _NOT if expr.operator == "not" else _UNARY
        case syntax.IsNull():
            return _COMPARISON
        case syntax.Cast():
            return _UNARY
        case syntax.NullValues() | syntax.Clip(with_coordinates=True):
            return _POSTFIX
        case syntax.Switch() | syntax.Flip() | syntax.Sort() | syntax.Condense():
            return _OPEN
        case syntax.Construct() | syntax.ValueList() | syntax.Coverage():
            return _OPEN
        # A dot after a number or a text means something else.
        case syntax.Number() | syntax.Text():
            return _PRIMARY
        case _:
            return _NAMED


def _at(expr: Expr, level: int) -> str:
    """Return the text of an operand, in parentheses where it binds less than `level`."""
    text = print_expr(expr)
    return text if _level(expr) >= level else f"({text})"


def _unary(expr: syntax.Unary) -> str:
    if expr.operator == "not":
        return f"not {_at(expr.operand, _NOT)}"
    # `--` would begin a comment.
    again = isinstance(expr.operand, syntax.Unary)
    return f"{expr.operator}{_at(expr.operand, _NAMED + 1 if again else _UNARY)}"


def _operation(expr: syntax.Operation) -> str:
    level = _LEVELS[expr.operator]
    first, *rest = expr.operands
    # A run of the same operator would become one node.
    same = isinstance(first, syntax.Operation) and first.operator == expr.operator
    texts = [_at(first, level + same), *[_at(operand, level + 1) for operand in rest]]
    return f" {expr.operator} ".join(texts)


def _concat(expr: syntax.Operation) -> str:
    first, *rest = expr.operands
    texts = [_at(first, _PRIMARY)]
    for operand in rest:
        plain = isinstance(operand, syntax.Text | syntax.Variable)
        texts.append(_at(operand, _PRIMARY if plain else _NAMED + 1))
    return " . ".join(texts)


def _call(expr: syntax.Call) -> str:
    args = [print_expr(arg) for arg in expr.args]
    if expr.function in _OF_AXIS_OR_BAND and len(args) > 1:
        args[1] = _bare(expr.args[1])
    elif expr.function == "projection":
        args = [_bare(arg) for arg in expr.args]
    return f"{_SPELLINGS.get(expr.function, expr.function)}({', '.join(args)})"


def _bare(expr: Expr) -> str:
    """Return the name of an axis or band without `$`, where it is one."""
    if isinstance(expr, syntax.Variable) and expr.name.lower() not in _RESERVED:
        return expr.name
    return print_expr(expr)


def _special(expr: _Special) -> str:
    source = print_expr(expr.source)
    match expr:
        case syntax.Extend():
            return f"extend({source}, {{{_items(expr.items)}}})"
        case syntax.Scale():
            named = expr.method
            if not isinstance(named, str):
                named = ", ".join(f"{one.axis}({one.method})" for one in named)
            method = f", {{{named}}}" if named else ""
            factor = len(expr.items) == 1 and isinstance(expr.items[0], syntax.Number)
            items = _items(expr.items)
            return f"scale({source}, {items if factor else f'{{{items}}}'}{method})"
        case syntax.CrsTransform():
            return f"crsTransform({source}, {', '.join(_crs_arguments(expr))})"
        case syntax.Clip():
            crs = "" if expr.crs is None else f", {_quoted(expr.crs)}"
            coordinates = " with coordinates" if expr.with_coordinates else ""
            return f"clip({source}, {_geometry(expr.geometry)}{crs}){coordinates}"
        case syntax.Polygonize():
            return f"polygonize({source}, {_quoted(expr.format)}, {expr.connectedness})"
        case syntax.Encode() | syntax.Describe():
            name = "encode" if isinstance(expr, syntax.Encode) else "describe"
            parameters = f", {_quoted(expr.parameters)}" if expr.parameters else ""
            return f"{name}({source}, {_quoted(expr.format)}{parameters})"


def _crs_arguments(expr: syntax.CrsTransform) -> list[str]:
    axes = expr.crs
    crs = (
        _quoted(axes)
        if isinstance(axes, str)
        else f"{{{', '.join(f'{item.axis}:{_quoted(item.crs)}' for item in axes)}}}"
    )
    arguments = [crs, f"{{{expr.method}}}"]
    if expr.resolutions or expr.extent:
        resolutions = (f"{item.axis}:{print_expr(item.at)}" for item in expr.resolutions)
        arguments.append(f"{{{', '.join(resolutions)}}}")
    if expr.extent:
        arguments.append(f"{{{_items(expr.extent)}}}")
    return arguments


def _clauses(expr: syntax.Switch | syntax.Flip | syntax.Sort) -> str:
    match expr:
        case syntax.Switch():
            cases = " ".join(
                f"case {_at(case.condition, 1)} return {_at(case.value, 1)}" for case in expr.cases
            )
            return f"switch {cases} default return {print_expr(expr.default)}"
        case syntax.Flip():
            return f"flip {_at(expr.source, 1)} along {expr.axis}"
        case syntax.Sort():
            order = "desc" if expr.descending else "asc"
            source = _at(expr.source, 1)
            return f"sort {source} along {expr.axis} {order} by {print_expr(expr.by)}"


def _construction(expr: _Construction) -> str:
    if isinstance(expr, syntax.Coverage):
        axes = ", ".join(map(_axis, expr.axes))
        fields = ", ".join(
            f"{field.name} quantity {field.type}".rstrip() for field in expr.range_type
        )
        return (
            f"coverage {expr.name} domain crs {_quoted(expr.crs)} with {axes}"
            f" range type {fields} range set {print_expr(expr.range_set)}"
        )
    over = ", ".join(
        f"${item.variable} {item.axis}({_domain(item.domain)})" for item in expr.iterators
    )
    match expr:
        case syntax.Condense():
            parameters = ", ".join(map(print_expr, expr.parameters))
            operator = f"{expr.operator}({parameters})" if parameters else expr.operator
            where = "" if expr.where is None else f" where {_at(expr.where, 1)}"
            return f"condense {operator} over {over}{where} using {print_expr(expr.using)}"
        case syntax.Construct():
            return f"coverage {expr.name} over {over} values {print_expr(expr.value)}"
        case syntax.ValueList():
            values = "; ".join(_at(item, _SUM) for item in expr.values)
            return f"coverage {expr.name} over {over} value list <{values}>"


def _axis(axis: syntax.IndexAxis | syntax.RegularAxis | syntax.IrregularAxis) -> str:
    if isinstance(axis, syntax.IrregularAxis):
        return f"{axis.name} irregular ({', '.join(map(print_expr, axis.values))})"
    extent = f"({print_expr(axis.low)}:{print_expr(axis.high)})"
    if isinstance(axis, syntax.IndexAxis):
        return f"{axis.name} index {extent}"
    return f"{axis.name} regular {extent} resolution {_at(axis.resolution, 1)}"


def _domain(domain: syntax.Range | syntax.Listed | Expr) -> str:
    match domain:
        case syntax.Range():
            bounds = [domain.low, domain.high, *([domain.step] if domain.step else [])]
            return ":".join(map(print_expr, bounds))
        case syntax.Listed():
            return ", ".join(map(print_expr, domain.values))
        case _:
            return print_expr(domain)


def _items(items: Sequence[SubsetItem]) -> str:
    return ", ".join(map(_item, items))


def _item(item: SubsetItem) -> str:
    match item:
        case syntax.AxisTrim():
            low, high = (
                "*" if bound is None else print_expr(bound) for bound in (item.low, item.high)
            )
            return f"{_axis_name(item)}({low}:{high})"
        case syntax.AxisPoint():
            return f"{_axis_name(item)}({print_expr(item.at)})"
        case syntax.Call(function=function) if function not in DOMAINS:
            called = True
        case _:
            called = isinstance(item, _Special.__value__)
    # It would be read as an axis.
    return f"({print_expr(item)})" if called else print_expr(item)


def _axis_name(item: syntax.AxisTrim | syntax.AxisPoint) -> str:
    return item.axis if item.crs is None else f"{item.axis}:{_quoted(item.crs)}"


def _listed(item: Expr) -> str:
    if isinstance(item, syntax.Between):
        return f"{print_expr(item.low)}:{print_expr(item.high)}"
    return print_expr(item)


def _source(source: syntax.Variable | syntax.Decode) -> str:
    return source.name if isinstance(source, syntax.Variable) else print_expr(source)


type _Geometry = syntax.Wkt | syntax.Curtain | syntax.Corridor | syntax.Variable


def _let(value: Expr | syntax.Intervals | _Geometry) -> str:
    match value:
        case syntax.Intervals():
            return f"[{_items(value.items)}]"
        case syntax.Wkt() | syntax.Curtain() | syntax.Corridor():
            return _geometry(value)
        case _:
            return print_expr(value)


def _geometry(geometry: _Geometry) -> str:
    match geometry:
        case syntax.Variable():
            return f"${geometry.name}"
        case syntax.Wkt():
            return _wkt(geometry)
        case syntax.Curtain():
            axes = ", ".join(geometry.axes)
            return f"CURTAIN(projection({axes}), {_wkt(geometry.geometry)})"
        case syntax.Corridor():
            axes = ", ".join(geometry.axes)
            discrete = ", discrete" if geometry.discrete else ""
            return (
                f"CORRIDOR(projection({axes}), {_wkt(geometry.track)},"
                f" {_wkt(geometry.mask)}{discrete})"
            )


def _wkt(geometry: syntax.Wkt) -> str:
    polygons = [[_ring(ring) for ring in rings] for rings in geometry.polygons]
    if geometry.kind == "LINESTRING":
        return f"LINESTRING{polygons[0][0]}"
    texts = [f"({', '.join(rings)})" for rings in polygons]
    return (
        f"POLYGON{texts[0]}"
        if geometry.kind == "POLYGON"
        else f"{geometry.kind}({', '.join(texts)})"
    )


def _ring(points: Sequence[syntax.Position]) -> str:
    return f"({', '.join(' '.join(map(_coordinate, point)) for point in points)})"


def _coordinate(coordinate: float | str) -> str:
    if isinstance(coordinate, str):
        return _quoted(coordinate)
    exact = coordinate.is_integer() and abs(coordinate) < 1e15
    return str(int(coordinate)) if exact else repr(coordinate)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
