"""Two tiles of five days in one cube: maps across the seam, and the days on offer."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from owslib.coverage.wcs201 import WebCoverageService_2_0_1
from owslib.map.wms130 import WebMapService_1_3_0
from rasterio.enums import Resampling

from tests.acceptance.clients import Rgba, View, get, get_map, picture, view_of
from tests.acceptance.painting import (
    SURFACE,
    TRUE_COLOUR,
    Planes,
    gdal_warp,
    painted,
)

DAYS = ("2023-08-10", "2023-08-13", "2023-08-15", "2023-08-18", "2023-08-20")
TILES = ("33TWL", "33TWM")
CELL_M = 60
# The tiles overlap from N 5,090,220 to 5,100,000, and the swath of orbit 79 ends in the west.
SEAM = (499_980.0, 5_080_020.0, 559_980.0, 5_110_020.0)
ORBIT_79 = ("2023-08-10", "2023-08-15", "2023-08-20")


def sources(alps: Path, day: str) -> list[Path]:
    """Return the folders of a day's two tiles."""
    return [next(alps.glob(f"S2?_{tile}_{day.replace('-', '')}_0_L2A")) for tile in TILES]


def scene(folder: Path, bands: tuple[str, ...]) -> tuple[Planes, rasterio.Affine, str]:
    """Read bands of a tile, NaN where its scene classification says there is no data."""
    with rasterio.open(folder / "SCL.tif") as data:
        known = data.read(1) != 0
        transform, crs = data.transform, data.crs.to_wkt()
    planes = []
    for band in bands:
        with rasterio.open(folder / f"{band}.tif") as data:
            planes.append(np.where(known, data.read(1), np.nan))
    return np.stack(planes), transform, crs


def known_to_gdal(alps: Path, day: str, view: View) -> NDArray[np.bool_]:
    """Return where GDAL's warp of either tile has data."""
    known = np.zeros(view.shape, np.bool_)
    for folder in sources(alps, day):
        known |= np.isfinite(gdal_warp(*scene(folder, ("B04",)), view, Resampling.nearest)[0])
    return known


def true_colour(url: str, view: View, day: str) -> Rgba:
    return picture(get_map(url, "S2_L2A", view, time=day))


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:3857", "EPSG:4326"])
@pytest.mark.parametrize("day", DAYS)
def test_no_gap_where_gdal_finds_data(alps: Path, alps_url: str, crs: str, day: str) -> None:
    view = view_of(crs, SEAM, "EPSG:32633", CELL_M)
    alpha = true_colour(alps_url, view, day)[..., 3]
    known = known_to_gdal(alps, day, view)
    assert 0.7 < known.mean() <= 1
    assert known.all() == (day not in ORBIT_79)
    assert set(np.unique(alpha)) <= {0, 255}
    # A centre on the very edge of the swath may fall on either side of it: positions are
    # exact to an eighth of a cell. Inside, and so all along the seam, nothing may be missing.
    inside = cv2.erode(known.astype(np.uint8), np.ones((3, 3)), borderValue=1).astype(np.bool_)
    outside = cv2.dilate(known.astype(np.uint8), np.ones((3, 3)), borderValue=0) == 0
    assert not np.any(inside & (alpha == 0))
    assert not np.any(outside & (alpha == 255))
    assert np.mean(known != (alpha == 255)) < 0.001
    if crs == "EPSG:32633":
        np.testing.assert_array_equal(alpha == 255, known)


@pytest.mark.parametrize("day", DAYS)
def test_native_pixels_are_those_of_the_day(alps: Path, alps_url: str, day: str) -> None:
    """One time holds both tiles; where they overlap either may show, and never a mixture."""
    view = view_of("EPSG:32633", SEAM, "EPSG:32633", CELL_M)
    shown = true_colour(alps_url, view, day)
    south, north = (
        painted(gdal_warp(*scene(folder, TRUE_COLOUR), view, Resampling.nearest), SURFACE)
        for folder in sources(alps, day)
    )
    is_south, is_north = ((shown == tile).all(axis=-1) for tile in (south, north))
    assert np.all(is_south | is_north)
    assert np.any(is_south & ~is_north)
    assert np.any(is_north & ~is_south)


def test_both_tiles_of_a_day_contribute(alps_url: str) -> None:
    view = view_of("EPSG:3857", SEAM, "EPSG:32633", CELL_M)
    answer = get_map(alps_url, "S2_L2A", view, time="2023-08-15")
    stem = "S2A_MSIL2A_20230815T095031_N0509_R079_T{}_20230815T155057"
    named = answer.headers["Copernicube-Scenes"].split(", ")
    assert named == [stem.format(tile) for tile in TILES]
    assert answer.headers["Copernicube-Revision"] == "10"


def test_every_service_lists_five_times(alps_url: str) -> None:
    wms = WebMapService_1_3_0(f"{alps_url}/ows")
    assert tuple(wms["S2_L2A"].timepositions) == DAYS
    wcs = WebCoverageService_2_0_1(f"{alps_url}/ows", None, None)
    times = wcs.contents["S2_L2A_33TW"].timepositions
    assert [time.date().isoformat() for time in times] == list(DAYS)
    described = get(alps_url, "/ogcapi/collections/S2_L2A_33TW", f="json").json()
    assert described["extent"]["temporal"]["interval"][0][0].startswith(DAYS[0])
    assert described["extent"]["temporal"]["interval"][0][1].startswith(DAYS[-1])
