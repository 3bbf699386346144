"""The lattices of cubes: those of UTM zones, and those of a first scene."""

from dataclasses import replace

from pyproj import CRS

from datacube.axes import PLACEHOLDER, PlaceAxis, RegularAxis
from datacube.cube import ResolutionGroup
from datacube.grid import Grid

FREE_ORIGIN = 2**23
"""Array index of cell 0 of a cube whose grid is its first scene's."""


def utm_group(epsg: int, crs: CRS, resolution_m: float) -> ResolutionGroup:
    """Return the lattice of a UTM cube: the span of DESIGN section 2, north or south.

    x runs from -600,000 to 1,800,000 m; y from -1,200,000 to 10,800,000 (326xx)
    or from -800,000 to 11,200,000 (327xx).
    """
    top = 10_800_000.0 if epsg < 32700 else 11_200_000.0
    columns, rows = round(2_400_000 / resolution_m), round(12_000_000 / resolution_m)
    return ResolutionGroup(
        name=group_name(resolution_m),
        grid=Grid(
            crs=crs,
            x=RegularAxis(name="E", uom="m", start=-600_000.0, step=resolution_m, size=columns),
            y=RegularAxis(name="N", uom="m", start=top, step=-resolution_m, size=rows),
        ),
    )


def free_group(grid: Grid, name: str, *, axes: tuple[PlaceAxis, ...] = ()) -> ResolutionGroup:
    """Return the lattice of a cube without a prescribed span: the first scene's.

    `CRS:1` counts from the scene's corner and may be negative; on index axes it is
    the index. The arrays are 2**24 cells a side with cell 0 in the middle; a
    placeholder has its one cell.
    """
    x, y = _free_axis(grid.x), _free_axis(grid.y)
    return ResolutionGroup(
        name=name,
        grid=Grid(crs=grid.crs, x=x, y=y),
        array_origin=(-y.first, -x.first),
        axes=axes,
    )


def _free_axis(axis: RegularAxis) -> RegularAxis:
    if axis.name == PLACEHOLDER:
        return axis
    start = axis.start if axis.index else axis.start + axis.first * axis.step
    return replace(axis, start=start, first=-FREE_ORIGIN, size=2 * FREE_ORIGIN)


def group_name(resolution: float, unit: str = "m") -> str:
    """Name a resolution group.

    >>> group_name(10.0), group_name(0.5, "deg")
    ('r10m', 'r0.5deg')
    """
    return f"r{resolution:g}{unit}"
