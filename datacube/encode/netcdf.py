"""netCDF-4 with CF attributes, through h5netcdf."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from datacube.encode.files import temporary_path
from datacube.encode.orientation import text_order
from datacube.encode.shades import null_fills
from datacube.encode.sources import coverage_of
from datacube.encode.written import Written, written_as
from datacube.errors import InvalidParameterError
from datacube.plan.axis_order import crs_order
from datacube.plan.encoding_memory import IN_MEMORY_BYTES
from datacube.plan.formats import PICTURE_FORMATS
from datacube.plan.nodes import Plan

_DEFLATE_LEVEL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A variable and how its numbers are written."""

    variable: Variable
    numbers: Written


def encode_netcdf(job: EncodeJob) -> bytes | Path:
    """Write a coverage as netCDF-4: its axes as dimensions, one variable a field.

    Stored numbers with `scale_factor`, `add_offset` and `_FillValue`; Booleans as bytes
    with flags; chunks of 512 x 512, shuffled and deflated. Made in memory up to
    `IN_MEMORY_BYTES` of cells, else in a temporary file. Nothing in it tells when it
    was made. Of the parameters, `dimensions` and `variables` name, `transpose` swaps
    dimensions, `nodata` is the fill value and `metadata` the file's attributes.

    Raises
    ------
    InvalidParameterError
        If a field has complex numbers, or a parameter does not fit the coverage.
    """
    plan, parameters = coverage_of(job, PICTURE_FORMATS), job.node.parameters
    if parameters.options:
        named = ", ".join(name for name, _ in parameters.options)
        raise InvalidParameterError(
            f"options {named} are not offered for {job.node.media_type}; allowed: none",
            parameter="encode",
        )
    variables = _variables(job, plan)
    cell_bytes = sum(v.numbers.numpy_dtype.itemsize for v in variables) * plan.domain.window.size
    if cell_bytes <= IN_MEMORY_BYTES:
        body = BytesIO()
        _write_file(body, job, plan, variables)
        return body.getvalue()
    with temporary_path(".nc") as path:
        _write_file(path, job, plan, variables)
        return path


def _variables(job: EncodeJob, plan: Plan) -> tuple[_Written, ...]:
    """Return the variables with their names, numbers and attributes as asked."""
    parameters = job.node.parameters
    refused = [f.name for f in plan.fields if f.numpy_dtype.kind == "c"]
    if refused:
        raise InvalidParameterError(
            f"band {refused[0]!r} has complex numbers, which netCDF does not hold: take re and im",
            parameter="format",
        )
    names = parameters.variables or tuple(v.name for v in cf_variables(plan.fields, plan.domain))
    _check_names("variables", names, len(plan.fields))
    fills = (
        null_fills(plan.fields, parameters.nodata, compat=job.node.compat)
        if parameters.nodata
        else None
    )
    more = dict(parameters.variable_metadata)
    made = []
    for at, variable in enumerate(cf_variables(plan.fields, plan.domain)):
        nodata = () if fills is None else (fills[at],)
        numbers = written_as((variable.field,), nodata, compat=job.node.compat)
        attributes = dict(variable.attributes)
        if variable.field.numpy_dtype.kind == "b":
            attributes |= {"flag_values": (0, 1), "flag_meanings": "false true"}
        attributes |= dict(more.get(names[at], ()))
        named = replace(variable, name=names[at], attributes=attributes)
        made.append(_Written(variable=named, numbers=numbers))
    return tuple(made)


def _check_names(key: str, names: tuple[str, ...], count: int) -> None:
    if len(names) != count or len(set(names)) != count or any("/" in n for n in names):
        raise InvalidParameterError(
            f"{key} names {', '.join(names)}; allowed are {count} different names without '/'",
            parameter="encode",
        )


def _dimensions(job: EncodeJob, plan: Plan) -> tuple[Coordinate, ...]:
    """Return the coordinates in array order, named as asked."""
    coordinates = cf_coordinates(plan.domain)
    names = job.node.parameters.dimensions
    if not names:
        return coordinates
    _check_names("dimensions", names, len(coordinates))
    return tuple(
        Coordinate(name, coordinate.values, coordinate.attributes)
        for name, coordinate in zip(names, coordinates, strict=True)
    )


def _array_order(job: EncodeJob, plan: Plan) -> tuple[int, ...]:
    """Return the positions of the domain's axes in the order of the variables' dimensions."""
    order = list(range(len(plan.domain.axes)))
    transpose = job.node.parameters.transpose
    if transpose is not None:
        text_order(plan.domain, transpose)
        one, other = (crs_order(plan.domain)[at] for at in transpose)
        order[one], order[other] = order[other], order[one]
    return tuple(order)


def _write_file(
    target: Path | BinaryIO, job: EncodeJob, plan: Plan, variables: tuple[_Written, ...]
) -> None:
    order = _array_order(job, plan)
    with h5netcdf.File(target, "w") as file:
        _put_attributes(file, cf_dataset_attrs(job.node.title, job.scenes, job.credits()))
        _put_attributes(file, dict(job.node.parameters.metadata))
        coordinates = _dimensions(job, plan)
        file.dimensions = {c.name: len(c.values) for c in coordinates}
        for coordinate in coordinates:
            _put_coordinate(file, coordinate)
        mapping = cf_grid_mapping(plan.domain)
        if mapping is not None:
            _put_mapping(file, mapping, compat=job.node.compat)
        ordered = tuple(coordinates[at] for at in order)
        chunks = chunk_shape(plan.domain)
        packed = tuple(chunks[at] for at in order)
        written = [_put_variable(file, variable, ordered, packed) for variable in variables]
        for window in blocks(plan.domain, len(plan.fields)):
            cells = job.compute(plan, window)
            slices = window.slices(plan.domain.window)
            place = tuple(slices[at] for at in order)
            for variable, data in zip(variables, written, strict=True):
                values = variable.numbers.fill(cells, variable.variable.field.name, 0)
                data[place] = values.transpose(order)


def _put_mapping(file: h5netcdf.File, mapping: Mapping[str, Attribute], *, compat: bool) -> None:
    """Write the variable that holds the CRS; it has no cells.

    With `compat` it has a dimension of its own name: the client `wcps` takes every variable
    that is not named like a dimension for a band. CF leaves the shape open.
    """
    dimensions = (GRID_MAPPING,) if compat else ()
    if compat:
        file.dimensions[GRID_MAPPING] = 1
    made = file.create_variable(GRID_MAPPING, dimensions, np.int32)
    _put_attributes(made, mapping)


def _put_coordinate(file: h5netcdf.File, coordinate: Coordinate) -> None:
    variable = file.create_variable(
        coordinate.name, (coordinate.name,), coordinate.values.dtype, data=coordinate.values
    )
    _put_attributes(variable, coordinate.attributes)


def _put_variable(
    file: h5netcdf.File,
    written: _Written,
    coordinates: tuple[Coordinate, ...],
    chunks: tuple[int, ...],
) -> h5netcdf.Variable:
    packing: dict[str, Any] = {
        "chunks": tuple(min(n, len(c.values)) for n, c in zip(chunks, coordinates, strict=True)),
        "compression": "gzip",
        "compression_opts": _DEFLATE_LEVEL,
        "shuffle": True,
    }
    dtype, nodata = written.numbers.numpy_dtype, written.numbers.nodata
    made = file.create_variable(
        written.variable.name,
        tuple(c.name for c in coordinates),
        dtype,
        fillvalue=None if nodata is None else dtype.type(nodata),
        # HDF5 cannot cut a single number into chunks.
        **(packing if coordinates else {}),
    )
    _put_attributes(made, written.variable.attributes, dtype)
    return made


def _put_attributes(
    target: h5netcdf.File | h5netcdf.Variable,
    attributes: Mapping[str, Attribute],
    dtype: np.dtype[Any] | None = None,
) -> None:
    """Write attributes; flag values in the type of their variable, as CF 3.5 asks."""
    for name, value in attributes.items():
        target.attrs[name] = np.array(value, dtype) if name == "flag_values" else value
