"""The bands of a coverage, from the recipe and a file."""

from dataclasses import dataclass

import numpy as np

from datacube.cube import Aggregate, Band
from datacube.errors import UnsupportedSourceError
from ingest.recipes.cells import BandCells
from ingest.recipes.layout import Layout
from ingest.recipes.legends import legend_of
from ingest.recipes.recipe import BandRecipe, Recipe, ScaleOffset
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.raster import STACK
from ingest.recipes.sources.source import Variable
from ingest.scene import Resampling


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """Where one band lies in one file at one time."""

    file: str
    variable: Variable
    layout: Layout
    time: int
    """Place on the file's dimension of time."""
    starts: tuple[int, ...]
    """Index in the cube of the first place of each further axis."""


def source_variable(recipe: Recipe, number: int, source: SourceFile) -> Variable:
    """Return the variable of band `number` of the recipe, counted from 0.

    Raises
    ------
    UnsupportedSourceError
        If the file has none.
    """
    band = recipe.bands[number]
    stacked = any(axis.dimension == "band" for axis in recipe.axes)
    wanted = band.source
    names: list[str] = []
    if wanted is not None:
        names = [str(wanted)]
    elif stacked:
        names = [STACK, band.name]
    else:
        names = [band.name]
        names += [str(number + 1)] if STACK in source.variables or "1" in source.variables else []
    for name in names:
        if name in source.variables:
            return source.variables[name]
    raise UnsupportedSourceError(
        f"{source.name} has no {' or '.join(names)} for the band {band.name}; it has "
        f"{', '.join(list(source.variables)[:20])}"
    )


def make_band(
    recipe: Recipe, number: int, source: SourceFile, variable: Variable, group: str
) -> Band:
    """Define a band of a new cube by a variable of its first file.

    Raises
    ------
    UnsupportedSourceError
        If nothing tells its nodata where it needs one, or type and nodata do not fit.
    """
    asked = recipe.bands[number]
    apply = asked.scale_offset is ScaleOffset.APPLY
    dtype = np.dtype(asked.dtype or _stored_type(variable, apply=apply))
    nodata = asked.nodata if asked.nodata is not None else variable.nodata
    classes = asked.classes
    if asked.classes_from_file:
        classes = legend_of(source, variable)
        if not classes:
            raise UnsupportedSourceError(
                f"{asked.name}: {source.name} has no legend; read are attribute tables with values "
                "and names, colour tables, and flag_values with flag_meanings"
            )
    aggregate = asked.aggregate or (Aggregate.MODE if classes else Aggregate.MEAN)
    fill, gapless = _fill(recipe, asked, variable, dtype, nodata, apply=apply)
    scale, offset = scale_offset(asked, variable)
    return Band(
        name=asked.name,
        title=asked.title or variable.title or asked.name,
        dtype=dtype.name,
        nodata=fill,
        group=group,
        aggregate=aggregate,
        scale=1.0 if apply else scale,
        offset=0.0 if apply else offset,
        unit=asked.unit or variable.unit or "1",
        standard_name=asked.standard_name or variable.standard_name,
        classes=classes,
        aliases=asked.aliases,
        gapless=gapless,
    )


def scale_offset(asked: BandRecipe, variable: Variable) -> tuple[float, float]:
    """Return scale and offset of a band: the recipe's, else the file's."""
    return (
        variable.scale if asked.scale is None else asked.scale,
        variable.offset if asked.offset is None else asked.offset,
    )


def cells_of(recipe: Recipe, number: int, band: Band, place: FilePlace) -> BandCells:
    """Tell how a band's cells come out of a file, into the cube's band `band`.

    Raises
    ------
    UnsupportedSourceError
        If the file packs its numbers otherwise than the cube's band.
    """
    asked, variable = recipe.bands[number], place.variable
    apply = asked.scale_offset is ScaleOffset.APPLY
    scale, offset = scale_offset(asked, variable)
    if not apply and (scale, offset) != (band.scale, band.offset):
        raise UnsupportedSourceError(
            f"{place.file}: {variable.name} has scale {scale:g} and offset {offset:g}, the band "
            f"{band.name} of the cube {band.scale:g} and {band.offset:g}; with `scale_offset: "
            "apply` values are stored as they are"
        )
    if not apply and asked.dtype is None and variable.dtype != band.numpy_dtype:
        stored = _stored_type(variable, apply=False)
        if not np.can_cast(stored, band.numpy_dtype, "safe"):
            raise UnsupportedSourceError(
                f"{place.file}: {variable.name} is {variable.dtype}, the band {band.name} of the "
                f"cube {band.dtype}; say so by the band's dtype if the values fit"
            )
    nodata = asked.nodata if asked.nodata is not None else variable.nodata
    return BandCells(
        variable=variable.name,
        dims=place.layout.along(place.file, variable, time=place.time, fixed=dict(asked.at)),
        starts=place.starts,
        dtype=band.dtype,
        fill=band.nodata,
        nodata=tuple(n for n in nodata if n == n),  # noqa: PLR0124  # NaN is told by itself
        gapless=band.gapless,
        scale=scale if apply else None,
        offset=offset if apply else 0.0,
        masked=variable.masked,
    )


def _stored_type(variable: Variable, *, apply: bool) -> np.dtype[np.generic]:
    dtype = variable.dtype
    if dtype.kind not in "iuf":
        raise UnsupportedSourceError(
            f"{variable.name} is {dtype}; numbers of 8 to 64 bits are stored"
        )
    if apply:
        return np.dtype(np.float32 if dtype.itemsize <= 2 or dtype == np.float32 else np.float64)
    return np.dtype(np.float32) if dtype.itemsize == 2 and dtype.kind == "f" else dtype


def _fill(
    recipe: Recipe,
    asked: BandRecipe,
    variable: Variable,
    dtype: np.dtype[np.generic],
    nodata: tuple[float, ...],
    *,
    apply: bool,
) -> tuple[float, bool]:
    """Return the number stored for no data, and whether the band has none."""
    if dtype.kind == "f":
        return (float("nan") if apply or not nodata else nodata[0]), False
    if nodata:
        fill = nodata[0]
        limits = np.iinfo(dtype.name)
        if not float(fill).is_integer() or not limits.min <= fill <= limits.max:
            raise UnsupportedSourceError(
                f"{asked.name} is {dtype}, which has no number {fill:g} for no data; give the "
                f"band another dtype, or nodata from {limits.min} to {limits.max}"
            )
        return int(fill), False
    if variable.masked or recipe.resampling is not Resampling.NEVER:
        why = "the file has a mask" if variable.masked else "cells are resampled"
        raise UnsupportedSourceError(
            f"{asked.name}: {why}, and nothing tells which number is no data; give the band nodata"
        )
    return 0, True
