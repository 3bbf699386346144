"""Where the cells of a query come from: offered coverages and files that came with it."""

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from datacube.axes import RegularAxis
from datacube.cells import Cells
from datacube.cube import Coverage
from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.grid import Grid, index_crs
from datacube.plan.nodes import Domain, Field, Held, HeldCells
from datacube.plan.resolve import coverage_cells
from datacube.protocols import Limits
from datacube.wcps import syntax
from datacube.wcps.bind.scope import Scope, Upload
from datacube.wcps.bind.values import About, Raster

DRIVERS = ("GTiff", "PNG", "JPEG", "JP2OpenJPEG", "netCDF")
"""GDAL drivers that may read an upload: none of them follows references to other files."""
_REMOTE = re.compile(r"(?P<host>.+?)(?::\d+:|--\d+--)(?P<id>.+)")
_COMPARED = 1000
"""Most ids that a misspelt one is compared with."""
_FILTERS = Lock()
_HDF5 = b"\x89HDF\r\n\x1a\n"
"""Begins a netCDF-4 file, which GDAL knows by the end of its name alone."""
_QUIET = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "CPL_LOG": "/dev/null",
}


def bind_source(source: syntax.Variable | syntax.Decode, scope: Scope) -> Raster:
    """Bind what a `for` names.

    Raises
    ------
    UnknownNameError
        If there is no such coverage, or no federation member of its name.
    InvalidParameterError
        If there is no such upload, or it is no raster file.
    """
    if isinstance(source, syntax.Decode):
        return uploaded(source, scope)
    remote = _REMOTE.fullmatch(source.name)
    if remote is not None:
        raise UnknownNameError("federation member", remote["host"])
    try:
        return coverage_raster(scope.context.view.coverage(source.name))
    except UnknownNameError as error:
        if error.kind != "coverage":
            raise
        ids = _worth_naming(scope.context.view.coverage_ids())
        near = get_close_matches(source.name, ids[:_COMPARED], n=5, cutoff=0.4)
        others = tuple(one for one in ids if one not in near)
        raise UnknownNameError("coverage", source.name, (*near, *others)) from None


def _worth_naming(ids: Sequence[str]) -> tuple[str, ...]:
    """Leave out the ids of cubes' only resolutions, which say the same as the cubes' own.

    >>> _worth_naming(("A", "A_1", "S2", "S2_10m", "S2_20m"))
    ('A', 'S2', 'S2_10m', 'S2_20m')
    """
    known = set(ids)
    cubes = Counter(one.rpartition("_")[0] for one in ids)
    return tuple(
        one for one in ids if not ((cube := one.rpartition("_")[0]) in known and cubes[cube] == 1)
    )


def coverage_raster(coverage: Coverage) -> Raster:
    """Return the stored cells of a coverage; a line's or point's missing axes are gone."""
    return Raster(plan=coverage_cells(coverage), about=About(identifier=coverage.id))


def uploaded(expr: syntax.Decode, scope: Scope) -> Raster:
    """Read an uploaded file into memory.

    Its plane has the file's CRS and cells, or those of an index grid `j, i` where the file
    says nothing of its place.

    Raises
    ------
    InvalidParameterError
        If there is no such upload, or it is no raster file.
    LimitExceededError
        If it holds more cells than are allowed.
    """
    uploads = scope.context.uploads
    name = str(expr.position)
    found = next((u for u in uploads if u.name.removeprefix("$") == name), None)
    if found is None:
        sent = ", ".join(u.name for u in uploads) or "none"
        raise InvalidParameterError(
            f"no file came with the query as parameter {name}; those that came: {sent}",
            parameter=name,
        )
    return _raster(found, scope.context.limits)


def _raster(upload: Upload, limits: Limits) -> Raster:
    _expect_no_georeferencing()
    # netCDF is not read from memory by GDAL; a folder of its own has no neighbours to follow.
    with TemporaryDirectory(prefix="copernicube-") as folder:
        path = Path(folder) / ("upload.nc" if upload.body.startswith(_HDF5) else "upload")
        path.write_bytes(upload.body)
        try:
            with rasterio.Env(**_QUIET), rasterio.DatasetReader(path, driver=list(DRIVERS)) as file:
                return _read(file, upload, limits)
        except RasterioError as error:
            raise InvalidParameterError(
                f"parameter {upload.name} is no raster file of these formats: {', '.join(DRIVERS)}",
                parameter=upload.name,
            ) from error


def _expect_no_georeferencing() -> None:
    """Silence rasterio's warning: a picture without a place on the Earth is no mistake.

    For the whole process, as `catch_warnings` sets the filters of all threads and one that
    ends would let the warnings of the others through.
    """
    with _FILTERS:
        if not any(kind[2] is NotGeoreferencedWarning for kind in warnings.filters):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)


def _read(file: Any, upload: Upload, limits: Limits) -> Raster:  # noqa: ANN401  # rasterio is untyped
    if not file.count:
        names = ", ".join(file.subdatasets[:20]) or "none"
        raise InvalidParameterError(
            f"parameter {upload.name} holds several variables ({names}) or none; "
            "send a file with one",
            parameter=upload.name,
        )
    # Held beside a copy that is evaluated.
    size = 2 * sum(np.dtype(d).itemsize + 1 for d in file.dtypes) * file.width * file.height
    allowed = min(limits.output_bytes, limits.memory_bytes)
    if size > allowed:
        raise LimitExceededError(
            f"parameter {upload.name} needs {size / 1e6:,.1f} MB for its cells; "
            f"{allowed / 1e6:,.1f} MB are allowed (LIMIT_OUTPUT_BYTES, LIMIT_MEMORY_BYTES)"
        )
    values: list[NDArray[Any]] = [file.read(n) for n in file.indexes]
    valid = tuple(_valid(file, n, v) for n, v in zip(file.indexes, values, strict=True))
    fields = tuple(
        Field(
            name=name, dtype=v.dtype.name, nodata=nodata, nulls=() if nodata is None else (nodata,)
        )
        for name, v, nodata in zip(_names(file), values, file.nodatavals, strict=True)
    )
    held = HeldCells(
        key=blake2b(upload.body, digest_size=16).hexdigest(),
        cells=Cells(tuple(f.name for f in fields), tuple(values), valid),
    )
    return Raster(plan=Held(held=held, domain=Domain(grid=_grid(file)), fields=fields))


def _valid(file: Any, number: int, values: NDArray[Any]) -> NDArray[np.bool_]:  # noqa: ANN401  # rasterio is untyped
    valid: NDArray[np.bool_] = file.read_masks(number) != 0
    return valid & ~np.isnan(values) if values.dtype.kind in "fc" else valid


def _names(file: Any) -> list[str]:  # noqa: ANN401  # rasterio is untyped
    """Name bands by their descriptions where these can be typed in a query, else `b1`, `b2`."""
    told = [text if text and re.fullmatch(r"\w+", text) else None for text in file.descriptions]
    names = [text or f"b{n}" for n, text in enumerate(told, start=1)]
    return names if len(set(names)) == len(names) else [f"b{n}" for n in file.indexes]


def _grid(file: Any) -> Grid:  # noqa: ANN401  # rasterio is untyped
    transform = file.transform
    if file.crs is None or transform.is_identity or transform.b or transform.d:
        return Grid(
            crs=index_crs("j", "i"),
            y=_index_axis("j", file.height),
            x=_index_axis("i", file.width),
        )
    crs = CRS.from_wkt(file.crs.to_wkt())
    x, y, uom = ("Lon", "Lat", "degree") if crs.is_geographic else ("E", "N", "m")
    return Grid(
        crs=crs,
        x=RegularAxis(name=x, uom=uom, start=transform.c, step=transform.a, size=file.width),
        y=RegularAxis(name=y, uom=uom, start=transform.f, step=transform.e, size=file.height),
    )


def _index_axis(name: str, size: int) -> RegularAxis:
    return RegularAxis(name=name, uom="1", start=0, step=1, size=size, index=True)
