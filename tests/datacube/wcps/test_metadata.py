"""What queries tell of coverages, and change of them."""

import pytest

from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from tests.builders.asked import evaluated, processor, texts
from tests.builders.made import Made

ANSI = "http://www.opengis.net/def/crs/OGC/0/AnsiDate"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
TIMES = '("2020-01-01T00:00:00Z":"2023-01-15T00:00:00Z")'

CASES = {
    "domain($t)": f"ansi{TIMES},Lat(0:30),Lon(0:30)",
    "domain($t, ansi)": TIMES,
    "domain($t, time)": TIMES,
    "domain($t, ansi).lo": "2020-01-01T00:00:00Z",
    f'domain($t, ansi, "{ANSI}")': TIMES,
    "domain($t).lo": None,
    "imageCrsDomain($t)": "ansi(0:6),Lat(0:59),Lon(0:59)",
    "imageCrsDomain($t, ansi).hi": "6",
    "domain($g)": "i(0:10),j(0:12)",
    "domain($g, i).hi": "10",
    "domain($w, height)": "(2:100)",
    "domain($w, height).resolution": None,
    "domain($l)": "x(0:40)",
    "domain($u, E)": "(499980:502780)",
    # From -600000 m in cells of the cube's first scene, counted from its corner.
    "imageCrsDomain($u, E)": "(0:279)",
    'domain($u, E, "CRS:1")': "(0:279)",
    "domain($t[Lat(10:20)], Lat)": "(10:20)",
    "imageCrsDomain($t[Lat(10:20)], Lat)": "(20:39)",
    'domain($t[ansi("2020-05-01")])': "Lat(0:30),Lon(0:30)",
    "domain($g[i(3)])": "j(0:12)",
    "domain($t, Lat).hi - domain($t, Lat).lo": "30.0",
    "domain($t, Lat).resolution": "-0.5",
    "crsSet($t)": f"ansi: {{{ANSI}, CRS:1}}, Lat: {{{EPSG}/4326, CRS:1}}, "
    f"Lon: {{{EPSG}/4326, CRS:1}}",
    "imageCrsDomain($u)": "ansi(0:1),E(0:279),N(0:299)",
    "crsSet($g)": "i: {CRS:1}, j: {CRS:1}",
    "crsSet($u[N(5200000)])": f"ansi: {{{ANSI}, CRS:1}}, E: {{{EPSG}/32633, CRS:1}}",
    "identifier($t.b4)": "T",
    "identifier($t.b4 + 1)": "T",
    'identifier(setIdentifier($t, "mine"))': "mine",
    # OGC 08-068r2 has the name first.
    'identifier(setIdentifier("mine", $t))': "mine",
    'identifier(setIdentifier("outer", setIdentifier($t, "inner")))': "outer",
    'identifier(setIdentifier("mine", "yours"))': None,
    "identifier(setIdentifier($t, $t))": None,
    "nullSet($t)": "{{65535}, {65535}}",
    "nullSet($t.b4)": "{65535}",
    "nullSet($t.b4 + $u.0 * 0)": None,
    "nullSet($t.b4 null values [0, 7])": "{0, 7}",
    "nullSet($t.b4 null values {0, 5:7})": "{0, 5:7}",
    "nullSet(setNullSet($t.b4, {3}))": "{3}",
    "nullSet($l)": "{nan}",
    "nullDefault($t.b8)": "65535",
    "interpolationDefault($t, b4)": "nearest",
    'interpolationDefault(setInterpolationDefault($t, b4, "linear"), b4)': "linear",
    'interpolationDefault(setInterpolationDefault($t, b4, "linear"), b8)': "nearest",
    "nullSet($t.b4 null values [0, 5:7, 9])": "{0, 5:7, 9}",
    "nullSet($t.b4 null values [5:7] + 1)": "{5:7}",
    "interpolationSet($t, b4)": "{nearest, linear, average, mode, cubic, cubicspline, lanczos, "
    "min, max, med, q1, q3, rms}",
    "interpolationSet(setInterpolationSet($t, b4, {near, cubic}), b4)": "{nearest, cubic}",
    "interpolationSet(setInterpolationSet($t, b4, near)[Lat(1:2)], b4)": "{nearest}",
    "interpolationSet(setInterpolationSet($t, b4, {}), b4)": None,
    'crsSet(setCrsSet($g, {"EPSG:4326", "CRS:1"}))': "i: {EPSG:4326, CRS:1}, j: {EPSG:4326, CRS:1}",
    'crsSet(setCrsSet($g, "EPSG:no"))': None,
    "cellCount($t)": "25200",
    "cellCount($t[Lat(10:20)])": "8400",
}
BOUND = "for $t in (T), $g in (G), $w in (W), $l in (L), $u in (U) return "


@pytest.mark.parametrize(("asked", "text"), [(k, v) for k, v in CASES.items() if v is not None])
def test_texts(asked: str, text: str, cubes: Made) -> None:
    assert texts(cubes, BOUND + asked) == [text]


@pytest.mark.parametrize("asked", [k for k, v in CASES.items() if v is None])
def test_what_has_no_answer_is_refused(asked: str, cubes: Made) -> None:
    with pytest.raises(RequestError) as caught:
        processor(cubes).answers(BOUND + asked)
    assert caught.value.__notes__


def test_a_domain_in_another_crs_is_the_box_of_the_coverage(cubes: Made) -> None:
    # 30 degrees of longitude on the sphere of Web Mercator: 30 / 180 * pi * 6378137 m.
    (low,) = evaluated(cubes, 'for $c in (A) return domain($c, Lon, "EPSG:3857").lo')
    (high,) = evaluated(cubes, 'for $c in (A) return domain($c, Lon, "EPSG:3857").hi')
    assert low.values[0].item() == pytest.approx(0, abs=1e-6)
    assert high.values[0].item() == pytest.approx(3339584.7238, abs=1e-3)


def test_wrong_names_are_told(cubes: Made) -> None:
    with pytest.raises(UnknownNameError, match="unknown crs 'EPSG:no'"):
        processor(cubes).answers('for $c in (A) return domain($c, Lat, "EPSG:no")')
    with pytest.raises(UnknownNameError, match="unknown band b9; this coverage has b4, b8"):
        processor(cubes).answers("for $c in (T) return interpolationDefault($c, b9)")
    with pytest.raises(InvalidParameterError, match="axis 'i' is no axis of a plane"):
        processor(cubes).answers('for $c in (G) return domain($c, i, "EPSG:4326")')
    with pytest.raises(UnknownNameError, match="unknown interpolation 'sinc'"):
        processor(cubes).answers('for $c in (T) return setInterpolationDefault($c, b4, "sinc")')
