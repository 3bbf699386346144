"""netCDF-4 with CF attributes, through h5netcdf."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import h5netcdf
import numpy as np

from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import blocks
from datacube.encode.cf import (
    GRID_MAPPING,
    Attribute,
    Coordinate,
    Variable,
    cf_coordinates,
    cf_dataset_attrs,
    cf_grid_mapping,
    cf_variables,
)
from datacube.encode.chunks import chunk_shape
from datacube.encode.files import IN_MEMORY_BYTES, temporary_path
from datacube.encode.sources import coverage_of
from datacube.plan.formats import PICTURE_FORMATS
from datacube.plan.nodes import Domain, Plan

_DEFLATE_LEVEL = 1


def encode_netcdf(job: EncodeJob) -> bytes | Path:
    """Write a coverage as netCDF-4: its axes as dimensions, one variable a field.

    Stored numbers with `scale_factor`, `add_offset` and `_FillValue`; chunks of
    512 x 512, shuffled and deflated. Made in memory up to `IN_MEMORY_BYTES` of
    cells, else in a temporary file. Nothing in it tells when it was made.
    """
    plan = coverage_of(job, PICTURE_FORMATS)
    variables = cf_variables(plan.fields, plan.domain)
    cell_bytes = sum(v.stored.numpy_dtype.itemsize for v in variables) * plan.domain.window.size
    if cell_bytes <= IN_MEMORY_BYTES:
        body = BytesIO()
        _write_file(body, job, plan, variables)
        return body.getvalue()
    with temporary_path(".nc") as path:
        _write_file(path, job, plan, variables)
        return path


def _write_file(
    target: Path | BinaryIO, job: EncodeJob, plan: Plan, variables: tuple[Variable, ...]
) -> None:
    with h5netcdf.File(target, "w") as file:
        _put_attributes(file, cf_dataset_attrs(job.node.title, job.scenes))
        coordinates = cf_coordinates(plan.domain)
        file.dimensions = {c.name: len(c.values) for c in coordinates}
        for coordinate in coordinates:
            _put_coordinate(file, coordinate)
        mapping = cf_grid_mapping(plan.domain)
        if mapping is not None:
            _put_attributes(file.create_variable(GRID_MAPPING, (), np.int32), mapping)
        written = [
            _put_variable(file, variable, coordinates, plan.domain) for variable in variables
        ]
        for window in blocks(plan.domain, len(plan.fields)):
            cells = job.compute(plan, window)
            place = window.slices(plan.domain.window)
            for variable, data in zip(variables, written, strict=True):
                data[place] = variable.stored.fill(cells, variable.field.name)


def _put_coordinate(file: h5netcdf.File, coordinate: Coordinate) -> None:
    variable = file.create_variable(
        coordinate.name, (coordinate.name,), coordinate.values.dtype, data=coordinate.values
    )
    _put_attributes(variable, coordinate.attributes)


def _put_variable(
    file: h5netcdf.File, variable: Variable, coordinates: tuple[Coordinate, ...], domain: Domain
) -> h5netcdf.Variable:
    packing: dict[str, Any] = {
        "chunks": tuple(map(min, chunk_shape(domain), domain.shape)),
        "compression": "gzip",
        "compression_opts": _DEFLATE_LEVEL,
        "shuffle": True,
    }
    dtype = variable.stored.numpy_dtype
    made = file.create_variable(
        variable.name,
        tuple(c.name for c in coordinates),
        dtype,
        fillvalue=dtype.type(variable.stored.nodata) if variable.declares_nodata else None,
        # HDF5 cannot cut a single number into chunks.
        **(packing if domain.shape else {}),
    )
    _put_attributes(made, variable.attributes, dtype)
    return made


def _put_attributes(
    target: h5netcdf.File | h5netcdf.Variable,
    attributes: Mapping[str, Attribute],
    dtype: np.dtype[Any] | None = None,
) -> None:
    """Write attributes; flag values in the type of their variable, as CF 3.5 asks."""
    for name, value in attributes.items():
        target.attrs[name] = np.array(value, dtype) if name == "flag_values" else value
