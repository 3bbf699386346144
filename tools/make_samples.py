"""Cut the bundled samples from two sets of real Sentinel-2 data.

Usage: `python -m tools.make_samples --data ../shared/data --out samples`

Writes `virginia/` (one Level-1C scene, thirteen bands at 10, 20 and 60 m) and `romania/` (Level-2A
of 140 dates) as STAC items with COGs. Every COG is read back and compared with its source. The
same data, script and GDAL give the same bytes. `samples/README.md` says where the data come from.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from rasterio.windows import Window

from tools.sample_files import (
    NODATA,
    SPECTRA,
    Json,
    Pixels,
    Raster,
    rfc3339,
    stac_collection,
    stac_item,
    total_bytes,
    write_cog,
    write_json,
    write_text,
)

BUDGET_BYTES = 15_000_000

# ---- Virginia ------------------------------------------------------------------------------------

VIRGINIA = Path("s2_l1c_virginia_13bands")
VIRGINIA_EPSG = 32618
# The source's 10 m bands begin at (435730, 4179460) and its 20 m bands at (435720, 4179460), which
# are no corners of 60 m cells. The cut begins at one, so all resolutions share its edges.
VIRGINIA_WEST_M, VIRGINIA_NORTH_M = 442_680, 4_175_340
VIRGINIA_SIDE_M = 8_160
GRID_WEST_M = -600_000
"""Where the cells of a UTM cube are counted from; northings count from the equator."""
VIRGINIA_TIME = (datetime(2015, 6, 23, tzinfo=UTC), datetime(2016, 6, 30, 23, 59, 59, tzinfo=UTC))


def virginia(data: Path, out: Path) -> None:
    """Write the scene of Virginia to `out`: `item.json`, `collection.json`, one COG a band."""
    rasters = [cut_virginia(data, band) for band in SPECTRA]
    for raster in rasters:
        write_cog(out / f"{raster.band}.tif", raster)
    start, end = VIRGINIA_TIME
    item = stac_item(
        "S2_L1C_T18SVG_VIRGINIA",
        {
            "datetime": None,
            "start_datetime": rfc3339(start),
            "end_datetime": rfc3339(end),
            "copernicube:time_assumed": True,
            "description": (
                "The time of acquisition is not known. The interval is assumed: it begins with the "
                "launch of Sentinel-2A and ends with June 2016, before which the source was made."
            ),
            "grid:code": "MGRS-18SVG",
            "s2:product_type": "S2MSI1C",
        },
        collection="sentinel-2-l1c",
        assets={raster.band: (f"./{raster.band}.tif", raster) for raster in rasters},
    )
    write_json(out / "item.json", item)
    collection = stac_collection(
        "sentinel-2-l1c",
        "Top-of-atmosphere reflectance of the coast of Virginia, cut from one Sentinel-2 scene.",
        items=[item],
        links=[{"rel": "item", "href": "./item.json", "type": "application/geo+json"}],
    )
    write_json(out / "collection.json", collection)


def cut_virginia(data: Path, band: str) -> Raster:
    """Read the window of Virginia from `band` at its own resolution.

    Raises
    ------
    ValueError
        If the window does not fall on whole cells of the source and of the cube.
    """
    with rasterio.open(data / VIRGINIA / f"T18SVG_{band}.jp2") as source:
        cell_m = SPECTRA[band].native_m
        size, odd_size = divmod(VIRGINIA_SIDE_M, cell_m)
        column, odd_column = divmod(VIRGINIA_WEST_M - source.transform.c, cell_m)
        row, odd_row = divmod(source.transform.f - VIRGINIA_NORTH_M, cell_m)
        odd_grid = (VIRGINIA_WEST_M - GRID_WEST_M) % 60 or VIRGINIA_NORTH_M % 60
        if odd_size or odd_column or odd_row or odd_grid:
            raise ValueError(f"{band}: the window splits cells of {source.transform!r}")
        if source.crs.to_epsg() != VIRGINIA_EPSG or source.res != (cell_m, cell_m):
            raise ValueError(f"{band}: {source.crs} at {source.res}, not 32618 at {cell_m} m")
        window = Window(column, row, size, size)
        return Raster(
            band=band,
            pixels=source.read(1, window=window),
            epsg=VIRGINIA_EPSG,
            transform=source.window_transform(window),
            tagged_nodata=source.nodata == NODATA,
        )


# ---- Romania -------------------------------------------------------------------------------------

ROMANIA = Path("s2_l2a_romania_nrt_140dates")
ROMANIA_EPSG = 3035
# Band in the item, its file and its variable there. The 20 m file's B3 and B4 are coarser copies of
# the 10 m file's, and the 10 m file's SCL a finer copy of a 20 m product.
ROMANIA_BANDS = (
    ("B02", "sentinel2_cube_subset_romania_10m.nc", "B2"),
    ("B03", "sentinel2_cube_subset_romania_10m.nc", "B3"),
    ("B04", "sentinel2_cube_subset_romania_10m.nc", "B4"),
    ("B08", "sentinel2_cube_subset_romania_10m.nc", "B8"),
    ("B8A", "sentinel2_cube_subset_romania_20m.nc", "B8A"),
    ("B11", "sentinel2_cube_subset_romania_20m.nc", "B11"),
    ("SCL", "sentinel2_cube_subset_romania_20m.nc", "SCL"),
)
CLOUD_CLASSES = (8, 9, 10)
"""Medium and high probability, and thin cirrus: what the product's cloud cover counts."""
DAY_LAST = timedelta(days=1, milliseconds=-1)
"""From the start of a day to its last millisecond: the interval of the next day is apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One band on every date: `pixels` are `(time, y, x)`, north up."""

    band: str
    pixels: Pixels
    days: tuple[datetime, ...]
    transform: Affine

    def on(self, index: int) -> Raster:
        """Return the date numbered `index`."""
        return Raster(
            band=self.band,
            pixels=self.pixels[index],
            epsg=ROMANIA_EPSG,
            transform=self.transform,
            tagged_nodata=True,
        )


def romania(data: Path, out: Path) -> None:
    """Write the series of Romania to `out`: `items.json`, `collection.json`, a folder a date."""
    series = [
        read_romania(data / ROMANIA / file, band, variable)
        for band, file, variable in ROMANIA_BANDS
    ]
    days = series[0].days
    if any(one.days != days for one in series):
        raise ValueError("the bands of Romania differ in their dates")
    items = [romania_item(out, day, [one.on(i) for one in series]) for i, day in enumerate(days)]
    # One item a line: a tenth of the size of indented JSON, and a changed date is a changed line.
    lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
    write_text(out / "items.json", f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n')
    collection = stac_collection(
        "sentinel-2-l2a",
        "Surface reflectance and scene classification of a logged forest in Romania, 140 dates.",
        items=items,
        links=[{"rel": "items", "href": "./items.json", "type": "application/geo+json"}],
    )
    write_json(out / "collection.json", collection)


def read_romania(path: Path, band: str, variable: str) -> Series:
    """Read all dates of `variable`; the scene classification as `uint8`, as the product has it.

    Raises
    ------
    ValueError
        If the cells are not square and evenly spaced, or 0 is not the variable's fill value.
    """
    with xr.open_dataset(path, engine="h5netcdf", mask_and_scale=False) as dataset:
        array = dataset[variable].transpose("time", "y", "x").load()
    # The centres are float64 with a fraction of a metre: differences carry noise of 1e-9.
    x, y = array["x"].values, array["y"].values
    cell_m = round(float(x[1] - x[0]), 6)
    if not (np.allclose(np.diff(x), cell_m) and np.allclose(np.diff(y), -cell_m)):
        raise ValueError(f"{path.name}: cells are not squares of {cell_m} m")
    if array.attrs["_FillValue"] != NODATA:
        raise ValueError(f"{path.name}: fill value {array.attrs['_FillValue']}, not {NODATA}")
    # A tenth of a millimetre: the edges of 10 and 20 m cells then are equal, bit for bit.
    west, north = round(float(x[0]) - cell_m / 2, 4), round(float(y[0]) + cell_m / 2, 4)
    pixels = array.values
    if band == "SCL":
        if pixels.max() > np.iinfo(np.uint8).max:
            raise ValueError(f"{path.name}: {variable} up to {pixels.max()} is no class")
        pixels = pixels.astype(np.uint8)
    seconds = array["time"].values.astype("datetime64[s]").astype(int).tolist()
    return Series(
        band=band,
        pixels=pixels,
        days=tuple(datetime.fromtimestamp(second, UTC) for second in seconds),
        transform=Affine(cell_m, 0, west, 0, -cell_m, north),
    )


def romania_item(out: Path, day: datetime, rasters: Sequence[Raster]) -> Json:
    """Write the COGs of one date and return its item."""
    folder = f"{day:%Y-%m-%d}"
    for raster in rasters:
        write_cog(out / folder / f"{raster.band}.tif", raster)
    classes = next(raster.pixels for raster in rasters if raster.band == "SCL")
    return stac_item(
        f"S2_L2A_ROMANIA_{day:%Y%m%d}",
        {
            "datetime": rfc3339(day),
            "start_datetime": rfc3339(day),
            "end_datetime": rfc3339(day + DAY_LAST),
            "copernicube:time_precision": "day",
            "s2:product_type": "S2MSI2A",
            "eo:cloud_cover": round(100 * float(np.isin(classes, CLOUD_CLASSES).mean()), 2),
        },
        collection="sentinel-2-l2a",
        assets={raster.band: (f"./{folder}/{raster.band}.tif", raster) for raster in rasters},
    )


def main() -> None:
    """Parse the command line and write the samples."""
    parser = argparse.ArgumentParser(description="Cut the bundled samples from the source data.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the source data")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    for name, write in (("virginia", virginia), ("romania", romania)):
        folder = arguments.out / name
        folder.mkdir(parents=True, exist_ok=True)
        write(arguments.data, folder)
        print(f"{folder}: {total_bytes(folder):,} bytes")
    size = total_bytes(arguments.out)
    if size > BUDGET_BYTES:
        raise ValueError(f"{arguments.out} has {size:,} bytes, and {BUDGET_BYTES:,} are allowed")


if __name__ == "__main__":
    main()
