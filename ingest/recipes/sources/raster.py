"""Raster files that GDAL reads: every band a variable `(y, x)`, and all of them one more."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window as RasterWindow

from datacube.cube import ClassValue
from datacube.errors import SourceError, UnsupportedSourceError
from ingest.rasters import (
    ObjectStoreAccess,
    expect_no_georeferencing,
    gdal_environment,
    gdal_path,
    registered_crs,
)
from ingest.recipes.sources.source import Coordinate, Plane, Variable

DRIVERS = ("GTiff", "PNG", "JPEG", "JP2OpenJPEG", "SRTMHGT", "GRIB")
"""Formats that are opened. No VRT: it could name any file of this machine."""
STACK = "bands"
"""The variable of all bands, `(band, y, x)`."""
MAX_BANDS = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RasterFile:
    """One raster file; implements `SourceFile`. Each thread reads through its own handle."""

    def __init__(
        self, location: str, name: str, access: ObjectStoreAccess, *, overview: int | None = None
    ) -> None:
        """Read the header, of the whole file or of one of its overviews, counted from 0.

        Raises
        ------
        SourceError
            If it cannot be read.
        UnsupportedSourceError
            If its format is none of those that are read.
        """
        self.name = name
        self.location = location
        self._access = access
        self._options = {} if overview is None else {"overview_level": overview}
        self._local = threading.local()
        self.driver: str | None = None
        expect_no_georeferencing()
        with self.reading(), self._open() as dataset:
            self.driver = dataset.driver
            self._look(dataset)

    def _look(self, dataset: Any) -> None:  # noqa: ANN401  # rasterio is not annotated
        if dataset.count > MAX_BANDS:
            raise UnsupportedSourceError(f"{self.name} has {dataset.count} bands")
        transform: Affine = dataset.transform
        crs = registered_crs(CRS.from_user_input(dataset.crs.to_wkt())) if dataset.crs else None
        identity = transform == Affine.identity()
        self._plane = Plane(transform=None if identity else transform, crs=crs)
        self.shape: tuple[int, int] = dataset.shape
        self.overviews: tuple[int, ...] = tuple(dataset.overviews(1))
        self.tags: Mapping[str, str] = dict(dataset.tags())
        self.band_tags = tuple(dict(dataset.tags(n)) for n in dataset.indexes)
        self.structure: Mapping[str, str] = dict(dataset.tags(ns="IMAGE_STRUCTURE"))
        self.variables: Mapping[str, Variable] = self._variables(dataset)
        self.modified = self._modified()

    def _variables(self, dataset: Any) -> dict[str, Variable]:  # noqa: ANN401  # as above
        found: dict[str, Variable] = {}
        for n in dataset.indexes:
            nodata = dataset.nodatavals[n - 1]
            real = nodata is not None and not np.isnan(nodata)
            dtype = np.dtype(dataset.dtypes[n - 1])
            fits = real and (dtype.kind == "f" or float(nodata).is_integer())
            found[str(n)] = Variable(
                name=str(n),
                dims=("y", "x"),
                shape=dataset.shape,
                dtype=dtype,
                nodata=(float(nodata),) if fits else (),
                scale=float(dataset.scales[n - 1]),
                offset=float(dataset.offsets[n - 1]),
                unit=dataset.units[n - 1] or None,
                title=dataset.descriptions[n - 1] or None,
                classes=_palette(dataset, n),
                masked=MaskFlags.per_dataset in dataset.mask_flag_enums[n - 1]
                and MaskFlags.alpha not in dataset.mask_flag_enums[n - 1],
                blocks=tuple(dataset.block_shapes[n - 1]),
            )
        first = found["1"]
        if len({v.dtype for v in found.values()}) == 1:
            found[STACK] = Variable(
                name=STACK,
                dims=("band", "y", "x"),
                shape=(dataset.count, *dataset.shape),
                dtype=first.dtype,
                nodata=first.nodata,
                scale=first.scale,
                offset=first.offset,
                unit=first.unit,
                masked=first.masked,
                blocks=(1, *first.blocks),
            )
        return found

    def coordinate(self, name: str) -> Coordinate | None:
        """Return None: rasters have no coordinate variables."""
        del name
        return None

    def coordinates_of(self, dim: str) -> Coordinate | None:
        """Return None: rasters have no coordinate variables."""
        del dim
        return None

    def plane(self, variable: str) -> Plane:
        """Return the file's georeferencing."""
        del variable
        return self._plane

    def read(self, variable: str, index: tuple[slice, ...]) -> NDArray[Any]:
        """Return stored numbers, one slice of step 1 a dimension."""
        with self.reading():
            values: NDArray[Any] = self.dataset().read(
                _bands(variable, index), window=raster_window(index)
            )
        return values

    def mask(self, variable: str, index: tuple[slice, ...]) -> NDArray[np.bool_]:
        """Return the file's own mask, true where there is data."""
        with self.reading():
            mask: NDArray[Any] = self.dataset().read_masks(
                _bands(variable, index), window=raster_window(index)
            )
        valid: NDArray[np.bool_] = mask != 0
        return valid

    def description(self) -> bytes:
        """Return GDAL's XML of all that the file says of itself, attribute tables included.

        It is that of a virtual dataset: GDAL's only way to hand tables on that rasterio has.
        """
        with self.reading(), TemporaryDirectory() as folder:
            target = Path(folder, "description.vrt")
            rasterio.shutil.copy(self.dataset(), target, driver="VRT")
            return target.read_bytes()

    def overview(self, number: int) -> "RasterFile":
        """Return an overview of the file, as a file."""
        return RasterFile(self.location, self.name, self._access, overview=number)

    def dataset(self) -> Any:  # noqa: ANN401  # rasterio is not annotated
        """Return this thread's handle; call it within `reading`."""
        if not hasattr(self._local, "dataset"):
            self._local.dataset = self._open()
        return self._local.dataset

    def _open(self) -> Any:  # noqa: ANN401  # as above
        """Open with the driver that knows the first bytes; the suffix says nothing."""
        for driver in DRIVERS if self.driver is None else (self.driver,):
            try:
                return rasterio.open(gdal_path(self.location), driver=driver, **self._options)
            except RasterioIOError as error:
                # GDAL's words where a driver does not know the bytes.
                if "not recognized as being in a supported file format" not in str(error):
                    raise
        raise UnsupportedSourceError(
            f"{self.name} has none of the formats that are read: GeoTIFF, PNG, JPEG, "
            "JPEG 2000, SRTM, GRIB, netCDF, Zarr"
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Set what GDAL needs, and turn its errors into ours."""
        sidecars = not self.location.startswith(("http://", "https://", "s3://"))
        try:
            with (
                gdal_environment(self._access, sidecars=sidecars),
                # Values and longitudes as they are in the file; the recipe changes them.
                rasterio.Env(GRIB_NORMALIZE_UNITS="NO", GRIB_ADJUST_LONGITUDE_RANGE="NO"),
            ):
                yield
        except (RasterioError, ValueError, IndexError) as error:
            cause = error.__cause__ or error
            raise SourceError(f"{self.name} cannot be read: {cause}") from error

    def _modified(self) -> datetime:
        location = self.location
        if location.startswith("/vsizip/{"):
            location = location.removeprefix("/vsizip/{").partition("}")[0]
        if location.startswith(("http://", "https://")):
            return _last_modified(location, self.name)
        if location.startswith("s3://"):
            return EPOCH
        return datetime.fromtimestamp(Path(location).stat().st_mtime, UTC)


def _last_modified(address: str, name: str) -> datetime:
    """Ask a web server when a file was changed; the epoch where it does not say."""
    request = Request(address, method="HEAD", headers={"User-Agent": "copernicube"})  # noqa: S310  # http(s) only
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310  # as above
            text = answer.headers.get("Last-Modified")
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error}") from error
    return parsedate_to_datetime(text).astimezone(UTC) if text else EPOCH


def _bands(variable: str, index: tuple[slice, ...]) -> int | list[int]:
    if variable != STACK:
        return int(variable)
    return list(range(index[0].start + 1, index[0].stop + 1))


def raster_window(index: tuple[slice, ...]) -> RasterWindow:
    """Return the window of the last two slices."""
    rows, cols = index[-2:]
    return RasterWindow(cols.start, rows.start, cols.stop - cols.start, rows.stop - rows.start)


def _palette(dataset: Any, n: int) -> tuple[ClassValue, ...]:  # noqa: ANN401  # as above
    """Return the entries of a colour table that are neither transparent nor black."""
    if dataset.colorinterp[n - 1] is not ColorInterp.palette:
        return ()
    return tuple(
        ClassValue(value=value, name=f"class_{value}", title=f"Class {value}", colour=(r, g, b))
        for value, (r, g, b, alpha) in sorted(dataset.colormap(n).items())
        if alpha and (r, g, b) != (0, 0, 0)
    )
