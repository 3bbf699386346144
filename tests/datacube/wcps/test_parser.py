"""What texts mean: each is compared with a tree written by hand, or with a plainer text."""

import pytest

from datacube.wcps import syntax
from datacube.wcps.parser import parse
from datacube.wcps.printer import print_query
from datacube.wcps.syntax import (
    AxisPoint,
    AxisTrim,
    Between,
    Braces,
    Call,
    Cast,
    Clip,
    Complex,
    Expr,
    IsNull,
    NullValues,
    Number,
    Operation,
    Record,
    RecordField,
    Scale,
    Select,
    Span,
    Subset,
    Symbol,
    Text,
    Unary,
    Variable,
    Wkt,
)
from tests.builders.trees import EXAMPLES, C, D, T, expression, n, operation


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["production"])
def test_reads_and_prints_every_example(example: dict[str, str]) -> None:
    query = parse(example["query"])
    assert parse(print_query(query)) == query


def test_has_every_example() -> None:
    assert len(EXAMPLES) == 170


OPERATORS = {
    "$c + 1 + 2 + 3": operation("+", C, n(1), n(2), n(3)),
    "($c + 1) + 2": operation("+", operation("+", C, n(1)), n(2)),
    "$c - 1 + 2 + 3 - 4": operation("-", operation("+", operation("-", C, n(1)), n(2), n(3)), n(4)),
    "$c * 2 - 1 / 4 + 3": operation(
        "+", operation("-", operation("*", C, n(2)), operation("/", n(1), n(4))), n(3)
    ),
    "$c * (1 + 2)": operation("*", C, operation("+", n(1), n(2))),
    "-$c.b4 * 2": operation("*", Unary(operator="-", operand=Select(source=C, name="b4")), n(2)),
    "+$c": Unary(operator="+", operand=C),
    "2 * -3": operation("*", n(2), Unary(operator="-", operand=n(3))),
    "$c = 1 and $c < 2 or $d": operation(
        "or", operation("and", operation("=", C, n(1)), operation("<", C, n(2))), D
    ),
    "$c or $d xor $c": operation("xor", operation("or", C, D), C),
    "not $c = 0": Unary(operator="not", operand=operation("=", C, n(0))),
    "(not $c)": Unary(operator="not", operand=C),
    "not($c = 0) and $c": operation(
        "and", Unary(operator="not", operand=operation("=", C, n(0))), C
    ),
    "$c + 1 overlay $d and $c": operation(
        "overlay", operation("+", C, n(1)), operation("and", D, C)
    ),
    "$c IS NOT NULL and $d is null": operation(
        "and", IsNull(operand=C, negated=True), IsNull(operand=D, negated=False)
    ),
    "$c + 1 is null": IsNull(operand=operation("+", C, n(1)), negated=False),
    "$c != $d": operation("!=", C, D),
    "$c div 2 mod 3": Call(function="mod", args=(Call(function="div", args=(C, n(2))), n(3))),
    "$c * 2 div 3 * 4": operation(
        "*", Call(function="div", args=(operation("*", C, n(2)), n(3))), n(4)
    ),
    "div($c, 2)": Call(function="div", args=(C, n(2))),
    "POWER($c, 2)": Call(function="power", args=(C, n(2))),
    "atan2($c, $d)": Call(function="atan2", args=(C, D)),
    "min($c, $d)": Call(function="min", args=(C, D)),
    "(float)$c.b8 - $c": operation("-", Cast(type="float", operand=Select(source=C, name="b8")), C),
    "( Unsigned  CHAR ) ($c / 10)": Cast(type="unsigned char", operand=operation("/", C, n(10))),
    "(cint16) $c": Cast(type="cint16", operand=C),
    "(c)": C,
}


@pytest.mark.parametrize(("text", "tree"), OPERATORS.items())
def test_operators_bind_as_in_rasdaman(text: str, tree: Expr) -> None:
    assert expression(text) == tree


VALUES = {
    "255uc": Number(value=255, suffix="uc"),
    "1.5F": Number(value=1.5, suffix="f"),
    "1e-3": n(0.001),
    "1E3": n(1000.0),
    ".5": n(0.5),
    "TRUE": Symbol(name="true"),
    "false": Symbol(name="false"),
    "NaN": Symbol(name="nan"),
    "null": Symbol(name="null"),
    "(1.0, 2.0)": Complex(real=1.0, imaginary=2.0),
    "(-1, +2.5)": Complex(real=-1.0, imaginary=2.5),
    '"a \\"quoted\\" \\\\ \\n"': Text(value='a "quoted" \\ \\n'),
    "'single \"double\"'": Text(value='single "double"'),
    "-- note\n1": n(1),
    "/* a\n ( -- */ 1": n(1),
    '"/* -- no comment"': Text(value="/* -- no comment"),
    "$c.B8A": Select(source=C, name="B8A"),
    "c.b8": Select(source=C, name="b8"),
    "$c.0": Select(source=C, name="0"),
    "$c.min": Select(source=C, name="min"),
    "domain($c, Lat).hi": Select(
        source=Call(function="domain", args=(C, Variable(name="Lat"))), name="hi"
    ),
    "image.stretch($c)": Call(function="image.stretch", args=(C,)),
    "a.b.f($c, 1)": Call(function="a.b.f", args=(C, n(1))),
    '"2023" . "-01"': operation("concat", Text(value="2023"), Text(value="-01")),
    '$c . "-01" . $d': operation("concat", C, Text(value="-01"), D),
    '"2023-" . m': operation("concat", Text(value="2023-"), Variable(name="m")),
    '"2023-" . 5': operation("concat", Text(value="2023-"), n(5)),
    '"2023-" . months($t)': operation(
        "concat", Text(value="2023-"), Call(function="months", args=(T,))
    ),
    'years("2020":"2021-03")': Call(
        function="years", args=(Between(low=Text(value="2020"), high=Text(value="2021-03")),)
    ),
    "setNullSet($c, {0, 5:7})": Call(
        function="setnullset",
        args=(C, Braces(items=(n(0), Between(low=n(5), high=n(7))))),
    ),
    "setInterpolationDefault($c, b4, (linear:full))": Call(
        function="setinterpolationdefault",
        args=(
            C,
            Variable(name="b4"),
            Between(low=Variable(name="linear"), high=Variable(name="full")),
        ),
    ),
    "{red: $c.b4; green: 0}": Record(
        fields=(
            RecordField(name="red", value=Select(source=C, name="b4")),
            RecordField(name="green", value=n(0)),
        )
    ),
    "$c NULL VALUES [0, -5:7]": NullValues(
        source=C,
        values=(n(0), Between(low=Unary(operator="-", operand=n(5)), high=n(7))),
    ),
    "$c null values {0} + 1": operation("+", NullValues(source=C, values=(n(0),)), n(1)),
    "$c NULL MASK DISCARD": NullValues(source=C, values=()),
}


@pytest.mark.parametrize(("text", "tree"), VALUES.items())
def test_values(text: str, tree: Expr) -> None:
    assert expression(text) == tree


def lat(low: Expr | None, high: Expr | None, crs: str | None = None) -> AxisTrim:
    return AxisTrim(axis="Lat", crs=crs, low=low, high=high)


SQUARE = Wkt(
    kind="POLYGON", polygons=((((10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 10.0)),),)
)


SUBSETS = {
    '$c[Lat(10:20), ansi("2020")]': Subset(
        source=C,
        items=(lat(n(10), n(20)), AxisPoint(axis="ansi", at=Text(value="2020"))),
    ),
    '$c[Lat:"CRS:1"(0:*)].B8': Select(
        source=Subset(source=C, items=(lat(n(0), None, "CRS:1"),)), name="B8"
    ),
    "$c[$d]": Subset(source=C, items=(D,)),
    "$c[domain($d)]": Subset(source=C, items=(Call(function="domain", args=(D,)),)),
    "$c[Lat(abs(1))]": Subset(
        source=C, items=(AxisPoint(axis="Lat", at=Call(function="abs", args=(n(1),))),)
    ),
    "trim($c, {Lat(*:20)})": Subset(source=C, items=(lat(None, n(20)),)),
    'slice($c, ansi:"CRS:1"(0))': Subset(
        source=C, items=(AxisPoint(axis="ansi", crs="CRS:1", at=n(0)),)
    ),
    "scale($c, 0.5)": Scale(source=C, items=(n(0.5),)),
    "scale($c, {imageCrsDomain($d)}, {Average})": Scale(
        source=C, items=(Call(function="imagecrsdomain", args=(D,)),), method="average"
    ),
    "scale($c, {Lat(0.5)})": Scale(source=C, items=(AxisPoint(axis="Lat", at=n(0.5)),)),
    'crsTransform($c, {Lat:"EPSG:1", Lon:"EPSG:2"}, {})': syntax.CrsTransform(
        source=C,
        crs=(
            syntax.AxisCrs(axis="Lat", crs="EPSG:1"),
            syntax.AxisCrs(axis="Lon", crs="EPSG:2"),
        ),
    ),
    'crsTransform($c, "EPSG:1", {near}, {X:100, Y:-5}, {domain($d)})': syntax.CrsTransform(
        source=C,
        crs="EPSG:1",
        method="near",
        resolutions=(
            AxisPoint(axis="X", at=n(100)),
            AxisPoint(axis="Y", at=Unary(operator="-", operand=n(5))),
        ),
        extent=(Call(function="domain", args=(D,)),),
    ),
    "clip($c, polygon((10 10, 20 10, 20 20, 10 10)))": Clip(source=C, geometry=SQUARE),
    'clip($c, LineString("2020-01-01" -1e1 +2, "2020-02-01" .5 3)) WITH COORDINATES': Clip(
        source=C,
        geometry=Wkt(
            kind="LINESTRING",
            polygons=((((("2020-01-01"), -10.0, 2.0), ("2020-02-01", 0.5, 3.0)),),),
        ),
        with_coordinates=True,
    ),
    'clip($c, $d, "EPSG:4326")': Clip(source=C, geometry=D, crs="EPSG:4326"),
    "clip($c, Curtain(projection(Lat, Lon), POLYGON((10 10, 20 10, 20 20, 10 10))))": Clip(
        source=C, geometry=syntax.Curtain(axes=("Lat", "Lon"), geometry=SQUARE)
    ),
    "FLIP $c + 1 ALONG Lat": syntax.Flip(source=operation("+", C, n(1)), axis="Lat"),
    "sort $c along ansi desc by avg($c)": syntax.Sort(
        source=C, axis="ansi", descending=True, by=Call(function="avg", args=(C,))
    ),
    'polygonize($c, "GeoJSON", 8)': syntax.Polygonize(source=C, format="GeoJSON", connectedness=8),
    'encode($c, "png", "{\\"nodata\\": [0]}")': syntax.Encode(
        source=C, format="png", parameters='{"nodata": [0]}'
    ),
    "$c + decode($2)": operation("+", C, syntax.Decode(position=2)),
}


@pytest.mark.parametrize(("text", "tree"), SUBSETS.items())
def test_subsets_geometry_and_results(text: str, tree: Expr) -> None:
    assert expression(text) == tree


SAME = [
    ("FOR c IN A RETURN MAX(c)", "for $c in (A) return max($c)"),
    (
        "for c in A let x := 1, y := 2 let z := 3 return 1",
        "for $c in (A) let $x := 1, $y := 2, $z := 3 return 1",
    ),
    ("for $c in (A) return {a: 1, b: 2}", "for $c in (A) return struct {a: 1; b: 2}"),
    ("for $c in (A) return avg(((($c))))", "for $c in (A) return avg($c)"),
    ("for c in A--7\nreturn 1", "for $c in (A) return 1"),
    ("for $over in (A) return $over", "for over in A return over"),
]


@pytest.mark.parametrize(("text", "same"), SAME)
def test_same_meaning(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    "name",
    [
        "A",
        "S2G5_32633_10m",
        "node2--7000--A",
        "node2.example.org:7000:A",
        "127.0.0.1:7000:S2_L2A",
        "a-b.c",
        "2m_temperature",
        "return_flow",
    ],
)
def test_names_of_coverages(name: str) -> None:
    query = parse(f"for $c in ({name}, B), $c in {name} -- and a comment\nreturn 1")
    assert [[s.name for s in b.sources if isinstance(s, Variable)] for b in query.bindings] == [
        [name, "B"],
        [name],
    ]


def test_clauses_of_a_query() -> None:
    query = parse(
        "for $c in (A, B), $c in (decode($1)) let $d := [Lat(10:20), Lon(0)],"
        " $p := POLYGON((10 10, 20 10, 20 20, 10 10)) where max($c) > 1 return avg($c[$d])"
    )
    assert query == syntax.Query(
        bindings=(
            syntax.Binding(variable="c", sources=(Variable(name="A"), Variable(name="B"))),
            syntax.Binding(variable="c", sources=(syntax.Decode(position=1),)),
        ),
        lets=(
            syntax.Let(
                variable="d",
                value=syntax.Intervals(items=(lat(n(10), n(20)), AxisPoint(axis="Lon", at=n(0)))),
            ),
            syntax.Let(variable="p", value=SQUARE),
        ),
        where=operation(">", Call(function="max", args=(C,)), n(1)),
        result=Call(function="avg", args=(Subset(source=C, items=(D,)),)),
    )


def test_nodes_know_where_they_were_read() -> None:
    text = 'for $c in (A) return encode(($c.b4 + 12) / 2, "png")'
    encode = parse(text).result
    assert isinstance(encode, syntax.Encode)
    quotient = encode.source
    assert isinstance(quotient, Operation)
    total = quotient.operands[0]
    assert isinstance(total, Operation)
    spans = [encode.span, quotient.span, total.span, *(part.span for part in total.operands)]
    assert [text[span.start : span.stop] for span in spans] == [
        'encode(($c.b4 + 12) / 2, "png")',
        "($c.b4 + 12) / 2",
        "($c.b4 + 12)",
        "$c.b4",
        "12",
    ]


def test_reads_the_picture_that_a_client_of_bigdatacube_asks_for() -> None:
    query = parse(
        "for $c in (S2G5_32632_10m_L1C) return encode(scale("
        '{red: $c.B8[ansi("2018-05-25"), E(484000:493000), N(5874000:5878000)]/17.0; green: 0;'
        ' blue: 0}, {E:"CRS:1"(0:700)}), "image/jpeg")'
    )
    assert isinstance(query.result, syntax.Encode)
    scale = query.result.source
    assert isinstance(scale, Scale)
    assert scale.items == (AxisTrim(axis="E", crs="CRS:1", low=n(0), high=n(700)),)
    assert isinstance(scale.source, Record)
    assert [field.name for field in scale.source.fields] == ["red", "green", "blue"]


def test_spans_are_half_open() -> None:
    assert parse("for $c in (A) return $c").span == Span(0, 23)
