"""What is asked, before any name is resolved: the unbound half of the plan.

Services build these values; `datacube.plan.bind` turns them into nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pyproj import CRS

from datacube.grid import Grid
from datacube.plan.colour import Void
from datacube.protocols import Bbox
from datacube.times import Period

if TYPE_CHECKING:
    from datacube.plan.style import StyleMaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """Keep an interval of one axis; a bound that is None is `*`."""

    axis: str
    """As the client spelled it; usual spellings are accepted."""
    low: float | Period | None
    high: float | Period | None
    crs: CRS | None = None
    """CRS of the bounds, where it is not the coverage's."""
    grid_indices: bool = False
    """The bounds are `CRS:1` indices, both inclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Keep one place of an axis, which then vanishes."""

    axis: str
    at: float | Period
    crs: CRS | None = None
    grid_index: bool = False


class Method(StrEnum):
    """How cells are made where the target's lattice is not the source's; defined as by GDAL."""

    NEAREST = "nearest"
    LINEAR = "linear"
    AVERAGE = "average"
    MODE = "mode"
    CUBIC = "cubic"
    CUBIC_SPLINE = "cubicspline"
    LANCZOS = "lanczos"
    LEAST = "min"
    GREATEST = "max"
    MEDIAN = "med"
    FIRST_QUARTILE = "q1"
    THIRD_QUARTILE = "q3"
    ROOT_MEAN_SQUARE = "rms"


KERNEL_RADII_PX: Mapping[Method, int] = {
    Method.LINEAR: 1,
    Method.CUBIC: 2,
    Method.CUBIC_SPLINE: 2,
    Method.LANCZOS: 3,
}
"""Methods that weigh the source's cells by their distances, and how far they look."""
AREAL = frozenset(Method) - {Method.NEAREST, *KERNEL_RADII_PX}
"""Methods that go by all of the source's cells that a target cell covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFactor:
    """Multiply the number of cells of the named axis; no axis: of all regular ones."""

    factor: float
    axis: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSize:
    """Give an axis this many cells."""

    axis: str
    size: int
    first: int | None = None
    """Index of the first cell; None: 0, or as it was where nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A coverage by its id or alias."""

    coverage_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """Trims and slices of one bracket, at most one an axis."""

    source: "Query"
    subsets: tuple[Trim | Slice, ...]
    crs: CRS | None = None
    """CRS of bounds of x and y that name none; None: the coverage's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickTimes:
    """Keep the acquisitions that any of some trims and slices of time selects."""

    source: "Query"
    times: tuple[Trim | Slice, ...]
    """At least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBox:
    """Keep the cells that cover a bounding box given in any CRS (maps and reads cover)."""

    source: "Query"
    bbox: Bbox
    crs: CRS


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectBands:
    """Keep bands by name, in this order. `("B02", "B04:B08")` may hold ranges."""

    source: "Query"
    bands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Change the number of cells."""

    source: "Query"
    by: tuple[ScaleFactor | ScaleSize, ...]
    method: Method = Method.NEAREST
    methods: tuple[tuple[str, Method], ...] = ()
    """Of axes, by name, that have their own; an axis that a slice took away counts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """Bring the plane to another CRS; within what was last asked in that CRS, if anything was."""

    source: "Query"
    crs: CRS
    by: tuple[ScaleFactor | ScaleSize, ...] = ()
    """Other numbers of cells than those that are like the coverage's."""
    method: Method = Method.NEAREST
    methods: tuple[tuple[str, Method], ...] = ()
    """As in `Scale`; x and y may have two only where the CRS is the plane's own."""
    onto: Grid | None = None
    """The lattice itself, in the CRS; then nothing else says where the cells are."""


type Query = Coverage | Subset | PickTimes | CutBox | SelectBands | Scale | Warp


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTime:
    """The time of a map. All None: the default mosaic of DESIGN section 2."""

    instant: Period | None = None
    """An instant or a period as written in one value."""
    start: Period | None = None
    """Interval start; with `end`, a mosaic of the interval, newest valid pixel first."""
    end: Period | None = None
    further: tuple["MapTime", ...] = ()
    """Further values of a list, which have none themselves: what any of all selects is shown."""

    @property
    def values(self) -> tuple["MapTime", ...]:
        """The values of the list, this one first."""
        return (replace(self, further=()), *self.further)

    @property
    def unset(self) -> bool:
        """Whether it is the default alone."""
        return self == MapTime()


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisChoice:
    """What is asked of an axis between time and plane: `height`, a forecast's hour."""

    axis: str
    """Name of the axis in any case; a layer that has no such axis ignores it."""
    values: tuple[tuple[float, float], ...]
    """Closed intervals, of which the first counts most; of a single value both ends are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayer:
    """One layer of a map with the style to paint it in."""

    layer: str
    """A collection id, or a coverage id for one cube."""
    style: "str | StyleMaker" = ""
    """Style name, empty for the layer's default; or a style that came with the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A picture of layers on a target grid."""

    layers: tuple[MapLayer, ...]
    """Bottom first."""
    crs: CRS
    bbox: Bbox
    """Outer edges of the pixels, x first, whatever the axis order of the request was."""
    width_px: int
    height_px: int
    time: MapTime = MapTime()
    transparent: bool = False
    background: tuple[int, int, int] = (255, 255, 255)
    void: Void | None = None
    """None: where the CRS has no place looks like a place without data."""
    choices: tuple[AxisChoice, ...] = ()
    """Places on further axes; of an axis without a choice the first place is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What layers hold at one place."""

    layers: tuple[MapLayer, ...]
    """Each with the style whose quantity is told beside the bands."""
    crs: CRS
    x: float
    """Easting or longitude, whatever the axis order of the request was; likewise y."""
    y: float
    time: MapTime = MapTime()
    choices: tuple[AxisChoice, ...] = ()
    series: bool = False
    """Every acquisition and place that is meant, not only what a map shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode:
    """The root: what to send, and as what."""

    source: Query | Map
    media_type: str
    options: tuple[tuple[str, str], ...] = ()
    """Options of the encoder, by name, sorted."""
    output_type: str = ""
    """`GridCoverage` or `GeneralGridCoverage`; empty is the format's usual one."""
