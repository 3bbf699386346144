"""What a file that comes without a recipe is: its bands, its times, its further axes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from datacube.cube import Collection, Cube
from datacube.times import Period, iso_text
from datacube.writing import CoverageTypeError, InconsistentChangeError
from ingest.recipes.recipe import AxisRecipe, BandRecipe, Recipe, Role
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.cf import role_of
from ingest.recipes.sources.raster import STACK, RasterFile
from ingest.recipes.sources.source import Variable

TIME = "ansi"
"""Name of the axis that is time."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")

type InputBands = Mapping[str, str]
"""By what a band is called: the file's name of it."""


def find_bands(source: SourceFile, named: Sequence[str]) -> InputBands:
    """Return the bands of a file, by the names that are said, else the file's own.

    Raises
    ------
    CoverageTypeError
        If it has none, or another number than names.
    """
    found = _arrays(source)
    if not found:
        raise CoverageTypeError(f"{source.name} has no array with coordinates on two axes")
    if named and len(named) != len(found):
        by_name = {variable.name for variable in found}
        if set(named) <= by_name:
            return {name: name for name in named}
        raise CoverageTypeError(f"{source.name} has {len(found)} bands; {len(named)} are named")
    names = named or _own_names(source, found)
    if len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        raise CoverageTypeError(
            f"the bands are named {', '.join(names)[:200]}; allowed are different names that "
            "begin with a letter, of up to 64 letters, digits, '.', '_' and '-'"
        )
    return {name: variable.name for name, variable in zip(names, found, strict=True)}


def _arrays(source: SourceFile) -> list[Variable]:
    if isinstance(source, RasterFile):
        return [variable for name, variable in source.variables.items() if name != STACK]
    return [
        variable
        for variable in source.variables.values()
        if sum(source.coordinates_of(dim) is not None for dim in variable.dims) > 1
    ]


def _own_names(source: SourceFile, found: Sequence[Variable]) -> list[str]:
    if not isinstance(source, RasterFile):
        return [variable.name for variable in found]
    titles = [variable.title or "" for variable in found]
    if all(map(_NAME.fullmatch, titles)) and len(set(titles)) == len(titles):
        return titles
    return [f"band{number}" for number in range(1, len(found) + 1)]


def has_times(source: SourceFile, bands: InputBands) -> bool:
    """Tell whether a file says itself when its cells are of."""
    return _time_dimension(source, bands) is not None


def _time_dimension(source: SourceFile, bands: InputBands) -> str | None:
    for dim in source.variables[next(iter(bands.values()))].dims:
        coordinate = source.coordinates_of(dim)
        if coordinate is not None and " since " in str(coordinate.attributes.get("units", "")):
            return dim
    return None


def make_recipe(
    folder: Path, coverage_id: str, source: SourceFile, bands: InputBands, when: Period | None
) -> Recipe:
    """Return how a file becomes a coverage, or a part of one; `when` where it does not say."""
    axes: list[AxisRecipe] = []
    dim = _time_dimension(source, bands)
    if dim is not None:
        axes.append(AxisRecipe(name=TIME, role=Role.TIME, dimension=dim))
    elif when is not None:
        axes.append(AxisRecipe(name=TIME, role=Role.TIME, values=(iso_text(when.start),)))
    if not isinstance(source, RasterFile):
        axes += _further(source, bands, dim)
    return Recipe(
        path=folder / "transaction",
        coverage=coverage_id,
        title=coverage_id,
        collection=Collection(id=coverage_id, title=coverage_id),
        axes=tuple(axes),
        bands=tuple(BandRecipe(name=name, source=variable) for name, variable in bands.items()),
    )


def _further(source: SourceFile, bands: InputBands, time: str | None) -> list[AxisRecipe]:
    found = []
    for dim in source.variables[next(iter(bands.values()))].dims:
        coordinate = source.coordinates_of(dim)
        if dim == time or coordinate is None:
            continue
        if role_of(dim, coordinate.attributes) not in ("x", "y"):
            found.append(AxisRecipe(name=dim, role=Role.FURTHER, dimension=dim))
    return found


def into_cube(
    cube: Cube, bands: InputBands, pairs: Sequence[tuple[str, str]], *, named: bool
) -> InputBands:
    """Return the bands of a change by their names in the cube.

    Those of `pairs` alone where there are any; else by name, and by place where the names
    are not `named` by who sent them and are others.

    Raises
    ------
    InconsistentChangeError
    """
    have = [band.name for band in cube.bands]
    if pairs:
        inputs = list(bands)
        chosen = {}
        for given, target in pairs:
            at = int(given) - 1 if given.isdecimal() and len(given) < 6 else -1
            name = inputs[at] if 0 <= at < len(inputs) else given
            if name not in bands or target not in have:
                raise InconsistentChangeError(
                    f"range component {given[:80]!r} for {target[:80]!r}: what is sent has "
                    f"{', '.join(bands)}, the coverage {', '.join(have)}"
                )
            chosen[target] = bands[name]
        return chosen
    if set(bands) <= set(have):
        return bands
    if len(bands) == len(have) and not named:
        return dict(zip(have, bands.values(), strict=True))
    raise InconsistentChangeError(
        f"what is sent has the bands {', '.join(bands)}, the coverage {', '.join(have)}; "
        "say by range components which is which"
    )
