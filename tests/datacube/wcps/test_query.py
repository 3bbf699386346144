"""`for`, `let`, `where` and `return`: which results there are, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    RequestError,
    UnknownNameError,
)
from datacube.protocols import Limits
from tests.builders.asked import evaluated, processor, texts
from tests.builders.made import Made
from tests.datacube.wcps import test_examples_cellwise as examples

GROUPS = ("frame", "cellwise", "metadata", "client")


def test_every_example_of_these_groups_has_a_case() -> None:
    lines = (Path(__file__).parent / "examples.jsonl").read_text().splitlines()
    asked = {e["query"] for e in map(json.loads, lines) if e["group"] in GROUPS}
    cases = {*examples.SCALARS, *examples.ARRAYS, *examples.TEXTS, *ELSEWHERE}
    assert asked - cases == set()


ELSEWHERE = (
    "for $c in (A, B) return max($c)",
    "for $c in (node2.example.org:7000:A) return avg($c)",
    "for $c in (node2--7000--A) return avg($c)",
    'for $c in (decode($1)) return encode($c + 1, "tiff")',
    'for $c in (A) return encode($c + decode($1), "tiff")',
    "for $c in (A) let $d := [Lat(10:20), Lon(0)] return avg($c[$d])",
    "for $c in (A) let $p := POLYGON((10 10, 20 10, 20 20, 10 10)) return avg(clip($c, $p))",
    "for $c in (A, B) where max($c) > 10 return avg($c)",
    "for $c in (A) where avg($c) > 1 and max($c) < 9 return count($c > 3)",
    'for $c in (A) return describe($c[Lat(1:2)], "gml")',
    'for $c in (A) return describe($c, "application/json", "outputType=GeneralGridCoverage")',
    'for $c in (A) return encode(image.stretch($c), "png")',
    'for $a in (A) return encode((coverage k over $x x(-1 : 1) value list < 1; 0; 1 >), "csv")',
    "for $a in (A) return (coverage k over $x x(0 : 1) value list < 1; 0 >)[x(0)]",
    "for $a in (T) return avg($a[Lat(1 : 2)].b4)",
)
"""Examples whose expectations stand in tests of their own."""


def values(cubes: Made, query: str) -> list[object]:
    return [found.values[0].item() for found in evaluated(cubes, query)]


def test_a_list_of_coverages_gives_one_result_each_in_order(cubes: Made) -> None:
    a, b = cubes.arrays["A"]["v"], cubes.arrays["B"]["v"]
    assert texts(cubes, "for $c in (A, B) return max($c)") == [str(a.max()), str(b.max())]
    nested = "for $c in (A, B), $d in (A, B) return max($c) - min($d)"
    wanted = [int(c.max()) - int(d.min()) for c in (a, b) for d in (a, b)]
    assert texts(cubes, nested) == [str(n) for n in wanted]


def test_where_drops_results(cubes: Made) -> None:
    a, b = cubes.arrays["A"]["v"], cubes.arrays["B"]["v"]
    assert texts(cubes, "for $c in (A, B) where max($c) > 10 return avg($c)") == [
        repr(float(a.mean())),
        repr(float(b.mean())),
    ]
    some = 'for $c in (A, B) where identifier($c) = "B" return avg($c)'
    assert texts(cubes, some) == [repr(float(b.mean()))]
    none = "for $c in (A) where avg($c) > 1 and max($c) < 9 return count($c > 3)"
    assert texts(cubes, none) == []
    assert texts(cubes, "for $c in (A) where null > 1 return 1") == []


def test_lets_are_bound_in_turn(cubes: Made) -> None:
    a = cubes.arrays["A"]["v"].astype(np.float64)
    # 20 rows of 0.5 degrees from 20 down to 10 north; the first column.
    cut = "for $c in (A) let $d := [Lat(10:20), Lon(0)] return avg($c[$d])"
    assert values(cubes, cut) == [a[20:40, 0].mean()]
    band = "for $a in (T) return avg($a[Lat(1 : 2)].b4)"
    b4 = cubes.arrays["T"]["b4"][:, 56:58]
    assert values(cubes, band) == [pytest.approx(b4[b4 != 65535].astype(np.float64).mean())]


@pytest.mark.parametrize(
    ("query", "message", "marked"),
    [
        (
            "for $c in (node2.example.org:7000:A) return avg($c)",
            "unknown federation member 'node2.example.org'",
            "node2.example.org",
        ),
        (
            "for $c in (node2--7000--A) return avg($c)",
            "unknown federation member 'node2'",
            "node2",
        ),
        ("for $c in (A, Z) return avg($c)", "unknown coverage 'Z'", "Z"),
        (
            "for $c in (T) return avg($c.b88)",
            "unknown band b88; this coverage has b4, b8",
            "b88",
        ),
        ("for $c in (A) return avg($d)", "unknown variable 'd'; offered: c", "$d"),
        ("for $c in (A) return avge($c)", "unknown function 'avge'", "avge"),
        (
            "for $a in (A), $a in (B) return avg($a)",
            "\\$a is bound twice, differently",
            "$a in (B)",
        ),
        (
            "for $c in (A) let $n := 1, $n := 2 return $n",
            "\\$n is bound twice",
            "$n := 2",
        ),
        ("for $c in (A) where $c > 1 return 1", "'where' needs one truth", "$c > 1"),
        ("for $c in (A) where avg($c) return 1", "'where' needs one truth", "avg($c)"),
        (
            "for $a in (A), $g in (G) return avg($a + $g)",
            "the operands differ in their axes: Lat",
            "$a + $g",
        ),
        ("for $c in (A) return avg($c, 3)", "avg takes a coverage", "avg($c, 3)"),
        ("for $c in (A) return sqrt()", "'sqrt' takes 1 arguments, not 0", "sqrt()"),
        ('for $c in (A) return 1 + "x"', "a number or a coverage is needed", '1 + "x"'),
        ('for $c in (A) return +"x"', "a number or a coverage is needed", '+"x"'),
        (
            'for $c in (T) return encode({r: $c; g: 0}, "tiff")',
            "band 'r' is made of one band, not of 2: b4, b8",
            "$c",
        ),
        ('for $c in (A) return encode($c, "webp")', "unknown format 'webp'", "webp"),
        (
            'for $c in (A) return encode(image.stretch($c), "png")',
            "unknown function 'image.stretch'",
            "image.stretch",
        ),
        (
            'for $c in (A) return encode($c[Lat:"EPSG:99"(1:2)], "png")',
            "crs",
            "EPSG:99",
        ),
        (
            'for $c in (A) return encode({a: 1; b: 1; d: 1; e: 1; f: $c}, "png")',
            "band",
            'encode({a: 1; b: 1; d: 1; e: 1; f: $c}, "png")',
        ),
        (
            'for $c in (A) return encode(scale($c, 90000), "tiff")',
            "bytes|cells|allowed",
            'encode(scale($c, 90000), "tiff")',
        ),
        (
            "for $c in (A) where avg(scale($c, 90000)) > 1 return 1",
            "allowed|limit|more",
            "avg(scale($c, 90000)) > 1",
        ),
        ("for $c in (AB) return 1", r"unknown coverage 'AB'; offered: (A|B), (A|B),", "AB"),
        ("for $c in (A) return domain($c, Foo)", "unknown axis Foo", "Foo"),
        ("for $c in (A) return 300uc", "a whole number from 0 to 255", "300uc"),
        ("for $c in (A) return $c[Lat(3:4)]", "the result is an array", "$c[Lat(3:4)]"),
    ],
)
def test_errors_show_the_innermost_place(
    query: str, message: str, marked: str, cubes: Made
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        processor(cubes).answers(query)
    note = caught.value.__notes__[0]
    line, marks = note.splitlines()
    found = line[marks.index("^") : marks.rindex("^") + 1]
    assert found == marked


def test_an_array_that_is_not_encoded_is_refused(cubes: Made) -> None:
    with pytest.raises(InvalidParameterError, match=r"Lat \(60 cells\).*encode\("):
        processor(cubes).answers("for $a in (A), $a in (A) return ($a + $a)")


def test_runs_are_bounded(cubes: Made) -> None:
    sources = ", ".join(["A"] * 11)
    query = ", ".join(f"${name} in ({sources})" for name in "abc")
    with pytest.raises(LimitExceededError, match="runs 1,331 times"):
        processor(cubes).answers(f"for {query} return 1")


def test_costs_of_all_results_count_together(cubes: Made) -> None:
    one = "for $c in (A) return max($c)"
    both = "for $c in (A, B) return max($c)"
    asked = processor(cubes)
    # One chunk of 256 x 256 int16 cells a coverage.
    tight = Limits(decoded_bytes=200_000)
    asked = type(asked)(
        view=asked.view,
        cells=asked.cells,
        encoders=asked.encoders,
        limits=tight,
        functions={},
    )
    assert len(asked.answers(one)) == 1
    with pytest.raises(LimitExceededError, match="stored cells to decode"):
        asked.answers(both)


def test_long_chains_are_answered_or_refused(cubes: Made) -> None:
    flat = " + ".join(["1"] * 20_000)
    assert texts(cubes, f"for $c in (A) return {flat}") == ["20000"]
    with pytest.raises(LimitExceededError, match="operands of '-' in one run"):
        processor(cubes).answers(f"for $c in (A) return {' - '.join(['1'] * 20_000)}")


def test_unknown_coverages_tell_nothing_of_hidden_ones(cubes: Made) -> None:
    with pytest.raises(UnknownNameError) as caught:
        processor(cubes).answers("for $c in (Secret) return 1")
    assert caught.value.name == "Secret"
