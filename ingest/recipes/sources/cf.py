"""What attributes of arrays say, as the CF conventions and their users write them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from datacube.cube import ClassValue
from ingest.recipes.sources.source import Attributes, Variable

LATITUDE_UNITS = frozenset(
    ("degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn")
)
LONGITUDE_UNITS = frozenset(
    ("degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese")
)
_NAMES = {
    "x": frozenset(("x", "lon", "longitude", "easting", "e", "rlon", "xc")),
    "y": frozenset(("y", "lat", "latitude", "northing", "n", "rlat", "yc")),
    "time": frozenset(("time", "t", "ansi", "date", "valid_time")),
}
_STANDARD = {
    "longitude": "x",
    "projection_x_coordinate": "x",
    "grid_longitude": "x",
    "latitude": "y",
    "projection_y_coordinate": "y",
    "grid_latitude": "y",
    "time": "time",
}


def role_of(name: str, attributes: Attributes) -> str | None:
    """Tell whether a coordinate is `x`, `y` or `time`, from its attributes, else its name.

    >>> role_of("nav_lat", {"units": "degrees_north"}), role_of("height", {"axis": "Z"})
    ('y', None)
    """
    standard = str(attributes.get("standard_name", "")).casefold()
    if standard in _STANDARD:
        return _STANDARD[standard]
    axis = str(attributes.get("axis", "")).upper()
    if axis in ("X", "Y", "T"):
        return {"X": "x", "Y": "y", "T": "time"}[axis]
    units = str(attributes.get("units", "")).casefold()
    if units in LATITUDE_UNITS:
        return "y"
    if units in LONGITUDE_UNITS:
        return "x"
    if re.match(r"^\s*\w+\s+since\s", units):
        return "time"
    return next((role for role, names in _NAMES.items() if name.casefold() in names), None)


def describe(
    name: str,
    *,
    dims: Sequence[str],
    shape: Sequence[int],
    stored: np.dtype[Any],
    attributes: Attributes,
    blocks: Sequence[int],
) -> Variable:
    """Return a variable from its attributes."""
    dtype = decoded_dtype(stored, attributes)
    fills = [attributes[k] for k in ("_FillValue", "missing_value") if k in attributes]
    return Variable(
        name=name,
        dims=tuple(dims),
        shape=tuple(shape),
        dtype=dtype,
        nodata=_numbers(fills, stored, dtype),
        scale=_number(attributes, "scale_factor", 1.0),
        offset=_number(attributes, "add_offset", 0.0),
        unit=_text(attributes, "units"),
        title=_text(attributes, "long_name"),
        standard_name=_text(attributes, "standard_name"),
        classes=_classes(attributes, stored, dtype),
        blocks=tuple(blocks) or tuple(shape),
    )


def decoded_dtype(stored: np.dtype[Any], attributes: Attributes) -> np.dtype[Any]:
    """Return the type in native order; `_Unsigned` turns signed into unsigned and back."""
    native = stored.newbyteorder("=")
    unsigned = str(attributes.get("_Unsigned", "")).casefold()
    if native.kind == "i" and unsigned == "true":
        return np.dtype(f"u{native.itemsize}")
    if native.kind == "u" and unsigned == "false":
        return np.dtype(f"i{native.itemsize}")
    return native


def _numbers(
    values: Iterable[object], stored: np.dtype[Any], dtype: np.dtype[Any]
) -> tuple[float, ...]:
    """Return fill values as the numbers that the decoded type has for them, each once."""
    found: list[float] = []
    for value in values:
        for each in np.atleast_1d(np.asarray(value)).ravel():
            try:
                number = np.asarray(each).astype(stored.newbyteorder("="))
            except (TypeError, ValueError):
                continue
            if dtype.kind in "iu":
                number = number.view(dtype) if number.dtype.itemsize == dtype.itemsize else number
            plain = number.item()
            if plain == plain and plain not in found:  # noqa: PLR0124  # NaN is nodata anyway
                found.append(plain)
    return tuple(found)


def _number(attributes: Attributes, name: str, default: float) -> float:
    value = np.asarray(attributes.get(name, default))
    return float(value.ravel()[0]) if value.size and value.dtype.kind in "iuf" else default


def _text(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _classes(
    attributes: Attributes, stored: np.dtype[Any], dtype: np.dtype[Any]
) -> tuple[ClassValue, ...]:
    """Return `flag_values` with `flag_meanings`, and `flag_colors` where they are given."""
    meanings = str(attributes.get("flag_meanings", "")).split()
    values = _numbers([attributes.get("flag_values", [])], stored, dtype)
    if not meanings or len(values) != len(meanings):
        return ()
    colours = re.findall(r"#([0-9A-Fa-f]{6})", str(attributes.get("flag_colors", "")))
    if len(colours) != len(meanings):
        colours = ["808080"] * len(meanings)
    return tuple(
        ClassValue(
            value=int(value),
            name=meaning,
            title=meaning.replace("_", " "),
            colour=(int(c[:2], 16), int(c[2:4], 16), int(c[4:], 16)),
        )
        for value, meaning, c in zip(values, meanings, colours, strict=True)
    )


def grid_mapping_crs(attributes: Attributes) -> CRS | None:
    """Return the CRS that the attributes of a grid mapping variable say, or None."""
    for key in ("crs_wkt", "spatial_ref", "epsg_code", "proj4", "proj4_params"):
        text = attributes.get(key)
        if text is not None:
            try:
                return CRS.from_user_input(text if isinstance(text, str) else int(text))
            except (CRSError, TypeError, ValueError):
                continue
    if "grid_mapping_name" in attributes:
        plain = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in attributes.items()}
        try:
            return CRS.from_cf(plain)
        except (CRSError, KeyError, ValueError):
            return None
    return None


def is_longitude_latitude(x: Mapping[str, Any], y: Mapping[str, Any]) -> bool:
    """Tell whether two coordinates are degrees of longitude and latitude, by their attributes."""
    return (
        str(x.get("units", "")).casefold() in LONGITUDE_UNITS
        or str(x.get("standard_name", "")).casefold() == "longitude"
    ) and (
        str(y.get("units", "")).casefold() in LATITUDE_UNITS
        or str(y.get("standard_name", "")).casefold() == "latitude"
    )
