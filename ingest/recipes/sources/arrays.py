"""What netCDF files and Zarr groups have in common: named arrays with attributes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from datacube.errors import UnsupportedSourceError
from datacube.grid import crs_from_text
from ingest.rasters import registered_crs
from ingest.recipes.sources.cf import grid_mapping_crs, is_longitude_latitude, role_of
from ingest.recipes.sources.source import Attributes, Coordinate, Plane, Variable

MAX_COORDINATES = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFile:
    """A file of named arrays; implements `SourceFile`."""

    name: str
    location: str
    modified: datetime
    variables: Mapping[str, Variable]
    attributes: Mapping[str, Attributes]
    """By variable, those too that hold no numbers (a grid mapping may be of any type)."""
    tags: Mapping[str, str]
    load: Callable[[str, tuple[slice, ...]], NDArray[Any]] = field(repr=False)
    """Read stored numbers, unsigned where the file says so."""

    def coordinate(self, name: str) -> Coordinate | None:
        """Return the coordinate variable `name`, or None where there is none of one dimension."""
        variable = self.variables.get(name)
        if variable is None or len(variable.dims) != 1:
            return None
        if variable.shape[0] > MAX_COORDINATES:
            raise UnsupportedSourceError(
                f"{self.name}: {name} has {variable.shape[0]} coordinates; "
                f"{MAX_COORDINATES} are allowed"
            )
        attributes = self.attributes[name]
        return Coordinate(
            name=name,
            dim=variable.dims[0],
            values=self._numbers(variable),
            single=variable.dtype == np.float32,
            attributes=attributes,
            bounds=self._bounds(variable, attributes),
        )

    def coordinates_of(self, dim: str) -> Coordinate | None:
        """Return the coordinates along a dimension, or None."""
        return self.coordinate(dim)

    def plane(self, variable: str) -> Plane:
        """Return the CRS of a variable's grid mapping, or that of degrees."""
        return Plane(transform=None, crs=self._crs(variable))

    def read(self, variable: str, index: tuple[slice, ...]) -> NDArray[Any]:
        """Return stored numbers, one slice of step 1 a dimension."""
        return self.load(variable, index)

    def mask(self, variable: str, index: tuple[slice, ...]) -> NDArray[np.bool_]:
        """Return all true: arrays have no mask of their own."""
        return np.ones(self.load(variable, index).shape, np.bool_)

    def _numbers(self, variable: Variable) -> NDArray[np.float64]:
        raw = self.load(variable.name, tuple(slice(0, n) for n in variable.shape))
        if raw.dtype.kind not in "iuf":
            raise UnsupportedSourceError(
                f"{self.name}: the coordinates {variable.name} are {raw.dtype}, not numbers"
            )
        return np.asarray(raw, np.float64) * variable.scale + variable.offset

    def _bounds(self, variable: Variable, attributes: Attributes) -> NDArray[np.float64] | None:
        found = self.variables.get(str(attributes.get("bounds", "")))
        if found is None or found.shape != (*variable.shape, 2):
            return None
        return self._numbers(found)

    def _crs(self, name: str) -> CRS | None:
        mapping = str(self.attributes[name].get("grid_mapping", "")).split(":")[0].strip()
        for candidate in (mapping, "crs", "spatial_ref"):
            if candidate in self.attributes:
                crs = grid_mapping_crs(self.attributes[candidate])
                if crs is not None:
                    return registered_crs(crs)
        along: dict[str, Attributes] = {}
        for dim in self.variables[name].dims:
            attributes = self.attributes.get(dim, {})
            role = role_of(dim, attributes)
            if role is not None:
                along[role] = attributes
        if "x" in along and "y" in along and is_longitude_latitude(along["x"], along["y"]):
            return crs_from_text("EPSG:4326")
        return None
