"""Binding of `clip`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from pyproj import CRS

from datacube.axes import Axis, TimeAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import crs_name, northing_first, transformer
from datacube.plan.clipping import POINTS, clip, polygon, union, warped
from datacube.plan.corridor import Track, area_corridor, line_corridor
from datacube.plan.crs import parse_crs
from datacube.plan.cut import own_position
from datacube.plan.lines import Cell, cell_at, cells_along, gather, nearest_index, with_coordinates
from datacube.plan.nodes import Domain, Plan
from datacube.times import Period
from datacube.wcps.bind.periods import parse_time
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Raster, Shape
from datacube.wcps.syntax import Clip, Corridor, Curtain, Position, Variable, Wkt

_LINE_PARTS = 64
"""A line in another CRS is cut into this many parts before it is warped."""
_PLANE = 2
_GREATEST = 1e12
"""Beyond it nothing lies, and areas of polygons lose their digits."""


def bind_clip(node: Clip, scope: Scope) -> Raster:
    """Bind `clip(x, geometry[, crs]) [with coordinates]`.

    Coordinates stand in the order of the CRS that they are in, so `lat lon` in
    EPSG:4326; times, which are texts, may stand anywhere in a point. A projection gives the
    order itself.

    Raises
    ------
    InvalidParameterError
        If the geometry is invalid, or does not fit the axes.
    OutOfDomainError
        If it misses the coverage.
    """
    raster = scope.raster(node.source)
    geometry = _geometry(node, scope)
    binding = _Clipping(
        plan=raster.plan,
        skip=len(raster.iterators),
        crs=None if node.crs is None else parse_crs(node.crs),
        coordinates=node.with_coordinates,
    )
    match geometry:
        case Wkt():
            plan = binding.whole(geometry)
        case Curtain():
            plan = binding.curtain(geometry)
        case Corridor():
            plan = binding.corridor(geometry)
    return replace(raster, plan=plan)


def _geometry(node: Clip, scope: Scope) -> Wkt | Curtain | Corridor:
    if not isinstance(node.geometry, Variable):
        return node.geometry
    value = scope.variable(node.geometry.name)
    if not isinstance(value, Shape):
        raise InvalidParameterError(
            f"${node.geometry.name} is no geometry; clip takes POLYGON, MULTIPOLYGON, "
            "LINESTRING, CURTAIN or CORRIDOR"
        )
    return value.geometry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clipping:
    """What is clipped, and how coordinates are to be read."""

    plan: Plan
    skip: int
    """Axes of iterators."""
    crs: CRS | None
    coordinates: bool

    @property
    def domain(self) -> Domain:
        return self.plan.domain

    @property
    def own(self) -> tuple[int, ...]:
        """Positions of the axes that are not those of iterators."""
        return tuple(range(self.skip, len(self.domain.axes)))

    def whole(self, wkt: Wkt) -> Plan:
        """Clip by a geometry in the coverage's own axes."""
        if wkt.kind != "LINESTRING":
            self._no_coordinates()
            return self._clipped(wkt, self._plane())
        points = _line(wkt)
        size = len(points[0])
        axes = self._plane() if size == _PLANE < len(self.own) else self._axes_in_order(points[0])
        return self._gathered(points, axes)

    def curtain(self, curtain: Curtain) -> Plan:
        """Clip by a geometry in the axes of a projection; other axes stay."""
        axes = self._projection(curtain.axes)
        if curtain.geometry.kind == "LINESTRING":
            return self._gathered(_line(curtain.geometry), axes)
        self._no_coordinates()
        return self._clipped(curtain.geometry, axes)

    def corridor(self, corridor: Corridor) -> Plan:
        """Move a mask along a track through all axes."""
        self._no_coordinates()
        axes = self._projection(corridor.axes)
        if len(axes) != 2:
            raise InvalidParameterError(
                f"a corridor's mask lies in two axes, as in projection(Lat, Lon), not {len(axes)}"
            )
        points = _line(corridor.track)
        order = self._axes_in_order(points[0])
        cells = self._cells(points, order)
        if not corridor.discrete:
            cells = cells_along(cells)
        ascending = sorted(range(len(order)), key=lambda k: order[k])
        rows, cols = sorted(axes)
        track = Track(
            axes=tuple(order[k] for k in ascending),
            cells=tuple(tuple(cell[k] for k in ascending) for cell in cells),
            mask=(rows, cols),
        )
        if corridor.mask.kind == "LINESTRING":
            line = cells_along(self._cells(_line(corridor.mask), axes))
            swapped = axes != (rows, cols)
            return line_corridor(self.plan, track, [c[::-1] for c in line] if swapped else line)
        return area_corridor(self.plan, track, self._area(corridor.mask, axes))

    def _no_coordinates(self) -> None:
        if self.coordinates:
            raise InvalidParameterError("'with coordinates' is for clips by a line")

    def _plane(self) -> tuple[int, ...]:
        """Return the positions of the plane's axes in the order of coordinates."""
        own = self.own
        if self.domain.grid is None and len(own) != _PLANE:
            names = ", ".join(self.domain.axes[at].name for at in own) or "none"
            raise InvalidParameterError(f"clip needs the two axes of a map; the axes are: {names}")
        return own[-2:] if self._rows_first() else own[:-3:-1]

    def _rows_first(self) -> bool:
        grid = self.domain.grid
        if grid is None:
            return True
        crs = grid.crs if self.crs is None else self.crs
        if grid.on_earth:
            return northing_first(crs)
        names = [axis.name for axis in crs.axis_info]
        return grid.x.name not in names[:1]

    def _axes_in_order(self, point: Position) -> tuple[int, ...]:
        """Return the axis of each coordinate of a point that has one for every axis."""
        axes = self.domain.axes
        times = [at for at in self.own if isinstance(axes[at], TimeAxis)]
        places = [at for at in self.own if at not in times]
        if self.domain.grid is not None:
            places = [*places[:-2], *self._plane()]
        texts = sum(isinstance(one, str) for one in point)
        if texts != len(times) or len(point) - texts != len(places):
            raise InvalidParameterError(
                f"the point ({_told(point)}) needs coordinates on the axes "
                f"{', '.join(axes[at].name for at in (*times, *places))}; times are in quotes"
            )
        remaining = iter(times), iter(places)
        return tuple(next(remaining[0 if isinstance(one, str) else 1]) for one in point)

    def _projection(self, names: Sequence[str]) -> tuple[int, ...]:
        axes = tuple(own_position(self.domain, name, self.skip) for name in names)
        if len(set(axes)) < len(axes):
            raise InvalidParameterError(f"projection({', '.join(names)}) names an axis twice")
        return axes

    def _gathered(self, points: Sequence[Position], axes: tuple[int, ...]) -> Plan:
        cells = cells_along(self._cells(points, axes))
        line = gather(self.plan, axes, cells, "line")
        return with_coordinates(line) if self.coordinates else line

    def _cells(self, points: Sequence[Position], axes: tuple[int, ...]) -> tuple[Cell, ...]:
        """Return the cells of the points of a line, indices in the order of `axes`."""
        for point in points:
            if len(point) != len(axes):
                names = ", ".join(self.domain.axes[at].name for at in axes)
                raise InvalidParameterError(
                    f"the point ({_told(point)}) needs a coordinate on each of the axes {names}"
                )
        along = tuple(self.domain.axes[at] for at in axes)
        if self._foreign():
            rows = self._warped_line(points, axes)
        else:
            rows = [
                [
                    nearest_index(axis, _place(axis, one))
                    for axis, one in zip(along, point, strict=True)
                ]
                for point in points
            ]
        return tuple(cell_at(along, row) for row in rows)

    def _warped_line(self, points: Sequence[Position], axes: tuple[int, ...]) -> list[list[float]]:
        """Return index positions on axes of points between those of a line in another CRS."""
        crs, grid = self.crs, self.domain.plane
        last = len(self.domain.axes) - 1
        if crs is None or not {last, last - 1} <= set(axes):
            raise InvalidParameterError("a line in another CRS needs both axes of the map")
        x, y = axes.index(last), axes.index(last - 1)
        mixed = [
            [
                _number(one) if k in (x, y) else nearest_index(axis, _place(axis, one))
                for k, (one, axis) in enumerate(
                    zip(point, (self.domain.axes[at] for at in axes), strict=True)
                )
            ]
            for point in points
        ]
        corners = np.array(mixed, dtype=np.float64)
        dense = np.concatenate(
            [corners[:1], *(np.linspace(a, b, _LINE_PARTS + 1)[1:] for a, b in pairwise(corners))]
        )
        at_x, at_y = transformer(crs, grid.crs).transform(dense[:, x], dense[:, y])
        if not (np.isfinite(at_x).all() and np.isfinite(at_y).all()):
            raise OutOfDomainError(f"the line has no place in {crs_name(grid.crs)}")
        dense[:, x] = [grid.x.position(one) for one in at_x]
        dense[:, y] = [grid.y.position(one) for one in at_y]
        made: list[list[float]] = dense.tolist()
        return made

    def _foreign(self) -> bool:
        grid = self.domain.grid
        if self.crs is None or (grid is not None and self.crs == grid.crs):
            return False
        if grid is None or not grid.on_earth:
            raise InvalidParameterError(f"the axes have no coordinates in {crs_name(self.crs)}")
        return True

    def _clipped(self, wkt: Wkt, axes: tuple[int, ...]) -> Plan:
        if len(axes) != _PLANE:
            raise InvalidParameterError(f"a polygon has {_PLANE} axes, the projection {len(axes)}")
        rows, cols = sorted(axes)
        return clip(self.plan, self._area(wkt, axes), rows=rows, cols=cols)

    def _area(self, wkt: Wkt, axes: tuple[int, ...]) -> shapely.Geometry:
        """Return a polygon with x on the later of two axes, in the coverage's coordinates."""
        if len(axes) != _PLANE:
            raise InvalidParameterError(f"a polygon has {_PLANE} axes, the projection {len(axes)}")
        _check_number(wkt)
        cols = max(axes)
        x = axes.index(cols)
        area = union(
            polygon([[_xy(point, x) for point in ring] for ring in rings]) for rings in wkt.polygons
        )
        if not self._foreign() or self.crs is None:
            return area
        last = len(self.domain.axes) - 1
        if set(axes) != {last, last - 1}:
            raise InvalidParameterError("a polygon in another CRS needs both axes of the map")
        return warped(area, self.crs, self.domain.plane.crs)


def _line(wkt: Wkt) -> tuple[Position, ...]:
    if wkt.kind != "LINESTRING":
        raise InvalidParameterError(f"a LINESTRING is needed here, not {wkt.kind}")
    _check_number(wkt)
    points = wkt.polygons[0][0]
    if not points:
        raise InvalidParameterError("a LINESTRING has at least one point")
    return points


def _check_number(wkt: Wkt) -> None:
    number = sum(len(ring) for rings in wkt.polygons for ring in rings)
    if number > POINTS:
        raise InvalidParameterError(f"a geometry of {number:,} points; allowed: {POINTS:,}")


def _xy(point: Position, x: int) -> tuple[float, float]:
    if len(point) != _PLANE:
        raise InvalidParameterError(
            f"a point of a polygon has {_PLANE} coordinates, not {len(point)}: ({_told(point)})"
        )
    return _number(point[x]), _number(point[1 - x])


def _place(axis: Axis, one: float | str) -> float | Period:
    if isinstance(axis, TimeAxis):
        if not isinstance(one, str):
            raise InvalidParameterError(f"axis {axis.name!r} takes times in quotes, not {one:g}")
        return parse_time(one)
    return _number(one)


def _number(one: float | str) -> float:
    if isinstance(one, str):
        raise InvalidParameterError(f"a number is needed here, not {one!r}")
    if not abs(one) <= _GREATEST:
        raise InvalidParameterError(
            f"a coordinate lies between -{_GREATEST:g} and {_GREATEST:g}, not at {one:g}"
        )
    return float(one)


def _told(point: Position) -> str:
    return " ".join(f'"{one}"' if isinstance(one, str) else f"{one:g}" for one in point)


BINDERS: Mapping[type, Binder] = {Clip: bind_clip}
