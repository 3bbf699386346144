"""Queries as they were typed: no types, no catalogue.

Keywords and function names are in lower case, variables without `$`. Runs of one
left-associative operator are flat. Every node has the place it was read from.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters of the query's text."""

    start: int
    stop: int


NOWHERE = Span(0, 0)
"""The span of nodes that were made, not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Syntax:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


# Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(_Syntax):
    """A number; negative ones are a `Unary` of a positive one."""

    value: int | float
    suffix: str = ""
    """Type suffix of the literal, such as `uc`, in lower case; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complex(_Syntax):
    """`(1.0, 2.0)`."""

    real: float
    imaginary: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol(_Syntax):
    """`nan`, `inf`, `true`, `false` or `null`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(_Syntax):
    """A quoted text, without its quotes and escapes."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(_Syntax):
    """A name: of a coverage, a `let`, an iterator; as an argument also of an axis or band."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode(_Syntax):
    """`decode($1)`: an uploaded file."""

    position: int
    """Number of the positional parameter, from 1."""


# Cell-wise


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(_Syntax):
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(_Syntax):
    """Two or more operands of one operator, folded from the left.

    Operators: `or xor and = != < <= > >= overlay + - * / concat`, the last of times
    and texts (`"2023" . "-01"`).
    """

    operator: str
    operands: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Syntax):
    """A function by name: cell-wise, reducer, of metadata or time, or `namespace.function`.

    Names of axes and bands among the arguments are `Variable`s.
    """

    function: str
    args: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Braces(_Syntax):
    """`{a, b}` as an argument: a list, such as a null set."""

    items: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(_Syntax):
    """`low:high` in a list, such as a null set."""

    low: "Expr"
    high: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast(_Syntax):
    """`(unsigned char) x`; the type's words with single blanks."""

    type: str
    operand: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull(_Syntax):
    """`x is [not] null`."""

    operand: "Expr"
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(_Syntax):
    """`x.name`: a band by name or number, or the `lo`, `hi`, `resolution` of a domain."""

    source: "Expr"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField(_Syntax):
    """One field of a range constructor."""

    name: str
    value: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(_Syntax):
    """`{red: a; green: b}`."""

    fields: tuple[RecordField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(_Syntax):
    """`case condition return value`."""

    condition: "Expr"
    value: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(_Syntax):
    """`switch case ... return ... default return ...`."""

    cases: tuple[Case, ...]
    default: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class NullValues(_Syntax):
    """`x null values [0, 5:7]`; none means `null mask discard`."""

    source: "Expr"
    values: tuple["Expr", ...]


# Subsets and geometry


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisTrim(_Syntax):
    """`axis:"crs"(low:high)`; a bound that is None is `*`."""

    axis: str
    crs: str | None = None
    low: "Expr | None"
    high: "Expr | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisPoint(_Syntax):
    """`axis:"crs"(at)`: a slice, or a factor of `scale`, or a resolution of `crsTransform`."""

    axis: str
    crs: str | None = None
    at: "Expr"


type SubsetItem = "AxisTrim | AxisPoint | Expr"
"""Other expressions are a `let` interval list, a domain, or a factor of `scale`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals(_Syntax):
    """`[Lat(1:2), Lon(0)]` as the value of a `let`."""

    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset(_Syntax):
    """`x[...]`, `trim(x, {...})` and `slice(x, {...})`."""

    source: "Expr"
    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(_Syntax):
    """`extend(x, {...})`."""

    source: "Expr"
    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(_Syntax):
    """`scale(x, 0.5)`, `scale(x, {...})`; an optional third argument names the method."""

    source: "Expr"
    items: tuple[SubsetItem, ...]
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisCrs(_Syntax):
    """`Lat:"EPSG:3857"`."""

    axis: str
    crs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrsTransform(_Syntax):
    """`crsTransform(x, crs, {method}, {resolutions}, {extent})`."""

    source: "Expr"
    crs: str | tuple[AxisCrs, ...]
    method: str = ""
    resolutions: tuple[AxisPoint, ...] = ()
    extent: tuple[SubsetItem, ...] = ()


type Position = tuple["float | str", ...]
"""Coordinates of a point, one an axis; times are texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wkt(_Syntax):
    """A geometry."""

    kind: str
    """`POLYGON`, `MULTIPOLYGON` or `LINESTRING`."""
    polygons: tuple[tuple[tuple[Position, ...], ...], ...]
    """Polygons of rings of points; a line string is one polygon of one ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curtain(_Syntax):
    """`CURTAIN(projection(Lat, Lon), wkt)`."""

    axes: tuple[str, ...]
    geometry: Wkt


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor(_Syntax):
    """`CORRIDOR(projection(Lat, Lon), track, mask[, discrete])`."""

    axes: tuple[str, ...]
    track: Wkt
    mask: Wkt
    discrete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(_Syntax):
    """`clip(x, geometry[, crs]) [with coordinates]`."""

    source: "Expr"
    geometry: "Wkt | Curtain | Corridor | Variable"
    crs: str | None = None
    with_coordinates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(_Syntax):
    """`flip x along axis`."""

    source: "Expr"
    axis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(_Syntax):
    """`sort x along axis [asc|desc] by key`."""

    source: "Expr"
    axis: str
    descending: bool
    by: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygonize(_Syntax):
    """`polygonize(x, "GeoJSON"[, 4|8])`."""

    source: "Expr"
    format: str
    connectedness: int = 4


# Aggregation and construction


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(_Syntax):
    """`low:high[:step]`, both inclusive."""

    low: "Expr"
    high: "Expr"
    step: "Expr | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(_Syntax):
    """`("2020-01-01", "2020-02-01")`: the places of an iterator, one by one."""

    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Iterator(_Syntax):
    """`$t ansi(...)`; the domain may be an expression such as `imageCrsDomain($c, ansi)`."""

    variable: str
    axis: str
    domain: "Range | Listed | Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condense(_Syntax):
    """`condense op over iterators [where condition] using value`."""

    operator: str
    """`+ * min max and or overlay`, or a reducer of ours such as `median`."""
    iterators: tuple[Iterator, ...]
    where: "Expr | None"
    using: "Expr"
    parameters: tuple["Expr", ...] = ()
    """`condense quantile(0.9) over ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Construct(_Syntax):
    """`coverage name over iterators values value`."""

    name: str
    iterators: tuple[Iterator, ...]
    value: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueList(_Syntax):
    """`coverage name over iterators value list <1; 2; 1>`, row by row."""

    name: str
    iterators: tuple[Iterator, ...]
    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAxis(_Syntax):
    """`x index (1:5)`."""

    name: str
    low: "Expr"
    high: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularAxis(_Syntax):
    """`lat regular (-2:2) resolution -0.5`; the extent names outer edges."""

    name: str
    low: "Expr"
    high: "Expr"
    resolution: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class IrregularAxis(_Syntax):
    """`d irregular ("2024-01-01", "2024-02-01")`."""

    name: str
    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeField(_Syntax):
    """`r quantity int`."""

    name: str
    type: str
    """The type's words with single blanks; empty where none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(_Syntax):
    """The constructor of WCPS 1.1; axis names are iterators in `range_set`."""

    name: str
    crs: str
    axes: tuple[IndexAxis | RegularAxis | IrregularAxis, ...]
    range_type: tuple[RangeField, ...]
    range_set: "Expr"


# Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode(_Syntax):
    """`encode(x, "format"[, "parameters"])`."""

    source: "Expr"
    format: str
    parameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe(_Syntax):
    """`describe(x, "gml"[, "parameters"])`."""

    source: "Expr"
    format: str
    parameters: str = ""


type Expr = (
    Number
    | Complex
    | Symbol
    | Text
    | Variable
    | Decode
    | Unary
    | Operation
    | Call
    | Braces
    | Between
    | Cast
    | IsNull
    | Select
    | Record
    | Switch
    | NullValues
    | Subset
    | Extend
    | Scale
    | CrsTransform
    | Clip
    | Flip
    | Sort
    | Polygonize
    | Condense
    | Construct
    | ValueList
    | Coverage
    | Encode
    | Describe
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding(_Syntax):
    """`$c in (A, B)`: the query runs once for each source."""

    variable: str
    sources: tuple[Variable | Decode, ...]
    """Coverage ids (`Variable`, which may hold `host:port:id`) or uploads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Let(_Syntax):
    """`$x := value`."""

    variable: str
    value: "Expr | Intervals | Wkt | Curtain | Corridor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(_Syntax):
    """`for ... let ... where ... return ...`."""

    bindings: tuple[Binding, ...]
    lets: tuple[Let, ...] = ()
    where: Expr | None = None
    result: Expr
