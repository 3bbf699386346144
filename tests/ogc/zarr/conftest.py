"""Views of scenes in memory, served on loopback."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from datacube.encode import ENCODERS
from datacube.engine import Engine
from datacube.protocols import Limits
from datacube.render.styles import DEFAULT_STYLES
from ogc.zarr.routes import zarr_routes
from tests.builders.fakes import BASE_TIME, ORIGIN_M, World, optical_cube
from tests.builders.loopback import loopback

LEFT_M, TOP_M = ORIGIN_M
NODATA = -32768
ROWS, COLS = 600, 700
"""More than one chunk of 512 along both axes."""
FIVE_DAYS = timedelta(days=5)


def scene(seed: int) -> NDArray[np.int16]:
    """Random reflectance; the last 188 columns, behind the first chunk, hold no data."""
    values = np.random.default_rng(seed).integers(0, 10_000, (ROWS, COLS), dtype=np.int16)
    values[:, 512:] = NODATA
    values[:7, :9] = NODATA
    return values


NEWER, OLDER, SEAM = scene(1), scene(2), scene(3)
SEAM_COL = 512
"""The second tile of the newer time lies 512 columns to the right."""


def make_world() -> World:
    """Return three scenes: the newer time, its right neighbour, then an older time."""
    world, cube = World(), optical_cube()
    world.add(cube, {"B04": NEWER, "SCL": np.full((300, 350), 4, np.uint8)})
    world.add(cube, {"B04": SEAM}, corner=(LEFT_M + SEAM_COL * 10, TOP_M), tile="T33UVP")
    world.add(cube, {"B04": OLDER}, when=BASE_TIME - FIVE_DAYS)
    return world


def engine_over(world: World) -> Engine:
    """Return an engine without limits of its own."""
    return Engine(
        catalog=world, cells=world, styles=DEFAULT_STYLES, encoders=ENCODERS, limits=Limits()
    )


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(scope="session")
def url(world: World) -> Iterator[str]:
    """Address of the views on a real server."""

    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    routes = zarr_routes(engine_over(world).session, root)
    with loopback(Starlette(routes=[Mount("/zarr", routes=routes)])) as address:
        yield f"{address}/zarr"


@pytest.fixture(scope="session")
def expected() -> NDArray[np.int16]:
    """B04 as the view must show it: two times, ascending, on the hull of the three scenes."""
    cells = np.full((2, ROWS, SEAM_COL + COLS), NODATA, np.int16)
    cells[0, :, :COLS] = OLDER
    cells[1, :, SEAM_COL:] = SEAM
    cells[1, :, :COLS] = np.where(NEWER != NODATA, NEWER, cells[1, :, :COLS])
    return cells
