"""Results as they leave: files, descriptions, polygons, what they tell beside their bytes."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from lxml import etree
from rasterio.io import MemoryFile

from datacube.encode.answer import Answer
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.plan.nodes import scans
from datacube.protocols import Limits
from tests.builders.asked import evaluated, processor, texts
from tests.builders.made import Frame, Made, add_cube, indices, make_store, regular

# Pictures have no place on the Earth.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def one(cubes: Made, query: str) -> Answer:
    (answer,) = cubes.session.query(query)
    return answer


def pixels(answer: Answer) -> np.ndarray:
    assert isinstance(answer.body, bytes)
    with MemoryFile(answer.body) as memory, memory.open() as file:
        return np.asarray(file.read())


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a store with T of two bytes a cell and no time, and a point A."""
    made = make_store(Path(tmp_path_factory.mktemp("flat")) / "store")
    rng = np.random.default_rng(11)
    bands = {b: rng.integers(1, 255, (6, 8)).astype("uint8") for b in ("b4", "b8")}
    axes = (regular("Lat", 3, 0, 6), regular("Lon", 0, 4, 8))
    add_cube(made, "T", bands, Frame(axes=axes), nodata=0)
    add_cube(made, "A", {"v": np.array([[21]], "int16")}, Frame())
    add_cube(made, "I", {"v": np.arange(5, dtype="int32")}, Frame(axes=(indices("i", 5),)))
    return made


def test_pictures_of_bands_put_together(flat: Made) -> None:
    b4, b8 = flat.arrays["T"]["b4"], flat.arrays["T"]["b8"]
    colours = 'encode({red: $c.b4; green: 0; blue: (unsigned char)$c.b8}, "png")'
    made = pixels(one(flat, f"for $c in (T) return {colours}"))
    np.testing.assert_array_equal(made[:3], np.stack([b4, np.zeros_like(b4), b8]))
    divided = 'encode({red: $a.b4; green: 0; blue: 0} / 17.0, "PNG")'
    answer = one(flat, f"for $a in (T) return {divided}")
    assert (answer.media_type, pixels(answer).shape[1:]) == ("image/png", (6, 8))


def test_a_coverage_of_one_cell_without_axes_is_a_number(flat: Made) -> None:
    assert texts(flat, "for $a in (A), $a in (A) return ($a + $a)") == ["42"]


def test_lines_are_encoded(flat: Made) -> None:
    assert texts(flat, 'for $c in (I) return encode($c * 2, "csv")') == ["0,2,4,6,8"]
    assert json.loads(texts(flat, 'for $c in (I) return encode($c * 2, "json")')[0]) == [
        0,
        2,
        4,
        6,
        8,
    ]


def test_constants_are_coverages(cubes: Made) -> None:
    line = "(coverage k over $x x(-1 : 1) value list < 1; 0; 1 >)"
    assert texts(cubes, f'for $a in (A) return encode({line}, "csv")') == ["1,0,1"]
    cut = "for $a in (A) return (coverage k over $x x(0 : 1) value list < 1; 0 >)[x(0)]"
    assert texts(cubes, cut) == ["1"]


def test_descriptions(cubes: Made) -> None:
    gml = one(cubes, 'for $c in (A) return describe($c[Lat(1:2)], "gml")')
    assert isinstance(gml.body, bytes)
    root = etree.fromstring(gml.body)
    corners = [e.text for e in root.iter("{http://www.opengis.net/gml/3.2}lowerCorner")]
    assert corners == ["1 0"]
    query = 'describe($c, "application/json", "outputType=GeneralGridCoverage")'
    answer = one(cubes, f"for $c in (A) return {query}")
    assert isinstance(answer.body, bytes)
    document = json.loads(answer.body)
    assert document["domainSet"]["type"] == "DomainSetType"
    assert answer.media_type == "application/json"


def test_polygons(cubes: Made) -> None:
    answer = one(cubes, 'for $c in (A) return polygonize($c > 150, "GeoJSON")')
    assert isinstance(answer.body, bytes)
    features = json.loads(answer.body)["features"]
    assert {f["properties"]["value"] for f in features} == {0, 1}
    assert answer.media_type == "application/geo+json"
    assert answer.scenes == one(cubes, "for $c in (A) return max($c)").scenes
    assert answer.etag != one(cubes, 'for $c in (A) return polygonize($c > 150, "KML")').etag


def test_answers_tell_their_scenes_and_revision(cubes: Made) -> None:
    answer = one(cubes, 'for $c in (T) return avg($c.b4[ansi("2020-05-01")])')
    assert (answer.media_type, answer.revision) == ("text/plain", cubes.session.revision)
    assert len(answer.scenes) == 1
    assert answer.scenes[0].startswith("T_20200501")


def test_equal_plans_have_equal_etags(cubes: Made) -> None:
    plain = one(cubes, "for $c in (A) return avg($c + 1)")
    again = one(cubes, "FOR d IN A let $e := $d + 1 RETURN avg($e) -- the same")
    other = one(cubes, "for $c in (A) return avg($c + 2)")
    compat = cubes.session.query("for $c in (A) return avg($c + 1)", compat=True)[0]
    assert plain.etag == again.etag
    assert len({plain.etag, other.etag, compat.etag}) == 3


def test_arrays_are_left_to_those_who_ask_for_them(cubes: Made) -> None:
    query = "for $c in (A, B) return $c * 2"
    plans = processor(cubes).results(query)
    for plan, name in zip(plans, "AB", strict=True):
        assert not isinstance(plan, Answer)
        assert scans(plan)
        cells = cubes.session.compute(plan)
        np.testing.assert_array_equal(cells.values[0], cubes.arrays[name]["v"].astype(int) * 2)
    (text,) = processor(cubes).results("for $c in (A) return identifier($c)")
    assert isinstance(text, Answer)
    (number,) = processor(cubes).results("for $c in (A) return 3")
    assert not isinstance(number, Answer)
    assert number.domain.axes == ()


def test_the_clock_runs_for_all_results_together(cubes: Made) -> None:
    asked = replace(processor(cubes), limits=Limits(seconds=0.0))
    start = monotonic()
    with pytest.raises(LimitExceededError, match="took longer than 0 s"):
        asked.answers("for $c in (A, B) return avg($c)")
    assert timedelta(seconds=monotonic() - start) < timedelta(seconds=5)


def test_where_is_counted_and_read_before_any_result(cubes: Made) -> None:
    query = "for $c in (A) where some($c < 0) return avg($c)"
    assert cubes.session.query(query) == ()
    tight = replace(processor(cubes), limits=Limits(decoded_bytes=1000))
    with pytest.raises(LimitExceededError, match="stored cells to decode"):
        tight.answers("for $c in (A) where some($c < 0) return 1")


def test_long_chains_of_lets_are_refused_and_shared_parts_counted_once(cubes: Made) -> None:
    def chain(steps: int, step: str) -> str:
        lets = ", ".join(f"$x{n} := {step.format(x=f'$x{n - 1}')}" for n in range(1, steps))
        return f"for $c in (A) let $x0 := $c, {lets} return max($x{steps - 1} - $x{steps - 1})"

    (found,) = evaluated(cubes, chain(60, "{x} + {x}"))
    assert found.values[0].item() == 0
    with pytest.raises(LimitExceededError, match="builds on itself too often"):
        processor(cubes).answers(chain(5000, "{x} + 1"))


FORMATS = ("tiff", "png", "jpeg", "jp2", "netcdf", "csv", "json", "gml", "covjson")


def with_option(name: str, wanted: str) -> str:
    told = f'{{\\"configOptions\\": {{\\"{name}\\": \\"64\\"}}}}'
    return f'for $c in (T) return encode($c.b4, "{wanted}", "{told}")'


@pytest.mark.parametrize("wanted", FORMATS)
def test_options_that_a_format_has_not_are_refused(flat: Made, wanted: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"GDAL_X.* not offered for .*; allowed: \w"):
        one(flat, with_option("GDAL_X", wanted))


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_only_tunes_gdal_changes_no_result(flat: Made, wanted: str) -> None:
    plain = one(flat, f'for $c in (T) return encode($c.b4, "{wanted}")')
    assert one(flat, with_option("GDAL_CACHEMAX", wanted)).body == plain.body


def test_integers_of_64_bits_saturate(flat: Made) -> None:
    saturated = str(min(2147483647 * 2147483647 * 10, 2**64 - 1))
    query = "for $c in (A) return 2147483647 * 2147483647 * 10"
    assert texts(flat, query) == [saturated] == ["18446744073709551615"]
