"""Tile matrix sets: how maps are cut into tiles (OGC Two Dimensional Tile Matrix Set 2.0).

Two sets cover the world for every layer. A cube whose lattice has a fixed span, as UTM cubes
have, has a set of its own besides, whose pixels are the cells of its pyramid levels.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, pi

from pyproj import CRS

from datacube.cube import ResolutionGroup
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import crs_name
from datacube.plan.crs import CRS84
from datacube.protocols import Bbox

TILE_PX = 256
"""Side of a tile."""
PIXEL_M = 0.00028
"""Side of the pixel by which scale denominators are reckoned (clause 6.1.1.1)."""
_RADIUS_M = 6_378_137.0
_METERS_PER_DEGREE = pi / 180 * _RADIUS_M
_ON_EDGE = 1e-6
"""Part of a tile by which a box may reach into the next without touching it."""


class TileOutOfRangeError(InvalidParameterError):
    """A tile beyond the part of its matrix that a layer fills, by `TileRow` or `TileCol`."""

    code = "tile-out-of-range"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileMatrix:
    """One zoom level: equal tiles, numbered from the top left corner."""

    id: str
    cell_size: float
    """Side of a pixel in the unit of the CRS."""
    scale_denominator: float
    left: float
    """x of the left edge of column 0."""
    top: float
    """y of the upper edge of row 0."""
    columns: int
    rows: int

    @property
    def tile_side(self) -> float:
        """Side of a tile in the unit of the CRS."""
        return self.cell_size * TILE_PX

    def bbox(self, column: int, row: int) -> Bbox:
        """Outer edges of a tile, `(min x, min y, max x, max y)`."""
        side = self.tile_side
        return (
            self.left + column * side,
            self.top - (row + 1) * side,
            self.left + (column + 1) * side,
            self.top - row * side,
        )

    def limits(self, bbox: Bbox) -> "TileLimits":
        """Return the tiles that a box in the CRS of the matrix touches.

        Limits reach at least to index 1 where the matrix has one, for the schema of
        WMTS 1.0.0 knows no largest row or column of 0.
        """
        west, south, east, north = bbox
        side = self.tile_side
        columns = _span((west - self.left) / side, (east - self.left) / side)
        rows = _span((self.top - north) / side, (self.top - south) / side)
        min_column, max_column = _within(columns, self.columns)
        min_row, max_row = _within(rows, self.rows)
        return TileLimits(
            matrix=self.id,
            min_row=min_row,
            max_row=max_row,
            min_column=min_column,
            max_column=max_column,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TileLimits:
    """The tiles of one matrix that a layer fills; both ends are inclusive."""

    matrix: str
    min_row: int
    max_row: int
    min_column: int
    max_column: int

    def check(self, column: int, row: int) -> None:
        """Refuse a tile beyond the limits.

        Raises
        ------
        TileOutOfRangeError
        """
        for name, asked, low, high in (
            ("TileRow", row, self.min_row, self.max_row),
            ("TileCol", column, self.min_column, self.max_column),
        ):
            if not low <= asked <= high:
                raise TileOutOfRangeError(
                    f"{name} {asked} of matrix {self.matrix} is beyond the layer; "
                    f"allowed are {low} to {high}",
                    parameter=name,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class TileMatrixSet:
    """Zoom levels of one CRS, the coarsest first."""

    id: str
    title: str
    crs: CRS
    matrices: tuple[TileMatrix, ...]
    uri: str = ""
    """Of the definition that OGC registers, where there is one."""
    scale_set: str = ""
    """URN of the well-known scale set of WMTS 1.0.0, annex E, that it has."""

    @property
    def bbox(self) -> Bbox:
        """Outer edges of the finest matrix, `(min x, min y, max x, max y)`."""
        last = self.matrices[-1]
        x0, _, _, y1 = last.bbox(0, 0)
        _, y0, x1, _ = last.bbox(last.columns - 1, last.rows - 1)
        return x0, y0, x1, y1

    def matrix(self, name: str) -> TileMatrix:
        """Return the matrix called `name`.

        Raises
        ------
        UnknownNameError
        """
        for matrix in self.matrices:
            if matrix.id == name:
                return matrix
        raise UnknownNameError("tile-matrix", name, tuple(m.id for m in self.matrices))

    def limits(self, bbox: Bbox) -> tuple[TileLimits, ...]:
        """Return the tiles that a box in the CRS of the set touches, one entry a matrix."""
        return tuple(matrix.limits(bbox) for matrix in self.matrices)


def _span(start: float, stop: float) -> tuple[int, int]:
    return floor(start + _ON_EDGE), ceil(stop - _ON_EDGE) - 1


def _within(span: tuple[int, int], count: int) -> tuple[int, int]:
    first, last = (min(max(index, 0), count - 1) for index in span)
    return first, max(first, last, min(1, count - 1))


def _quad(
    first_cell_size: float,
    top_left: tuple[float, float],
    levels: int,
    columns: int,
    per_meter: float,
) -> tuple[TileMatrix, ...]:
    """Return levels that each have twice the rows and columns of the one before."""
    return tuple(
        TileMatrix(
            id=str(level),
            cell_size=first_cell_size / 2**level,
            scale_denominator=first_cell_size / 2**level * per_meter / PIXEL_M,
            left=top_left[0],
            top=top_left[1],
            columns=columns * 2**level,
            rows=2**level,
        )
        for level in range(levels)
    )


_HALF_WORLD_M = pi * _RADIUS_M
WEB_MERCATOR_QUAD = TileMatrixSet(
    id="WebMercatorQuad",
    title="Google Maps Compatible for the World",
    crs=CRS.from_epsg(3857),
    uri="http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
    scale_set="urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible",
    matrices=_quad(
        2 * _HALF_WORLD_M / TILE_PX,
        (-_HALF_WORLD_M, _HALF_WORLD_M),
        levels=25,
        columns=1,
        per_meter=1.0,
    ),
)
WORLD_CRS84_QUAD = TileMatrixSet(
    id="WorldCRS84Quad",
    title="CRS84 for the World",
    crs=CRS84,
    uri="http://www.opengis.net/def/tilematrixset/OGC/1.0/WorldCRS84Quad",
    scale_set="urn:ogc:def:wkss:OGC:1.0:GoogleCRS84Quad",
    matrices=_quad(
        180 / TILE_PX, (-180.0, 90.0), levels=18, columns=2, per_meter=_METERS_PER_DEGREE
    ),
)
WORLD_SETS = (WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD)
"""Offered for every layer, the usual one first."""


def native_set(group: ResolutionGroup) -> TileMatrixSet | None:
    """Return the set whose pixels are the cells of the pyramid levels of a lattice.

    None where the lattice has no fixed span (its indices may be negative, or it is not a
    plane in metres), for its tiles would be numbered anew as it grows. All cubes on one
    CRS and resolution share one set, `EPSG32633_10m`.
    """
    grid = group.grid
    plain = group.array_origin == (0, 0) and grid.window.rows[0] == grid.window.cols[0] == 0
    if not (plain and grid.on_earth and grid.crs.is_projected and len(grid.axes) == 2):
        return None
    if grid.x.step != -grid.y.step:
        return None
    name = f"{crs_name(grid.crs).replace(':', '')}_{group.name.removeprefix('r')}"
    return _native(
        name,
        crs_name(grid.crs),
        (grid.x.start, grid.y.start),
        grid.x.step,
        (grid.x.size, grid.y.size),
    )


@lru_cache(maxsize=512)
def _native(
    name: str, crs: str, top_left: tuple[float, float], cell_size: float, size: tuple[int, int]
) -> TileMatrixSet:
    columns, rows = size
    # The coarsest matrix has two columns: WMTS cannot say the limits of a single one.
    levels = 0
    while ceil(columns / (TILE_PX << levels)) > 2:
        levels += 1
    plane = CRS.from_user_input(crs)
    to_m = plane.axis_info[0].unit_conversion_factor
    return TileMatrixSet(
        id=name,
        title=f"Cells of {cell_size:g} m in {plane.name} and their pyramid levels",
        crs=plane,
        matrices=tuple(
            TileMatrix(
                id=str(number),
                cell_size=cell_size * 2**level,
                scale_denominator=cell_size * 2**level * to_m / PIXEL_M,
                left=top_left[0],
                top=top_left[1],
                columns=ceil(columns / (TILE_PX << level)),
                rows=ceil(rows / (TILE_PX << level)),
            )
            for number, level in enumerate(range(levels, -1, -1))
        ),
    )
