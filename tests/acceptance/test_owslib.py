"""OWSLib as a client of the WMS 1.3.0 and the WCS 2.0.1."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from owslib.coverage.wcs201 import WebCoverageService_2_0_1
from owslib.map.wms130 import WebMapService_1_3_0
from pyproj import Transformer

from tests.acceptance.clients import raster, rgba
from tests.acceptance.painting import TOP_OF_ATMOSPHERE, TRUE_COLOUR, painted, read_planes

BOX = (445_000.0, 4_170_000.0, 447_000.0, 4_171_000.0)
"""Part of the Virginia sample, on cell edges."""
ROWS, COLUMNS = slice(434, 534), slice(232, 432)
"""The same, in cells of 10 m."""


@pytest.fixture(scope="module")
def wms(demo_url: str) -> WebMapService_1_3_0:
    return WebMapService_1_3_0(f"{demo_url}/ows")


@pytest.fixture(scope="module")
def wcs(demo_url: str) -> WebCoverageService_2_0_1:
    return WebCoverageService_2_0_1(f"{demo_url}/ows", None, None)


def test_layers_say_where_when_and_how(wms: WebMapService_1_3_0) -> None:
    assert set(wms.contents) == {"S2_L1C", "S2_L2A"}
    virginia, romania = wms["S2_L1C"], wms["S2_L2A"]
    assert virginia.boundingBoxWGS84 == pytest.approx(
        (-75.6504294, 37.6499865, -75.5572889, 37.7240055), abs=1e-3
    )
    assert list(virginia.styles)[:3] == ["true-colour", "false-colour", "ndvi"]
    assert {"scl", "B04", "SCL"} <= set(romania.styles)
    assert {"CRS:84", "EPSG:4326", "EPSG:3857", "EPSG:32618"} <= set(virginia.crsOptions)
    assert len(romania.timepositions) == 140
    assert romania.timepositions[0] == "2015-08-01"
    assert romania.defaulttimeposition.endswith("2021-01-01T00:00:00Z")


def test_a_map_through_owslib(wms: WebMapService_1_3_0, samples: Path) -> None:
    answer = wms.getmap(
        layers=["S2_L1C"],
        styles=["true-colour"],
        srs="EPSG:32618",
        bbox=BOX,
        size=(200, 100),
        format="image/png",
        transparent=True,
        time="2015-12-26",
    )
    planes, _, _ = read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))
    wanted = painted(planes[:, ROWS, COLUMNS], TOP_OF_ATMOSPHERE)
    np.testing.assert_array_equal(rgba(answer.read()), wanted)


def test_a_map_at_any_hour_of_a_day_shows_what_is_known_to_the_day(
    wms: WebMapService_1_3_0, samples: Path
) -> None:
    with rasterio.open(samples / "romania/2018-05-07/SCL.tif") as source:
        box = tuple(source.bounds)
    shown = [
        wms.getmap(
            layers=["S2_L2A"],
            styles=["SCL"],
            srs="EPSG:3035",
            bbox=box,
            size=(50, 50),
            format="image/png",
            transparent=True,
            time=when,
        ).read()
        for when in ("2018-05-07", "2018-05-07T12:30:00Z", "2018-05-07T23:59:59Z")
    ]
    assert (rgba(shown[0])[..., 3] == 255).all()
    assert shown[1:] == shown[:1] * 2


def test_owslib_turns_the_axes_of_epsg_4326(wms: WebMapService_1_3_0) -> None:
    """It sends latitude first in EPSG:4326 and longitude first in CRS:84."""
    box = Transformer.from_crs(32618, 4326, always_xy=True).transform_bounds(*BOX)
    bodies = [
        wms.getmap(
            layers=["S2_L1C"],
            styles=["B04"],
            srs=crs,
            bbox=box,
            size=(200, 100),
            format="image/png",
            time="2015-12-26",
        ).read()
        for crs in ("EPSG:4326", "CRS:84")
    ]
    assert bodies[0] == bodies[1]
    assert len(np.unique(rgba(bodies[0])[..., 0])) > 20


def test_coverages_and_their_times(wcs: WebCoverageService_2_0_1) -> None:
    assert {"S2_L1C_32618", "S2_L1C_32618_10m", "S2_L2A_3035_20m"} <= set(wcs.contents)
    romania = wcs.contents["S2_L2A_3035"]
    times = romania.timepositions
    assert len(times) == 140
    first = times[0].replace(tzinfo=UTC)
    assert first == datetime(2015, 8, 1, tzinfo=UTC)
    assert {"image/tiff", "application/netcdf"} <= set(romania.supportedFormats)
    assert romania.grid.axislabels == ["E", "N", "ansi"]


def test_a_geotiff_through_owslib(wcs: WebCoverageService_2_0_1, samples: Path) -> None:
    answer = wcs.getCoverage(
        identifier="S2_L1C_32618_10m",
        format="image/tiff",
        subsets=[("E", BOX[0], BOX[2]), ("N", BOX[1], BOX[3]), ("ansi", "2015-12-26")],
    )
    made = raster(answer.read())
    assert (made.epsg, made.nodata) == (32618, -32768)
    assert tuple(made.transform)[:6] == (10, 0, BOX[0], 0, -10, BOX[3])
    for plane, band in zip(made.values, ("B02", "B03", "B04", "B08"), strict=True):
        with rasterio.open(samples / f"virginia/{band}.tif") as source:
            np.testing.assert_array_equal(plane, source.read(1)[ROWS, COLUMNS])


def test_a_netcdf_through_owslib(wcs: WebCoverageService_2_0_1, samples: Path) -> None:
    """Two bands of four dates, the times on an axis."""
    answer = wcs.getCoverage(
        identifier="S2_L2A_3035_10m",
        format="application/netcdf",
        subsets=[("ansi", "2015-08-01", "2016-03-18")],
        rangesubset="B04,B08",
    )
    with xr.open_dataset(BytesIO(answer.read()), engine="h5netcdf", mask_and_scale=False) as made:
        assert dict(made["B04"].sizes) == {"time": 4, "y": 100, "x": 100}
        assert float(made["x"][0]) == pytest.approx(5271987.5766)
        assert float(made["y"][0]) == pytest.approx(2532999.2149)
        for number, day in enumerate(("2015-08-01", "2015-08-11", "2015-08-31", "2016-03-18")):
            assert str(made["time"].values[number]).startswith(day)
            for band in ("B04", "B08"):
                with rasterio.open(samples / f"romania/{day}/{band}.tif") as source:
                    read = source.read(1).astype(np.int16)
                wanted = np.where(read == 0, -32768, read)
                np.testing.assert_array_equal(made[band].values[number], wanted)
