"""Files that somebody offers: which formats, and none that reads another file."""

from pathlib import Path

import h5py
import numpy as np
import rasterio
from affine import Affine

from datacube.errors import SourceError, UnsafeSourceError
from datacube.writing import CoverageTypeError, InlineCells

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_HDF5 = b"\x89HDF\r\n\x1a\n"


def checked_suffix(path: Path) -> str:
    """Return `.tif` or `.nc` of a file that is safe to open.

    HDF5 can name other files of the machine, whose bytes it then reads as its own.

    Raises
    ------
    CoverageTypeError
        If it is neither GeoTIFF nor netCDF.
    UnsafeSourceError
        If it refers to other files.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] in _TIFF:
        return ".tif"
    if head.startswith(_CLASSIC):
        return ".nc"
    if head != _HDF5:
        raise CoverageTypeError("the file is no coverage that is read; allowed: GeoTIFF, netCDF")
    try:
        with h5py.File(path, "r") as opened:
            _refuse_links(opened)
    except (OSError, RuntimeError, KeyError) as error:
        raise SourceError(f"the netCDF file cannot be read: {str(error)[:200]}") from error
    return ".nc"


def _refuse_links(group: h5py.Group, depth: int = 0) -> None:
    if depth > 32:
        raise UnsafeSourceError("the file has groups more than 32 deep")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise UnsafeSourceError("the file has links; allowed is a file with all its cells")
        member = group[name]
        if isinstance(member, h5py.Group):
            _refuse_links(member, depth + 1)
        elif isinstance(member, h5py.Dataset) and (member.external or member.is_virtual):
            raise UnsafeSourceError(
                "the file has cells in other files; allowed is a file with all its cells"
            )


def write_planes(cells: InlineCells, folder: Path, name: str) -> tuple[Path, ...]:
    """Write cells as GeoTIFFs, one a time, and return them in that order."""
    (x, y), (dx, dy) = cells.corner, cells.step
    made = []
    for number, bands in enumerate(cells.values):
        path = folder / f"{name}-{number}.tif"
        count, height, width = bands.shape
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=count,
            dtype=np.dtype(bands.dtype).name,
            crs=cells.crs.to_wkt(),
            transform=Affine(dx, 0, x, 0, dy, y),
            nodata=cells.nodata,
        ) as file:
            file.write(bands)
        made.append(path)
    return tuple(made)
