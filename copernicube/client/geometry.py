"""Subsets and grids of expressions."""

from collections.abc import Mapping
from typing import Literal, Self, get_args

import numpy as np
from pyproj import CRS
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from copernicube.client.operators import Operators
from copernicube.client.term import State, literal
from copernicube.client.times import Moment, Times, parse_times
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import crs_name, northing_first
from datacube.plan.names import is_time
from datacube.plan.warping import axis_names
from datacube.protocols import Bbox
from datacube.times import Period
from datacube.wcps import syntax
from datacube.wcps.syntax import Expr

type Crs = CRS | str | int
type Span = float | tuple[float | None, float | None] | slice
type Method = Literal["nearest", "linear", "average", "mode"]
type Warping = Literal[
    "nearest",
    "linear",
    "cubic",
    "cubicspline",
    "lanczos",
    "average",
    "rms",
    "mode",
    "min",
    "max",
    "median",
    "q1",
    "q3",
]

_WARPINGS = {"nearest": "near", "linear": "bilinear"}
"""As rasdaman calls them, where it has another word."""


class Geometry(Operators):
    """Which cells an expression has."""

    def sel(
        self,
        *,
        time: Times = None,
        bbox: Bbox | None = None,
        bbox_crs: Crs | None = None,
        **axes: Span | Times,
    ) -> Self:
        """Keep intervals of axes; no axis vanishes.

        Parameters
        ----------
        time
            As `CubeView.to_xarray` takes it: `"2023-08"`, a pair or a slice.
        bbox
            `(min x, min y, max x, max y)`; cells whose centre lies inside are kept.
        bbox_crs
            CRS of `bbox`, x first; by default the expression's own.
        axes
            By name, in any usual spelling: a pair or slice of coordinates, None is open;
            a number keeps the cell that holds it.

        Raises
        ------
        UnknownNameError
            If there is no such axis.
        """
        state = self.state
        asked: dict[str, Span | Times] = {"time": time} if time is not None else {}
        items = [_trim(state, name, span) for name, span in (asked | axes).items()]
        if bbox is not None:
            items += _box(state, bbox, bbox_crs)
        if not items:
            return self
        return self._of(_subset(state, tuple(items)))

    def at(self, **axes: float | Moment) -> Self:
        """Take one place of axes, which then vanish: `at(time="2023-08-15", height=10)`.

        Raises
        ------
        UnknownNameError
            If there is no such axis.
        """
        state = self.state
        items = []
        for name, place in axes.items():
            axis = state.axis(name)
            bound = _moment(place) if is_time(axis) else _coordinate(place)
            items.append(syntax.AxisPoint(axis=axis, at=bound))
        if not items:
            return self
        gone = {item.axis for item in items}
        kept = tuple(axis for axis in state.axes if axis not in gone)
        whole = kept[-2:] == state.axes[-2:]
        made = _subset(state, tuple(items))
        return self._of(
            made.changed(made.tree, nodes=0, axes=kept, crs=state.crs if whole else None)
        )

    def scale(
        self,
        factor: float | None = None,
        *,
        method: Method = "nearest",
        sizes: Mapping[str, int] | None = None,
    ) -> Self:
        """Change the number of cells: by a factor on all regular axes, or `sizes` of some.

        Raises
        ------
        InvalidParameterError
            If neither or both are given.
        """
        if (factor is None) == (not sizes):
            raise InvalidParameterError(
                "scale takes a factor, or sizes such as {'x': 100, 'y': 100}", parameter="scale"
            )
        state = self.state.part()
        items: tuple[syntax.SubsetItem, ...]
        if sizes:
            zero = syntax.Number(value=0)
            items = tuple(
                syntax.AxisTrim(
                    axis=state.axis(name),
                    crs="CRS:1",
                    low=zero,
                    high=syntax.Number(value=int(cells) - 1),
                )
                for name, cells in sizes.items()
            )
        else:
            items = (syntax.Number(value=factor or 0.0),)
        kind = "" if method == "nearest" else method
        return self._of(state.changed(syntax.Scale(source=state.tree, items=items, method=kind)))

    def reproject(
        self,
        crs: Crs,
        *,
        method: Warping = "nearest",
        resolution: float | None = None,
        bbox: Bbox | None = None,
    ) -> Self:
        """Warp to another CRS; extent and cell size are those that GDAL suggests unless given.

        `resolution` and `bbox`, x first, are in the new CRS.

        Raises
        ------
        UnknownNameError
            If the CRS has no code that a query could name, or there is no such method.
        """
        offered = get_args(Warping.__value__)
        if method not in offered:
            raise UnknownNameError("interpolation", method, offered)
        target = CRS.from_user_input(crs)
        x, y, _ = axis_names(target)
        state = self.state.part()
        steps = (
            ()
            if resolution is None
            else tuple(
                syntax.AxisPoint(axis=name, at=syntax.Number(value=resolution)) for name in (x, y)
            )
        )
        extent = () if bbox is None else _extent(x, y, bbox)
        tree = syntax.CrsTransform(
            source=state.tree,
            crs=_code(target),
            method=_WARPINGS.get(method, method),
            resolutions=steps,
            extent=extent,
        )
        return self._of(state.changed(tree, axes=(*state.axes[:-2], y, x), crs=target))

    def clip_to(self, polygon: BaseGeometry, crs: Crs | None = None) -> Self:
        """Keep the cells whose centre lies in a polygon, trimmed to its box; others are null.

        Parameters
        ----------
        polygon
            A Polygon or MultiPolygon of shapely, x (longitude) first.
        crs
            Its CRS, by default the expression's own.

        Raises
        ------
        InvalidParameterError
            If it is another geometry, or empty.
        """
        state = self.state.part()
        own = state.crs
        named = None if crs is None else CRS.from_user_input(crs)
        meant = own if named is None else named
        swapped = meant is not None and northing_first(meant)
        tree = syntax.Clip(
            source=state.tree,
            geometry=_wkt(polygon, swapped=swapped),
            crs=None if named is None else _code(named),
        )
        return self._of(state.changed(tree))


def _subset(state: State, items: tuple[syntax.SubsetItem, ...]) -> State:
    """Return a subset; brackets that follow each other stay apart, as times go by the last."""
    inner = state.part()
    return inner.changed(syntax.Subset(source=inner.tree, items=items), nodes=1 + len(items))


def _trim(state: State, name: str, span: "Span | Times") -> syntax.AxisTrim:
    axis = state.axis(name)
    if is_time(axis):
        cut = parse_times(span)  # type: ignore[arg-type]  # it checks
        if cut is None:
            return syntax.AxisTrim(axis=axis, low=None, high=None)
        return syntax.AxisTrim(axis=axis, low=_text(cut.start), high=_text(cut.end))
    if isinstance(span, slice):
        if span.step is not None:
            raise InvalidParameterError(
                f"a slice of axis {name!r} has no step; use scale", parameter=name
            )
        span = (span.start, span.stop)
    if isinstance(span, tuple | list) and len(span) == 2:
        low, high = (None if end is None else _coordinate(end) for end in span)
        return syntax.AxisTrim(axis=axis, low=low, high=high)
    place = _coordinate(span)
    return syntax.AxisTrim(axis=axis, low=place, high=place)


def checked_bbox(bbox: Bbox) -> Bbox:
    """Return a box as floats.

    Raises
    ------
    InvalidParameterError
        If a minimum is not below its maximum.
    """
    west, south, east, north = map(float, bbox)
    if not (west < east and south < north):
        raise InvalidParameterError(
            f"bbox {bbox} is not allowed; allowed is (min x, min y, max x, max y), "
            "each minimum below its maximum",
            parameter="bbox",
        )
    return west, south, east, north


def _box(state: State, bbox: Bbox, crs: Crs | None) -> list[syntax.AxisTrim]:
    west, south, east, north = checked_bbox(bbox)
    named = None if crs is None else _code(CRS.from_user_input(crs))
    return [
        syntax.AxisTrim(
            axis=state.axis(name), crs=named, low=_coordinate(low), high=_coordinate(high)
        )
        for name, low, high in (("x", west, east), ("y", south, north))
    ]


def _extent(x: str, y: str, bbox: Bbox) -> tuple[syntax.SubsetItem, ...]:
    west, south, east, north = map(float, bbox)
    return (
        syntax.AxisTrim(axis=x, low=_coordinate(west), high=_coordinate(east)),
        syntax.AxisTrim(axis=y, low=_coordinate(south), high=_coordinate(north)),
    )


def _text(period: Period | None) -> Expr | None:
    return None if period is None else syntax.Text(value=str(period))


def _coordinate(place: object) -> Expr:
    if isinstance(place, bool) or not isinstance(place, int | float | np.integer | np.floating):
        raise InvalidParameterError(f"{place!r} is no coordinate; allowed is a number")
    return literal(place).tree


def _moment(place: object) -> Expr:
    cut = parse_times(place)  # type: ignore[arg-type]  # it checks
    if cut is None or cut.start is None or cut.start != cut.end:
        raise InvalidParameterError(f"{place!r} is not one time", parameter="time")
    return syntax.Text(value=str(cut.start))


def _code(crs: CRS) -> str:
    """Return the name that a query knows a CRS by."""
    name = crs_name(crs)
    if not name.startswith(("EPSG:", "OGC:CRS84")):
        raise UnknownNameError("crs", name, ("EPSG:<code>", "OGC:CRS84"))
    return name


def _wkt(polygon: BaseGeometry, *, swapped: bool) -> syntax.Wkt:
    parts = polygon.geoms if isinstance(polygon, MultiPolygon) else (polygon,)
    if polygon.is_empty or not all(isinstance(part, Polygon) for part in parts):
        raise InvalidParameterError(
            f"clip_to takes a Polygon or MultiPolygon that is not empty, not {polygon.geom_type}",
            parameter="polygon",
        )
    polygons = tuple(
        tuple(_ring(ring.coords, swapped=swapped) for ring in (part.exterior, *part.interiors))
        for part in parts
        if isinstance(part, Polygon)
    )
    kind = "POLYGON" if len(polygons) == 1 else "MULTIPOLYGON"
    return syntax.Wkt(kind=kind, polygons=polygons)


def _ring(points: object, *, swapped: bool) -> tuple[tuple[float, float], ...]:
    places = np.asarray(points, np.float64)[:, :2]
    return tuple((y, x) if swapped else (x, y) for x, y in places.tolist())
