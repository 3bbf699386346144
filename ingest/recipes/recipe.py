"""What a recipe says: which files, which axes, which bands."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pyproj import CRS

from datacube.cube import Aggregate, ClassValue, Collection, MapAxis
from ingest.scene import Resampling


class Role(StrEnum):
    """What an axis is."""

    TIME = "time"
    X = "x"
    Y = "y"
    FURTHER = "further"
    """Any other: height, member, wavelength."""


class Spacing(StrEnum):
    """Where the cells of an axis lie."""

    REGULAR = "regular"
    IRREGULAR = "irregular"
    INDEX = "index"
    """The coordinates are the numbers of the cells."""


class ScaleOffset(StrEnum):
    """What becomes of the scale and offset of packed numbers."""

    KEEP = "keep"
    """The packed numbers are stored, scale and offset are the band's."""
    APPLY = "apply"
    """Physical values are stored as floating point."""


class Overlap(StrEnum):
    """Which file goes first where files of one time overlap."""

    NEWEST = "newest"
    """The one that was modified last."""
    NAME = "name"
    """The one whose name sorts last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePattern:
    """How a coordinate stands in the name of a file."""

    pattern: str
    """Regular expression, searched in the name; its groups are named `value`, `start`, `end`."""
    format: str | None = None
    """How `strptime` reads a time; without it the group holds ISO 8601, or a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A time in the metadata of a file."""

    name: str
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisRecipe:
    """One axis of the coverage."""

    name: str
    role: Role
    unit: str | None = None
    spacing: Spacing | None = None
    """None: time irregular, x and y regular, others as their coordinates lie."""
    dimension: str | None = None
    """The file's dimension; None: the one that the coordinates or the name tell."""
    variable: str | None = None
    """Variable of the file with the coordinates."""
    file_name: NamePattern | None = None
    tag: Tag | None = None
    values: tuple[float, ...] | tuple[str, ...] | None = None
    origin: float | str | None = None
    """Outer edge of the first cell; of a time, the first coefficient."""
    resolution: float | str | None = None
    """Signed cell size; of a time, an ISO 8601 duration."""
    size: int | None = None
    validity: str | None = None
    """An ISO 8601 duration from the coefficient on, or `bounds`: those of the variable."""
    maps: MapAxis | None = None
    """How maps choose on it, where not as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRecipe:
    """One band of the coverage."""

    name: str
    source: str | int | None = None
    """Variable, or number of a band of the file from 1; None: the name, or its place."""
    title: str | None = None
    unit: str | None = None
    standard_name: str | None = None
    dtype: str | None = None
    nodata: tuple[float, ...] | None = None
    """Numbers in the file that are no data; the first is stored. None: what the file says."""
    scale: float | None = None
    offset: float | None = None
    scale_offset: ScaleOffset = ScaleOffset.KEEP
    aggregate: Aggregate | None = None
    classes: tuple[ClassValue, ...] = ()
    classes_from_file: bool = False
    at: tuple[tuple[str, int], ...] = ()
    """Places taken of dimensions that are no axis, counted from 0."""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """The cells of the cube, where they are not the first file's."""

    origin: tuple[float, float]
    """`(x, y)` of a corner of a cell."""
    resolution: tuple[float, float]
    """`(x, y)`, both positive."""
    crs: CRS | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How gridded files become one coverage."""

    path: Path
    coverage: str
    title: str
    collection: Collection
    access: str = "public"
    files: tuple[str, ...] = ()
    """Patterns, relative to the folder of the recipe."""
    crs: CRS | None = None
    """Of the plane, where the files do not say, or say it wrongly."""
    axes: tuple[AxisRecipe, ...] = ()
    bands: tuple[BandRecipe, ...] = ()
    overlap: Overlap = Overlap.NEWEST
    resampling: Resampling = Resampling.NEVER
    lattice: Lattice | None = None
    wrap_longitudes: bool = True

    def axis(self, role: Role) -> AxisRecipe | None:
        """Return the axis that is time, x or y, or None."""
        return next((axis for axis in self.axes if axis.role is role), None)

    @property
    def further(self) -> tuple[AxisRecipe, ...]:
        """The axes between time and plane."""
        return tuple(axis for axis in self.axes if axis.role is Role.FURTHER)
