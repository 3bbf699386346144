"""Subsets and geometry."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.wcps.syntax.base import Syntax

if TYPE_CHECKING:
    from datacube.wcps.syntax import Expr
    from datacube.wcps.syntax.values import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisTrim(Syntax):
    """`axis:"crs"(low:high)`; a bound that is None is `*`."""

    axis: str
    crs: str | None = None
    low: "Expr | None"
    high: "Expr | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisPoint(Syntax):
    """`axis:"crs"(at)`: a slice, or a factor of `scale`, or a resolution of `crsTransform`."""

    axis: str
    crs: str | None = None
    at: "Expr"


type SubsetItem = "AxisTrim | AxisPoint | Expr"
"""Other expressions are a `let` interval list, a domain, or a factor of `scale`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals(Syntax):
    """`[Lat(1:2), Lon(0)]` as the value of a `let`."""

    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset(Syntax):
    """`x[...]`, `trim(x, {...})` and `slice(x, {...})`."""

    source: "Expr"
    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Syntax):
    """`extend(x, {...})`."""

    source: "Expr"
    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisMethod(Syntax):
    """`Lat(average)`."""

    axis: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Syntax):
    """`scale(x, 0.5)`, `scale(x, {...})`; an optional third argument names the method."""

    source: "Expr"
    items: tuple[SubsetItem, ...]
    method: str | tuple[AxisMethod, ...] = ""
    """One for all axes, or one for each axis that is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisCrs(Syntax):
    """`Lat:"EPSG:3857"`."""

    axis: str
    crs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrsTransform(Syntax):
    """`crsTransform(x, crs, {method}, {resolutions}, {extent})`."""

    source: "Expr"
    crs: str | tuple[AxisCrs, ...]
    method: str = ""
    resolutions: tuple[AxisPoint, ...] = ()
    extent: tuple[SubsetItem, ...] = ()


type Position = tuple["float | str", ...]
"""Coordinates of a point, one an axis; times are texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wkt(Syntax):
    """A geometry."""

    kind: str
    """`POLYGON`, `MULTIPOLYGON` or `LINESTRING`."""
    polygons: tuple[tuple[tuple[Position, ...], ...], ...]
    """Polygons of rings of points; a line string is one polygon of one ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curtain(Syntax):
    """`CURTAIN(projection(Lat, Lon), wkt)`."""

    axes: tuple[str, ...]
    geometry: Wkt


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor(Syntax):
    """`CORRIDOR(projection(Lat, Lon), track, mask[, discrete])`."""

    axes: tuple[str, ...]
    track: Wkt
    mask: Wkt
    discrete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Syntax):
    """`clip(x, geometry[, crs]) [with coordinates]`."""

    source: "Expr"
    geometry: "Wkt | Curtain | Corridor | Variable"
    crs: str | None = None
    with_coordinates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(Syntax):
    """`flip x along axis`."""

    source: "Expr"
    axis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Syntax):
    """`sort x along axis [asc|desc] by key`."""

    source: "Expr"
    axis: str
    descending: bool
    by: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygonize(Syntax):
    """`polygonize(x, "GeoJSON"[, 4|8])`."""

    source: "Expr"
    format: str
    connectedness: int = 4
