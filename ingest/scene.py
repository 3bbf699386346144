"""What a mission's reader gives to the pipeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from datacube.cells import Valid, Values
from datacube.cube import Band, Collection, Cube
from datacube.errors import CubeError
from datacube.grid import Grid, Window
from datacube.slots import SceneRecord


class ReadBand(Protocol):
    """Reads one band of one scene; safe to call from several threads."""

    def __call__(self, window: Window) -> tuple[Values, Valid]:
        """Return stored numbers and validity in `window` of the source's own grid.

        The numbers are converted already (offset removed, saturated) and have the
        band's stored dtype; both arrays have the window's shape: `(y, x)`, or
        `(*axes, y, x)` where the cube has further axes, whose indices are the cube's.

        Raises
        ------
        SourceError
            If the file cannot be read.
        """
        ...


class Resampling(StrEnum):
    """What happens to cells that do not lie on those of the cube."""

    NEVER = "never"
    """They are refused; nor are cells repeated that are larger than the cube's."""
    BEST = "best"
    """Bilinear, or a mean into much coarser cells; classes and flags by the nearest cell."""
    NEAREST = "nearest"
    AVERAGE = "average"
    """A mean, weighted by area, over valid cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneBand:
    """One band of a scene, lazy."""

    band: Band
    """As the product defines it, native group included."""
    grid: Grid
    """The source's grid; `window` of a read counts from its fixed origin."""
    read: ReadBand
    places: tuple[tuple[int, int], ...] = ()
    """Index ranges `[start, stop)` that it fills on the further axes of the cube."""
    resampling: Resampling = Resampling.BEST
    saturated: Callable[[], int] | None = None
    """How many valid cells read so far exceeded the stored type; None where none can."""
    follows: bool = False
    """Whether it shares what is decoded with a band before it, which had better be written then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A product ready to be aligned and written; nothing but metadata is read yet."""

    record: SceneRecord
    collection: Collection
    cube: Cube
    """The cube that the product and its CRS name, or the one asked for."""
    bands: tuple[SceneBand, ...]
    warnings: tuple[str, ...] = ()
    """What is missing or unusual, in words for the operator."""
    levels_in_place: int | None = None
    """Levels, 0 included, that its files have, where its cells stay in them; None: they are
    written to the store. How they are read is said by the record's properties.
    """
    together: bool = False
    """Whether it may become visible in one commit with small scenes of the same cube."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableScene:
    """One scene of a location that holds several, which cannot be opened; the others can."""

    name: str
    error: CubeError


@dataclass(frozen=True, slots=True, kw_only=True)
class CubeChoice:
    """What the operator asked for: a cube by name, a resolution other than the product's."""

    name: str | None = None
    resolution: float | None = None


class SceneReader(Protocol):
    """A mission's way from a place to scenes. One folder a mission implements it."""

    def recognises(self, location: str) -> bool:
        """Tell from the name and the first bytes whether `location` is this mission's."""
        ...

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene | UnreadableScene]:
        """Open the scenes at `location`: metadata and headers of files only.

        Raises
        ------
        SourceError
        """
        ...
