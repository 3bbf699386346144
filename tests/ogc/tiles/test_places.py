"""Tiles where the world is awkward: at the antimeridian, in the south, near a pole."""

from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject, transform
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from datacube.render.tiles import WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD, TileMatrixSet
from ogc.api.routes import api_routes
from tests.acceptance.clients import rgba
from tests.builders.fakes import World, optical_cube
from tests.ogc.zarr.conftest import engine_over

SIDE = 400
"""Cells of 10 m along each side of the scene."""
ZOOM = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a scene lies."""

    epsg: int
    corner: tuple[float, float]


PLACES = {
    # 180 degrees cut the scene in two.
    "antimeridian": Place(epsg=32601, corner=(165_020.0, 2000.0)),
    "south": Place(epsg=32756, corner=(334_000.0, 6_252_000.0)),
    "pole": Place(epsg=32633, corner=(495_000.0, 9_270_000.0)),
}


def cells() -> NDArray[np.int16]:
    """Return a smooth scene without gaps: one side dark, the other bright."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    values: NDArray[np.int16] = (500 + 20 * x + 5 * y).astype(np.int16)
    return values


def client_of(place: Place) -> TestClient:
    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    world = World()
    world.add(optical_cube(place.epsg), {"B04": cells()}, corner=place.corner)
    routes = api_routes(engine_over(world).session, root)
    return TestClient(Starlette(routes=[Mount("/ogcapi", routes=routes)]))


def tile_of(tiles: TileMatrixSet, lon: float, lat: float, matrix: str) -> tuple[int, int]:
    """Return column and row of the tile that holds a place."""
    (x,), (y,) = transform("OGC:CRS84", tiles.crs.to_wkt(), [lon], [lat])
    found = tiles.matrix(matrix)
    return int((x - found.left) // found.tile_side), int((found.top - y) // found.tile_side)


def warped(
    place: Place, tiles: TileMatrixSet, matrix: str, column: int, row: int
) -> NDArray[np.float64]:
    """Return GDAL's warp of the scene to the pixels of a tile, NaN beyond it."""
    x0, y0, x1, y1 = tiles.matrix(matrix).bbox(column, row)
    made = np.full((256, 256), np.nan)
    reproject(
        cells().astype(np.float64),
        made,
        src_transform=rasterio.Affine(10, 0, place.corner[0], 0, -10, place.corner[1]),
        src_crs=f"EPSG:{place.epsg}",
        dst_transform=rasterio.transform.from_bounds(x0, y0, x1, y1, 256, 256),
        dst_crs=tiles.crs.to_wkt(),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        init_dest_nodata=True,
        resampling=Resampling.bilinear,
        tolerance=0.0,
    )
    return made


@pytest.mark.parametrize("name", list(PLACES))
@pytest.mark.parametrize("tiles", [WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD], ids=lambda t: t.id)
def test_tiles_show_the_scene_where_gdal_has_it(name: str, tiles: TileMatrixSet) -> None:
    """Both sides of the scene, which at the antimeridian are at both ends of the world."""
    place = PLACES[name]
    client = client_of(place)
    middle = (place.corner[1] - 5 * SIDE,)
    matrix = str(ZOOM if tiles is WEB_MERCATOR_QUAD else ZOOM - 1)
    compared = 0
    for east in (place.corner[0] + 10 * SIDE * 0.25, place.corner[0] + 10 * SIDE * 0.75):
        (lon,), (lat,) = transform(f"EPSG:{place.epsg}", "OGC:CRS84", [east], middle)
        column, row = tile_of(tiles, lon, lat, matrix)
        path = f"/ogcapi/collections/S2_L2A/styles/B04/map/tiles/{tiles.id}/{matrix}/{row}/{column}"
        response = client.get(path)
        assert response.status_code == 200, response.text
        shown = rgba(response.content)
        expected = warped(place, tiles, matrix, column, row)
        known = np.isfinite(expected)
        assert known.any()
        assert np.mean((shown[..., 3] == 255) != known) < 0.02
        both = known & (shown[..., 3] == 255)
        # The grey level goes with the stored number: a straight line fits all pixels.
        grey, value = shown[both][:, 0].astype(float), expected[both]
        inner = (grey > 5) & (grey < 250)
        order = np.argsort(value[inner])
        assert (np.diff(grey[inner][order]) >= -2).all()
        compared += int(inner.sum())
    assert compared > 200


def test_a_scene_on_the_antimeridian_lies_at_both_ends() -> None:
    place = PLACES["antimeridian"]
    client = client_of(place)
    ends = []
    for share in (0.02, 0.98):
        east = place.corner[0] + 10 * SIDE * share
        (lon,), (lat,) = transform("EPSG:32601", "OGC:CRS84", [east], [place.corner[1] - 2000])
        ends.append(tile_of(WEB_MERCATOR_QUAD, lon, lat, "10")[0])
        column, row = tile_of(WEB_MERCATOR_QUAD, lon, lat, "10")
        response = client.get(
            f"/ogcapi/collections/S2_L2A/map/tiles/WebMercatorQuad/10/{row}/{column}"
        )
        assert response.status_code == 200
    assert sorted(ends) == [0, 1023]
