"""CF attributes: the one place that says how cubes describe themselves in xarray, netCDF and Zarr.

Numbers stay as stored; `scale_factor`, `add_offset` and `_FillValue` tell how to decode them.
Attributes hold text, numbers and tuples of numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from datacube.axes import Axis, IrregularAxis, PlaceAxis, RegularAxis, TimeAxis
from datacube.encode.numbers import Stored, stored_as
from datacube.grid import Grid, known_crs
from datacube.plan.nodes import Domain, Field
from datacube.render.scenes import SEPARATOR
from datacube.service_provider import Credits

type Attribute = str | int | float | tuple[int, ...] | tuple[float, ...]
type Attributes = dict[str, Attribute]

CONVENTIONS = "CF-1.11"
GRID_MAPPING = "spatial_ref"
"""Name of the scalar variable that carries the CRS; odc-geo, rioxarray and GDAL look for it."""
TIME_UNITS = "microseconds since 1970-01-01 00:00:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AXIS_NAMES = {"ansi": "time"}
_GEOGRAPHIC = {
    "Y": ("lat", "latitude", "degrees_north"),
    "X": ("lon", "longitude", "degrees_east"),
}
_NORTHINGS = frozenset({"y", "n", "north", "northing", "lat", "latitude"})
"""Names of y, where a slice has left one axis of a plane."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordinate:
    """A coordinate variable of one dimension."""

    name: str
    values: NDArray[Any]
    """Shape `(size,)`: cell centres, `int64` indices, or `int64` microseconds for time."""
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A data variable: a field, under a name that is free, as a file stores it."""

    name: str
    field: Field
    stored: Stored
    attributes: Mapping[str, Attribute]
    """Without `_FillValue`, which each format writes in its own way from `stored.nodata`."""

    @property
    def declares_nodata(self) -> bool:
        """Whether `_FillValue` is written: not where every number is data."""
        return self.field.band is None or not self.field.band.gapless


def cf_dataset_attrs(
    title: str,
    scenes: tuple[str, ...],
    credits_: Credits | None = None,
) -> Attributes:
    """Return the global attributes; neither a clock nor a revision, so equal answers are equal.

    `institution` is CF's, `license` ACDD's, `attribution` STAC's name.
    """
    attributes: Attributes = {"Conventions": CONVENTIONS}
    named = credits_ or Credits()
    texts = {
        "title": title,
        "institution": named.institution,
        "license": named.licence,
        "attribution": named.attribution,
    }
    attributes |= {name: text for name, text in texts.items() if text}
    if scenes:
        attributes["source_scenes"] = SEPARATOR.join(scenes)
    return attributes


def cf_variables(fields: tuple[Field, ...], domain: Domain) -> tuple[Variable, ...]:
    """Return one variable a field; a name that a coordinate has gets `_` appended."""
    taken = {GRID_MAPPING, *cf_dimensions(domain)}
    variables = []
    for field in fields:
        name = field.name.replace("/", "_") or "value"
        while name in taken:
            name += "_"
        taken.add(name)
        stored = stored_as((field,))
        attributes = cf_variable_attrs(field)
        if cf_grid_mapping(domain) is not None:
            attributes["grid_mapping"] = GRID_MAPPING
        variables.append(Variable(name=name, field=field, stored=stored, attributes=attributes))
    return tuple(variables)


def cf_variable_attrs(field: Field) -> Attributes:
    """Return the attributes of a data variable, without `_FillValue` and `grid_mapping`.

    Physical value = stored * `scale_factor` + `add_offset`; absent where they change nothing.
    """
    attributes: Attributes = {}
    band = field.band
    if band is not None:
        attributes["long_name"] = band.title or band.name
        if band.standard_name:
            attributes["standard_name"] = band.standard_name
        if not band.classes:
            attributes["units"] = band.unit
        if (band.scale, band.offset) != (1, 0):
            attributes["scale_factor"] = float(band.scale)
            attributes["add_offset"] = float(band.offset)
        if band.wavelength_nm is not None:
            attributes["radiation_wavelength"] = float(band.wavelength_nm)
            attributes["radiation_wavelength_unit"] = "nm"
        if band.classes:
            attributes["flag_values"] = tuple(c.value for c in band.classes)
            attributes["flag_meanings"] = " ".join(c.name for c in band.classes)
            attributes["flag_colors"] = " ".join(
                "#{:02x}{:02x}{:02x}".format(*c.colour) for c in band.classes
            )
    return attributes


def cf_grid_mapping(domain: Domain) -> Attributes | None:
    """Return the attributes of the variable `spatial_ref`; None without a plane on the Earth."""
    if domain.grid is None or not domain.grid.on_earth:
        return None
    return cf_grid_mapping_attrs(domain.grid)


def cf_grid_mapping_attrs(grid: Grid) -> Attributes:
    """Return the attributes of the variable `spatial_ref`.

    Besides CF's own: `spatial_ref` (WKT) and `GeoTransform` (GDAL's order), which GDAL,
    rioxarray and odc-geo read.
    """
    attributes: Attributes = {}
    for name, value in grid.crs.to_cf().items():
        attributes[name] = tuple(value) if isinstance(value, list | tuple) else value
    attributes["spatial_ref"] = grid.crs.to_wkt()
    attributes["GeoTransform"] = " ".join(f"{number!r}" for number in grid.transform.to_gdal())
    return attributes


def cf_dimensions(domain: Domain) -> tuple[str, ...]:
    """Return the names of the dimensions: `time, y, x`, or `time, height, lat, lon`, or `i, j`."""
    return tuple(coordinate.name for coordinate in cf_coordinates(domain))


def cf_coordinates(domain: Domain) -> tuple[Coordinate, ...]:
    """Return the coordinate variables, in array order."""
    plane = () if domain.grid is None else cf_plane(domain.grid)
    return (*(_outer(axis) for axis in domain.outer), *plane)


def cf_plane(grid: Grid) -> tuple[Coordinate, Coordinate]:
    """Return the coordinates of the cells, y first."""
    return _of_plane(grid.y, grid.crs, "Y"), _of_plane(grid.x, grid.crs, "X")


def _of_plane(axis: RegularAxis, crs: CRS, letter: str) -> Coordinate:
    """Return the coordinate of an axis of a plane; on the Earth it has CF's own names."""
    if not known_crs(crs).on_earth:
        return _plain(axis)
    lower = letter.lower()
    attributes: Attributes = {
        "axis": letter,
        "standard_name": f"projection_{lower}_coordinate",
        "long_name": f"{lower} coordinate of projection",
        "units": axis.uom,
    }
    name = lower
    if crs.is_geographic:
        name, standard, unit = _GEOGRAPHIC[letter]
        attributes |= {"standard_name": standard, "long_name": standard, "units": unit}
    return Coordinate(name, axis.centres(), attributes)


def _plain(axis: PlaceAxis) -> Coordinate:
    values = axis_values(axis)
    if isinstance(axis, RegularAxis) and axis.index:
        return Coordinate(axis.name, values.astype(np.int64), {"long_name": axis.name})
    return Coordinate(axis.name, values, {"long_name": axis.name, "units": axis.uom})


def cf_time(axis: TimeAxis) -> Coordinate:
    """Return the reference times of the acquisitions as `int64` microseconds since 1970.

    Microseconds, because the days of a double are right to 0.3 microseconds only.
    """
    return Coordinate(
        _AXIS_NAMES.get(axis.name, axis.name),
        axis.times.references.copy(),
        {
            "axis": "T",
            "standard_name": "time",
            "long_name": "reference time of the acquisition",
            "units": TIME_UNITS,
            "calendar": "proleptic_gregorian",
        },
    )


def _outer(axis: Axis) -> Coordinate:
    if isinstance(axis, TimeAxis):
        return cf_time(axis)
    if isinstance(axis, RegularAxis) and axis.crs is not None:
        return _of_plane(axis, axis.crs, "Y" if axis.name.casefold() in _NORTHINGS else "X")
    return _plain(axis)


def axis_values(axis: Axis) -> NDArray[Any]:
    """Return the coordinates of an axis' cells: `datetime64[us]` for time, else `float64`."""
    match axis:
        case TimeAxis():
            return np.array([a.reference.replace(tzinfo=None) for a in axis], "datetime64[us]")
        case IrregularAxis() | RegularAxis():
            return axis.coordinates()
        case _:
            assert_never(axis)
