"""Cubes as lazy Datasets: the same from a store and from its server, equal to the source files."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dask
import numpy as np
import odc.geo.xr  # noqa: F401 it registers `.odc`
import pytest
import rasterio
import xarray as xr
from numpy.typing import NDArray

import copernicube
from copernicube.client import Catalogue
from copernicube.client.asking import fetch_json
from copernicube.client.times import Times, parse_times
from datacube.errors import (
    CubeError,
    InvalidParameterError,
    RequestError,
    StoreError,
    UnknownNameError,
)

FOREST = "S2_L2A_3035"
COAST = "S2_L1C_32618"
NODATA = -32768
LEFT_M, TOP_M = 5271982.5766, 2533004.2149


def source(samples: Path, day: str, band: str) -> NDArray[np.int16]:
    """Read a sample as the store must hold it: reflectance x 10000, nodata where SCL is 0."""
    with rasterio.open(samples / "romania" / day / f"{band}.tif") as opened:
        cells = opened.read(1).astype(np.int32)
    with rasterio.open(samples / "romania" / day / "SCL.tif") as opened:
        nodata = opened.read(1) == 0
    if cells.shape != nodata.shape:
        nodata = nodata.repeat(2, axis=0).repeat(2, axis=1)
    return np.where(nodata, NODATA, np.minimum(cells, 32767)).astype(np.int16)


@pytest.fixture(params=["local", "remote"])
def catalogue(request: pytest.FixtureRequest) -> Catalogue:
    """Return the catalogue of the store, then that of its server."""
    found: Catalogue = request.getfixturevalue(request.param)
    return found


def test_a_catalogue_lists_its_cubes(catalogue: Catalogue) -> None:
    assert list(catalogue) == [COAST, FOREST]
    assert len(catalogue) == 2
    assert FOREST in catalogue
    assert f"{FOREST}_10m" not in catalogue
    assert "140 times 2015-08-01 to 2021-01-01, EPSG:3035, 10, 20 m" in repr(catalogue)
    html = catalogue._repr_html_()
    assert html.count("<tr>") == 3


def test_a_cube_tells_what_it_has(catalogue: Catalogue) -> None:
    cube = catalogue[FOREST]
    assert cube.bands == ("B02", "B03", "B04", "B08", "B8A", "B11", "SCL")
    assert cube.resolutions == (10.0, 20.0)
    assert cube.crs.to_epsg() == 3035
    assert cube.bbox == pytest.approx((LEFT_M, TOP_M - 1000, LEFT_M + 1000, TOP_M))
    assert len(cube.times) == 140
    assert cube.times.is_monotonic_increasing
    assert str(cube.times[9].date()) == "2016-06-16"
    assert "B11" in cube._repr_html_()
    assert repr(cube).startswith(f"<Cube {FOREST}: Sentinel-2 L2A")


def test_stored_numbers_are_those_of_the_source(catalogue: Catalogue, samples: Path) -> None:
    cube = catalogue[FOREST]
    found = cube.to_xarray(time=("2016-06-06", "2016-06-16"), bands=["B08", "B04"], decode=False)
    assert list(found.data_vars) == ["B08", "B04"]
    for band in ("B08", "B04"):
        expected = np.stack([source(samples, day, band) for day in ("2016-06-06", "2016-06-16")])
        assert found[band].dtype == np.int16
        np.testing.assert_array_equal(found[band], expected)
    np.testing.assert_allclose(found.x[:2], [LEFT_M + 5, LEFT_M + 15])
    np.testing.assert_allclose(found.y[:2], [TOP_M - 5, TOP_M - 15])


def test_decoded_values_are_reflectance_with_nan(catalogue: Catalogue, samples: Path) -> None:
    days = [d.name for d in sorted((samples / "romania").iterdir()) if d.is_dir()]
    stored = np.stack([source(samples, day, "B11") for day in days])
    found = catalogue[FOREST].to_xarray(bands="B11", resolution=20).B11
    assert found.dtype == np.float32
    expected = np.where(stored == NODATA, np.nan, stored * 0.0001)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_box_may_be_in_another_crs(catalogue: Catalogue, samples: Path) -> None:
    cube = catalogue[FOREST]
    box = (LEFT_M + 101, TOP_M - 299, LEFT_M + 200, TOP_M - 150)
    found = cube.to_xarray(bbox=box, time="2016-06-16", bands="B04", decode=False)
    expected = source(samples, "2016-06-16", "B04")
    np.testing.assert_array_equal(found.B04[0], expected[15:30, 10:20])
    degrees = rasterio.warp.transform_bounds(3035, 4326, *box)
    wider = cube.to_xarray(
        bbox=degrees, bbox_crs="EPSG:4326", time="2016-06-16", bands="B04", decode=False
    )
    # The box in metres around the box in degrees around a box: wider, never narrower.
    xr.testing.assert_equal(found, wider.sel(x=found.x, y=found.y))
    assert wider.sizes["x"] <= found.sizes["x"] + 6


@pytest.mark.parametrize(
    "choice",
    [
        {"time": "2016"},
        {"time": ("2020-11", None), "bands": ["SCL", "B02"], "decode": False},
        {"time": "2018-05", "resolution": 20},
        {"bbox": (LEFT_M + 15, TOP_M - 95, LEFT_M + 60, TOP_M - 2), "bands": ["B8A", "B04"]},
    ],
)
def test_store_and_server_give_identical_datasets(
    local: Catalogue, remote: Catalogue, choice: dict[str, Any]
) -> None:
    one, other = (c[FOREST].to_xarray(**choice) for c in (local, remote))
    xr.testing.assert_identical(one.load(), other.load())


def test_a_scene_of_thirteen_bands_is_identical_too(local: Catalogue, remote: Catalogue) -> None:
    one, other = (c[COAST].to_xarray(resolution=60) for c in (local, remote))
    assert set(one.data_vars) == {"B01", "B09", "B10"}
    xr.testing.assert_identical(one.load(), other.load())


def test_nothing_is_computed_before_it_is_asked_for(catalogue: Catalogue) -> None:
    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise AssertionError("Dask was asked to compute")

    with dask.config.set(scheduler=refuse):
        found = catalogue[COAST].to_xarray()
        index = (found.B08 - found.B04) / (found.B08 + found.B04)
        assert all(array.chunks is not None for array in found.data_vars.values())
        with pytest.raises(AssertionError, match="asked to compute"):
            index.compute()


# odc-geo multiplies transforms in the way that affine is about to retire.
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_the_crs_is_found_by_odc_geo_and_by_the_rules_of_cf(catalogue: Catalogue) -> None:
    found = catalogue[FOREST].to_xarray(bands="B04", time="2016-06-16")
    assert found.odc.crs.epsg == 3035
    assert found.odc.geobox.affine[:6] == pytest.approx((10, 0, LEFT_M, 0, -10, TOP_M))
    assert "spatial_ref" in found.coords
    assert found.B04.encoding["grid_mapping"] == "spatial_ref"
    assert "GRS 1980" in found.spatial_ref.attrs["crs_wkt"]
    assert found.x.attrs["standard_name"] == "projection_x_coordinate"


def test_a_catalogue_stays_at_its_revision(demo_store: Path, server: str) -> None:
    for location in (demo_store, server):
        older = copernicube.open(location, as_of=1)
        assert older.revision == 1
        assert len(older) == 1
        (cube,) = older.cubes
        assert cube.time_count == 1
        assert dict(cube.to_xarray(bands=cube.bands[:1]).sizes)["time"] == 1


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"bands": ["B04", "B99"]}, "unknown band B99; this coverage has B02, B03"),
        ({"bands": []}, "no band is asked for; offered: B02"),
        ({"bands": "B04", "resolution": 20}, "unknown band B04; this coverage has B8A, B11, SCL"),
        ({"resolution": 30}, "unknown resolution '30'; offered: 10, 20"),
        ({"time": "1999"}, "no acquisition at 1999; the nearest: 2015-08-01T00:00:00Z"),
        ({"time": "soon"}, "ISO 8601"),
        ({"time": ("2016", "2017", "2018")}, "a pair"),
        ({"bbox": (0, 0, 1, 1)}, "misses axis"),
        ({"bbox": (1, 0, 0, 1)}, "each minimum below its maximum"),
    ],
)
def test_a_wrong_choice_is_told_with_what_is_offered(
    catalogue: Catalogue, choice: dict[str, Any], told: str
) -> None:
    with pytest.raises(RequestError) as refused:
        catalogue[FOREST].to_xarray(**choice)
    assert told in str(refused.value)


def test_an_unknown_cube_or_place_is_told(
    catalogue: Catalogue, tmp_path: Path, server: str
) -> None:
    with pytest.raises(UnknownNameError, match=f"offered: {COAST}, {FOREST}"):
        catalogue["S2"]
    with pytest.raises(StoreError, match="nowhere"):
        copernicube.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(StoreError, match="gives no answer"):
        copernicube.open("http://127.0.0.1:9")
    with pytest.raises(CubeError, match="nowhere"):
        copernicube.open(f"{server}/nowhere")


def test_a_revision_ahead_is_refused(demo_store: Path, server: str) -> None:
    for location in (demo_store, server):
        with pytest.raises(RequestError, match="999999"):
            copernicube.open(location, as_of=999_999)


@pytest.mark.parametrize(
    ("times", "read"),
    [
        (None, None),
        ("2016", "2016"),
        ("2016/2017", "2016/2017"),
        (("2016", None), "2016/.."),
        (slice(None, "2017-05"), "../2017-05"),
        ((None, None), None),
        (date(2016, 6, 16), "2016-06-16"),
        (datetime(2016, 6, 16, 9, 50, tzinfo=UTC), "2016-06-16T09:50:00Z"),
        (np.datetime64("2016-06-16T09:50:31.024"), "2016-06-16T09:50:31.024Z"),
    ],
)
def test_times_as_people_write_them(times: Times, read: str | None) -> None:
    cut = parse_times(times)
    assert (None if cut is None else str(cut)) == read


def test_a_slice_with_a_step_is_no_time() -> None:
    with pytest.raises(InvalidParameterError, match="a pair"):
        parse_times(slice("2016", "2017", "1D"))


@pytest.mark.parametrize("most", [None, 1])
def test_every_page_of_collections_is_read(
    server: str, local: Catalogue, monkeypatch: pytest.MonkeyPatch, most: int | None
) -> None:
    asked: list[str] = []

    def counted(url: str) -> tuple[dict[str, Any], str]:
        asked.append(url)
        return fetch_json(url)

    monkeypatch.setattr("copernicube.client.remote.fetch_json", counted)
    if most is not None:
        monkeypatch.setattr("copernicube.client.remote.MOST_LISTED", most)
    assert list(copernicube.open(server)) == list(local)
    assert len(asked) == 1 if most is None else len(asked) > len(local)
