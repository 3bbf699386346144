"""What condensers and constructors refuse, and where they say so."""

import pytest

from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    RequestError,
    TimeSelectionError,
    UnknownNameError,
)
from tests.builders.asked import evaluated
from tests.builders.made import Made
from tests.builders.over import (
    G,
    T,
    series,
)

REFUSED: list[tuple[str, type[RequestError], str]] = [
    # Slices that select nothing, and walks beyond an axis.
    (series('"2020-07"', "avg($c.b4[ansi($t)])"), TimeSelectionError, "no acquisition at 2020-07"),
    (f"{G}condense + over $x x(5:12) using $c[i($x), j(0)]", OutOfDomainError, "5:12"),
    (f"{G}condense + over $x x(-1:2) using $c[i($x), j(0)]", OutOfDomainError, "-1:2"),
    # Bodies of different sizes.
    (
        f'{G}encode(coverage n over $x x(1:3) values $c[i:"CRS:1"(0:$x)], "json")',
        InvalidParameterError,
        "different numbers of cells",
    ),
    # Domains.
    (f"{G}condense + over $x x(3:1) using $x", InvalidParameterError, "no place"),
    (f"{G}condense + over $x x(domain($c)) using $x", InvalidParameterError, "one axis"),
    (f"{G}condense + over $x x($c) using $x", InvalidParameterError, "a coverage"),
    (f"{G}condense + over $x x(0:max($c)) using $x", InvalidParameterError, "before any cell"),
    (f"{T}count(allmonths(domain($c, Lat)))", InvalidParameterError, "time axis"),
    (f"{G}condense + over $x x(0:1), $x y(0:1) using $x", InvalidParameterError, "called \\$x"),
    (f"{G}condense + over $x x(0:1), $y x(0:1) using $x", InvalidParameterError, "axis called 'x'"),
    (f'{T}condense + over $t t("2020") where $t > "soon" using 1', InvalidParameterError, "soon"),
    # Operators.
    (f"{G}condense wrong over $x x(0:1) using $x", UnknownNameError, "wrong"),
    (f"{G}condense quantile over $x x(0:1) using $x", InvalidParameterError, "p"),
    (
        f"{G}condense maxtime over $x x(0:1), $y y(0:1) using $x",
        InvalidParameterError,
        "one iterator",
    ),
    # Lists.
    (
        f"{G}(coverage k over $x x(0:2) value list <1; 2>)[x(0)]",
        InvalidParameterError,
        "2 values for 3 places",
    ),
    (f'{G}(coverage k over $x x(0:0) value list <"a">)[x(0)]', InvalidParameterError, "a text"),
    # Too many places to bind one by one.
    (
        f'{G}encode(coverage n over $x x(0:20000) values max($c[i:"CRS:1"(0:$x)]), "json")',
        LimitExceededError,
        "20,001 places",
    ),
    (series("allminutes(domain($c, ansi))"), LimitExceededError, "times from"),
    # The constructor of 1.1.
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index2D" with x index (1:5), lat regular (-2:2) '
            'resolution -0.5, d irregular ("2024-01-01", "2024-02-01") range type r quantity int '
            'range set x, "json")'
        ),
        InvalidParameterError,
        "has 2 axes, and 3 are given: x, lat, d",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "EPSG:1" with x index (1:5) '
            'range type r quantity int range set x, "json")'
        ),
        UnknownNameError,
        "EPSG:1",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:AnsiDate" with x index (1:5) '
            'range type r quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "times in quotes",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index1D" with x index (1:5) '
            f"range type r quantity "
            'int, g quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "2 fields",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index1D" with x regular (1:5) resolution 0 '
            'range type r quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "no cell",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index1D" with x index (1:2.5) '
            'range type r quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "whole numbers",
    ),
]


@pytest.mark.parametrize(("query", "error", "told"), REFUSED)
def test_what_cannot_be_is_refused_with_its_place(
    made: Made, query: str, error: type[RequestError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        evaluated(made, query)
    assert any("^" in note for note in caught.value.__notes__)


def test_deep_nesting_of_bodies_that_fail_ends(made: Made) -> None:
    nested = "$c[i($z * $z), nowhere(1)]"
    for depth in range(12):
        nested = f"(condense + over $x{depth} x(0:1) using {nested})"
    with pytest.raises(RequestError):
        evaluated(made, f"{G}condense + over $z z(0:1) using {nested}")
