"""Coverages as an uncompressed file of GDAL, from which its drivers make others."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from threading import Lock
from uuid import uuid4

import numpy as np
import rasterio
import rasterio.crs
import rasterio.shutil
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetWriter, MemoryFile
from rasterio.transform import from_bounds
from rasterio.windows import Window as RasterioWindow

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import blocks
from datacube.encode.cf import axis_values, cf_dataset_attrs
from datacube.encode.files import temporary_path
from datacube.encode.orientation import Raster, raster_of
from datacube.encode.shades import paint
from datacube.encode.sources import coverage_of
from datacube.encode.written import Written, written_as
from datacube.errors import InvalidParameterError
from datacube.grid import Window
from datacube.plan.crs import parse_crs
from datacube.plan.encoding_memory import IN_MEMORY_BYTES, RASTER_CACHE_BYTES
from datacube.plan.formats import NETCDF, PICTURE_FORMATS
from datacube.plan.handing import PAINT_WIDTH
from datacube.plan.nodes import Field, Plan
from datacube.times import iso_text

_filters = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterFile:
    """A coverage to be written through GDAL."""

    job: EncodeJob
    plan: Plan
    raster: Raster
    written: Written
    painted: bool
    """The one field is written as red, green, blue and alpha."""

    @property
    def bands(self) -> int:
        """Bands of the file."""
        outer = int(np.prod([axis.size for axis in self.raster.outer], dtype=np.int64))
        return outer * (4 if self.painted else len(self.plan.fields))

    @property
    def cell_bytes(self) -> int:
        """Bytes of all cells."""
        pixels = self.raster.rows * self.raster.columns
        return self.bands * pixels * self.written.numpy_dtype.itemsize


def raster_file(job: EncodeJob) -> RasterFile:
    """Return how the job's coverage is written.

    Raises
    ------
    InvalidParameterError
        If it has no two axes, no type holds all its fields, or colours are asked for
        several.
    """
    plan, parameters = coverage_of(job, PICTURE_FORMATS), job.node.parameters
    raster = raster_of(job.node, plan.domain)
    painted = parameters.colour_map is not None
    if (painted or parameters.palette) and len(plan.fields) != 1:
        raise InvalidParameterError(
            f"colours are for one band; the coverage has {len(plan.fields)}", parameter="encode"
        )
    if painted:
        written = Written(dtype="uint8", nodata=None, fills=(0,), ieee=False)
    else:
        written = written_as(
            plan.fields,
            parameters.nodata,
            compat=job.node.compat,
            maskable=not raster.outer,
        )
    if parameters.palette and (written.dtype != "uint8" or raster.outer):
        raise InvalidParameterError(
            f"a palette is for one plane of uint8, this is {written.dtype}: cast it, or use "
            "colorMap",
            parameter="encode",
        )
    return RasterFile(job=job, plan=plan, raster=raster, written=written, painted=painted)


def copied(file: RasterFile, suffix: str, options: dict[str, str]) -> bytes | Path:
    """Write the coverage and copy it by one of GDAL's drivers.

    The cells pass through an uncompressed GeoTIFF, in memory up to `IN_MEMORY_BYTES`.
    """
    in_memory = held_in_memory(file)
    with _environment(), _raw_path(in_memory=in_memory) as raw:
        with _described(raw, file, {}) as dataset:
            width = PAINT_WIDTH if file.painted else len(file.plan.fields)
            for window in blocks(file.plan.domain, width):
                _write(dataset, file, window)
        if in_memory:
            with MemoryFile(ext=suffix) as copy:
                rasterio.shutil.copy(raw, copy.name, **options)
                return bytes(copy.getbuffer())
        with temporary_path(suffix) as path:
            rasterio.shutil.copy(raw, str(path), **options)
            return path


def held_in_memory(file: RasterFile) -> bool:
    """Tell whether an answer is made in memory, and not in temporary files."""
    return file.cell_bytes <= IN_MEMORY_BYTES


def template(file: RasterFile, **options: object) -> bytes:
    """Return a GeoTIFF of the coverage into which no cell was written, made with `options`."""
    with _environment(), MemoryFile(ext=".tif") as made:
        with _described(made.name, file, options):
            pass
        return bytes(made.getbuffer())


def _described(raw: str, file: RasterFile, options: dict[str, object]) -> DatasetWriter:
    """Open a new file that says everything of the coverage but its cells."""
    if file.raster.grid is None or not file.raster.grid.on_earth:
        _expect_no_georeferencing()
    dataset = rasterio.open(raw, "w", **_profile(file) | options)
    _place(dataset, file)
    _describe(dataset, file)
    return dataset


def format_options(job: EncodeJob, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return the options that were asked of the format, without settings that only tune GDAL.

    Raises
    ------
    InvalidParameterError
        If one is not among `allowed`, or is no plain word.
    """
    options = dict(job.node.parameters.options)
    for name, value in options.items():
        if name not in allowed or not value.replace("_", "").replace(".", "").isalnum():
            raise InvalidParameterError(
                f"option {name}={value[:40]} is not offered for {job.node.media_type}; "
                f"allowed: {', '.join(allowed) or 'none'}",
                parameter="encode",
            )
    return options


def _environment() -> rasterio.Env:
    return rasterio.Env(GDAL_CACHEMAX=RASTER_CACHE_BYTES, GDAL_TIFF_INTERNAL_MASK=True)


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


def _expect_no_georeferencing() -> None:
    """Silence rasterio's warning: a coverage without a place on the Earth is no mistake.

    For the whole process, as `catch_warnings` sets the filters of all threads and one that
    ends would let the warnings of the others through.
    """
    with _filters:
        if not any(filter_[2] is NotGeoreferencedWarning for filter_ in warnings.filters):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)


def _profile(file: RasterFile) -> dict[str, object]:
    plane = file.raster.grid
    profile: dict[str, object] = {
        "driver": "GTiff",
        "width": file.raster.columns,
        "height": file.raster.rows,
        "count": file.bands,
        "dtype": file.written.dtype,
        "nodata": file.written.nodata,
        "transform": _transform(file),
        "interleave": "band",
        "bigtiff": "IF_SAFER",
        "photometric": "RGB" if file.painted and not file.raster.outer else "MINISBLACK",
    }
    reference = file.job.node.parameters.geo_reference
    if reference is not None and reference.crs is not None:
        profile["crs"] = rasterio.crs.CRS.from_wkt(parse_crs(reference.crs).to_wkt())
    elif plane is not None and plane.on_earth:
        profile["crs"] = rasterio.crs.CRS.from_wkt(plane.crs.to_wkt())
    return profile


def _transform(file: RasterFile) -> Affine:
    """Return the transform from written `(column, row)` to `(x, y)`."""
    raster, reference = file.raster, file.job.node.parameters.geo_reference
    if reference is not None and reference.bbox is not None:
        placed: Affine = from_bounds(*reference.bbox, raster.columns, raster.rows)
        return placed
    if raster.grid is not None:
        plain = raster.grid.transform
    else:
        rows, columns = file.plan.domain.axes[-2:]
        (x, dx), (y, dy) = _edge(columns), _edge(rows)
        plain = Affine(dx, 0, x, 0, dy, y)
    return plain @ Affine(0, 1, 0, 1, 0, 0) if raster.swapped else plain


def _edge(axis: Axis) -> tuple[float, float]:
    """Return where an axis starts and how long its cells are; places count where it is uneven."""
    if isinstance(axis, RegularAxis):
        return axis.start + axis.first * axis.step, axis.step
    return 0.0, 1.0


def _place(dataset: DatasetWriter, file: RasterFile) -> None:
    """Write ground control points, which say of single pixels where they lie."""
    reference = file.job.node.parameters.geo_reference
    if reference is None or not reference.gcps:
        return
    points = [
        GroundControlPoint(row=line, col=pixel, x=x, y=y) for pixel, line, x, y in reference.gcps
    ]
    dataset.gcps = (points, dataset.crs)


def _describe(dataset: DatasetWriter, file: RasterFile) -> None:
    parameters = file.job.node.parameters
    credits_ = file.job.credits()
    attributes = cf_dataset_attrs(file.job.node.title, file.job.scenes, credits_)
    tags = {k: v for k, v in attributes.items() if k != "Conventions"}
    if credits_.attribution:
        # The TIFF tag that viewers show.
        tags["TIFFTAG_COPYRIGHT"] = credits_.attribution
    # GDAL ends a name at `=`.
    tags |= {key.replace("=", "_"): text for key, text in parameters.metadata}
    dataset.update_tags(**tags)
    if parameters.palette:
        dataset.write_colormap(1, dict(enumerate(parameters.palette)))
    if file.painted:
        return
    fields, places = file.plan.fields, list(_outer_places(file.raster.outer))
    dataset.descriptions = [
        " ".join((field.name, *place.values())) for place in places for field in fields
    ]
    stored_bands = [field.band for _ in places for field in fields]
    dataset.scales = [1.0 if band is None else band.scale for band in stored_bands]
    dataset.offsets = [0.0 if band is None else band.offset for band in stored_bands]
    dataset.units = ["" if b is None or b.classes else b.unit for b in stored_bands]
    for index, (place, field) in enumerate(product(places, fields), start=1):
        dataset.update_tags(index, **_band_tags(field, place))


def _band_tags(field: Field, place: dict[str, str]) -> dict[str, str]:
    tags = {"band": field.name, **place}
    if field.band is not None and field.band.classes:
        tags["classes"] = json.dumps({c.value: c.name for c in field.band.classes})
    return tags


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


def _write(dataset: DatasetWriter, file: RasterFile, window: Window) -> None:
    plan, raster = file.plan, file.raster
    cells = file.job.compute(plan, window)
    *outer, rows, columns = window.slices(plan.domain.window)
    if raster.swapped:
        rows, columns = columns, rows
    height, width = rows.stop - rows.start, columns.stop - columns.start
    place = RasterioWindow(columns.start, rows.start, width, height)
    sizes = [axis.size for axis in raster.outer]
    planes = np.arange(int(np.prod(sizes, dtype=np.int64)))
    numbers = planes.reshape(sizes)[tuple(outer)].ravel()
    if file.written.masked:
        seen = np.logical_and.reduce(cells.valid)
        dataset.write_mask(seen.T if raster.swapped else seen, window=place)
    for at, field in enumerate(plan.fields):
        if file.painted:
            bands, each = _painted(file, cells.band(field.name)), 4
        else:
            bands, each = file.written.fill(cells, field.name, at)[np.newaxis], len(plan.fields)
        if raster.swapped:
            bands = bands.swapaxes(-1, -2)
        for channel, values in enumerate(bands):
            indexes = [int(number) * each + at + channel + 1 for number in numbers]
            dataset.write(values.reshape(-1, height, width), indexes=indexes, window=place)


def _painted(file: RasterFile, cells: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return red, green, blue and alpha of shape `(4, ..., y, x)`; what is null is transparent."""
    values, valid = cells
    colours = paint(values, file.job.node.parameters.colour_map, ())
    if not file.job.node.compat:
        colours = np.where(valid[..., np.newaxis], colours, np.uint8(0))
    return np.moveaxis(colours, -1, 0)


MOST_BANDS_TEXT = f"ask for less, or {NETCDF}"
"""What can be done where a format has too few bands."""
