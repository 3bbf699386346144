"""Which cube a Sentinel-2 scene belongs to, and whether its cells fit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyproj import CRS

from datacube.axes import SNAP_DECIMALS
from datacube.cube import Cube, ResolutionGroup
from datacube.errors import InvalidParameterError, UnsupportedSourceError, WrongResolutionError
from datacube.grid import Grid, crs_name
from datacube.lattices import free_group, group_name, utm_group
from ingest.scene import CubeChoice, SceneBand
from ingest.sentinel2.bands import Product

NATIVE_M = (10.0, 20.0, 60.0)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a scene lies."""

    product: Product
    crs: CRS
    tile: str
    """MGRS tile without T, or empty; used in suggestions only."""


def choose_cube(place: Place, bands: Sequence[SceneBand], choice: CubeChoice) -> Cube:
    """Return the cube that product and CRS name, or the one that was asked for.

    On a CRS other than UTM the lattice starts at this scene's corner; where the
    cube exists already, the pipeline takes its lattice instead.

    Raises
    ------
    InvalidParameterError
        If the choice is not possible.
    UnsupportedSourceError
        If the CRS names no cube and none was asked for.
    WrongResolutionError
        If a band has another resolution than its product; the message has the
        options that would take it.
    """
    _check_choice(choice)
    epsg = place.crs.to_epsg(min_confidence=70)
    name = choice.name or _default_name(place, epsg)
    if choice.resolution is None:
        _check_native(place, bands)
    resolutions = NATIVE_M if choice.resolution is None else (choice.resolution,)
    groups = tuple(_group(place.crs, epsg, size, bands) for size in resolutions)
    product = place.product
    chosen = choice.resolution is not None
    return Cube(
        name=name,
        collection=product.collection.id,
        title=f"{product.collection.title}, {crs_name(place.crs)}",
        crs=place.crs,
        groups=groups,
        bands=tuple(replace(b, group=groups[0].name) for b in product.bands)
        if chosen
        else product.bands,
    )


def suggested_options(place: Place, bands: Sequence[SceneBand]) -> str:
    """Return the `--cube NAME --resolution R` that takes the bands without resampling.

    R is the greatest standard cell of which every source's cells are whole
    multiples and on whose lattice their edges lie, else the finest source's own.
    """
    epsg = place.crs.to_epsg(min_confidence=70)
    area = place.tile[:4] or (str(epsg) if epsg else "own")
    cube = f"{place.product.collection.id}_{area}"
    if not place.tile:
        cube += "_coarse"
    for size in reversed(NATIVE_M):
        group = _group(place.crs, epsg, size, bands)
        if all(_fits(band.grid, group) for band in bands):
            return f"--cube {cube} --resolution {size:g}"
    return f"--cube {cube} --resolution {min(band.grid.x.step for band in bands):g}"


def _check_choice(choice: CubeChoice) -> None:
    if choice.name is not None and not _NAME.fullmatch(choice.name):
        raise InvalidParameterError(
            f"cube name {choice.name!r}: a letter, then letters, digits, '_', '.', '-' are allowed",
            parameter="cube",
        )
    if choice.resolution is None:
        return
    if choice.name is None:
        raise InvalidParameterError(
            f"resolution {choice.resolution:g} needs a cube of its own: name it with --cube",
            parameter="resolution",
        )
    if choice.resolution <= 0:
        raise InvalidParameterError(
            f"resolution {choice.resolution:g}: more than 0 is needed", parameter="resolution"
        )


def _default_name(place: Place, epsg: int | None) -> str:
    if epsg is None:
        raise UnsupportedSourceError(
            f"the CRS {place.crs.name!r} has no EPSG code to name a cube by: name one with --cube"
        )
    return f"{place.product.collection.id}_{epsg}"


def _check_native(place: Place, bands: Sequence[SceneBand]) -> None:
    wrong = [band for band in bands if abs(band.grid.x.step - _native_m(band)) > 1e-6]
    if wrong:
        found = ", ".join(f"{band.band.name} {band.grid.x.step:g}" for band in wrong[:6])
        unit = wrong[0].grid.x.uom
        raise WrongResolutionError(
            f"cells in {unit} that are not the product's: {found}"
            f"{', ...' if len(wrong) > 6 else ''}; "
            f"to ingest them, add {suggested_options(place, bands)}"
        )


def _native_m(band: SceneBand) -> float:
    return float(band.band.group.removeprefix("r").removesuffix("m"))


def _group(crs: CRS, epsg: int | None, size: float, bands: Sequence[SceneBand]) -> ResolutionGroup:
    if epsg is not None and (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760):
        if 2_400_000 % size or 12_000_000 % size:
            raise InvalidParameterError(
                f"resolution {size:g}: it must divide 2,400,000 m and 12,000,000 m, "
                "the span of a UTM cube",
                parameter="resolution",
            )
        return utm_group(epsg, crs, size)
    return _free_group(crs, size, bands)


def _free_group(crs: CRS, size: float, bands: Sequence[SceneBand]) -> ResolutionGroup:
    """Return a lattice of `size` whose corner is that of the coarsest band.

    Groups of one cube then share edges wherever the scene's bands do.
    """
    coarsest = max(bands, key=lambda band: band.grid.x.step).grid
    axis_x = replace(coarsest.x, step=size, size=1)
    axis_y = replace(coarsest.y, step=-size, size=1)
    uom = "m" if coarsest.x.uom == "m" else coarsest.x.uom
    return free_group(Grid(crs=crs, x=axis_x, y=axis_y), group_name(size, uom))


def _fits(grid: Grid, group: ResolutionGroup) -> bool:
    ratio = grid.x.step / group.resolution
    left, top = group.grid.x.position(grid.x.start), group.grid.y.position(grid.y.start)
    return all(
        abs(number - round(number)) < 10**-SNAP_DECIMALS and round(ratio) >= 1
        for number in (ratio, left, top)
    )
