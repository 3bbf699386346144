"""Queries that newcomers write, and what they are told: what came, what is meant, and where."""

from collections.abc import Mapping

import pytest

from datacube.errors import RequestError
from tests.builders.asked import processor
from tests.builders.made import Made

CASES: Mapping[str, tuple[str, str]] = {
    "for $c in (A) return averge($c)": ("did you mean avg?", "averge"),
    "for $c in (A) avg($c)": ("'return'", "avg"),
    "for $c in (A) return avg($d)": ("unknown variable 'd'; offered: c", "$d"),
    "SELECT avg(v) FROM A": ("expected 'for', not 'SELECT'", "SELECT"),
    "for $c in (AA) return avg($c)": ("unknown coverage 'AA'; offered: A", "AA"),
    "for $c in (T) return avg($c.b04)": ("this coverage has b4, b8", "b04"),
    "for $c in (T) return avg($c[ansi(2020-05-01)])": (
        "takes ISO 8601 times in quotes",
        "ansi(2020-05-01)",
    ),
    'for $c in (T) return avg($c[ansi("01.05.2020")])': (
        "allowed is ISO 8601",
        'ansi("01.05.2020")',
    ),
    'for $c in (T) return avg($c[ansi("2020-13-01")])': ("'2020-13-01'", 'ansi("2020-13-01")'),
    'for $c in (T) return avg($c[ansi("2020-05-02")])': (
        "the nearest: 2020-05-01",
        'ansi("2020-05-02")',
    ),
    "for $c in (A) return avg($c[Lat(2:1)])": ("2 lies above 1", "Lat(2:1)"),
    "for $c in (A) return avg($c[Lat(1,2)])": ("or bounds, Lat(1:2)", "Lat(1,2)"),
    "for $c in (A) return avg($c[1:2, 3:4])": ("as in Lat(10:20)", "1:2"),
    "for $c in (A) return avg($c[0])": ("as in Lat(10:20)", "$c[0]"),
    "for $c in (A) return avg($c[Lat(100:200)])": ("'Lat' with 0.0:30.0", "Lat(100:200)"),
    "for $c in (A) return avg($c[Nord(1:2)])": ("this coverage has Lat, Lon", "Nord"),
    "for $c in (A) return $c": ("encode(...", "$c"),
    "for $c in (A) return encode($c)": ('encode($c, "image/png")', "encode($c)"),
    "for $c in (A) return encode($c, png)": ("a text in quotes", "png"),
    'for $c in (A) return encode($c, "pngg")': ("image/png", "pngg"),
    "for $c in (A) return count($c == 5)": ("equality is written =", "="),
    "for $c in (A) return count($c > 5 && $c < 9)": ("both is written and", "&"),
    "for $c in (A) return count($c > 5 || $c < 2)": ("either is written or", "|"),
    "for $c in (A) return count(!($c > 5))": ("not(...)", "!"),
    "for $c in (A) return count($c <> 5)": ("difference is written !=", ">"),
    "for $c in (A) return count($c => 5)": ("at least is written >=", ">"),
    "for $c in (A) return avg($c ** 2)": ("pow($c, 2)", "*"),
    "for $c in (A) return avg($c ^ 2)": ("pow($c, 2)", "^"),
    "for $c in (A) return avg($c % 2)": ("mod($c, 2)", "%"),
    "for $c in (A) return avg($c // 2)": ("div 2", "/"),
    "for $c in (A) return avg($c) # mean": ("a comment is written --", "#"),
    "for $c in (A) return avg($c);": ("no semicolon", ";"),
    "for $c in (A) let $m = avg($c) return $m": ("by :=", "="),
    "for $c in (A) return $c > 5 ? 1 : 0": ("switch case", "?"),
    "for $c in (A) return if ($c > 5) then 1 else 0": ("switch case", "then"),
    "for $c in (A) where $c > 5 return avg($c)": ("max($c) > 10", "$c > 5"),
    "for $c in (A) return avg(crsTransform($c, EPSG:3857))": ("in quotes", "EPSG:3857"),
    "for $c in (A) return avg(float($c))": ("(float) $c", "float($c)"),
    "for $c in (A) return avg(sqrt($c, 2))": ("1 arguments, not 2", "sqrt($c, 2)"),
    "for $c in (A) return quantile($c, 90)": ("p from 0 to 1", "quantile($c, 90)"),
    "for $c in (T), $d in (A) return avg($c + $d)": ("ansi (7 cells)", "$c + $d"),
    "for $c in (A) return avg($c[Lat(\u201c1\u201d)])": ("quotes are straight", "\u201c"),
}
"""What the message says, and the part of the query that is underlined."""


@pytest.mark.parametrize("query", CASES)
def test_a_newcomer_is_told_what_is_wrong_and_where(cubes: Made, query: str) -> None:
    says, underlined = CASES[query]
    with pytest.raises(RequestError) as raised:
        processor(cubes).answers(query)
    assert says in str(raised.value)
    (note,) = raised.value.__notes__
    line, marks = note.split("\n")
    start = marks.index("^")
    assert line[start : start + marks.count("^")] == underlined
