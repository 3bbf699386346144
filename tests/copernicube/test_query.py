"""`cube.query`: what each kind of result is in Python, from a store and from its server."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.transform import from_origin

import copernicube
from copernicube.app import build
from copernicube.client import Catalogue
from copernicube.config import Settings
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    QuerySyntaxError,
    RequestError,
    StoreError,
)
from tests.builders.loopback import loopback
from tests.builders.made import Made, add_examples, make_store

FOREST = "S2_L2A_3035"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return add_examples(make_store(tmp_path_factory.mktemp("made") / "store"))


@pytest.fixture(scope="module")
def url(made: Made) -> Iterator[str]:
    with loopback(build(Settings(store=made.local.store.location.name))) as address:
        yield address


@pytest.fixture(scope="module", params=["store", "server"])
def cubes(request: pytest.FixtureRequest, made: Made) -> Catalogue:
    """Return the cubes of a store, then those of its server."""
    if request.param == "store":
        return copernicube.open(made.local.store.location.name)
    return copernicube.open(request.getfixturevalue("url"))


def test_a_number_is_a_number(cubes: Catalogue, made: Made) -> None:
    v = made.arrays["A"]["v"]
    found: dict[str, Any] = {
        "avg($c)": float(v.mean()),
        "max($c)": int(v.max()),
        "count($c > 100)": int((v > 100).sum()),
        "some($c > 100)": True,
        "all($c > 100)": False,
        "avg($c) + 1.5": float(v.mean()) + 1.5,
        "min(switch case $c > 9999 return $c default return null)": None,
        "avg($c) / 0": float("inf"),
        "max($c) * (0.0, 1.0)": complex(0, int(v.max())),
        "1 + 2": 3,
    }
    for text, expected in found.items():
        number = cubes["A"].query(text)
        assert number == expected, text
        assert type(number) is type(expected), text


def test_numbers_of_bands_are_named(cubes: Catalogue, made: Made) -> None:
    u, v = (made.arrays["W"][band] for band in "uv")
    found = cubes["W"].query("max($c)")
    assert found == {"u": float(np.nanmax(u)), "v": float(v.max())}
    turned = cubes["T"].query("{one: max($c.b8) * (0.0, 1.0); two: min($c.b8)}")
    b8 = made.arrays["T"]["b8"]
    assert turned == {"one": complex(0, b8.max()), "two": b8.min()}


def test_cells_are_lazy(cubes: Catalogue, made: Made) -> None:
    one = cubes["T"].query("$c.b8[Lat(10:20)] / 2")
    assert isinstance(one, xr.DataArray)
    assert one.chunks is not None
    assert one.name == "b8"
    np.testing.assert_array_equal(one, made.arrays["T"]["b8"][:, 20:40] / 2)
    two = cubes["T"].query("$c")
    assert isinstance(two, xr.Dataset)
    assert list(two.data_vars) == ["b4", "b8"]
    b4 = made.arrays["T"]["b4"]
    np.testing.assert_array_equal(two.b4, np.where(b4 == 65535, np.nan, b4))


def test_files_are_bytes_and_texts_str(cubes: Catalogue, made: Made) -> None:
    tiff = cubes["A"].query('encode($c, "tiff")')
    assert isinstance(tiff, bytes)
    with rasterio.open(BytesIO(tiff)) as opened:
        np.testing.assert_array_equal(opened.read(1), made.arrays["A"]["v"])
    polygons = cubes["A"].query('polygonize($c[Lat(0:1)] > 100, "GeoJSON")')
    assert isinstance(polygons, bytes)
    assert b"FeatureCollection" in polygons
    assert cubes["A"].query("identifier($c)") == "A"
    assert cubes["A"].query("imageCrsDomain($c, Lat)") == "(0:59)"
    described = cubes["A"].query('describe($c, "gml")')
    assert isinstance(described, str)
    assert "CoverageDescriptions" in described


def test_what_follows_for_may_stand_alone(cubes: Catalogue) -> None:
    cube = cubes["A"]
    whole = cube.query("for $c in (A) return max($c)")
    for text in (
        "max($c)",
        "return max($c)",
        "let $m := max($c) return $m",
        "where max($c) > 1 return max($c)",
        "-- of all cells\n max($c)",
        "/* twice */ FOR $a in (A) RETURN max($a)",
    ):
        assert cube.query(text) == whole, text


def test_several_coverages_give_a_list(cubes: Catalogue, made: Made) -> None:
    means = [float(made.arrays[name]["v"].mean()) for name in "AB"]
    assert cubes.query("for $c in (A, B) return avg($c)") == means
    least = min(means)
    kept = cubes.query(f"for $c in (A, B) where avg($c) > {least!r} return avg($c)")
    assert kept == [max(means)]
    pairs = cubes.query("for $a in (A, B), $b in (A, B) return max($a - $b)")
    assert isinstance(pairs, list)
    assert [pairs[0], pairs[3]] == [0, 0]
    a, b = (made.arrays[name]["v"].astype(int) for name in "AB")
    assert pairs[1:3] == [(a - b).max(), (b - a).max()]
    cells = cubes.query("for $c in (A, B) return $c * 2")
    assert isinstance(cells, list)
    for one, name in zip(cells, "AB", strict=True):
        np.testing.assert_array_equal(one, made.arrays[name]["v"].astype(int) * 2)


def test_where_may_leave_nothing(cubes: Catalogue) -> None:
    for result in ("avg($c)", "$c", 'encode($c, "tiff")', "identifier($c)"):
        assert cubes["A"].query(f"where max($c) > 9999 return {result}") is None


def test_files_come_with_a_query(cubes: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "sent.tif"
    numbers = np.arange(12, dtype="int16").reshape(3, 4)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=4,
        height=3,
        count=1,
        dtype="int16",
        crs="EPSG:32633",
        transform=from_origin(500_000, 5_000_000, 10, 10),
    ) as file:
        file.write(numbers, 1)
    text = "for $c in (decode($1)), $d in (decode($2)) return max($c + $d)"
    assert cubes.query(text, uploads=[path, path.read_bytes()]) == 22
    doubled = cubes.query("for $c in (decode($1)) return $c * 2", uploads=[path])
    np.testing.assert_array_equal(doubled, numbers * 2)
    assert isinstance(doubled, xr.DataArray)
    assert doubled.x.values.tolist() == [500_005, 500_015, 500_025, 500_035]
    with pytest.raises(InvalidParameterError, match=r"absent.tif.*No such file"):
        cubes.query(text, uploads=[tmp_path / "absent.tif"])


def test_rules_for_nulls_are_chosen(cubes: Catalogue, made: Made) -> None:
    cube, b4 = cubes["T"], made.arrays["T"]["b4"]
    lost = int((b4 == 65535).sum())
    text = "count(not ($c.b4 > 0))"
    assert cube.query(text) == 0
    assert cube.query(text, compat="rasdaman") == lost
    with pytest.raises(InvalidParameterError, match="allowed are None and 'rasdaman'"):
        cube.query(text, compat="petascope")  # type: ignore[arg-type]  # that is refused


@pytest.mark.parametrize(
    ("text", "told", "underlined"),
    [
        ("avg($c.b5)", "unknown band b5; this coverage has b4, b8", "b5"),
        ("$c.b4 + $d", "unknown variable", "$d"),
        ("avg($c", "expected", ""),
        ("$c.b4[height(3)]", "unknown axis height", "height"),
    ],
)
def test_what_is_wrong_is_underlined(
    cubes: Catalogue, text: str, told: str, underlined: str
) -> None:
    with pytest.raises(RequestError, match=told) as refused:
        cubes["T"].query(text)
    (note,) = refused.value.__notes__
    line, marks = note.splitlines()
    assert set(marks.strip()) == {"^"}
    if underlined:
        assert line[marks.index("^") :].startswith(underlined)
        assert len(marks.strip()) == len(underlined)


def test_a_query_stays_at_the_revision_of_its_catalogue(made: Made, url: str) -> None:
    for place in (made.local.store.location.name, url):
        first = copernicube.open(place, as_of=1)
        assert list(first) == ["A"]
        assert first.query("for $c in (A) return identifier($c)") == "A"
        with pytest.raises(RequestError, match="unknown coverage"):
            first.query("for $c in (B) return avg($c)")


def test_a_server_that_is_gone_is_told(made: Made) -> None:
    with loopback(build(Settings(store=made.local.store.location.name))) as url:
        cube = copernicube.open(url)["A"]
        lazy = cube.query("$c * 2")
    with pytest.raises(StoreError, match="gives no answer"):
        cube.query("avg($c)")
    assert isinstance(lazy, xr.DataArray)
    with pytest.raises(StoreError, match="gives no answer"):
        lazy.compute()


def test_a_query_that_is_no_query_never_leaves(url: str) -> None:
    cubes = copernicube.open(url)
    with pytest.raises(QuerySyntaxError, match="line 1"):
        cubes.query("for")
    with pytest.raises(LimitExceededError, match="nested more than"):
        cubes.query(f"for $c in (A) return {'(' * 1000}1{')' * 1000}")


@pytest.mark.parametrize("place", ["local", "remote"])
def test_ndvi_of_clear_cells_in_a_polygon_by_date(
    place: str, samples: Path, request: pytest.FixtureRequest
) -> None:
    """The real samples, read again with rasterio."""
    cube = request.getfixturevalue(place)[FOREST]
    x, y = cube.bbox[0], cube.bbox[1]
    area = shapely.Polygon([(x + 203, y + 207), (x + 709, y + 311), (x + 503, y + 701)])
    clear = (cube.SCL >= 4) & (cube.SCL <= 6)
    ndvi = (cube.B08 - cube.B04) / (cube.B08 + cube.B04)
    found = ndvi.where(clear).clip_to(area).mean(["x", "y"]).compute()

    days = [d for d in sorted((samples / "romania").iterdir()) if d.is_dir()]
    expected = np.array([mean_ndvi(day, area) for day in days])
    assert isinstance(found, xr.DataArray)
    assert found.dims == ("time",)
    assert [str(t)[:10] for t in found.time.values] == [d.name for d in days]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def mean_ndvi(day: Path, area: shapely.Polygon) -> float:
    with rasterio.open(day / "B08.tif") as file:
        nir, to_map = file.read(1).astype(float), file.transform
    with rasterio.open(day / "B04.tif") as file:
        red = file.read(1).astype(float)
    with rasterio.open(day / "SCL.tif") as file:
        scl = file.read(1).repeat(2, axis=0).repeat(2, axis=1)
    rows, cols = np.indices(nir.shape)
    x, y = to_map.c + to_map.a * (cols + 0.5), to_map.f + to_map.e * (rows + 0.5)
    # Of cells with no light at all there is no index.
    kept = shapely.contains_xy(area, x, y) & (scl >= 4) & (scl <= 6) & (nir + red > 0)
    nir, red = np.minimum(nir, 32767)[kept], np.minimum(red, 32767)[kept]
    return float(np.mean((nir - red) / (nir + red))) if kept.any() else float("nan")
