import pytest
from hypothesis import HealthCheck, given, settings

from datacube.wcps.parser import parse
from datacube.wcps.printer import print_expr, print_query
from datacube.wcps.syntax import Query
from tests.builders.queries import queries


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries(2))
def test_what_is_printed_reads_as_the_same_tree(query: Query) -> None:
    assert parse(print_query(query)) == query


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries(3))
def test_deep_trees_read_as_the_same(query: Query) -> None:
    assert parse(print_query(query)) == query


def test_prints_one_clause_a_line() -> None:
    query = parse(
        "FOR a IN A, b IN (B, host:7000:C) LET m := avg(a), d := [Lat(1:*)]"
        ' WHERE m > 1 RETURN ENCODE(a[d] - b, "png", "{\\"nodata\\": 0}")'
    )
    assert print_query(query) == (
        "for $a in (A),\n"
        "    $b in (B, host:7000:C)\n"
        "let $m := avg($a),\n"
        "    $d := [Lat(1:*)]\n"
        "where $m > 1\n"
        "return\n"
        '  encode($a[$d] - $b, "png", "{\\"nodata\\": 0}")'
    )


@pytest.mark.parametrize(
    "text",
    [
        "($a - $b) * 2 / ($a + $b)",
        "($a + $b) + 1",
        "$a - ($b - 1)",
        "not $a and ($b or $a)",
        "(float) $a.b8 / (unsigned char) ($b + 1)",
        "-(-$a)",
        "($a + 1).b4",
        "$a[Lat(-1:1)][Lon(0)].b4",
        "imageCrsDomain($a, Lat).hi",
        "1 + (condense + over $t ansi(1:2) using $t)",
        "{red: $a; green: 0} * 0.5",
        '$y . "-05"',
        "cellCount($a is not null)",
        "clip($a, LINESTRING(1 2.5, -3 4)) with coordinates",
        'scale($a, {Lat:"CRS:1"(0:9)}, {average})',
        "flip $a along Lat",
    ],
)
def test_prints_no_more_parentheses_than_needed(text: str) -> None:
    assert print_expr(parse(f"for $c in (A) return {text}").result) == text
