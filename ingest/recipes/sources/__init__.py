"""Files of every format that recipes take, opened by their first bytes."""

import zipfile
from datetime import datetime
from pathlib import Path

from datacube.errors import SourceError, UnsafeSourceError, UnsupportedSourceError
from ingest.rasters import ObjectStoreAccess
from ingest.recipes.sources.grib import group_messages
from ingest.recipes.sources.netcdf import open_netcdf
from ingest.recipes.sources.raster import RasterFile
from ingest.recipes.sources.source import SourceFile
from ingest.recipes.sources.zarr_arrays import is_zarr, open_zarr

__all__ = ["SourceFile", "open_source"]

_NETCDF = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
_RASTER_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".hgt", ".grb", ".grib")
MAX_RATIO = 200
"""Unpacked to packed size of a file in a zip."""
MAX_UNPACKED_BYTES = 64 * 2**30


def open_source(
    location: str, access: ObjectStoreAccess | None = None, *, until: datetime | None = None
) -> SourceFile:
    """Open a file: its header only.

    `location` is a path, or an `http(s)://` or `s3://` address of a GeoTIFF or a Zarr group
    (whose address ends in `.zarr`). A zip holds one raster, which is read in place. Chunks of
    a Zarr group that were changed after `until` are refused when they are read.

    Raises
    ------
    SourceError
        If it cannot be read.
    UnsupportedSourceError
        If its format is none of those that are read.
    UnsafeSourceError
        If a zip is built to harm, or the name is one that GDAL takes for something else.
    """
    access = access or ObjectStoreAccess()
    remote = location.startswith(("http://", "https://", "s3://"))
    name = location.rstrip("/").rsplit("/", 1)[-1]
    if remote:
        if name.endswith(".zarr"):
            return open_zarr(location, name, access, until=until)
        return RasterFile(location, name, access)
    path = Path(location).resolve()
    if location.startswith("/vsi") or str(path).startswith("/vsi"):
        raise UnsafeSourceError(f"{location} is a name special to GDAL")
    if is_zarr(path):
        return open_zarr(str(path), path.name, access, until=until)
    if not path.is_file():
        raise SourceError(f"{location} does not exist, or is no file")
    return _open_file(path, access)


def _open_file(path: Path, access: ObjectStoreAccess) -> SourceFile:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}") from error
    if not head:
        raise SourceError(f"{path.name} is empty")
    if head.startswith(_NETCDF):
        return open_netcdf(path, path.name)
    inside = _in_zip(path) if head[:4] == b"PK\3\4" else str(path)
    raster = RasterFile(inside, path.name, access)
    return group_messages(raster) if raster.driver == "GRIB" else raster


def _in_zip(path: Path) -> str:
    """Return GDAL's name of the one raster in a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [
                entry
                for entry in archive.infolist()
                if entry.filename.casefold().endswith(_RASTER_SUFFIXES)
                and not entry.filename.startswith("__MACOSX/")
            ]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SourceError(f"{path.name} is no readable zip: {error}") from error
    if len(entries) != 1:
        raise UnsupportedSourceError(
            f"{path.name} holds {len(entries)} rasters; a zip with one is read, others unpacked"
        )
    entry = entries[0]
    bomb = entry.file_size > MAX_RATIO * max(entry.compress_size, 2**20)
    if bomb or entry.file_size > MAX_UNPACKED_BYTES:
        raise UnsafeSourceError(
            f"{entry.filename} in {path.name} unpacks from {entry.compress_size} to "
            f"{entry.file_size} bytes"
        )
    if ".." in entry.filename.split("/") or entry.filename.startswith("/"):
        raise UnsafeSourceError(f"{path.name} holds the name {entry.filename!r}")
    # The braces end the archive's name, whatever its suffix.
    return f"/vsizip/{{{path}}}/{entry.filename}"
