"""Raster files read by window, each thread through a handle of its own."""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.session import Session
from rasterio.windows import Window as RasterWindow

from datacube.axes import RegularAxis
from datacube.errors import SourceError, UnsupportedSourceError
from datacube.grid import Grid, Window, crs_from_text

DRIVERS = ("GTiff", "JP2OpenJPEG")
"""Formats that are opened, told by their bytes. No VRT: it could name any file of this machine."""

_filters = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreAccess:
    """How `s3://` places are reached. Without a key, requests are not signed."""

    endpoint_url: str | None = None
    """Such as `https://eodata.dataspace.copernicus.eu`; None is AWS."""
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether requests go out without a signature."""
        return self.access_key_id is None or self.secret_access_key is None


class _Keys(Session):  # type: ignore[misc]  # rasterio is not annotated
    """Credentials for GDAL's /vsis3/, set for the reading thread only."""

    def __init__(self, access: ObjectStoreAccess) -> None:
        self._options = (
            {}
            if access.anonymous
            else {
                "AWS_ACCESS_KEY_ID": access.access_key_id or "",
                "AWS_SECRET_ACCESS_KEY": access.secret_access_key or "",
                "AWS_SESSION_TOKEN": access.session_token or "",
            }
        )

    def get_credential_options(self) -> dict[str, str]:
        return self._options


@contextmanager
def gdal_environment(access: ObjectStoreAccess, *, sidecars: bool) -> Iterator[None]:
    """Set what GDAL needs in this thread: one decoding thread, `access`, bounded waiting.

    With `sidecars`, files beside the one opened are looked for, one by one and never
    by a listing: about ten requests a file where it is remote.
    """
    options: dict[str, object] = {
        "GDAL_NUM_THREADS": "1",
        "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE" if sidecars else "EMPTY_DIR",
        "GDAL_HTTP_TIMEOUT": "60",
        "GDAL_HTTP_CONNECTTIMEOUT": "20",
        "GDAL_HTTP_MAX_RETRY": "3",
        "GDAL_HTTP_RETRY_DELAY": "1",
        "GDAL_CACHEMAX": 256 * 2**20,
        "AWS_NO_SIGN_REQUEST": "YES" if access.anonymous else "NO",
    }
    if access.region:
        options["AWS_REGION"] = access.region
    if access.endpoint_url:
        scheme, _, host = access.endpoint_url.rpartition("://")
        options |= {
            "AWS_S3_ENDPOINT": host.rstrip("/"),
            "AWS_HTTPS": "NO" if scheme == "http" else "YES",
            "AWS_VIRTUAL_HOSTING": "FALSE",
        }
    # Read from the process by OpenJPEG itself: with one thread it hands every block of a code
    # stream to another, which takes 10 % longer; with none it decodes where it is called.
    os.environ.setdefault("OPJ_NUM_THREADS", "0")
    with rasterio.Env(session=_Keys(access), **options):
        yield


def gdal_path(location: str) -> str:
    """Spell a path, `http(s)://` or `s3://` address as GDAL does.

    >>> gdal_path("s3://eodata/a.jp2"), gdal_path("/data/a.jp2")
    ('/vsis3/eodata/a.jp2', '/data/a.jp2')
    """
    if location.startswith("s3://"):
        return "/vsis3/" + location.removeprefix("s3://")
    if location.startswith(("http://", "https://")):
        # The name holds an address; what GDAL would take as its own separators is quoted.
        return "/vsicurl/" + quote(location, safe=":/?&=%+,;@~!$'()*#[]")
    return location


class RasterFile:
    """One raster file; open it with `open_raster`.

    A handle is opened for each thread that reads and closed with this object:
    JP2 decoders share no state between handles, and GDAL's shared ones returned
    wrong cells.
    """

    def __init__(self, name: str, path: str, access: ObjectStoreAccess) -> None:
        self.name = name
        """What messages call the file."""
        self._path = path
        self._access = access
        self._local = threading.local()
        self._sidecars = False
        if not self._look():
            self._sidecars = True
            self._look()

    def _look(self) -> bool:
        """Read the header; tell whether it is georeferenced.

        Not kept open: all scenes are opened before any is read.
        """
        with self._reading(), _open(self._path) as dataset:
            self.shape: tuple[int, int] = dataset.shape
            """`(rows, columns)`."""
            self.count: int = dataset.count
            """Planes."""
            transform: Affine = dataset.transform
            self.transform = None if transform == Affine.identity() else transform
            """From `(column, row)` to the CRS: the file's own, else its sidecar's, else None."""
            self.crs = CRS.from_user_input(dataset.crs.to_wkt()) if dataset.crs else None
        return self.transform is not None and self.crs is not None

    def read(self, window: Window, index: int = 1) -> NDArray[Any]:
        """Return the cells of plane `index` in `window`, `(y, x)`, counted from the first cell.

        Raises
        ------
        SourceError
            If the file cannot be read or decoded.
        """
        with self._reading():
            values: NDArray[Any] = self._dataset().read(index, window=_raster_window(window))
        return values

    def read_planes(self, window: Window) -> NDArray[Any]:
        """Return all planes, `(plane, y, x)`; otherwise as `read`."""
        with self._reading():
            values: NDArray[Any] = self._dataset().read(window=_raster_window(window))
        return values

    def _dataset(self) -> Any:  # noqa: ANN401  # rasterio is not annotated
        if not hasattr(self._local, "dataset"):
            self._local.dataset = _open(self._path)
        return self._local.dataset

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with gdal_environment(self._access, sidecars=self._sidecars):
                yield
        except (RasterioIOError, RasterioError, ValueError) as error:
            cause = error.__cause__ or error
            raise SourceError(f"{self.name} cannot be read: {cause}") from error


def _open(path: str) -> Any:  # noqa: ANN401  # rasterio is not annotated
    """Open with the driver that knows the first bytes; the suffix says nothing."""
    expect_no_georeferencing()
    refused = []
    for driver in DRIVERS:
        try:
            return rasterio.open(path, driver=driver)
        except RasterioIOError as error:
            # GDAL's words where a driver does not know the bytes.
            if "not recognized as being in a supported file format" not in str(error):
                raise
            refused.append(driver)
    raise RasterioIOError(f"its bytes are those of none of {', '.join(refused)}")


def expect_no_georeferencing() -> None:
    """Silence rasterio's warning: the item or the product's metadata may have the georeferencing.

    For the whole process, as `catch_warnings` sets the filters of all threads and one that
    ends would let the warnings of the others through.
    """
    with _filters:
        if not any(filter_[2] is NotGeoreferencedWarning for filter_ in warnings.filters):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)


def _raster_window(window: Window) -> RasterWindow:
    (row, row_stop), (col, col_stop) = window.plane.ranges
    return RasterWindow(col, row, col_stop - col, row_stop - row)


def registered_crs(crs: CRS) -> CRS:
    """Return the authority's definition where `crs` is one that EPSG knows, else itself.

    It may have a datum shift around it (TOWGS84), and its axes in another order: points
    are `(x, y)` here, whatever the authority's order.
    """
    plain = crs.source_crs if crs.is_bound and crs.source_crs else crs
    epsg = plain.to_epsg(min_confidence=70)
    if epsg is None and (near := plain.to_epsg(min_confidence=20)):
        known = crs_from_text(f"EPSG:{near}")
        epsg = near if _projects_alike(known, plain) else None
    return crs_from_text(f"EPSG:{epsg}") if epsg else crs


def _projects_alike(one: CRS, other: CRS) -> bool:
    """Tell whether two projected CRS differ in their names and the order of their axes only."""
    mine, its = one.coordinate_operation, other.coordinate_operation
    if mine is None or its is None or one.geodetic_crs != other.geodetic_crs:
        return False
    mine_numbers, its_numbers = (
        sorted((p.code, float(p.value) * p.unit_conversion_factor) for p in operation.params)
        for operation in (mine, its)
    )
    units = ({axis.unit_name for axis in crs.axis_info} for crs in (one, other))
    return (
        mine.method_code == its.method_code
        and mine_numbers == its_numbers
        and next(units) == next(units)
    )


def source_grid(name: str, shape: tuple[int, int], transform: Affine, crs: CRS) -> Grid:
    """Return the grid of a file, cells numbered from its own upper left corner.

    Raises
    ------
    UnsupportedSourceError
        If the cells are not north up and square.
    """
    size = transform.a
    square = size > 0 and abs(transform.e + size) <= 1e-6 * size
    if not square or transform.b != 0 or transform.d != 0:
        raise UnsupportedSourceError(
            f"{name} has the transform {tuple(transform)[:6]}; cells must be square and north up"
        )
    unit = crs.axis_info[0].unit_name if crs.axis_info else "metre"
    uom = "m" if unit == "metre" else "deg" if unit == "degree" else unit
    x_name, y_name = ("Lon", "Lat") if crs.is_geographic else ("E", "N")
    return Grid(
        crs=crs,
        x=RegularAxis(name=x_name, uom=uom, start=transform.c, step=size, size=shape[1]),
        y=RegularAxis(name=y_name, uom=uom, start=transform.f, step=-size, size=shape[0]),
    )
