"""The bundled samples as files: bands as COGs, and what STAC says of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points

type Pixels = NDArray[np.uint8] | NDArray[np.uint16]
type Json = dict[str, Any]

NODATA = 0
"""No data in both products, and in the scene classification."""
COG_MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
EXTENSIONS = "https://stac-extensions.github.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """What STAC's eo extension says of a band of the MSI."""

    common_name: str
    centre_um: float
    width_um: float
    """Full width at half maximum."""
    native_m: int
    """Nominal cell size."""


SPECTRA: Mapping[str, Spectrum] = {
    name: Spectrum(common_name=common_name, centre_um=centre, width_um=width, native_m=native)
    for name, common_name, centre, width, native in (
        ("B01", "coastal", 0.443, 0.027, 60),
        ("B02", "blue", 0.49, 0.098, 10),
        ("B03", "green", 0.56, 0.045, 10),
        ("B04", "red", 0.665, 0.038, 10),
        ("B05", "rededge", 0.704, 0.019, 20),
        ("B06", "rededge", 0.74, 0.018, 20),
        ("B07", "rededge", 0.783, 0.028, 20),
        ("B08", "nir", 0.842, 0.145, 10),
        ("B8A", "nir08", 0.865, 0.033, 20),
        ("B09", "nir09", 0.945, 0.026, 60),
        ("B10", "cirrus", 1.3735, 0.075, 60),
        ("B11", "swir16", 1.61, 0.143, 20),
        ("B12", "swir22", 2.19, 0.242, 20),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """One band of one scene, as it is written: `pixels` are `(y, x)`, north up."""

    band: str
    pixels: Pixels
    epsg: int
    transform: Affine
    tagged_nodata: bool
    """Whether the source tags `NODATA`; the COG then does."""

    @property
    def cell_m(self) -> int:
        """Cell size."""
        return round(self.transform.a)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Outer edges `(west, south, east, north)` in the CRS's unit."""
        height, width = self.pixels.shape
        west, north = self.transform.c, self.transform.f
        return west, north + height * self.transform.e, west + width * self.transform.a, north


# ---- STAC ----------------------------------------------------------------------------------------

PROVIDERS: list[Json] = [
    {"name": "ESA", "roles": ["producer", "licensor"], "url": "https://sentinels.copernicus.eu"},
    {"name": "Copernicube", "roles": ["processor"]},
]
LICENSE_LINK: Json = {
    "rel": "license",
    "href": "https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice",
}


def stac_item(
    item_id: str,
    properties: Json,
    *,
    collection: str,
    assets: Mapping[str, tuple[str, Raster]],
) -> Json:
    """Return the item of one scene; `assets` name the relative address and content of each band.

    The footprint is that of the first asset; the others cover the same ground.
    """
    _, first = next(iter(assets.values()))
    if any(raster.bounds != first.bounds for _, raster in assets.values()):
        raise ValueError(f"{item_id}: the bands cover different ground")
    ring = footprint(first)
    longitudes, latitudes = zip(*ring, strict=True)
    common = {
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "gsd": min(raster.cell_m for _, raster in assets.values()),
        "proj:code": f"EPSG:{first.epsg}",
        "license": "other",
        "providers": PROVIDERS,
    }
    extensions = ["eo/v1.1.0", "projection/v2.0.0", "raster/v1.1.0", "sentinel-2/v1.0.0"]
    if "grid:code" in properties:
        extensions.append("grid/v1.1.0")
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [f"{EXTENSIONS}/{name}/schema.json" for name in extensions],
        "id": item_id,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [min(longitudes), min(latitudes), max(longitudes), max(latitudes)],
        "properties": properties | common,
        "links": [
            {"rel": "collection", "href": "./collection.json", "type": "application/json"},
            LICENSE_LINK,
        ],
        "assets": {key: stac_asset(href, raster) for key, (href, raster) in assets.items()},
    }


def stac_asset(href: str, raster: Raster) -> Json:
    """Return the asset of one band; reflectance is `scale * DN + offset`."""
    band: Json = {"name": raster.band}
    values: Json = {
        "nodata": NODATA,
        "data_type": raster.pixels.dtype.name,
        "spatial_resolution": raster.cell_m,
    }
    roles = ["data"]
    if raster.band in SPECTRA:
        spectrum = SPECTRA[raster.band]
        band |= {
            "common_name": spectrum.common_name,
            "center_wavelength": spectrum.centre_um,
            "full_width_half_max": spectrum.width_um,
        }
        # Both products precede baseline 04.00, the first with a radiometric offset.
        values |= {"scale": 0.0001, "offset": 0}
        roles.append("reflectance")
    return {
        "href": href,
        "type": COG_MEDIA_TYPE,
        "roles": roles,
        "gsd": raster.cell_m,
        "proj:shape": list(raster.pixels.shape),
        "proj:transform": list(raster.transform)[:6],
        "eo:bands": [band],
        "raster:bands": [values],
    }


def stac_collection(
    collection_id: str, description: str, *, items: Sequence[Json], links: Sequence[Json]
) -> Json:
    """Return the collection of `items`, with their hull in space and time."""
    wests, souths, easts, norths = zip(*(item["bbox"] for item in items), strict=True)
    hull = [min(wests), min(souths), max(easts), max(norths)]
    properties = [item["properties"] for item in items]
    begin = min(one["start_datetime"] for one in properties)
    end = max(one["end_datetime"] for one in properties)
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": collection_id,
        "description": f"{description} Contains modified Copernicus Sentinel data "
        f"[{begin[:4]}-{end[:4]}].",
        "license": "other",
        "providers": PROVIDERS,
        "extent": {"spatial": {"bbox": [hull]}, "temporal": {"interval": [[begin, end]]}},
        "links": [*links, LICENSE_LINK],
    }


def footprint(raster: Raster) -> list[tuple[float, float]]:
    """Return the closed ring of corners as longitude and latitude, anticlockwise.

    Over ten kilometres an edge bends by less than a metre between its corners.
    """
    west, south, east, north = raster.bounds
    longitudes, latitudes = transform_points(
        f"EPSG:{raster.epsg}",
        "EPSG:4326",
        [west, east, east, west, west],
        [south, south, north, north, south],
    )
    return [(round(x, 7), round(y, 7)) for x, y in zip(longitudes, latitudes, strict=True)]


def rfc3339(time: datetime) -> str:
    """Write a time of UTC as STAC does, with milliseconds where it has some."""
    fraction = f".{time.microsecond // 1000:03d}" if time.microsecond else ""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


# ---- Files ---------------------------------------------------------------------------------------


def write_cog(path: Path, raster: Raster) -> None:
    """Write `raster` losslessly as a COG without overviews, and compare what was written with it.

    Raises
    ------
    ValueError
        If the file does not give back the same pixels at the same place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = raster.pixels.shape
    reflectance = raster.band in SPECTRA
    with rasterio.open(
        path,
        "w",
        driver="COG",
        height=height,
        width=width,
        count=1,
        dtype=raster.pixels.dtype,
        crs=f"EPSG:{raster.epsg}",
        transform=raster.transform,
        nodata=NODATA if raster.tagged_nodata else None,
        compress="DEFLATE",
        level=9,
        # Differences of neighbours: smaller for reflectance, larger for classes.
        predictor="STANDARD" if reflectance else "NO",
        blocksize=tile_px(max(height, width)),
        overviews="NONE",
    ) as target:
        target.write(raster.pixels, 1)
    with rasterio.open(path) as written:
        same_pixels = np.array_equal(written.read(1), raster.pixels)
        same_place = written.transform == raster.transform and written.crs.to_epsg() == raster.epsg
        if not (same_pixels and same_place and written.dtypes[0] == raster.pixels.dtype):
            raise ValueError(f"{path} is not what was written to it")


def tile_px(side_px: int) -> int:
    """Return the side of a tile, a multiple of 16: one tile if that is enough, 512 at most."""
    return min(512, -(-side_px // 16) * 16)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with the line ends of Unix, on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Json) -> None:
    """Write indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def total_bytes(folder: Path) -> int:
    """Return the size of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
