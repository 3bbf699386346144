"""What texts mean: each is compared with a tree written by hand, or with a plainer text."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datacube.errors import LimitExceededError, QuerySyntaxError
from datacube.wcps import syntax
from datacube.wcps.parser import MAX_CHARACTERS, _lark, parse
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
    Condense,
    Expr,
    IsNull,
    Iterator,
    NullValues,
    Number,
    Operation,
    Range,
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

EXAMPLES = [
    json.loads(line) for line in (Path(__file__).parent / "examples.jsonl").read_text().splitlines()
]
C = Variable(name="c")
D = Variable(name="d")
T = Variable(name="t")


def n(value: float) -> Number:
    return Number(value=value)


def expression(text: str) -> Expr:
    return parse(f"for $c in (A) return {text}").result


def operation(operator: str, *operands: Expr) -> Operation:
    return Operation(operator=operator, operands=operands)


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


OVER = (Iterator(variable="t", axis="ansi", domain=Range(low=n(1), high=n(2))),)
MINUS_ONE = Unary(operator="-", operand=n(1))
CONSTRUCTIONS = {
    "condense + over $t ansi(1:2) using $c + $t": Condense(
        operator="+", iterators=OVER, where=None, using=operation("+", C, T)
    ),
    "2 * condense max over t ansi (1 : 2) where $t > 1 using $t * 2 - 1": operation(
        "*",
        n(2),
        Condense(
            operator="max",
            iterators=OVER,
            where=operation(">", T, n(1)),
            using=operation("-", operation("*", T, n(2)), n(1)),
        ),
    ),
    "condense median over $t ansi(1:2) using $c": Condense(
        operator="median", iterators=OVER, where=None, using=C
    ),
    "condense Quantile(0.9) over $t ansi(1:2) using $c": Condense(
        operator="quantile", parameters=(n(0.9),), iterators=OVER, where=None, using=C
    ),
    'coverage s over $t ansi("2020":"2021":"P1M"), $x x("a", "b") values $c': syntax.Construct(
        name="s",
        iterators=(
            Iterator(
                variable="t",
                axis="ansi",
                domain=Range(
                    low=Text(value="2020"), high=Text(value="2021"), step=Text(value="P1M")
                ),
            ),
            Iterator(
                variable="x",
                axis="x",
                domain=syntax.Listed(values=(Text(value="a"), Text(value="b"))),
            ),
        ),
        value=C,
    ),
    "coverage k over $t ansi(1:2) value list < -1; 0, (1, 2) >": syntax.ValueList(
        name="k",
        iterators=OVER,
        values=(MINUS_ONE, n(0), Complex(real=1.0, imaginary=2.0)),
    ),
    "switch case $c < 0 return 1 default return switch case $d return 2 default return 3": (
        syntax.Switch(
            cases=(syntax.Case(condition=operation("<", C, n(0)), value=n(1)),),
            default=syntax.Switch(cases=(syntax.Case(condition=D, value=n(2)),), default=n(3)),
        )
    ),
    'coverage c domain crs "EPSG:4326+OGC:AnsiDate" with x index (1:5),'
    ' lat regular (-1:2) resolution -0.5, d irregular ("2024-01-01", "2024-02-01")'
    " range type r quantity unsigned char, g range set {r: x, g: 0}": syntax.Coverage(
        name="c",
        crs="EPSG:4326+OGC:AnsiDate",
        axes=(
            syntax.IndexAxis(name="x", low=n(1), high=n(5)),
            syntax.RegularAxis(
                name="lat",
                low=MINUS_ONE,
                high=n(2),
                resolution=Unary(operator="-", operand=n(0.5)),
            ),
            syntax.IrregularAxis(
                name="d", values=(Text(value="2024-01-01"), Text(value="2024-02-01"))
            ),
        ),
        range_type=(
            syntax.RangeField(name="r", type="unsigned char"),
            syntax.RangeField(name="g", type=""),
        ),
        range_set=Record(
            fields=(
                RecordField(name="r", value=Variable(name="x")),
                RecordField(name="g", value=n(0)),
            )
        ),
    ),
}


@pytest.mark.parametrize(("text", "tree"), CONSTRUCTIONS.items())
def test_constructions(text: str, tree: Expr) -> None:
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


def test_a_sum_of_25_000_terms_is_one_node() -> None:
    total = expression("$c" + "+$c" * 24_999)
    assert isinstance(total, Operation)
    assert len(total.operands) == 25_000


def test_a_sum_of_100_000_terms_is_refused_at_once() -> None:
    began = time.process_time()
    with pytest.raises(LimitExceededError, match="more than 60,000 words and signs") as caught:
        expression("$c" + "+$c" * 99_999)
    assert time.process_time() - began < 1
    assert caught.value.__notes__[0].endswith("^")


@pytest.mark.parametrize(
    "text", ["+".join(["$c"] * 29_000), "-".join(["(1)"] * 100) + "+1" * 29_000]
)
def test_the_longest_text_is_read_in_bounded_time(text: str) -> None:
    began = time.process_time()
    expression(text)
    # About 1.5 s where nothing else runs.
    assert time.process_time() - began < 10


def test_a_common_query_takes_about_a_millisecond() -> None:
    text = EXAMPLES[61]["query"]
    parse(text)
    began = time.process_time()
    for _ in range(50):
        parse(text)
    assert (time.process_time() - began) / 50 < 0.05


DEEP = {
    "brackets": "(" * 10_000 + "$c" + ")" * 10_000,
    "calls": "abs(" * 10_000 + "$c" + ")" * 10_000,
    "lists": "f($c, " + "{" * 10_000 + "}" * 10_000 + ")",
    "open brackets": "[({" * 10_000,
    "signs": "- " * 10_000 + "$c",
    "negations": "not " * 10_000 + "$c",
    "casts": "(float) " * 10_000 + "$c",
    "bands": "$c" + ".a" * 10_000,
    "subsets": "$c" + "[Lat(0)]" * 10_000,
    "nulls": "$c" + " is null" * 10_000,
    "discards": "$c" + " null mask discard" * 10_000,
    "changing operators": "$c" + " + 1 - 2" * 10_000,
    "switches": "switch case 1 return 1 default return " * 10_000 + "1",
    "condensers": "condense + over t x(1:2) using " * 10_000 + "1",
    "flips": "flip " * 10_000 + "$c" + " along x" * 10_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(
        LimitExceededError, match=r"nested more than 200 deep|60,000 words"
    ) as caught:
        expression(text)
    assert caught.value.__notes__[0].endswith("^")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("abs(", ")"),
        ("1 + (", ")"),
        ("{a: ", "}"),
        ("not ", ""),
        ("$c[", "]"),
        ('"a" . (', ")"),
        ("switch case 1 return 1 default return ", ""),
    ],
)
def test_nesting_below_the_limit_is_read_and_printed(opening: str, closing: str) -> None:
    depth = 95 if opening.startswith("{") else 190  # a field of a record is a level too
    query = parse(f"for $c in (A) return {opening * depth}$c{closing * depth}")
    assert parse(print_query(query)) == query


def test_threads_share_the_parser() -> None:
    texts = [example["query"] for example in EXAMPLES] * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(parse, texts)) == [parse(text) for text in texts]


def test_brackets_in_texts_and_comments_do_not_nest() -> None:
    assert expression(f"'{'(' * 300}' -- {'(' * 300}\n /* {'(' * 300} */") == Text(value="(" * 300)


@pytest.mark.parametrize(
    "text",
    ["/*" * 240_000, '"' + '\\"' * 240_000, "'\\'" * 160_000, "decode " * 70_000, "(\t" * 240_000],
)
def test_time_to_refuse_grows_no_faster_than_the_text(text: str) -> None:
    began = time.process_time()
    with pytest.raises((QuerySyntaxError, LimitExceededError)):
        expression(text)
    assert time.process_time() - began < 5


def test_long_queries_are_refused() -> None:
    with pytest.raises(LimitExceededError, match="500,001 characters; 500,000 are allowed"):
        parse(" " * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("digits", ["9" * 5000, "1e400"])
def test_endless_numbers_are_refused(digits: str) -> None:
    with pytest.raises(QuerySyntaxError, match="number"):
        expression(digits)


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


def test_making_the_parser_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("lark")
    logger.setLevel(logging.DEBUG)  # as pygeofilter leaves it
    _lark.cache_clear()
    parse("for $c in (A) return 1")
    assert not caplog.records
