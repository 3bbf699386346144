"""The coverages that the cases of the client `wcps` ask for."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wcps.model import Datacube, Encode, WCPSExpr

from tests.builders.made import WGS84, Frame, Made, add_cube, indices, regular

TIMES = ("2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01")
ROWS, COLUMNS = 10, 16

type Arrays = Mapping[str, NDArray[Any]]
"""By coverage and band: `map.v`."""
type Case = tuple[Callable[[], WCPSExpr], Callable[[Arrays], Any]]
"""Writes a query of the client; tells what comes out: a number, a list or an array."""


def add_cases(made: Made) -> None:
    """Add what the cases ask for.

    - `map` and `other`: (Lat, Lon), uint8 band `v`, 10 x 16 cells of half a degree, no nulls;
    - `series`: (ansi, Lat, Lon), int16 bands `red` and `nir`, four dates, the same cells;
    - `NIR`: index grid (i, j), uint8 bands `red`, `green` and `blue`.
    """
    rng = np.random.default_rng(31)
    earth = (regular("Lat", 25, 20, ROWS), regular("Lon", 0, 8, COLUMNS))
    for name in ("map", "other"):
        cells = rng.integers(1, 200, (ROWS, COLUMNS)).astype("uint8")
        add_cube(made, name, {"v": cells}, Frame(axes=earth, crs=WGS84), nodata=255)
    shape = (len(TIMES), ROWS, COLUMNS)
    bands = {band: rng.integers(1, 9000, shape).astype("int16") for band in ("red", "nir")}
    add_cube(made, "series", bands, Frame(axes=earth, crs=WGS84, times=TIMES))
    colours = {
        band: rng.integers(0, 250, (12, 9)).astype("uint8") for band in ("red", "green", "blue")
    }
    add_cube(made, "NIR", colours, Frame(axes=(indices("i", 12), indices("j", 9))), nodata=255)


def arrays_of(made: Made) -> dict[str, NDArray[Any]]:
    """Return the stored numbers of all cases."""
    return {
        f"{coverage}.{band}": cells
        for coverage, bands in made.arrays.items()
        for band, cells in bands.items()
    }


def map_cube() -> Datacube:
    """Return the cube `map` of the client."""
    return Datacube("map")


def other_cube() -> Datacube:
    """Return the cube `other` of the client."""
    return Datacube("other")


def as_json(expr: WCPSExpr) -> Encode:
    """Return an expression whose cells are answered as JSON."""
    return Encode(expr).to("json")
