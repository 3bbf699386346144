"""GDAL draws and reads known places: Debian's programs, and the GDAL within rasterio's wheel."""

from collections.abc import Callable, Mapping
from functools import partial
from math import log2
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from tests.acceptance.clients import View
from tests.acceptance.conftest import Gdal
from tests.acceptance.places import WORLD_M, Case, cases, check_colours, check_values

type Read = Callable[[str, View, Mapping[str, str]], NDArray[np.generic]]
"""Reads what GDAL opens by a name and options, in a view: `(band, y, x)`, by the nearest cell."""

WORLD_SETS = {"EPSG:3857": "WebMercatorQuad", "EPSG:4326": "WorldCRS84Quad"}
BANDS = ("B02", "B03", "B04")
"""The first of every optical coverage, in its order."""


def _by_program(
    gdal: Gdal, folder: Path, name: str, view: View, options: Mapping[str, str]
) -> NDArray[np.generic]:
    out = folder / "read.tif"
    chosen = [part for key, value in options.items() for part in ("-oo", f"{key}={value}")]
    place = ("-te", *map(repr, view.box), "-ts", str(view.width_px), str(view.height_px))
    # Sets of tiles in longitude and latitude have a name of their own.
    same = ("-s_srs", "EPSG:4326") if view.crs == "EPSG:4326" and "WMTS" in name else ()
    gdal("gdalwarp", "-q", "-et", "0", *same, "-t_srs", view.crs, *place, *chosen, name, out)
    with rasterio.open(out) as file:
        cells: NDArray[np.generic] = file.read()
        return cells


def _by_wheel(
    folder: Path, name: str, view: View, options: Mapping[str, str]
) -> NDArray[np.generic]:
    with (
        rasterio.Env(GDAL_DEFAULT_WMS_CACHE_PATH=str(folder)),
        rasterio.open(name, **options) as opened,
        WarpedVRT(
            opened,
            crs=view.crs,
            transform=view.transform,
            width=view.width_px,
            height=view.height_px,
            resampling=Resampling.nearest,
            tolerance=1e-6,
        ) as warped,
    ):
        cells: NDArray[np.generic] = warped.read()
        return cells


@pytest.fixture(params=["program", "wheel"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    if request.param == "wheel":
        return partial(_by_wheel, tmp_path)
    return partial(_by_program, request.getfixturevalue("gdal"), tmp_path)


def picture(planes: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Turn planes of colours to `(y, x, red/green/blue/alpha)`."""
    return np.moveaxis(planes, 0, -1).astype(np.uint8)


def window(box: tuple[float, float, float, float], further: str) -> str:
    x0, y0, x1, y1 = box
    return (
        f"<UpperLeftX>{x0!r}</UpperLeftX><UpperLeftY>{y1!r}</UpperLeftY>"
        f"<LowerRightX>{x1!r}</LowerRightX><LowerRightY>{y0!r}</LowerRightY>{further}"
    )


def described(service: str, data: str, crs: str) -> str:
    """Return what GDAL's driver for map servers opens."""
    return (
        f"<GDAL_WMS><Service {service}</Service><DataWindow>{data}</DataWindow>"
        f"<Projection>{crs}</Projection><BandsCount>4</BandsCount>"
        "<BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY></GDAL_WMS>"
    )


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
@pytest.mark.parametrize("case", cases("gdal-wms"))
def test_maps(read: Read, places_url: str, case: Case, version: str) -> None:
    view, place = case.view, case.place
    size = f"<SizeX>{view.width_px}</SizeX><SizeY>{view.height_px}</SizeY>"
    turned = version == "1.3.0" and view.crs == "EPSG:4326"
    tag = "SRS" if version == "1.1.1" else "CRS"
    service = (
        f'name="WMS"><Version>{version}</Version><ServerUrl>{places_url}/ows?time={place.time}'
        f"</ServerUrl><Layers>{place.layer}</Layers><Styles>{place.style}</Styles>"
        f"<{tag}>{view.crs}</{tag}><ImageFormat>image/png</ImageFormat>"
        f"<Transparent>TRUE</Transparent><BBoxOrder>{'yxYX' if turned else 'xyXY'}</BBoxOrder>"
    )
    check_colours(
        case, picture(read(described(service, window(view.box, size), view.crs), view, {}))
    )


def level_of(view: View) -> int:
    """Return the level of the world's sets of tiles that has the pixels of a view."""
    largest = WORLD_M / 256 if view.crs == "EPSG:3857" else 360 / 512
    return round(log2(largest / (view.box[2] - view.box[0]) * view.width_px))


@pytest.mark.parametrize("case", cases("gdal-wmts"))
def test_tiles_of_wmts(read: Read, places_url: str, case: Case) -> None:
    """GDAL knows no time of its tiles but the default: the newest."""
    place = case.place
    tiles = WORLD_SETS.get(case.view.crs, place.native_tiles)
    name = (
        f"WMTS:{places_url}/wmts/1.0.0/WMTSCapabilities.xml,layer={place.layer},"
        f"style={place.style},tilematrixset={tiles}"
    )
    if case.view.crs in WORLD_SETS:
        # GDAL's warp takes the next finer overview where a pixel is as large as the view's.
        name += f",zoom_level={level_of(case.view)}"
    check_colours(case, picture(read(name, case.view, {})))


@pytest.mark.parametrize("case", cases("gdal-xyz"))
def test_tiles_of_xyz(read: Read, places_url: str, case: Case) -> None:
    place, view = case.place, case.view
    service = (
        f'name="TMS"><ServerUrl>{places_url}/tiles/{place.layer}/${{z}}/${{x}}/${{y}}.png?time='
        f"{place.time}&amp;style={place.style}</ServerUrl>"
    )
    half = WORLD_M / 2
    pyramid = (
        f"<TileLevel>{level_of(view)}</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY>"
        "<YOrigin>top</YOrigin>"
    )
    name = described(service, window((-half, -half, half, half), pyramid), view.crs)
    check_colours(case, picture(read(name, view, {})))


def options_at(version: str, day: str) -> dict[str, str]:
    """Return how a person tells GDAL the time, by version."""
    match version:
        case "1.0.0":
            return {"GetCoverageExtra": f"time={day}"}
        case "1.1.1":
            return {"GetCoverageExtra": f"TimeSequence={day}"}
        case _:
            return {"Subset": f"ansi({day})"}


def check_bands(case: Case, planes: NDArray[np.generic]) -> None:
    """Compare the bands of a whole coverage, of which a place names some."""
    names = BANDS if len(case.place.bands) > 1 else case.place.bands
    check_values(case, planes[[names.index(band) for band in case.place.bands]])


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1", "2.0.1"])
@pytest.mark.parametrize("case", cases("gdal-wcs"))
def test_coverages(read: Read, places_url: str, tmp_path: Path, case: Case, version: str) -> None:
    """GDAL reads cells of the coverage and warps them itself."""
    name = f"WCS:{places_url}/ows?version={version}&coverage={case.place.coverage}"
    options = {"CACHE": str(tmp_path / "wcs")} | options_at(version, case.place.time)
    check_bands(case, read(name, case.view, options))


@pytest.mark.parametrize("case", cases("gdal-cog"))
def test_files_by_ranges(read: Read, places_url: str, case: Case) -> None:
    """The answer of GetCoverage is a file that /vsicurl reads where it needs it."""
    asked = {
        "service": "WCS",
        "version": "2.0.1",
        "request": "GetCoverage",
        "coverageId": case.place.coverage,
        "subset": f'ansi("{case.place.time}")',
        "format": "image/tiff",
    }
    check_bands(case, read(f"/vsicurl/{places_url}/ows?{urlencode(asked)}", case.view, {}))
