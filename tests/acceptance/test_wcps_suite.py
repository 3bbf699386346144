"""The queries of the test suite of the PyPI client `wcps`, run on coverages made for them.

The suite itself looks at texts only; what the results are is told in `wcps_cases`.
"""

import re
from typing import Any

import numpy as np
import pytest

from datacube.encode.answer import Answer
from datacube.errors import RequestError
from tests.builders.asked import processor
from tests.builders.made import WGS84, Frame, Made, add_cube, make_store, regular

MONTHS, ROWS, COLUMNS = 11, 80, 120
TIMES = tuple(f"2020-{month:02d}-01" for month in range(1, MONTHS + 1))
ALL = (MONTHS, ROWS, COLUMNS)
"""Shape of `cov1` to `cov4`: dates, latitudes 40 to -40, longitudes 0 to 120 by 1 degree."""

CELLWISE = """
($cov1 + $cov2) | ($cov1 + 1) | (1 + $cov1) | ((1 + $cov1) + 2) | ($cov1 - $cov2) | (2 - $cov2) |
($cov1 * $cov2) | ($cov1 / $cov2) | mod($cov1, $cov2) | abs($cov1) | round($cov1) |
floor($cov1) | ceil($cov1) | exp($cov1) | log($cov1) | ln($cov1) | sqrt($cov1) |
pow($cov1, $cov2) | pow($cov1, 2) | pow(2, $cov1) | sin($cov1) | ($cov1 + sin(2)) | cos($cov1) |
tan($cov1) | sinh($cov1) | cosh($cov1) | tanh($cov1) | arcsin($cov1) | arccos($cov1) |
arctan($cov1) | arctan2($cov1) | ($cov1 > $cov2) | ($cov1 > 1) | ($cov1 < $cov2) |
($cov1 >= $cov2) | ($cov1 <= $cov2) | ($cov1 = $cov2) | ($cov1 != $cov2) | ($cov1 and $cov2) |
($cov1 or $cov2) | ($cov1 xor $cov2) | (not $cov1) | ($cov1 overlay $cov2) | bit($cov1, 2) |
$cov1.red | {red: $cov1; blue: $cov2} | {red: $cov1; blue: 2} | ((int) $cov1) |
((unsigned char) $cov1) | $cov1[X(*:*)] | scale($cov1, { imageCrsDomain($cov2) }) |
(condense + over $pt time(imageCrsDomain($cov1, time)) using ($cov1 + $pt)) |
(switch case ($cov1 > 5) return $cov2 default return $cov1) |
(switch case ($cov1 > 5) return $cov2 case ($cov1 < 3) return $cov3 default return $cov1) |
(switch case ($cov1 > 5) return (switch case ($cov2 > 10) return $cov3 default return
$cov4) default return $cov1) |
(switch case 5 return $cov1 default return $cov2) |
(switch case $cov1 return 5 default return $cov2) |
(switch case $cov1 return $cov2 default return 5) |
crsTransform($cov1, "EPSG:4326", { domain($cov2) }) |
(coverage intervalCoverage over $pt time(0 : 10) values $cov1[time($pt)])
"""
OTHERS: dict[str, tuple[int, ...]] = {
    "$cov1[X(15.0:30.0)]": (MONTHS, ROWS, 15),
    "$cov1[X(15.0:30.0), Y(15.0:30.0)]": (MONTHS, 15, 15),
    "$cov1[X(15.0:*)]": (MONTHS, ROWS, 105),
    '$cov1[X(15.0:30.0), Y:"EPSG:4326"(15.0:30.0)]': (MONTHS, 15, 15),
    'extend($cov1, { X(15.0:30.0), Y:"EPSG:4326"(15.0:30.0) })': (MONTHS, 15, 15),
    "scale($cov1, { X(15:30), Y(20:40) })": (MONTHS, 20, 15),
    "scale($cov1, 2.0)": (MONTHS, 2 * ROWS, 2 * COLUMNS),
    "scale($cov1, { X(1.5), Y(2) })": (MONTHS, 2 * ROWS, 180),
    'crsTransform($cov1, "EPSG:4326", { X(1.5:2.5), Y(2:4) })': (MONTHS, 2, 1),
    'crsTransform($cov1, "EPSG:4326", { average })': ALL,
    'crsTransform($cov1, "EPSG:4326", { average }, { X:1.5, Y:2 })': (MONTHS, ROWS // 2, 80),
    "sum($cov1)": (),
    "avg($cov1)": (),
    "count($cov1)": (),
    "min($cov1)": (),
    "max($cov1)": (),
    "all($cov1)": (),
    "some($cov1)": (),
    "(condense + over $pt time(imageCrsDomain($cov1, time)) using $cov1[time($pt)])": (
        ROWS,
        COLUMNS,
    ),
    "(condense * over $pt time(imageCrsDomain($cov1, time)), $px X(domain($cov1, X)) "
    "using ($cov1[time($pt)] * $px))": (ROWS, COLUMNS),
    "(coverage targetCoverage over $pLat Lat(domain($cov1[Lat(-30:-28.5)], Lat)), "
    "$pLon Lon(domain($cov1[Lon(111.975:113.475)], Lon)) values $cov1[Lat($pLat), Lon($pLon)])": (
        1,
        1,
        MONTHS,
    ),
}
SHAPES: dict[str, tuple[int, ...]] = {
    **{" ".join(text.split()): ALL for text in CELLWISE.split("|")},
    **OTHERS,
}
REFUSED = {
    'encode($cov1, "PNG")': "image/png holds two axes",
    'encode($cov1, "PNG", "params")': "params",
    'encode($cov1, "PNG", "{\\"compression\\":\\"lzw\\"}")': "unknown key 'compression'",
    'clip($cov1, LINESTRING("2008-01-01T02:01:20.000Z" 75042.7273594 5094865.55794, '
    '"2008-01-08T00:02:58.000Z" 705042.727359 5454865.55794))': "the line has",
}
"""What cannot be answered on these coverages, or is not offered, and what the message says."""


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make_store(tmp_path_factory.mktemp("suite") / "store")
    rng = np.random.default_rng(17)
    earth = (regular("Lat", 40, -40, ROWS), regular("Lon", 0, 120, COLUMNS))
    frame = Frame(axes=earth, crs=WGS84, times=TIMES)
    for name in ("cov1", "cov2", "cov3", "cov4"):
        add_cube(made, name, {"red": rng.integers(0, 9, ALL).astype("uint8")}, frame, nodata=255)
    colours = {b: rng.integers(0, 9, ALL).astype("uint8") for b in ("red", "green", "blue")}
    add_cube(made, "rgb", colours, frame, nodata=255)
    return made


def whole(body: str) -> str:
    """Write the query as the client does, with each cube that the body names."""
    cubes = sorted(set(re.findall(r"\$(cov\d|rgb)", body)))
    return f"for {', '.join(f'${cube} in ({cube})' for cube in cubes)}\nreturn\n  {body}"


def shape(made: Made, query: str) -> tuple[int, ...]:
    (result,) = processor(made, compat=True).results(query)
    assert not isinstance(result, Answer)
    cells: Any = made.session.compute(result)
    return tuple(cells.values[0].shape)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow)")
@pytest.mark.parametrize(("body", "wanted"), SHAPES.items(), ids=SHAPES)
def test_a_query_of_the_suite_runs(four: Made, body: str, wanted: tuple[int, ...]) -> None:
    assert shape(four, whole(body)) == wanted


def test_a_band_goes_by_its_number(four: Made) -> None:
    (result,) = processor(four, compat=True).results(whole("$rgb.2"))
    cells: Any = four.session.compute(result)  # type: ignore[arg-type]  # the query encodes nothing
    np.testing.assert_array_equal(cells.values[0], four.arrays["rgb"]["blue"])


def test_options_that_only_tune_gdal_change_nothing(four: Made) -> None:
    body = (
        "encode((coverage intervalCoverage over $pt time(0 : 10) values $cov1[time($pt)]), "
        '"GTiff", "{ \\"configOptions\\": { \\"GDAL_CACHEMAX\\": \\"64\\" } }")'
    )
    (answer,) = processor(four, compat=True).answers(whole(body))
    assert answer.media_type == "image/tiff"


@pytest.mark.parametrize(("body", "told"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_answered_says_why(four: Made, body: str, told: str) -> None:
    with pytest.raises(RequestError, match=re.escape(told)):
        processor(four, compat=True).results(whole(body))
