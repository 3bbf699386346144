"""Nodes whose cells are stored or held."""

from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from datacube.cells import Cells
from datacube.cube import Band, ResolutionGroup
from datacube.deep import DeepBlock
from datacube.plan.nodes.base import Domain, Field, Node
from datacube.slots import Slot
from datacube.times import Acquisition


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source(Node):
    """A coverage of which it is not yet known which slots are read.

    Binding makes it, rules cut it down to what is needed, and `plan.resolve` then asks
    the catalogue for its slots and puts scans in its place. It is never evaluated.
    """

    coverage_id: str
    bands: tuple[Band, ...]
    domain: Domain
    """Time first, where it is not sliced."""
    at: Acquisition | None = None
    """The acquisition, where time was sliced."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The stored bands, in their stored types."""
        return tuple(map(band_field, self.bands))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Slots of which, place by place, the first valid one counts."""

    time: datetime | None
    """The time coefficient; None for a mosaic over times."""
    slots: tuple[Slot, ...]
    """In order of precedence, first goes first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan(Node):
    """Stored bands of one cube and one resolution group, at one pyramid level.

    With a time axis first in `domain.outer`, `stacks` has one entry a coefficient;
    without, there is exactly one stack. Per place the first slot of a stack whose scene
    mask is true gives all bands that its scene has; a band that it lacks comes from the
    next slot that has it.
    """

    cube: str
    group: ResolutionGroup
    level: int
    bands: tuple[Band, ...]
    stacks: tuple[Stack, ...]
    domain: Domain
    deep: tuple[DeepBlock, ...] = field(default=(), compare=False, repr=False)
    """Blocks from which some of the slots are read. The cells are the same, so the key is."""

    def reading(self, deep: tuple[DeepBlock, ...]) -> Self:
        """Return the scan that reads from blocks; its key is not made again."""
        made = copy(self)
        object.__setattr__(made, "deep", deep)
        return made

    @property
    def fields(self) -> tuple[Field, ...]:
        """The stored bands, in their stored types."""
        return tuple(map(band_field, self.bands))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldCells:
    """Cells in memory with a digest of their bytes."""

    key: str
    cells: Cells


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held(Node):
    """Cells in memory: a list of values, an uploaded file, coordinates."""

    held: HeldCells
    """Of the whole domain."""
    domain: Domain
    fields: tuple[Field, ...]


def band_field(band: Band) -> Field:
    """Return the field of an unchanged stored band."""
    return Field(
        name=band.name,
        dtype=band.dtype,
        nodata=band.nodata,
        band=band,
        nulls=() if band.gapless else (band.nodata,),
    )
