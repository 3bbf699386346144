"""Queries that would cost too much, and texts made to break a parser: refused, fast and flat."""

import resource
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from datacube.errors import LimitExceededError, RequestError
from datacube.protocols import Limits
from tests.builders.asked import processor
from tests.builders.made import Made, add_examples, make_store
from tests.builders.served import served

AT_ONCE_S = 5.0
"""Idle, each takes well below a second."""
MOST_MEMORY_BYTES = 150_000_000
ESTIMATED = r"\d{3}.*\d"
"""The message has the estimate and the limit."""

HUGE: Mapping[str, str] = {
    "extend": 'encode(extend($g, {i(0:1000000), j(0:1000000)}), "tiff")',
    "mean of extend": "avg(extend($g, {i(0:1000000), j(0:1000000)}))",
    "scale": 'encode(scale($c, {Lat:"CRS:1"(0:999999), Lon:"CRS:1"(0:999999)}), "tiff")',
    "scale by 1e300": 'encode(scale($c, 1e300), "tiff")',
    "constructor": 'encode(coverage k over $p x(0:1000000000000) values $p, "csv")',
    "mean of constructor": "avg(coverage k over $p x(0:1000000000000) values $p)",
    "coverage of WCPS 1.1": (
        'avg(coverage k domain crs "OGC:Index1D" with x regular (0:100000000) resolution 1'
        " range type v quantity double range set x)"
    ),
    "condense": 'encode(condense + over $p x(0:999999999) using $c * $p, "csv")',
    "condense place by place": (
        'condense + over $p x(0:999999999) using avg($c[Lat:"CRS:1"($p * $p - $p * $p)])'
    ),
    "seconds of a century": (
        'condense + over $p ansi("2000":"2100":"PT1S") using avg($t[ansi("2020-01-01")].b4)'
    ),
    "warp": 'encode(crsTransform($c, "EPSG:3857", {near}, {X:0.1, Y:0.1}), "tiff")',
    "mean of warp": 'avg(crsTransform($c, "EPSG:3857", {near}, {X:0.1, Y:0.1}))',
    "line": "avg(clip($c, LINESTRING(-1e12 -1e12, 1e12 1e12)))",
    "area": "avg(clip(scale($c, 100000), POLYGON((0 0, 30 30, 30 0, 0 0))))",
    "sort": 'encode(sort extend($g, {i(0:1000000000)}) along i by avg($g), "csv")',
    "flip": "avg(flip (coverage k over $p x(0:1000000000000) values $p) along x)",
    "JSON": 'encode(scale($c, {Lat:"CRS:1"(0:19999), Lon:"CRS:1"(0:9999)}), "json")',
    "polygons": 'polygonize(scale($c, {Lat:"CRS:1"(0:99999), Lon:"CRS:1"(0:99999)}), "GeoJSON")',
    "median": 'median(scale($c, {Lat:"CRS:1"(0:49999), Lon:"CRS:1"(0:49999)}) * 0.1)',
}


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return add_examples(make_store(tmp_path_factory.mktemp("limits") / "store"))


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("name", HUGE)
def test_what_is_too_large_is_refused_before_it_is_made(cubes: Made, name: str) -> None:
    before, begun = peak_bytes(), monotonic()
    with pytest.raises(RequestError, match=ESTIMATED):
        processor(cubes).answers(f"for $c in (A), $g in (G), $t in (T) return {HUGE[name]}")
    assert monotonic() - begun < AT_ONCE_S
    assert peak_bytes() - before < MOST_MEMORY_BYTES


def test_a_long_picture_is_no_jpeg(cubes: Made) -> None:
    query = 'scale($c, {Lat:"CRS:1"(0:69999), Lon:"CRS:1"(0:9)})'
    with pytest.raises(RequestError, match=r"70,000 pixels.*65,500"):
        processor(cubes).answers(
            f'for $c in (A) return encode((unsigned char) {query}, "image/jpeg")'
        )


def test_many_combinations_are_counted_and_not_run(cubes: Made) -> None:
    sources = ", ".join(f"$a{k} in (A, B)" for k in range(30))
    with pytest.raises(LimitExceededError, match=r"1,073,741,824 times.*1,000"):
        processor(cubes).answers(f"for {sources} return avg($a0)")


@pytest.mark.parametrize(
    "formula",
    [
        "$m{0} + $m{0}",
        "switch case $m{0} > 3 return $m{0} default return $m{0} + 1",
        "$c + avg($m{0}) + max($m{0})",
        "{{a: $m{0}.0; b: $m{0}.0}}.a * $m{0}.0",
    ],
)
def test_lets_that_double_sixty_times_are_shared(cubes: Made, formula: str) -> None:
    lets = ", ".join(f"$m{k + 1} := {formula.format(k)}" for k in range(60))
    begun = monotonic()
    with suppress(RequestError):
        processor(cubes).answers(f"for $c in (A) let $m0 := $c, {lets} return avg($m60)")
    assert monotonic() - begun < AT_ONCE_S


SLOW: Mapping[str, str] = {
    "CSV": 'encode(scale($c, {Lat:"CRS:1"(0:2999), Lon:"CRS:1"(0:2999)}) * 0.1, "csv")',
    "JSON": 'encode(scale($c, {Lat:"CRS:1"(0:2999), Lon:"CRS:1"(0:2999)}) * 0.1, "json")',
    "netCDF": 'encode(scale($c, {Lat:"CRS:1"(0:7999), Lon:"CRS:1"(0:7999)}) * 0.1, "netcdf")',
    "sum": "condense + over $p x(0:9999999999) using $p",
    "constructor": "avg(coverage k over $p x(0:9999), $q y(0:99999) values sin($p * $q))",
    "sort": "avg(sort (coverage k over $p x(0:99999) values $p) along x by max($c))",
}
"""Each takes several seconds."""


@pytest.mark.parametrize("name", SLOW)
def test_the_time_of_a_query_is_bounded(cubes: Made, name: str) -> None:
    asked = replace(processor(cubes), limits=Limits(seconds=1))
    begun = monotonic()
    with pytest.raises(LimitExceededError, match=r"longer than (the )?1 s"):
        asked.answers(f"for $c in (A), $u in (U) return {SLOW[name]}")
    assert monotonic() - begun < 10


HOSTILE: Mapping[str, str] = {
    "a+a": "avg($c" + "+$c" * 60_000 + ")",
    "mixed operators": "avg($c" + "+$c-$c*$c" * 8_000 + ")",
    "parentheses": "avg(" + "(" * 10_000 + "$c" + ")" * 10_001,
    "parentheses that are allowed": "avg(" + "(" * 190 + "$c" + ")" * 191,
    "functions": "avg(" + "abs(" * 95 + "$c" + ")" * 96,
    "means of means": "avg(" + "$c+avg(" * 90 + "$c" + ")" * 91,
    "switches": "avg(" + "switch case $c>1 return 1 default return (" * 90 + "$c" + ")" * 91,
    "condensers": "".join(f"condense + over $p{k} x(0:1) using (" for k in range(90))
    + "1"
    + ")" * 90,
    "axes": "avg(coverage k over "
    + ", ".join(f"$p{k} x{k}(0:0)" for k in range(70))
    + " values $p0)",
    "braces": "avg(" + "{" * 10_000 + ")",
    "signs": "avg(" + "- " * 10_000 + "$c)",
    "nots": "some(" + "not " * 10_000 + "$c)",
    "casts": "avg(" + "(int)" * 10_000 + "$c)",
    "bands": "avg($c" + ".v" * 10_000 + ")",
    "fields": "avg({" + "; ".join(f"b{k}: $c" for k in range(20_000)) + "})",
    "JSON": 'encode($c, "png", "' + "[" * 100_000 + '")',
    "comments": "avg($c) " + "/*" * 100_000,
    "digits": "9" * 100_000,
}


def test_a_server_outlives_hostile_texts(cubes: Made) -> None:
    """In threads of the server, whose stack is what it is, some of them at the same time."""
    with served(Path(cubes.local.store.location.name)) as url:

        def ask(text: str) -> httpx2.Response:
            return httpx2.post(
                f"{url}/ows",
                content=f"for $c in (A) return {text}".encode(),
                headers={"content-type": "text/plain"},
                timeout=120,
            )

        with ThreadPoolExecutor(4) as pool:
            answers = dict(zip(HOSTILE, pool.map(ask, HOSTILE.values()), strict=True))
        for name, answer in answers.items():
            assert answer.status_code in {200, 400, 413}, f"{name}: {answer.text[:500]}"
            assert len(answer.content) < 5000, name
            assert "Traceback" not in answer.text
        assert ask("avg($c)").status_code == 200
