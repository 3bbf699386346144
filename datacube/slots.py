"""Scenes as the catalogue knows them, and the slots that hold their cells."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from datacube.cube import VALID_BAND, ResolutionGroup, ShardNumber
from datacube.grid import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRecord:
    """A scene as the catalogue knows it."""

    scene_id: str
    """Identity across reprocessing: platform, datatake, tile, level. Equal for two baselines."""
    product_id: str
    """The product's own full name; contributing scenes are named by it."""
    reference_time: datetime
    """The time coefficient of its acquisition."""
    first_time: datetime
    """First line, inclusive."""
    last_time: datetime
    """Last line, inclusive."""
    baseline: str
    """Processing baseline, `05.09`; empty where unknown. Compared as text."""
    generation_time: datetime
    """Processing time."""
    footprint: str
    """WKT in longitude-latitude (CRS:84)."""
    cloud_cover_percent: float | None = None
    properties: str = "{}"
    """JSON with further metadata: orbit, datatake, angles, nodata rule, warnings."""

    @property
    def precedence(self) -> tuple[str, datetime, str]:
        """Sort key where scenes of one time overlap; the greatest goes first."""
        return self.baseline, self.generation_time, self.product_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BandShards:
    """Which shards of one band at one level were written for a slot."""

    group: str
    level: int
    band: str
    bits: bytes
    """One bit a shard of the slot's shard window at this level, big-endian.

    In the order of `(*axes, row, column)`, the column running fastest.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotWindow:
    """The cells of one resolution group that a slot's scene covers."""

    group: str
    window: Window
    """Grid indices at level 0, `(*axes, y, x)`."""
    levels: int
    """Number of levels written, 0 included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBlocks:
    """What is decoded in one go of a band whose cells lie in a registered file."""

    rows: int
    cols: int
    nbytes: int
    """Decoded, with all that lies in the block beside the band's own plane."""
    exact: bool
    """Whether blocks begin where the slot's window does."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The place of one scene on a cube's slot axis: written once, never changed."""

    cube: str
    number: int
    scene: SceneRecord
    windows: tuple[SlotWindow, ...]
    shards: tuple[BandShards, ...] = field(repr=False)
    """Every shard that exists; a reader asks for no other."""

    @cached_property
    def _shards_by_key(self) -> dict[tuple[str, int, str], bytes]:
        return {(s.group, s.level, s.band): s.bits for s in self.shards}

    @cached_property
    def _windows_by_group(self) -> dict[str, SlotWindow]:
        return {w.group: w for w in self.windows}

    @cached_property
    def bands(self) -> frozenset[str]:
        """Names of the bands that the scene has."""
        return frozenset(s.band for s in self.shards) - {VALID_BAND}

    @cached_property
    def file_blocks(self) -> Mapping[str, FileBlocks] | None:
        """Blocks by band where the cells lie in a registered file, else None."""
        if '"registered"' not in self.scene.properties:
            return None
        found = json.loads(self.scene.properties)["registered"]["blocks"]
        return {
            name: FileBlocks(
                rows=block["rows"],
                cols=block["cols"],
                nbytes=block["bytes"],
                exact=block["exact"],
            )
            for name, block in found.items()
        }

    def window(self, group: str) -> SlotWindow | None:
        """Return the cells of `group` that the scene covers, or None."""
        return self._windows_by_group.get(group)

    def has_band(self, group: str, band: str) -> bool:
        """Tell whether the scene has `band` natively in `group`."""
        return (group, 0, band) in self._shards_by_key

    def has_shard(self, group: ResolutionGroup, level: int, band: str, shard: ShardNumber) -> bool:
        """Tell whether the shard numbered `(*places, row, column)` was recorded."""
        covered, bits = self.window(group.name), self._shards_by_key.get((group.name, level, band))
        if covered is None or bits is None:
            return False
        at = 0
        window = group.shard_window(covered.window.coarser(level), level)
        for number, (start, stop) in zip(shard, window.ranges, strict=True):
            if not start <= number < stop:
                return False
            at = at * (stop - start) + number - start
        return bool(bits[at // 8] >> (7 - at % 8) & 1)

    def recorded(self, group: ResolutionGroup, level: int, band: str) -> NDArray[np.bool_] | None:
        """Return which shards of the slot's shard window were recorded, `(*places, row, column)`.

        None where the scene has no such band at the level.
        """
        covered, bits = self.window(group.name), self._shards_by_key.get((group.name, level, band))
        if covered is None or bits is None:
            return None
        shape = group.shard_window(covered.window.coarser(level), level).shape
        flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=prod(shape))
        return flags.reshape(shape).astype(np.bool_)

    def recorded_shards(
        self, group: ResolutionGroup, level: int, band: str
    ) -> tuple[ShardNumber, ...]:
        """Return the numbers `(*places, row, column)` of a band's recorded shards at a level."""
        covered = self.window(group.name)
        if covered is None:
            return ()
        window = group.shard_window(covered.window.coarser(level), level)
        return tuple(
            shard
            for shard in product(*(range(*span) for span in window.ranges))
            if self.has_shard(group, level, band, shard)
        )
