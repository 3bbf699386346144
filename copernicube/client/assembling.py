"""Cells of a query's result with their coordinates, as xarray has them."""

from collections.abc import Mapping

import dask.array as da
import numpy as np
import xarray as xr

from copernicube.client.questions import Cells
from datacube.axes import RegularAxis, TimeAxis
from datacube.encode.cf import (
    GRID_MAPPING,
    Coordinate,
    axis_values,
    cf_coordinates,
    cf_grid_mapping,
)
from datacube.plan.nodes import Domain


def assemble(domain: Domain, arrays: Mapping[str, da.Array]) -> Cells:
    """Return one band as a DataArray, several as a Dataset; nothing is computed.

    Times are `datetime64[ns]`, UTC without a zone; regular axes have the centres of their
    cells, index axes their indices. The CRS is in the coordinate `spatial_ref`, as in
    `CubeView.to_xarray`.
    """
    placed = cf_coordinates(domain)
    dimensions = tuple(coordinate.name for coordinate in placed)
    coordinates = {
        coordinate.name: _coordinate(coordinate, axis)
        for coordinate, axis in zip(placed, domain.axes, strict=True)
    }
    mapping = cf_grid_mapping(domain)
    if mapping is not None:
        coordinates[GRID_MAPPING] = xr.Variable((), np.int32(0), mapping)
    made = xr.Dataset(coords=coordinates)
    taken = set(coordinates)
    for name, array in arrays.items():
        free = name.replace("/", "_") or "value"
        while free in taken:
            free += "_"
        taken.add(free)
        variable = xr.Variable(dimensions, array)
        if mapping is not None:
            variable.encoding["grid_mapping"] = GRID_MAPPING
        made[free] = variable
    if len(made.data_vars) > 1:
        return made
    return made[next(iter(made.data_vars))]


def _coordinate(coordinate: Coordinate, axis: TimeAxis | RegularAxis | object) -> xr.Variable:
    attributes = dict(coordinate.attributes)
    if isinstance(axis, TimeAxis):
        kept = {k: v for k, v in attributes.items() if k not in ("units", "calendar")}
        return xr.Variable(coordinate.name, axis_values(axis).astype("datetime64[ns]"), kept)
    return xr.Variable(coordinate.name, coordinate.values, attributes)
