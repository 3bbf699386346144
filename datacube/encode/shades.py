"""Numbers of coverages to the bytes and colours of pictures, as GDAL converts them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Cells, Valid, Values
from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import blocks
from datacube.encode.orientation import Raster, raster_of
from datacube.errors import InvalidParameterError
from datacube.plan.encoding import ColourMap, ColourMapKind, Rgba
from datacube.plan.formats import GEOTIFF, NETCDF
from datacube.plan.handing import PAINT_WIDTH
from datacube.plan.nodes import Field, Plan, Slice

type Shades = NDArray[Any]
"""uint8 or uint16, shape `(rows, columns, channels)`."""

_SHADE_TYPES = ("uint8", "uint16")


@dataclass(frozen=True, slots=True, eq=False)
class Shaded:
    """A coverage as a picture."""

    shades: Shades
    """1 channel: grey; 2: grey, alpha; 3: red, green, blue; 4: with alpha."""
    seen: Valid
    """Shape `(rows, columns)`: False where a cell is null or the asked nodata."""


def shade_coverage(job: EncodeJob, plan: Plan, *, widest: str = "uint8") -> Shaded:
    """Evaluate a coverage of 1 to 4 fields and convert it; outer axes of one cell are left out.

    `uint8` stays, Booleans become 0 and 255 so that they can be seen, and all other
    numbers are rounded and clamped to the range, NaN to 0. With `widest` uint16 a
    coverage that holds such numbers keeps 16 bits. A colour map or palette in the
    parameters paints one field to red, green, blue and alpha. What is null has the
    asked nodata or else the first null value in `compat`, otherwise 0.

    Raises
    ------
    InvalidParameterError
        If it has other than two axes, more than four fields, complex numbers, or
        colours for other than one field.
    """
    parameters, fields = job.node.parameters, plan.fields
    plan = _without_single_places(plan)
    _check(job, plan)
    raster = raster_of(job.node, plan.domain)
    paints = parameters.colour_map is not None or parameters.palette
    dtype = np.dtype("uint8" if paints else _shade_type(fields, widest))
    channels = 4 if paints else len(fields)
    shades: Shades = np.zeros((raster.rows, raster.columns, channels), dtype)
    seen: Valid = np.ones((raster.rows, raster.columns), np.bool_)
    fills = null_fills(fields, parameters.nodata, compat=job.node.compat)
    for place, cells in _blocks(job, plan, raster, PAINT_WIDTH if paints else len(fields)):
        values = [_turned(v, raster) for v in cells.values]
        valid = [_turned(v, raster) for v in cells.valid]
        known = np.logical_and.reduce(valid)
        if paints:
            painted = paint(values[0], parameters.colour_map, parameters.palette)
            if not job.node.compat:
                painted = np.where(known[..., np.newaxis], painted, np.uint8(0))
            shades[place] = painted
            continue
        for at, fill in enumerate(fills):
            shades[(*place, at)] = to_shades(values[at], valid[at], fill, dtype)
        if parameters.nodata:
            known &= ~_is_nodata(shades[place], fills, dtype)
        seen[place] = known
    return Shaded(shades, seen)


def _without_single_places(plan: Plan) -> Plan:
    """Slice outer axes of one cell away, until two axes are left."""
    for at in reversed(range(len(plan.domain.axes) - 2)):
        axis = plan.domain.axes[at]
        if axis.size == 1:
            plan = Slice(source=plan, axis=at, index=axis.first)
    return plan


def null_fills(
    fields: tuple[Field, ...], nodata: tuple[float, ...], *, compat: bool
) -> tuple[float, ...]:
    """Return what stands in a cell that is null, one number a field.

    Raises
    ------
    InvalidParameterError
        If `nodata` has other than one number or one a field.
    """
    if nodata:
        if len(nodata) not in {1, len(fields)}:
            raise InvalidParameterError(
                f"nodata has {len(nodata)} numbers; allowed is one, or {len(fields)}: one a band",
                parameter="encode",
            )
        return nodata if len(nodata) == len(fields) else nodata * len(fields)
    if compat:
        return tuple(first_null(field) for field in fields)
    return (0.0,) * len(fields)


def first_null(field: Field) -> float:
    """Return the first null value: what rasdaman writes where a result is null."""
    if field.nulls:
        return field.nulls[0]
    return 0.0 if field.nodata is None else field.nodata


def to_shades(values: Values, valid: Valid, fill: float, dtype: np.dtype[Any]) -> Shades:
    """Round half up and clamp to the range of `dtype`, as GDAL copies pixels; NaN becomes 0."""
    top = float(np.iinfo(dtype).max)
    made: Shades
    if values.dtype.kind == "b":
        made = np.where(values, dtype.type(top), dtype.type(0))
    elif values.dtype == dtype:
        made = values
    elif values.dtype.kind in "iu":
        made = np.clip(values, 0, int(top)).astype(dtype)
    else:
        rounded = np.floor(np.nan_to_num(values, nan=0.0) + 0.5)
        made = np.clip(rounded, 0, top).astype(dtype)
    if valid.all():
        return made
    number = dtype.type(np.clip(np.floor(np.nan_to_num(fill) + 0.5), 0, top))
    return np.where(valid, made, number)


def paint(values: Values, colour_map: ColourMap | None, palette: tuple[Rgba, ...]) -> Shades:
    """Return red, green, blue and alpha, shape `(..., 4)`; transparent where no colour is meant.

    A palette is indexed by the value. `values`: the colour listed for the value;
    `intervals`: from the listed value up to the next, the last up to infinity; `ramp`:
    between the listed values linearly, clamped at both ends.
    """
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        patterns = values.view(f"u{values.dtype.itemsize}")
        return np.take(_colour_table(values.dtype.str, colour_map, palette), patterns, axis=0)
    return _painted(values, colour_map, palette)


@lru_cache(maxsize=16)
def _colour_table(dtype: str, colour_map: ColourMap | None, palette: tuple[Rgba, ...]) -> Shades:
    """Return the colour of every bit pattern of an integer type, read as unsigned."""
    kind = np.dtype(dtype)
    patterns = np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}")
    table = _painted(patterns.view(kind), colour_map, palette)
    table.flags.writeable = False
    return table


def _painted(values: Values, colour_map: ColourMap | None, palette: tuple[Rgba, ...]) -> Shades:
    clear = np.zeros((1, 4), np.uint8)
    if colour_map is None:
        table = np.concatenate([np.array(palette, np.uint8), clear])
        wide = np.nan_to_num(values.astype(np.float64), nan=-1.0, posinf=-1.0, neginf=-1.0)
        inside = (wide >= 0) & (wide < len(palette))
        return table[np.where(inside, wide, len(palette)).astype(np.intp)]
    at = np.array([value for value, _ in colour_map.colours], np.float64)
    colours = np.array([colour for _, colour in colour_map.colours], np.uint8)
    wide = values.astype(np.float64)
    match colour_map.kind:
        case ColourMapKind.VALUES:
            found = np.searchsorted(at, wide).clip(max=len(at) - 1)
            index = np.where(at[found] == wide, found, len(at))
        case ColourMapKind.INTERVALS:
            found = np.searchsorted(at, wide, side="right") - 1
            index = np.where((found < 0) | np.isnan(wide), len(at), found)
        case ColourMapKind.RAMP:
            steps = [np.interp(wide, at, colours[:, channel]) for channel in range(4)]
            ramp = np.floor(np.nan_to_num(np.stack(steps, axis=-1)) + 0.5).astype(np.uint8)
            made: Shades = np.where(np.isnan(wide)[..., np.newaxis], np.uint8(0), ramp)
            return made
    return np.concatenate([colours, clear])[index]


def _check(job: EncodeJob, plan: Plan) -> None:
    fields, parameters, name = plan.fields, job.node.parameters, job.node.media_type
    if len(plan.domain.axes) > 2:
        named = ", ".join(axis.name for axis in plan.domain.axes)
        raise InvalidParameterError(
            f"{name} holds two axes; the coverage has {named}: slice it, or ask for "
            f"{GEOTIFF} or {NETCDF}",
            parameter="format",
        )
    if not 1 <= len(fields) <= 4:
        raise InvalidParameterError(
            f"{name} holds 1 to 4 bands; the coverage has {len(fields)}: select some, or "
            f"ask for {GEOTIFF} or {NETCDF}",
            parameter="format",
        )
    for field in fields:
        if field.numpy_dtype.kind == "c":
            raise InvalidParameterError(
                f"band {field.name!r} has complex numbers, which {name} does not hold: "
                f"take re or im, or ask for {GEOTIFF}",
                parameter="format",
            )
    if (parameters.colour_map is not None or parameters.palette) and len(fields) != 1:
        raise InvalidParameterError(
            f"colours are for one band; the coverage has {len(fields)}", parameter="encode"
        )


def _shade_type(fields: tuple[Field, ...], widest: str) -> str:
    kinds = {field.dtype for field in fields}
    if widest == "uint16" and "uint16" in kinds and kinds <= {"bool", *_SHADE_TYPES}:
        return "uint16"
    return "uint8"


def _blocks(
    job: EncodeJob, plan: Plan, raster: Raster, width: int
) -> Iterator[tuple[tuple[slice, slice], Cells]]:
    whole = plan.domain.window
    for window in blocks(plan.domain, width):
        rows, columns = window.slices(whole)
        yield (columns, rows) if raster.swapped else (rows, columns), job.compute(plan, window)


def _turned(array: NDArray[Any], raster: Raster) -> NDArray[Any]:
    return array.swapaxes(-1, -2) if raster.swapped else array


def _is_nodata(shades: Shades, fills: tuple[float, ...], dtype: np.dtype[Any]) -> Valid:
    none = np.zeros((1, 1), np.bool_)
    numbers = [to_shades(np.zeros((1, 1)), none, fill, dtype)[0, 0] for fill in fills]
    made: Valid = (shades == np.array(numbers, dtype)).all(axis=-1)
    return made
