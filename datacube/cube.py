"""What exists: bands, cubes, collections, coverages, scenes and the slots that hold them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any

import numpy as np
from pyproj import CRS

from datacube.axes import Axis, PlaceAxis, TimeAxis
from datacube.errors import UnknownNameError
from datacube.grid import Grid, Window
from datacube.times import Acquisition

INNER_CHUNK_PX = 256
"""Side of the chunk that is read and decoded as one."""
SHARD_PX = 2048
"""Side of the shard: the unit of writing, of recording and of storage."""
SLOT_AXIS_SIZE = 2**20
"""Length of the slot axis, which is never resized."""
type ShardNumber = tuple[int, ...]
"""`(place on each further axis, ..., row, column)` of a shard below its slot."""

VALID_BAND = "valid"
"""Name of the mask written per scene and resolution: 1 where any band is valid."""


class Aggregate(StrEnum):
    """How four cells become one on the next pyramid level, over valid cells only."""

    MEAN = "mean"
    """Rounded half to even."""
    MODE = "mode"
    """Ties: the lowest class."""
    FLAGS = "flags"
    """Bits OR-ed."""
    DIRECTION = "direction"
    """Degrees, averaged as vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassValue:
    """One class of a classified band."""

    value: int
    name: str
    """CF flag meaning: lower case, underscores."""
    title: str
    colour: tuple[int, int, int]
    """Red, green, blue, 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """How a plane of a picture is made of a stored band: 1 at `low`, 255 at `high`, 0 nodata."""

    band: "Band"
    """Stored, in the group of the picture."""
    low: float
    """Stored number that is painted 1, as all below it are."""
    high: float
    """Stored number that is painted 255, as all above it are."""
    published: "Band | None" = None
    """The same plane as its producer made it, where scenes came with it: it goes first."""

    @property
    def stored(self) -> tuple["Band", ...]:
        """The bands that are read."""
        return (self.band,) if self.published is None else (self.band, self.published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A measured or derived variable, as it is stored."""

    name: str
    """Official name: `B02`, `B8A`, `SCL`, `VV`."""
    title: str
    dtype: str
    """NumPy name of the stored type."""
    nodata: float
    """Stored number that means no data; outside the legal values, but for `gapless` bands."""
    group: str
    """The resolution group it is native to: `r10m`, `r20m`, `r60m`."""
    aggregate: Aggregate = Aggregate.MEAN
    scale: float = 1.0
    """Physical value = stored * scale + offset, as CF says."""
    offset: float = 0.0
    unit: str = "1"
    """UCUM / udunits unit of the physical value."""
    standard_name: str | None = None
    """CF standard name, where there is one."""
    wavelength_nm: float | None = None
    """Central wavelength."""
    classes: tuple[ClassValue, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other names that requests may use: `B2` for `B02`, `red`."""
    gapless: bool = False
    """Every number is data, as in a picture: the cells of a scene's window are valid whatever
    they hold. `nodata` only fills what no scene covers, and no file declares it.
    """
    shade: Shade | None = None
    """What it is made of where it is not stored itself; `uint8` with nodata 0 then."""

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The stored type."""
        return np.dtype(self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionGroup:
    """The bands of a cube that share one lattice."""

    name: str
    """`r10m`: the folder's name in the store."""
    grid: Grid
    """The whole span that scenes may fill; index 0 is the fixed origin of `CRS:1`."""
    array_origin: tuple[int, int] = (0, 0)
    """Array index `(y, x)` of grid cell (0, 0): non-zero only where indices may be negative."""
    axes: tuple[PlaceAxis, ...] = ()
    """Further axes of the stored arrays between slot and plane (height, member, ...).

    They are what they were when the cube was made: a slot may fill some of their places.
    """

    @property
    def resolution(self) -> float:
        """Cell size in the unit of the CRS."""
        return self.grid.x.step

    @property
    def shard_shape(self) -> tuple[int, ...]:
        """Cells of a shard along `(*axes, y, x)`: one place of each further axis."""
        return (*([1] * len(self.axes)), SHARD_PX, SHARD_PX)

    @property
    def window(self) -> Window:
        """All cells of `(*axes, y, x)`, by their grid indices."""
        return self.cells_of(self.grid.window)

    def cells_of(self, plane: Window) -> Window:
        """Return a `(y, x)` window with every place of the further axes before it."""
        outer = tuple((axis.first, axis.stop) for axis in self.axes)
        return Window((*outer, *plane.ranges))

    def level_grid(self, level: int) -> Grid:
        """Return the lattice of a pyramid level."""
        return self.grid.coarser(level)

    def level_shape(self, level: int) -> tuple[int, ...]:
        """Cells of a level's arrays along `(*axes, y, x)`, without the slot axis."""
        whole = self.cells_of(self.level_grid(level).window)
        return tuple(stop for _, stop in self.array_window(whole, level).ranges)

    def array_starts(self, level: int) -> tuple[int, ...]:
        """Array indices of grid index 0 at `level` along `(*axes, y, x)`."""
        outer = tuple(-axis.first for axis in self.axes)
        return (*outer, *(origin >> level for origin in self.array_origin))

    def array_window(self, window: Window, level: int) -> Window:
        """Array indices of a window of grid indices, `(*axes, y, x)`, at `level`."""
        return Window(
            tuple(
                (start + shift, stop + shift)
                for (start, stop), shift in zip(
                    window.ranges, self.array_starts(level), strict=True
                )
            )
        )

    def shard_cells(self, shard: ShardNumber, level: int) -> Window:
        """Grid indices, `(*axes, y, x)`, of all cells of a shard at `level`."""
        return Window(
            tuple(
                (number * side - start, (number + 1) * side - start)
                for number, side, start in zip(
                    shard, self.shard_shape, self.array_starts(level), strict=True
                )
            )
        )

    def shard_window(self, window: Window, level: int) -> Window:
        """Numbers of the shards that a window of grid indices, `(*axes, y, x)`, touches."""
        return Window(
            tuple(
                (start // side, ceil(stop / side))
                for (start, stop), side in zip(
                    self.array_window(window, level).ranges, self.shard_shape, strict=True
                )
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MapAxis:
    """How maps choose on a further axis, where it differs from the usual.

    Usual is: the first place unasked, the nearest place to a number, and several at once.
    """

    name: str
    default: tuple[tuple[float, float], ...] = ()
    """Shown unasked: closed intervals in the axis' unit, one place where both ends are equal;
    none is the first place."""
    required: bool = False
    """A map has to ask for a place; then there is no default."""
    nearest: bool = True
    """A number that is no place means the nearest one."""
    several: bool = True
    """A map may show several places at once."""

    def __post_init__(self) -> None:
        if self.required and self.default:
            raise ValueError(f"{self.name}: what is required has no default")
        for low, high in self.default:
            if low > high:
                raise ValueError(f"{self.name}: {low:g}:{high:g} runs backwards")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """One product on one CRS."""

    name: str
    """`S2_L2A_32633`."""
    collection: str
    """Id of the collection it belongs to: the product, `S2_L2A`."""
    title: str
    crs: CRS
    groups: tuple[ResolutionGroup, ...]
    """Finest first."""
    bands: tuple[Band, ...]
    """Every band of the product, in the product's order, whether a scene had it or not."""
    access: str = "public"
    """Access class; `public` is seen by everyone."""
    timed: bool = True
    """Whether scenes have a time that is an axis. Without, all of them stack by precedence."""
    map_axes: tuple[MapAxis, ...] = ()
    """Further axes on which maps do not choose as usual."""

    def __post_init__(self) -> None:
        if any(group.axes != self.groups[0].axes for group in self.groups):
            raise ValueError(f"{self.name}: all resolution groups need the same further axes")

    @property
    def axes(self) -> tuple[PlaceAxis, ...]:
        """The axes between time and plane, which all groups share."""
        return self.groups[0].axes

    def map_axis(self, name: str) -> MapAxis:
        """Return how maps choose on the further axis called `name`, in any case."""
        named = (axis for axis in self.map_axes if axis.name.casefold() == name.casefold())
        return next(named, MapAxis(name=name))

    def group(self, name: str) -> ResolutionGroup:
        """Return the resolution group called `name`."""
        for group in self.groups:
            if group.name == name:
                return group
        raise UnknownNameError("resolution group", name, tuple(g.name for g in self.groups))

    def band(self, name: str) -> Band:
        """Return a band by its official name or an alias, in any case.

        Raises
        ------
        UnknownNameError
            If there is none; the message lists the bands.
        """
        return find_band(self.bands, name)

    @property
    def utm_zone(self) -> int | None:
        """The UTM zone of the CRS, or None."""
        zone = self.crs.utm_zone
        return int(zone[:-1]) if zone else None


def find_band(bands: tuple[Band, ...], name: str) -> Band:
    """Return the band called `name`, exact names before aliases, in any case.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    asked = name.casefold()
    for band in bands:
        if band.name.casefold() == asked:
            return band
    for band in bands:
        if asked in (alias.casefold() for alias in band.aliases):
            return band
    raise UnknownNameError("band", name, tuple(b.name for b in bands))


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """All cubes of a product: one map layer, one STAC collection."""

    id: str
    title: str
    description: str = ""
    style_family: str = "generic"
    """Which default styles its layer has; `sentinel-2` knows true colour, NDVI, SCL."""
    licence: str = "proprietary"
    attribution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A cube offered on one grid, as it is visible at one revision."""

    id: str
    """`S2_L2A_32633`, or `S2_L2A_32633_20m` for the bands native to a group."""
    cube: Cube
    group: str
    """The group whose lattice is the coverage's."""
    bands: tuple[Band, ...]
    """Bands that any visible scene ever had; coarser ones repeat their cells."""
    grid: Grid
    """Hull of what was ingested, on the group's lattice; it never shrinks."""
    axes: tuple[PlaceAxis, ...] = ()
    """The axes between time and plane."""
    time: TimeAxis | None
    """None where the cube has no time axis."""
    revision: int
    """The revision since which this description has been true."""

    @property
    def acquisitions(self) -> Sequence[Acquisition]:
        """The coefficients of the time axis; none where there is no time."""
        return () if self.time is None else self.time.acquisitions

    @property
    def outer_axes(self) -> tuple[Axis, ...]:
        """Time, where there is one, then the further axes: all before the plane."""
        return (*((self.time,) if self.time is not None else ()), *self.axes)

    @property
    def domain_axes(self) -> tuple[Axis, ...]:
        """All axes that the data has, in array order: time, further axes, y, x.

        Placeholders of a line or a point are not among them.
        """
        return (*self.outer_axes, *self.grid.axes)

    @property
    def mappable(self) -> bool:
        """Whether maps can show it: its plane has two axes and a place on the Earth."""
        return self.grid.on_earth and len(self.grid.axes) == 2


def acquisition_years(coverages: Iterable[Coverage]) -> frozenset[int]:
    """Return the UTC years with an acquisition of any of some coverages."""
    axes = [coverage.time for coverage in coverages if coverage.time is not None]
    return frozenset().union(*(axis.times.summary.years for axis in axes))
