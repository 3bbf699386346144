"""Two-dimensional grids in a CRS, and windows of cell indices."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Self

from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer

from datacube.axes import PLACEHOLDER, RegularAxis
from datacube.errors import InvalidParameterError


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open index ranges, one an axis, `(y, x)` last; counted from the axes' fixed origins."""

    ranges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        for start, stop in self.ranges:
            if start > stop:
                raise ValueError(f"window {self.ranges} runs backwards")

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(stop - start for start, stop in self.ranges)

    @property
    def size(self) -> int:
        """Number of cells."""
        return prod(self.shape)

    @property
    def rows(self) -> tuple[int, int]:
        """Index range of the y axis."""
        return self.ranges[-2]

    @property
    def cols(self) -> tuple[int, int]:
        """Index range of the x axis."""
        return self.ranges[-1]

    @property
    def plane(self) -> "Window":
        """The `(y, x)` part."""
        return Window(self.ranges[-2:])

    def intersect(self, other: "Window") -> "Window | None":
        """Return the common part, or None where there is none."""
        ranges = tuple(
            (max(a, c), min(b, d)) for (a, b), (c, d) in zip(self.ranges, other.ranges, strict=True)
        )
        return Window(ranges) if all(a < b for a, b in ranges) else None

    def hull(self, other: "Window") -> "Window":
        """Return the smallest window containing both."""
        return Window(
            tuple(
                (min(a, c), max(b, d))
                for (a, b), (c, d) in zip(self.ranges, other.ranges, strict=True)
            )
        )

    def slices(self, origin: "Window") -> tuple[slice, ...]:
        """Index an array that holds `origin` at the cells of this window."""
        return tuple(
            slice(start - base, stop - base)
            for (start, stop), (base, _) in zip(self.ranges, origin.ranges, strict=True)
        )

    def coarser(self, level: int) -> "Window":
        """Return the cells of pyramid level `level` that cover this window.

        Levels are coarser on the plane only; ranges of further axes stay.
        """
        if not level:
            return self
        plane = tuple(
            (start >> level, ((stop - 1) >> level) + 1) for start, stop in self.ranges[-2:]
        )
        return Window((*self.ranges[:-2], *plane))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Cells on the plane of one CRS.

    Points are `(x, y)`, that is easting-northing or longitude-latitude, whatever
    the order of the CRS's authority. A plane of fewer dimensions has an axis named
    `PLACEHOLDER`, of one cell: y of a line, y and x of a point.
    """

    crs: CRS
    x: RegularAxis
    y: RegularAxis

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, columns)`."""
        return self.y.size, self.x.size

    @property
    def line(self) -> bool:
        """Whether the data has no y axis: its rows are one, and stand for nothing."""
        return self.y.name == PLACEHOLDER

    @property
    def axes(self) -> tuple[RegularAxis, ...]:
        """The axes that the data has, y before x: both, x alone, or none."""
        return tuple(axis for axis in (self.y, self.x) if axis.name != PLACEHOLDER)

    @property
    def on_earth(self) -> bool:
        """Whether places of the plane have a longitude and latitude."""
        return known_crs(self.crs).on_earth

    @property
    def window(self) -> Window:
        """The grid's own cells, counted from the axes' fixed origins."""
        return Window(((self.y.first, self.y.stop), (self.x.first, self.x.stop)))

    @property
    def transform(self) -> Affine:
        """From `(column, row)` counted from the first cell to `(x, y)`."""
        return Affine(
            self.x.step,
            0,
            self.x.start + self.x.first * self.x.step,
            0,
            self.y.step,
            self.y.start + self.y.first * self.y.step,
        )

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """Outer edges `(min x, min y, max x, max y)`."""
        (x0, x1), (y0, y1) = self.x.bounds, self.y.bounds
        return x0, y0, x1, y1

    @property
    def geobox(self) -> GeoBox:
        """The same grid as an odc-geo GeoBox."""
        return GeoBox(self.shape, self.transform, self.crs.to_wkt())

    def at(self, window: Window) -> Self:
        """Return the part of this lattice that `window` numbers, inside or outside the grid."""
        (y0, y1), (x0, x1) = window.ranges[-2:]
        if (y0, y1, x0, x1) == (self.y.first, self.y.stop, self.x.first, self.x.stop):
            return self
        return replace(
            self,
            y=replace(self.y, first=y0, size=y1 - y0),
            x=replace(self.x, first=x0, size=x1 - x0),
        )

    def cover(self, bbox: tuple[float, float, float, float]) -> Self:
        """Keep the cells overlapping `bbox` (min x, min y, max x, max y).

        Raises
        ------
        OutOfDomainError
            If no cell overlaps.
        """
        return replace(self, x=self.x.cover(bbox[0], bbox[2]), y=self.y.cover(bbox[1], bbox[3]))

    def coarser(self, level: int) -> Self:
        """Pyramid level `level` of this grid."""
        return replace(self, x=self.x.coarser(level), y=self.y.coarser(level))

    def same_lattice(self, other: "Grid") -> bool:
        """Tell whether both number the same cells by the same indices."""
        return (
            (self.x.start, self.x.step, self.y.start, self.y.step)
            == (other.x.start, other.x.step, other.y.start, other.y.step)
        ) and same_crs(self.crs, other.crs)


@dataclass(frozen=True, slots=True, eq=False)
class KnownCrs:
    """A CRS as a key of caches: one object for one WKT, hashed by identity.

    A `pyproj.CRS` writes its WKT for each hash, which costs about 70 us.
    """

    crs: CRS
    wkt: str
    on_earth: bool
    """Whether it is geographic, projected or the like: not engineering, not vertical alone."""
    gentle: bool
    """Whether its grid bends little over a small area: geographic, UTM or web Mercator."""
    in_degrees: bool
    """Whether it is geographic."""
    in_utm: bool


_WEB_MERCATOR = 3857
_KNOWN_KEPT = 1024
_KNOWN: dict[int, tuple[CRS, KnownCrs]] = {}
"""By `id` of the CRS, which is held, so that no other object gets its `id`."""
_BY_WKT: dict[str, KnownCrs] = {}


def known_crs(crs: CRS) -> KnownCrs:
    """Return the key of a CRS."""
    held = _KNOWN.get(id(crs))
    if held is not None:
        return held[1]
    if len(_KNOWN) >= _KNOWN_KEPT:
        _KNOWN.clear()
        _BY_WKT.clear()
    wkt = crs.to_wkt()
    in_utm = crs.utm_zone is not None
    made = KnownCrs(crs, wkt, _on_earth(crs), in_utm or _is_gentle(crs), crs.is_geographic, in_utm)
    known = _BY_WKT.setdefault(wkt, made)
    _KNOWN[id(crs)] = crs, known
    return known


def same_crs(one: CRS, other: CRS) -> bool:
    """Tell whether two CRSs are equal; they are compared once, which costs about 40 us."""
    return one is other or _same(known_crs(one), known_crs(other))


@lru_cache(maxsize=4096)
def _same(one: KnownCrs, other: KnownCrs) -> bool:
    return one is other or bool(one.crs == other.crs)


def _on_earth(crs: CRS) -> bool:
    plane = crs.sub_crs_list[0] if crs.is_compound else crs
    return bool(plane.is_geographic or plane.is_projected or plane.is_geocentric)


def _is_gentle(crs: CRS) -> bool:
    return crs.is_geographic or crs.to_epsg() == _WEB_MERCATOR


def transformer(source: CRS, target: CRS) -> Transformer:
    """Return a cached Transformer in `(x, y)` order; making one costs about 1.6 ms.

    Raises
    ------
    InvalidParameterError
        If one of them has no place on the Earth, as an index grid has none.
    """
    for crs in (source, target):
        if not known_crs(crs).on_earth:
            raise InvalidParameterError(
                f"{crs.name} has no place on the Earth: nothing can be transformed to it or from "
                "it",
                parameter="crs",
            )
    return _transformer(known_crs(source), known_crs(target))


@lru_cache(maxsize=256)
def _transformer(source: KnownCrs, target: KnownCrs) -> Transformer:
    return Transformer.from_crs(source.crs, target.crs, always_xy=True)


@lru_cache(maxsize=256)
def crs_from_text(text: str) -> CRS:
    """Return the CRS named by `text` (`EPSG:32633`, WKT, PROJJSON)."""
    return CRS.from_user_input(text)


def index_crs(*names: str) -> CRS:
    """Return the engineering CRS of index axes: `Index1D`, `Index2D`, ... as OGC names them.

    It has no place on the Earth; nothing can be transformed to it or from it. Without
    names it is the CRS of a point, `Index0D`.

    >>> index_crs("i", "j").name
    'Index2D'
    """
    axes = ",".join(
        f'AXIS["{name.replace('"', "")}",unspecified,ORDER[{order}]]'
        for order, name in enumerate(names or (PLACEHOLDER,), start=1)
    )
    return crs_from_text(
        f'ENGCRS["Index{len(names)}D",EDATUM["Grid indices"],CS[ordinal,{len(names) or 1}],{axes}]'
    )


def crs_name(crs: CRS) -> str:
    """Return `EPSG:n` where the CRS has such a code, else its name.

    >>> crs_name(CRS.from_epsg(32633))
    'EPSG:32633'
    """
    authority = crs.to_authority(min_confidence=70)
    return f"{authority[0]}:{authority[1]}" if authority else crs.name


def northing_first(crs: CRS) -> bool:
    """Tell whether the CRS lists latitude or northing before longitude or easting.

    >>> northing_first(CRS.from_epsg(4326)), northing_first(CRS.from_user_input("OGC:CRS84"))
    (True, False)
    """
    return _northing_first(known_crs(crs))


@lru_cache(maxsize=512)
def _northing_first(known: KnownCrs) -> bool:
    one, other = known.crs.axis_info[:2]
    if {one.direction, other.direction} == {"north", "east"}:
        return bool(one.direction == "north")
    # Polar CRSs point both axes the same way; their names tell.
    return one.name.casefold().startswith(("north", "lat"))


def y_first(grid: Grid) -> bool:
    """Tell whether the grid's CRS lists its y axis before its x axis.

    Engineering CRSs, as those of index axes are, name their axes.

    >>> from datacube.axes import RegularAxis
    >>> i, j = (RegularAxis(name=n, uom="1", start=0, step=1, size=9, index=True) for n in "ij")
    >>> y_first(Grid(crs=index_crs("i", "j"), y=i, x=j))
    True
    """
    if grid.on_earth:
        return northing_first(grid.crs)
    # PROJ writes the first letter of a name large.
    listed = [axis.name.casefold() for axis in grid.crs.axis_info]
    return listed[:1] == [grid.y.name.casefold()]


def crs_url(crs: CRS) -> str:
    """Return the OGC URL of a CRS.

    >>> crs_url(CRS.from_epsg(32633)), crs_url(index_crs("i", "j"))[-14:]
    ('http://www.opengis.net/def/crs/EPSG/0/32633', '/OGC/0/Index2D')
    """
    authority, _, code = crs_name(crs).partition(":")
    if not code:
        return f"http://www.opengis.net/def/crs/OGC/0/{authority}"
    version = "1.3" if authority == "OGC" else "0"
    return f"http://www.opengis.net/def/crs/{authority}/{version}/{code}"
