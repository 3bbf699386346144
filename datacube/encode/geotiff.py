"""GeoTIFF: always a COG, through GDAL's own COG driver."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from uuid import uuid4

import numpy as np
import rasterio
import rasterio.crs
import rasterio.shutil
from rasterio.io import DatasetWriter, MemoryFile
from rasterio.windows import Window as RasterioWindow

from datacube.axes import Axis, TimeAxis
from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import TILE_PX, blocks
from datacube.encode.cf import axis_values, cf_dataset_attrs
from datacube.encode.files import IN_MEMORY_BYTES, temporary_path
from datacube.encode.numbers import Stored, stored_as
from datacube.encode.sources import coverage_of
from datacube.errors import InvalidParameterError
from datacube.grid import Window
from datacube.plan.formats import PICTURE_FORMATS
from datacube.plan.nodes import Plan
from datacube.times import iso_text

_MOST_BANDS = 65_535
"""GDAL's limit for GeoTIFF: SamplesPerPixel has 16 bits."""
_CACHE_BYTES = 67_108_864
"""GDAL's block cache, which would else grow to 5 % of the machine's memory."""


def encode_geotiff(job: EncodeJob) -> bytes | Path:
    """Write a coverage as a COG: tiles of 512, DEFLATE with predictor, overviews by nearest.

    Bands are the fields, for every combination of the outer axes, outer axes
    first (time-major); each is described as `B04 2023-08-15T10:00:31Z` and has the
    field's scale, offset, unit and, as metadata, `band` and its outer coordinates.
    GeoTIFF knows one type and one nodata: those of `stored_as`. A plane that has no
    place on the Earth is written without a CRS.

    The cells pass through an uncompressed file, in memory up to `IN_MEMORY_BYTES`.

    Raises
    ------
    InvalidParameterError
        If there is no plane, if there are more than 65,535 bands, or no type holds all
        fields.
    """
    plan = coverage_of(job, PICTURE_FORMATS)
    stored = stored_as(plan.fields)
    bands = len(plan.fields) * int(np.prod(plan.domain.shape[:-2], dtype=np.int64))
    if bands > _MOST_BANDS:
        raise InvalidParameterError(
            f"{bands} bands; a GeoTIFF holds {_MOST_BANDS}: ask for less, or application/netcdf",
            parameter="format",
        )
    cell_bytes = bands * plan.domain.plane.window.size * stored.numpy_dtype.itemsize
    in_memory = cell_bytes <= IN_MEMORY_BYTES
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), _raw_path(in_memory=in_memory) as raw:
        with rasterio.open(raw, "w", **_profile(plan, stored, bands)) as dataset:
            _describe(dataset, job, plan)
            for window in blocks(plan.domain, len(plan.fields)):
                _write(dataset, job, plan, stored, window)
        return _cloud_optimized(raw, in_memory=in_memory)


@contextmanager
def _raw_path(*, in_memory: bool) -> Iterator[str]:
    if in_memory:
        path = f"/vsimem/{uuid4()}.tif"
        try:
            yield path
        finally:
            if rasterio.shutil.exists(path):
                rasterio.shutil.delete(path, driver="GTiff")
        return
    with temporary_path(".raw.tif") as file:
        try:
            yield str(file)
        finally:
            file.unlink(missing_ok=True)


def _cloud_optimized(raw: str, *, in_memory: bool) -> bytes | Path:
    options = {
        "driver": "COG",
        "COMPRESS": "DEFLATE",
        "LEVEL": "1",
        "PREDICTOR": "YES",
        "BLOCKSIZE": str(TILE_PX),
        # A band is read alone by most clients, and packs better alone.
        "INTERLEAVE": "BAND",
        # Nearest keeps stored numbers and classes what they are.
        "OVERVIEW_RESAMPLING": "NEAREST",
        "BIGTIFF": "IF_SAFER",
    }
    if in_memory:
        with MemoryFile(ext=".tif") as file:
            rasterio.shutil.copy(raw, file.name, **options)
            return bytes(file.getbuffer())
    with temporary_path(".tif") as path:
        rasterio.shutil.copy(raw, str(path), **options)
        return path


def _profile(plan: Plan, stored: Stored, bands: int) -> dict[str, object]:
    plane = plan.domain.plane
    rows, columns = plane.shape
    return {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": bands,
        "dtype": stored.dtype,
        "nodata": stored.nodata,
        "crs": rasterio.crs.CRS.from_wkt(plane.crs.to_wkt()) if plane.on_earth else None,
        "transform": plane.transform,
        "interleave": "band",
        "bigtiff": "IF_SAFER",
        "photometric": "MINISBLACK",
    }


def _describe(dataset: DatasetWriter, job: EncodeJob, plan: Plan) -> None:
    attributes = cf_dataset_attrs(job.node.title, job.scenes)
    dataset.update_tags(**{k: v for k, v in attributes.items() if k != "Conventions"})
    fields, places = plan.fields, list(_outer_places(plan.domain.outer))
    dataset.descriptions = [
        " ".join((field.name, *place.values())) for place in places for field in fields
    ]
    stored_bands = [field.band for _ in places for field in fields]
    dataset.scales = [1.0 if band is None else band.scale for band in stored_bands]
    dataset.offsets = [0.0 if band is None else band.offset for band in stored_bands]
    dataset.units = ["" if b is None or b.classes else b.unit for b in stored_bands]
    for index, (place, field) in enumerate(product(places, fields), start=1):
        tags = {"band": field.name, **place}
        if field.band is not None and field.band.classes:
            tags["classes"] = json.dumps({c.value: c.name for c in field.band.classes})
        dataset.update_tags(index, **tags)


def _outer_places(axes: tuple[Axis, ...]) -> Iterator[dict[str, str]]:
    """Yield the outer coordinates of each plane as text by axis name, in array order."""
    texts = [[(_name(axis), text) for text in _texts(axis)] for axis in axes]
    for place in product(*texts):
        yield dict(place)


def _name(axis: Axis) -> str:
    return "time" if isinstance(axis, TimeAxis) else axis.name


def _texts(axis: Axis) -> list[str]:
    if isinstance(axis, TimeAxis):
        return [iso_text(acquisition.reference) for acquisition in axis]
    return [f"{value:g}" for value in axis_values(axis)]


def _write(
    dataset: DatasetWriter, job: EncodeJob, plan: Plan, stored: Stored, window: Window
) -> None:
    cells = job.compute(plan, window)
    (y0, y1), (x0, x1) = window.plane.ranges
    grid = plan.domain.plane
    place = RasterioWindow(x0 - grid.x.first, y0 - grid.y.first, x1 - x0, y1 - y0)
    outer = plan.domain.axes[:-2]
    planes = np.arange(int(np.prod([a.size for a in outer], dtype=np.int64)))
    here = tuple(
        slice(start - axis.first, stop - axis.first)
        for (start, stop), axis in zip(window.ranges[:-2], outer, strict=True)
    )
    numbers = planes.reshape([a.size for a in outer])[here].ravel()
    for at, field in enumerate(plan.fields):
        values = stored.fill(cells, field.name).reshape(-1, y1 - y0, x1 - x0)
        indexes = [int(number) * len(plan.fields) + at + 1 for number in numbers]
        dataset.write(values, indexes=indexes, window=place)
