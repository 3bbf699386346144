"""What people read when a query is not WCPS: the words, and the place."""

import pytest

from datacube.errors import QuerySyntaxError
from datacube.wcps.parser import parse

# The underlined line stands below the query, as the note shows it.
CASES = [
    (
        """
for $c in (A) retrun $c
              ^^^^^^
""",
        "line 1, column 15: expected 'let', 'return', 'where' or ',', not 'retrun'",
    ),
    (
        """
for $c in (A) return $c +
                         ^
""",
        "line 1, column 26: expected an expression, not the end of the query",
    ),
    (
        """
for $c in (A) return avg($c
                           ^
""",
        "line 1, column 28: expected ')', ',' or ':', not the end of the query",
    ),
    (
        """
for $c in (A) return "abc
                     ^
""",
        'line 1, column 22: the text that begins with " is never closed',
    ),
    (
        """
for $c in (A) return $c /* abc
                        ^^
""",
        "line 1, column 25: the comment that begins with /* is never closed",
    ),
    (
        """
for $c in (A) return $c # 1
                        ^
""",
        (
            "line 1, column 25: expected an operator or the end of the query, not '#'; "
            "a comment is written -- or /* */"
        ),
    ),
    (
        """
hello
^^^^^
""",
        "line 1, column 1: expected 'for', not 'hello'",
    ),
    (
        """
for $c in () return 1
           ^
""",
        "line 1, column 12: expected the name of a coverage or 'decode', not ')'",
    ),
    (
        """
for $c in (A) return $c[10:20]
                        ^^^^^
""",
        "line 1, column 25: bounds follow the name of an axis in parentheses, as in Lat(10:20)",
    ),
    (
        """
for $c in (A) return $c[Lat(1, 2)]
                        ^^^^^^^^^
""",
        "line 1, column 25: axis Lat takes one coordinate, Lat(1), or bounds, Lat(1:2)",
    ),
    (
        """
for $c in (A) return $c[Lat(1:2:3)]
                            ^^^^^
""",
        "line 1, column 29: bounds of axis Lat are low:high, without a step",
    ),
    (
        """
for $c in (A) return encode($c)
                     ^^^^^^^^^^
""",
        'line 1, column 22: encode takes 2 to 3 arguments, as in encode($c, "image/png"), not 1',
    ),
    (
        """
for $c in (A) return encode($c, png)
                                ^^^
""",
        "line 1, column 33: the format is a text in quotes",
    ),
    (
        """
for $c in (A) return {1, 2} + 3
                     ^^^^^^
""",
        "line 1, column 22: a list in braces cannot stand here",
    ),
    (
        """
for $c in (A) return avg(1:2)
                         ^^^
""",
        "line 1, column 26: a range low:high cannot stand here",
    ),
    (
        """
for $c in (A) return avg(*)
                         ^
""",
        "line 1, column 26: '*' is a bound and cannot stand alone",
    ),
    (
        """
for $c in (A) return ($c, 2)
                      ^^
""",
        (
            "line 1, column 23: two values in parentheses are the numbers of a complex one,"
            " as in (1.0, 2.0)"
        ),
    ),
    (
        """
for $c in (A) return clip($c, 5)
                              ^
""",
        (
            "line 1, column 31: clip takes a POLYGON, MULTIPOLYGON, LINESTRING, CURTAIN or"
            " CORRIDOR, or a variable with one"
        ),
    ),
    (
        """
for $c in (A) return POLYGON((1 1, 2 2))
                     ^^^^^^^^^^^^^^^^^^^
""",
        "line 1, column 22: a geometry cannot stand here",
    ),
    (
        """
for $c in (A) return $c with coordinates
                        ^^^^^^^^^^^^^^^^
""",
        "line 1, column 25: WITH COORDINATES follows clip(...)",
    ),
    (
        """
for $c in (A) return 5abc
                      ^^^
""",
        "line 1, column 23: expected an operator or the end of the query, not 'abc'",
    ),
    (
        """
for $c in (A) return condense + over $t ansi(1:2) $c
                                                  ^^
""",
        "line 1, column 51: expected 'using', 'where' or ',', not '$c'",
    ),
    (
        """
for $c in (A) return polygonize($c, "GeoJSON", 5)
                                               ^
""",
        "line 1, column 48: the neighbours of a cell are 4 or 8",
    ),
    (
        """
for $c in (A) return decode($0)
                            ^^
""",
        "line 1, column 29: uploads are numbered $1 to $999",
    ),
]


@pytest.mark.parametrize(("shown", "message"), CASES)
def test_errors_say_what_was_expected_and_where(shown: str, message: str) -> None:
    text = shown.split("\n")[1]
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    assert str(caught.value) == message
    assert caught.value.__notes__ == [shown.strip("\n")]
    assert caught.value.code == "query-syntax"


def test_lines_are_counted() -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse("for $c in (A)\nreturn\n  $c +* 1")
    assert (caught.value.line, caught.value.column) == (3, 7)
    assert caught.value.__notes__ == ["  $c +* 1\n      ^"]


def test_an_empty_query_has_a_place() -> None:
    with pytest.raises(QuerySyntaxError, match="expected 'for', not the end of the query"):
        parse("")
