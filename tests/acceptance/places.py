"""Known places of the Earth for every client: one table, one oracle, one measure.

A client draws or reads a `Case`; `wanted_colours` and `wanted_values` say what it must get, by
GDAL's own warp of the source.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from math import ceil, cos, log2, pi, radians
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling

from tests.acceptance.clients import View
from tests.acceptance.painting import (
    SURFACE,
    TOP_OF_ATMOSPHERE,
    TRUE_COLOUR,
    Planes,
    Stretch,
    gdal_warp,
    painted,
    read_planes,
)
from tests.builders.expected import expected_stored
from tests.builders.presets import north, partial
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.served import run_copernicube
from tests.builders.surface import STORED_NODATA, real_surface
from tests.builders.testdata import REPOSITORY, find_testdata

SIDE_PX = 160
SCENE_PX = 240
"""Side of the built scenes, in cells of 10 m."""
BACKSCATTER: tuple[Stretch, ...] = ((0, 0.1, 1.0),)
RECIPE = r"""
coverage: RTC
axes:
  - name: time
    is: time
    file_name: {pattern: '_(?P<value>\d{8}T\d{6})Z_', format: '%Y%m%dT%H%M%S'}
bands: [{name: VH}]
"""
STYLES = """
styles:
  - {name: backscatter, for: {collection: RTC}, band: VH, stretch: {low: 0, high: 0.1}}
"""
WORLD_M = 2 * pi * 6_378_137
_L2A = partial(north(), *TRUE_COLOUR, "SCL")

type Source = tuple[Planes, Affine, str]
"""Planes of red, green and blue or of grey, their place, and the CRS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A scene, and the names by which services know it."""

    layer: str
    style: str
    coverage: str
    bands: tuple[str, ...]
    """As the style paints them."""
    time: str
    """A UTC day."""
    stretches: tuple[Stretch, ...]
    cell_m: int
    centre: tuple[float, float]
    """Of the views, on corners of cells, in the first of `crss`."""
    crss: tuple[str, ...]
    """Of the views: that of the cube, then others."""
    native_tiles: str = ""
    """Matrix set of the stored cells, if they have one."""
    product: Product | None = None
    """Real pixels built into a product at this place; else the place is the pixels' own."""


PLACES: Mapping[str, Place] = {
    "north": Place(
        layer="S2_L1C",
        style="true-colour",
        coverage="S2_L1C_32618_10m",
        bands=TRUE_COLOUR,
        time="2015-12-26",
        stretches=TOP_OF_ATMOSPHERE,
        cell_m=10,
        centre=(446_680.0, 4_171_340.0),
        crss=("EPSG:32618", "EPSG:4326", "EPSG:3857", "EPSG:32617"),
        native_tiles="EPSG32618_10m",
    ),
    # Papua New Guinea, the edge of a swath: a half of the view has no data.
    "south": Place(
        layer="RTC",
        style="backscatter",
        coverage="RTC",
        bands=("VH",),
        time="2024-01-23",
        stretches=BACKSCATTER,
        cell_m=30,
        centre=(759_180.0, 9_404_460.0),
        crss=("EPSG:32754", "EPSG:4326", "EPSG:3857"),
    ),
    # Fiji: 180 degrees cut the scene in two.
    "antimeridian": Place(
        layer="S2_L2A",
        style="true-colour",
        coverage="S2_L2A_32701_10m",
        bands=TRUE_COLOUR,
        time="2023-08-15",
        stretches=SURFACE,
        cell_m=10,
        centre=(180_500.0, 8_118_760.0),
        crss=("EPSG:32701", "EPSG:4326", "EPSG:3857", "EPSG:32760"),
        native_tiles="EPSG32701_10m",
        product=replace(_L2A, tile="01KAB", epsg=32701, origin_x_m=179_340, origin_y_m=8_119_960),
    ),
    # The last land before the pole, 83.5 degrees north.
    "pole": Place(
        layer="S2_L2A",
        style="true-colour",
        coverage="S2_L2A_32633_10m",
        bands=TRUE_COLOUR,
        time="2023-08-15",
        stretches=SURFACE,
        cell_m=10,
        centre=(501_180.0, 9_268_800.0),
        crss=("EPSG:32633", "EPSG:4326", "EPSG:3857", "EPSG:3413"),
        native_tiles="EPSG32633_10m",
        product=replace(_L2A, tile="33XWP", epsg=32633, origin_x_m=499_980, origin_y_m=9_270_000),
    ),
}

ACROSS = "subsets of WCS 2.0.1 end at 180 degrees"
TILED = "a tile service has the world's two sets and those of the cubes' own lattices"
REPEATED = "QGIS asks for cells as large as it thinks they are in that CRS, and repeats them"
# Client, place and CRS as patterns, and why the client leaves them out.
CANNOT: tuple[tuple[str, str, str, str], ...] = (
    ("*wmts", "south", "EPSG:32754", "cubes on a lattice of their first file have no tiles"),
    ("*wmts", "*", "EPSG:32617", TILED),
    ("*wmts", "*", "EPSG:32760", TILED),
    ("*wmts", "*", "EPSG:3413", TILED),
    ("*xyz", "*", "EPSG:[!3]*", "XYZ is Web Mercator alone"),
    ("*xyz", "*", "EPSG:3[!8]*", "XYZ is Web Mercator alone"),
    ("*wcs-2.0.1", "antimeridian", "EPSG:4326", ACROSS),
    ("*wcs-2.0.1", "antimeridian", "EPSG:3857", ACROSS),
    ("leaflet*", "*", "EPSG:32*", "Leaflet has no UTM of its own"),
    ("openlayers-tiled-wms", "*", "EPSG:32*", "OpenLayers' own grids need the extent of a CRS"),
    ("openlayers-tiled-wms", "*", "EPSG:3413", "OpenLayers' own grids need the extent of a CRS"),
    ("gdal-wmts", "antimeridian", "EPSG:[34][!2]*", "GDAL's tiles end at 180 degrees"),
    ("gdal-wmts", "south", "*", "GDAL's tiles are of the default time, a mosaic of many"),
    ("gdal-xyz", "antimeridian", "*", "GDAL's tiles end at 180 degrees"),
    ("qgis*", "antimeridian", "EPSG:4326", "QGIS cuts a layer at 180 degrees"),
    ("qgis*", "antimeridian", "EPSG:3857", "QGIS cuts a layer at 180 degrees"),
    ("qgis-wcs", "*", "EPSG:[!3]*", REPEATED),
    ("qgis-wcs", "*", "EPSG:3[!2]*", REPEATED),
    ("qgis-wcs", "*", "EPSG:32617", REPEATED),
    ("qgis-wcs", "*", "EPSG:32760", REPEATED),
    ("leaflet*", "*", "EPSG:3413", "Leaflet has no polar planes of its own"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a client has to draw."""

    name: str
    """Of the place."""
    place: Place
    view: View


def cases(client: str) -> list[pytest.ParameterSet]:
    """Return every place in every CRS that the client can draw."""
    return [
        pytest.param(
            case_of(name, crs),
            id=f"{name}-{crs}",
            marks=pytest.mark.skipif(
                name == "south" and not rtc_files(),
                reason="needs the test data: set COPERNICUBE_TESTDATA",
            ),
        )
        for name, place in PLACES.items()
        for crs in place.crss
        if not any(
            fnmatch(client, one) and fnmatch(name, where) and fnmatch(crs, which)
            for one, where, which, _ in CANNOT
        )
    ]


def case_of(name: str, crs: str) -> Case:
    """Return a view of a place, on the lattice of the tiles that have its CRS.

    Its pixels are at most as large as cells: for larger ones GDAL widens its kernel.
    """
    place = PLACES[name]
    x, y = Transformer.from_crs(place.crss[0], crs, always_xy=True).transform(*place.centre)
    to_degrees = Transformer.from_crs(place.crss[0], "OGC:CRS84", always_xy=True)
    lat = to_degrees.transform(*place.centre)[1]
    match crs:
        case "EPSG:4326":
            pixel = 360 / 512 / 2 ** ceil(log2(WORLD_M / 512 / place.cell_m))
        case "EPSG:3857":
            pixel = (
                WORLD_M / 256 / 2 ** ceil(log2(WORLD_M * cos(radians(lat)) / 256 / place.cell_m))
            )
        case _:
            pixel = float(place.cell_m) if crs == place.crss[0] else 0.9 * place.cell_m
    if crs in {"EPSG:4326", "EPSG:3857"}:
        x, y = (round(value / pixel) * pixel for value in (x, y))
    half = SIDE_PX // 2 * pixel
    view = View(
        crs=crs,
        box=(x - half, y - half, x + half, y + half),
        width_px=SIDE_PX,
        height_px=SIDE_PX,
    )
    return Case(name=name, place=place, view=view)


def rtc_files() -> tuple[Path, ...]:
    """Return the real radar pictures of the south, oldest first; none without the test data."""
    folder = find_testdata()
    if folder is None:
        return ()
    stack = folder / "s1_rtc_opera_png_10dates/T009_019294_IW2_cropped"
    return tuple(sorted(stack.glob("*_VH_cropped.tif"), key=lambda file: file.name.split("_")[4]))


def build_places(store: Path, demo: Path) -> None:
    """Make a store of all places from that of the demo; of the south only with the test data."""
    shutil.copytree(demo, store)
    folder = store.parent / "places"
    surface = real_surface(SCENE_PX)
    built = [build_safe(folder, surface, p.product) for p in PLACES.values() if p.product]
    run_copernicube("ingest", "--store", store, *built)
    if files := rtc_files():
        recipe, styles = folder / "rtc.yaml", folder / "styles.yaml"
        recipe.write_text(RECIPE)
        styles.write_text(STYLES)
        run_copernicube("ingest", "--store", store, "--recipe", recipe, *files)
        run_copernicube("styles", "add", styles, "--store", store)


@cache
def source(name: str, number: int = 0) -> Source:
    """Return the pixels of a place, by their own files and builders.

    `number` counts the times of the south, the only place that has several.
    """
    place = PLACES[name]
    if place.product is not None:
        surface = real_surface(SCENE_PX)
        planes = np.stack([expected_stored(surface, place.product, band) for band in place.bands])
        cells = np.where(planes == STORED_NODATA, np.nan, planes.astype(float))
        return cells, place.product.transform(place.cell_m), place.crss[0]
    if name == "south":
        with rasterio.open(rtc_files()[number]) as file:
            return file.read().astype(float), file.transform, place.crss[0]
    return read_planes(tuple(REPOSITORY / f"samples/virginia/{band}.tif" for band in place.bands))


def wanted_colours(case: Case, number: int = 0) -> NDArray[np.uint8]:
    """Return the picture `(y, x, red/green/blue/alpha)`: the stretched warp of the source."""
    planes = gdal_warp(*source(case.name, number), case.view, Resampling.bilinear)
    stretches = case.place.stretches * (3 // len(planes))
    return painted(np.repeat(planes, 3 // len(planes), axis=0), stretches)


def wanted_values(case: Case) -> Planes:
    """Return the numbers `(band, y, x)`, warped by the nearest cell."""
    return gdal_warp(*source(case.name), case.view, Resampling.nearest)


def check_colours(case: Case, shown: NDArray[np.uint8], *, number: int = 0) -> None:
    """Compare a picture `(y, x, 3 or 4)` with the oracle.

    GDAL's bilinear and the server's differ by the place, at most an eighth of a cell, and by
    rounding to stored numbers before the stretch: grey levels of 255. 99.8 % of pixels are
    within 3; what a client paints where there is no data is its own matter.
    """
    wanted = wanted_colours(case, number)
    known = wanted[..., 3] == 255
    assert known.mean() > 0.4
    if shown.shape[2] == 4:
        assert np.mean((shown[..., 3] == 255) != known) < 0.01
        known &= shown[..., 3] == 255
    difference = np.abs(shown[known].astype(int)[:, :3] - wanted[known][:, :3])
    assert wanted[known][:, :3].std() > 5, "the place is of one colour and proves nothing"
    assert difference.mean() < 0.3
    assert np.percentile(difference, 99.8) <= 3


def check_values(case: Case, read: NDArray[np.generic]) -> None:
    """Compare numbers `(band, y, x)`; a centre on the edge of two cells may fall to either."""
    wanted = wanted_values(case)
    known = np.isfinite(wanted)
    assert known.mean() > 0.4
    assert read.shape == wanted.shape
    assert np.mean(np.asarray(read, np.float64)[known] == wanted[known]) > 0.99
