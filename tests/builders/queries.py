"""Random queries, as syntax trees that the parser can make: every kind of node, small."""

from functools import cache

from hypothesis import strategies as st

from datacube.wcps import syntax

FUNCTIONS = [
    "abs",
    "add",
    "allmonths",
    "all",
    "arctan",
    "atan2",
    "avg",
    "bit",
    "cellcount",
    "ceil",
    "count",
    "crsset",
    "div",
    "domain",
    "exp",
    "floor",
    "identifier",
    "imagecrsdomain",
    "ln",
    "max",
    "median",
    "min",
    "mod",
    "pow",
    "quantile",
    "round",
    "setnullset",
    "some",
    "sqrt",
    "sum",
    "image.stretch",
    "a.b.c",
]
CONDENSERS = ("+", "*", "min", "max", "and", "or", "xor", "overlay", "median", "quantile")
OPERATORS = ("or", "xor", "and", "=", "!=", "<", "<=", ">", ">=", "overlay", "+", "-", "*", "/")

type Exprs = st.SearchStrategy[syntax.Expr]

names = st.sampled_from(["c", "d", "Lat", "ansi", "B08", "b4", "x", "index", "using", "müll"])
variables = st.builds(
    syntax.Variable, name=names | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
)
axes = st.sampled_from(["Lat", "Lon", "ansi", "E", "N", "i", "domains", "where"])
crs_names = st.sampled_from(["CRS:1", "EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"])
methods = st.sampled_from(["", "near", "bilinear", "average"])
texts = st.text(max_size=12)
coordinates = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)

numbers = st.builds(
    syntax.Number,
    value=st.integers(0, 10**20)
    | st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(abs),
    suffix=st.sampled_from(["", "", "", "uc", "us", "c", "s", "l", "f", "d", "ul"]),
)
_floats = st.floats(allow_nan=False, allow_infinity=False)
leaves: Exprs = st.one_of(
    variables,
    numbers,
    st.builds(syntax.Complex, real=_floats, imaginary=_floats),
    st.builds(syntax.Symbol, name=st.sampled_from(["nan", "inf", "true", "false", "null"])),
    st.builds(syntax.Text, value=texts),
    st.builds(syntax.Decode, position=st.integers(1, 9)),
)


def _tuples[T](
    of: st.SearchStrategy[T], least: int = 1, most: int = 3
) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(of, min_size=least, max_size=most).map(tuple)


positions = st.tuples(coordinates, coordinates) | st.tuples(coordinates, coordinates, texts)
_rings = _tuples(positions, 2, 4)
lines = st.builds(
    syntax.Wkt, kind=st.just("LINESTRING"), polygons=_rings.map(lambda ring: ((ring,),))
)
polygons = st.builds(
    syntax.Wkt, kind=st.just("POLYGON"), polygons=_tuples(_rings, 1, 2).map(lambda rings: (rings,))
)
geometries = st.one_of(
    lines,
    polygons,
    st.builds(
        syntax.Wkt, kind=st.just("MULTIPOLYGON"), polygons=_tuples(_tuples(_rings, 1, 2), 1, 2)
    ),
    st.builds(syntax.Curtain, axes=_tuples(names, 1, 2), geometry=lines | polygons),
    st.builds(
        syntax.Corridor,
        axes=_tuples(names, 1, 2),
        track=lines,
        mask=polygons,
        discrete=st.booleans(),
    ),
)


@cache
def expressions(depth: int = 3) -> Exprs:
    """Return expressions whose tree is at most about twice `depth` deep."""
    if depth == 0:
        return leaves
    inner = expressions(depth - 1)
    return st.one_of(
        leaves, _cellwise(inner), _subsets(inner), _reprojections(inner), _aggregates(inner)
    )


def items(inner: Exprs) -> st.SearchStrategy[tuple[syntax.SubsetItem, ...]]:
    """Return what may stand in the brackets of a subset."""
    crs = st.none() | crs_names
    bounds = st.none() | inner
    return _tuples(
        st.one_of(
            st.builds(syntax.AxisTrim, axis=axes, crs=crs, low=bounds, high=bounds),
            st.builds(syntax.AxisPoint, axis=axes, crs=crs, at=inner),
            inner,
        )
    )


def _calls(inner: Exprs) -> Exprs:
    between = st.builds(syntax.Between, low=inner, high=inner)
    braces = st.builds(syntax.Braces, items=_tuples(inner | between, 0))
    nested = st.builds(syntax.Braces, items=_tuples(inner | between | braces, 0))
    return st.builds(
        syntax.Call,
        function=st.sampled_from(FUNCTIONS),
        args=_tuples(inner | between | nested, 0),
    )


def _cellwise(inner: Exprs) -> Exprs:
    fields = st.builds(syntax.RecordField, name=names, value=inner)
    cases = st.builds(syntax.Case, condition=inner, value=inner)
    return st.one_of(
        st.builds(syntax.Unary, operator=st.sampled_from(["-", "+", "not"]), operand=inner),
        st.builds(
            syntax.Operation,
            operator=st.sampled_from([*OPERATORS, "concat"]),
            operands=_tuples(inner, 2, 4),
        ),
        _calls(inner),
        st.builds(
            syntax.Cast,
            type=st.sampled_from(["float", "unsigned char", "cint16", "double", "boolean"]),
            operand=inner,
        ),
        st.builds(syntax.IsNull, operand=inner, negated=st.booleans()),
        st.builds(
            syntax.Select, source=inner, name=st.sampled_from(["b4", "B8A", "0", "12", "hi", "min"])
        ),
        st.builds(syntax.Record, fields=_tuples(fields)),
        st.builds(syntax.Switch, cases=_tuples(cases, 1, 2), default=inner),
        st.builds(
            syntax.NullValues,
            source=inner,
            values=_tuples(inner | st.builds(syntax.Between, low=inner, high=inner), 0),
        ),
    )


def _subsets(inner: Exprs) -> Exprs:
    return st.one_of(
        st.builds(syntax.Subset, source=inner, items=items(inner)),
        st.builds(syntax.Extend, source=inner, items=items(inner)),
        st.builds(syntax.Flip, source=inner, axis=axes),
        st.builds(syntax.Sort, source=inner, axis=axes, descending=st.booleans(), by=inner),
    )


def _reprojections(inner: Exprs) -> Exprs:
    axis_crs = st.builds(syntax.AxisCrs, axis=axes, crs=crs_names)
    return st.one_of(
        st.builds(
            syntax.Scale,
            source=inner,
            items=items(inner),
            method=methods
            | _tuples(st.builds(syntax.AxisMethod, axis=axes, method=methods.filter(bool))),
        ),
        st.builds(
            syntax.CrsTransform,
            source=inner,
            crs=crs_names | _tuples(axis_crs),
            method=methods,
            resolutions=_tuples(st.builds(syntax.AxisPoint, axis=axes, at=inner), 0, 2),
            extent=st.just(()) | items(inner),
        ),
        st.builds(
            syntax.Clip,
            source=inner,
            geometry=geometries | variables,
            crs=st.none() | crs_names,
            with_coordinates=st.booleans(),
        ),
        st.builds(
            syntax.Polygonize,
            source=inner,
            format=texts,
            connectedness=st.sampled_from([4, 8]),
        ),
        st.builds(syntax.Encode, source=inner, format=texts, parameters=texts),
        st.builds(syntax.Describe, source=inner, format=texts, parameters=texts),
    )


def _aggregates(inner: Exprs) -> Exprs:
    ranges = st.builds(syntax.Range, low=inner, high=inner, step=st.none() | inner)
    domains = st.one_of(ranges, st.builds(syntax.Listed, values=_tuples(inner, 2, 3)), inner)
    iterators = _tuples(st.builds(syntax.Iterator, variable=names, axis=axes, domain=domains), 1, 2)
    return st.one_of(
        st.builds(
            syntax.Condense,
            operator=st.sampled_from(CONDENSERS),
            iterators=iterators,
            where=st.none() | inner,
            using=inner,
        ),
        st.builds(
            syntax.Condense,
            operator=st.just("quantile"),
            parameters=_tuples(inner, 1, 2),
            iterators=iterators,
            where=st.none() | inner,
            using=inner,
        ),
        st.builds(syntax.Construct, name=names, iterators=iterators, value=inner),
        st.builds(syntax.ValueList, name=names, iterators=iterators, values=_tuples(inner)),
        _coverages(inner),
    )


def _coverages(inner: Exprs) -> Exprs:
    axis = st.one_of(
        st.builds(syntax.IndexAxis, name=axes, low=inner, high=inner),
        st.builds(syntax.RegularAxis, name=axes, low=inner, high=inner, resolution=inner),
        st.builds(syntax.IrregularAxis, name=axes, values=_tuples(inner)),
    )
    fields = st.builds(
        syntax.RangeField, name=names, type=st.sampled_from(["", "int", "unsigned char"])
    )
    return st.builds(
        syntax.Coverage,
        name=names,
        crs=crs_names,
        axes=_tuples(axis),
        range_type=_tuples(fields),
        range_set=inner,
    )


def queries(depth: int = 3) -> st.SearchStrategy[syntax.Query]:
    """Return whole queries; their names mean nothing to any catalogue."""
    inner = expressions(depth)
    ids = st.sampled_from(
        ["A", "S2_L2A_32633_10m", "a.b-c", "node2:7000:A", "node2.example.org--7000--A", "for"]
    )
    sources = st.builds(syntax.Variable, name=ids) | st.builds(
        syntax.Decode, position=st.integers(1, 9)
    )
    bindings = st.builds(syntax.Binding, variable=names, sources=_tuples(sources, 1, 2))
    values = st.one_of(inner, geometries, st.builds(syntax.Intervals, items=items(inner)))
    return st.builds(
        syntax.Query,
        bindings=_tuples(bindings, 1, 2),
        lets=_tuples(st.builds(syntax.Let, variable=names, value=values), 0, 2),
        where=st.none() | inner,
        result=inner,
    )
