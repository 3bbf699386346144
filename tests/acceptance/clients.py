"""What real readers make of a running server's answers."""

import warnings
from dataclasses import dataclass
from urllib.parse import urlencode

import cv2
import httpx2
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

type Pixels = NDArray[np.int16] | NDArray[np.uint8]
type Rgba = NDArray[np.uint8]
"""Shape `(rows, columns, 4)`."""
type Box = tuple[float, float, float, float]
"""`(min x, min y, max x, max y)`, x being east."""

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a map lies and how large it is."""

    crs: str
    """`EPSG:n` or `CRS:84`."""
    box: Box
    width_px: int
    height_px: int

    @property
    def pyproj_crs(self) -> CRS:
        return CRS.from_user_input("OGC:CRS84" if self.crs == "CRS:84" else self.crs)

    @property
    def transform(self) -> Affine:
        """Pixel to coordinate, x being east."""
        x0, y0, x1, y1 = self.box
        return Affine((x1 - x0) / self.width_px, 0, x0, 0, (y0 - y1) / self.height_px, y1)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height_px, self.width_px

    @property
    def bbox_text(self) -> str:
        """The BBOX of WMS 1.3.0: EPSG:4326 has latitude first, EPSG:3035 northing."""
        x0, y0, x1, y1 = self.box
        numbers = (y0, x0, y1, x1) if self.crs in {"EPSG:4326", "EPSG:3035"} else self.box
        return ",".join(map(repr, numbers))


def view_of(crs: str, around: Box, around_crs: str, pixel_m: float) -> View:
    """Return the view that shows a box of another CRS in pixels of about `pixel_m`, square in m."""
    to = Transformer.from_crs(
        around_crs, "OGC:CRS84" if crs == "CRS:84" else crs, always_xy=True
    ).transform_bounds(*around)
    width, height = around[2] - around[0], around[3] - around[1]
    return View(
        crs=crs,
        box=to,
        width_px=round(width / pixel_m),
        height_px=round(height / pixel_m),
    )


def get(url: str, path: str = "/ows", **parameters: str) -> httpx2.Response:
    """Ask on a new connection and follow redirects; anything but 200 fails with what is said."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    response = httpx2.get(f"{url}{path}{query}", timeout=TIMEOUT_S, follow_redirects=True)
    if response.status_code != 200:
        raise AssertionError(f"{response.url}: {response.status_code}\n{response.text[:2000]}")
    return response


def get_map(url: str, layer: str, view: View, **more: str) -> httpx2.Response:
    """Ask for a map: PNG with transparency unless told otherwise."""
    return get(
        url,
        service="WMS",
        version="1.3.0",
        request="GetMap",
        layers=layer,
        crs=view.crs,
        bbox=view.bbox_text,
        width=str(view.width_px),
        height=str(view.height_px),
        **({"styles": "", "format": "image/png", "transparent": "TRUE"} | more),
    )


def picture(response: httpx2.Response) -> Rgba:
    """Return a picture's colours."""
    return rgba(response.content)


def rgba(body: bytes) -> Rgba:
    """Decode PNG or JPEG; a picture without transparency has alpha 255."""
    decoded = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise AssertionError(f"no picture: {body[:200]!r}")
    conversion = {2: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    channels = 2 if decoded.ndim == 2 else decoded.shape[2]
    return cv2.cvtColor(decoded, conversion[channels]).astype(np.uint8)


def picture_tags(body: bytes) -> dict[str, str]:
    """Return the texts in a picture, as GDAL reads them."""
    with warnings.catch_warnings():
        # A picture has no georeferencing, and rasterio says so.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(body) as file, file.open() as data:
            tags: dict[str, str] = data.tags()
            return tags


def get_coverage(url: str, coverage: str, *subsets: str, **more: str) -> httpx2.Response:
    """Ask for a coverage: GeoTIFF unless told otherwise."""
    numbered = {f"subset{number}": text for number, text in enumerate(subsets)}
    return get(
        url,
        service="WCS",
        version="2.0.1",
        request="GetCoverage",
        coverageid=coverage,
        **numbered,
        **more,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """A GeoTIFF as GDAL reads it."""

    values: Pixels
    """`(band, y, x)`."""
    transform: Affine
    epsg: int | None
    nodata: float | None
    tags: dict[str, str]


def raster(body: bytes) -> Raster:
    """Read a GeoTIFF."""
    with MemoryFile(body) as file, file.open() as data:
        return Raster(
            values=data.read(),
            transform=data.transform,
            epsg=data.crs.to_epsg(),
            nodata=data.nodata,
            tags=data.tags(),
        )
