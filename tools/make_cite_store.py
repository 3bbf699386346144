"""Rasterise the layers that the OGC conformance suite of WMS 1.3.0 expects, and ingest them.

    python tools/make_cite_store.py [--data DIR] [--store DIR]

The suite asks for eleven vector layers, `cite:Terrain` and `cite:Autos`, and allows servers
that know only rasters to burn them. The data are the suite's own (`cite_wms13`).
"""

import argparse
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyogrio
import rasterio
import shapely
import xarray as xr
import yaml
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from copernicube.cli import commands

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared/data/cite_wms13"
STORE = ROOT / "build/cite-store"
BURNT = 1
NODATA = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A vector layer to be burnt."""

    name: str
    colour: str
    cell_deg: float = 5e-6
    """Divides the coordinates of most corners, so that edges of polygons stay where they are."""
    reach_cells: float = 0
    """Half the width that lines and points are drawn with."""


LAYERS = (
    Layer(name="BasicPolygons", colour="#b06a3b", cell_deg=0.01),
    Layer(name="Bridges", colour="#404040", reach_cells=6),
    Layer(name="Buildings", colour="#8a2f2f"),
    Layer(name="DividedRoutes", colour="#c85a00", reach_cells=4),
    Layer(name="Forests", colour="#2f7d32"),
    Layer(name="Lakes", colour="#2b6cb0"),
    Layer(name="MapNeatline", colour="#101010", reach_cells=2),
    Layer(name="NamedPlaces", colour="#d9b44a"),
    Layer(name="Ponds", colour="#4aa3d9"),
    Layer(name="RoadSegments", colour="#a03c78", reach_cells=3),
    Layer(name="Streams", colour="#1f5fa8", reach_cells=2),
)
LAKE_SHORES = "lakeswithelevation"
"""Shapefile, in lower case: its parts are spelled in two ways, so that none finds the others."""
TERRAIN_TOP = 425
"""Elevations of `cite:Terrain` go from 0 to this."""


def main() -> None:
    """Make the store anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--store", type=Path, default=STORE)
    options = parser.parse_args()
    if not (options.data / "shapefile").is_dir():
        raise SystemExit(f"{options.data} has no folder shapefile; name the suite's data by --data")
    shutil.rmtree(options.store, ignore_errors=True)
    make(options.data, options.store)


def make(data: Path, store: Path) -> None:
    """Burn every layer of `data` into files and ingest them into `store`."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        recipes = [flat(layer, data, folder) for layer in LAYERS if layer.name != "Lakes"]
        recipes += [lakes(data, folder), autos(data, folder), terrain(data, folder)]
        for recipe in recipes:
            commands.main(
                ["ingest", "--recipe", str(recipe), "--store", str(store)], standalone_mode=False
            )


def flat(layer: Layer, data: Path, folder: Path) -> Path:
    """Burn a layer without further axes into a GeoTIFF; return its recipe."""
    shapes = read_shapes(layer, data)
    transform, shape = lattice(shapely.total_bounds(shapes), layer.cell_deg)
    path = folder / f"{layer.name}.tif"
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "nodata": NODATA}
    with rasterio.open(
        path,
        "w",
        **profile,
        crs="EPSG:4326",
        transform=transform,
        height=shape[0],
        width=shape[1],
        compress="deflate",
    ) as file:
        file.write(burn(shapes, transform, shape), 1)
    return write_recipe(folder, layer.name, path.name, [], band(layer.name, layer.colour))


def lakes(data: Path, folder: Path) -> Path:
    """Burn the shores of the lake, one elevation after another; by default it is full."""
    layer = next(layer for layer in LAYERS if layer.name == "Lakes")
    for part in (data / "shapefile").iterdir():
        if part.stem.casefold() == LAKE_SHORES:
            shutil.copy(part, folder / f"shores{part.suffix}")
    _, _, geometry, fields = pyogrio.raw.read(folder / "shores.shp", columns=["ELEV"])
    order = np.argsort(fields[0])
    shores, heights = shapely.from_wkb(geometry)[order], fields[0][order].astype("float64")
    transform, shape = lattice(shapely.total_bounds(shores), layer.cell_deg)
    cells = np.stack([burn([shore], transform, shape) for shore in shores])
    write_cube(folder / "Lakes.nc", "Lakes", cells, transform, "elevation", heights)
    axes = [
        {
            "name": "elevation",
            "is": "further",
            "dimension": "elevation",
            "unit": "m",
            "maps": {"default": float(heights[-1]), "several": False},
        }
    ]
    return write_recipe(folder, "Lakes", "Lakes.nc", axes, band("Lakes", layer.colour))


def autos(data: Path, folder: Path) -> Path:
    """Burn the places of two cars, one time after another."""
    _, _, geometry, fields = pyogrio.raw.read(data / "shapefile/Autos.shp", columns=["TIME"])
    places = shapely.from_wkb(geometry)
    stamps = np.array([str(text).removesuffix("Z") for text in fields[0]], "datetime64[s]")
    cell = 5e-6
    dots = shapely.buffer(places, 6 * cell)
    transform, shape = lattice(shapely.total_bounds(dots), cell)
    times = np.unique(stamps)
    cells = np.stack([burn(dots[stamps == time], transform, shape) for time in times])
    seconds = (times - np.datetime64("2000-01-01T00:00:00")).astype("float64")
    write_cube(folder / "Autos.nc", "Autos", cells, transform, "time", seconds)
    axes = [{"name": "time", "is": "time", "dimension": "time"}]
    return write_recipe(folder, "Autos", "Autos.nc", axes, band("Autos", "#c81e1e"))


def terrain(data: Path, folder: Path) -> Path:
    """Spread the elevations over an axis: each plane has the cells of its metre."""
    with rasterio.open(data / "raster/terrain.tif") as file:
        heights, transform = file.read(1), file.transform
    levels = np.arange(TERRAIN_TOP + 1)
    cells = np.where(heights == levels[:, None, None], heights, -1).astype("int16")
    write_cube(
        folder / "Terrain.nc", "Terrain", cells, transform, "elevation", levels.astype("float64")
    )
    axes = [
        {
            "name": "elevation",
            "is": "further",
            "dimension": "elevation",
            "unit": "m",
            "spacing": "regular",
            "maps": {"default": f"0/{TERRAIN_TOP}", "nearest": False},
        }
    ]
    measured = {"name": "Terrain", "title": "Elevation", "unit": "m", "nodata": -1}
    return write_recipe(folder, "Terrain", "Terrain.nc", axes, measured)


def read_shapes(layer: Layer, data: Path) -> NDArray[np.object_]:
    """Return the polygons of a layer; lines and points get a width."""
    _, _, geometry, _ = pyogrio.raw.read(data / f"shapefile/{layer.name}.shp", columns=[])
    shapes: NDArray[np.object_] = shapely.from_wkb(geometry)
    if layer.reach_cells:
        shapes = shapely.buffer(shapes, layer.reach_cells * layer.cell_deg)
    return shapes


def lattice(bounds: Iterable[float], cell: float) -> tuple[Affine, tuple[int, int]]:
    """Return transform and shape of the cells that cover a box; edges are multiples of a cell."""
    west, south, east, north = bounds
    left, right = np.floor(west / cell) - 1, np.ceil(east / cell) + 1
    bottom, top = np.floor(south / cell) - 1, np.ceil(north / cell) + 1
    transform = Affine(cell, 0, left * cell, 0, -cell, top * cell)
    return transform, (int(top - bottom), int(right - left))


def burn(
    shapes: Iterable[shapely.Geometry], transform: Affine, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the cells whose centres lie in the polygons."""
    present = [(each, BURNT) for each in shapes if not shapely.is_empty(each)]
    if not present:
        return np.full(shape, NODATA, np.uint8)
    cells: NDArray[np.uint8] = rasterize(present, shape, NODATA, transform=transform, dtype="uint8")
    return cells


def write_cube(
    path: Path,
    name: str,
    cells: NDArray[np.generic],
    transform: Affine,
    axis: str,
    places: NDArray[np.float64],
) -> None:
    """Write cells `(axis, lat, lon)` as netCDF."""
    rows, columns = cells.shape[1:]
    lat = transform.f + transform.e * (np.arange(rows) + 0.5)
    lon = transform.c + transform.a * (np.arange(columns) + 0.5)
    nodata = NODATA if cells.dtype == np.uint8 else -1
    time = {"units": "seconds since 2000-01-01T00:00:00Z", "standard_name": "time"}
    xr.Dataset(
        {name: ((axis, "lat", "lon"), cells, {"_FillValue": nodata})},
        {
            axis: ((axis,), places, time if axis == "time" else {"units": "m"}),
            "lat": (("lat",), lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": (("lon",), lon, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    ).to_netcdf(
        path, engine="netcdf4", encoding={name: {"zlib": True, "chunksizes": (1, rows, columns)}}
    )


def band(name: str, colour: str) -> dict[str, object]:
    """Return the entry of a band that is there or not."""
    burnt = {"value": BURNT, "name": name.lower(), "title": name, "colour": colour}
    return {"name": name, "nodata": NODATA, "classes": [burnt]}


def write_recipe(
    folder: Path,
    name: str,
    files: str,
    axes: Sequence[Mapping[str, object]],
    stored: dict[str, object],
) -> Path:
    """Write the recipe of a layer, whose title is the one that the suite looks for."""
    recipe = {
        "coverage": f"cite_{name}",
        "title": f"cite:{name}",
        "collection": {
            "id": f"cite_{name}",
            "title": f"cite:{name}",
            "description": f"{name} of the OGC conformance test suite for WMS 1.3.0, as a raster.",
            "licence": "Apache-2.0",
            "attribution": "Open Geospatial Consortium",
        },
        "files": files,
        "crs": "EPSG:4326",
        **({"axes": list(axes)} if axes else {}),
        "bands": [stored],
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path


if __name__ == "__main__":
    main()
