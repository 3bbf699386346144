"""Deep blocks: copies of the cells of many slots, stored so that a series takes few reads.

A block lies over one shard of a resolution group, its column. It holds the cells of some
slots there, one rank each, in chunks `(rank, y, x)` that are small on the plane. It is
derived: every cell is that of the slot, so that a block may go at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from datacube.cube import ShardNumber

RANKS = 128
"""Slots of a full block."""
LEAST_RANKS = 8
"""Slots of which a block is made at least."""
_MERGED = 3
"""A block is merged with others of at least a third of its slots together."""
DEEP_CHUNK_PX = 32
"""Side of the chunks of a block."""
DEEP_KEPT_BYTES = 64 * 2**20
"""Decoded chunks of blocks that a process keeps for the next reads."""


@dataclass(frozen=True, kw_only=True)
class DeepBlock:
    """The cells of some slots over one shard of a group, at level 0. Never changed."""

    cube: str
    group: str
    column: ShardNumber
    """`(*places, row, column)` of the shard."""
    name: str
    """Of its folder; never given twice."""
    slots: tuple[int, ...]
    """Slot numbers in the order of ranks."""
    sizes: tuple[tuple[str, int], ...] = field(repr=False)
    """Bytes of the file of each band, `VALID_BAND` among them. A band that is not here is
    nodata in all of its slots.
    """

    @cached_property
    def ranks(self) -> Mapping[int, int]:
        """The rank of each slot, by its number."""
        return MappingProxyType({number: rank for rank, number in enumerate(self.slots)})

    @cached_property
    def file_bytes(self) -> Mapping[str, int]:
        """Bytes of each file, by band."""
        return MappingProxyType(dict(self.sizes))

    def __reduce__(self) -> tuple[object, ...]:
        made = self.cube, self.group, self.column, self.name, self.slots, self.sizes
        return _made, made


def _made(
    cube: str,
    group: str,
    column: ShardNumber,
    name: str,
    slots: tuple[int, ...],
    sizes: tuple[tuple[str, int], ...],
) -> DeepBlock:
    return DeepBlock(cube=cube, group=group, column=column, name=name, slots=slots, sizes=sizes)


def absorbed(pending: int, depths: Sequence[int]) -> tuple[int, ...] | None:
    """Return which blocks of a column go into the next one; None where none is to be made.

    `pending` slots stand in no block, `depths` are the slots of each block. Small blocks are
    merged as they would be in a merge sort: a slot is copied a few times, and a column has
    few blocks that are not full.

    >>> absorbed(7, ()), absorbed(8, (128, 20)), absorbed(8, (64,)), absorbed(200, (20,))
    (None, (1,), (), ())
    """
    if pending < LEAST_RANKS:
        return None
    taken: list[int] = []
    if pending < RANKS:
        gathered = pending
        for at in sorted(range(len(depths)), key=lambda at: depths[at]):
            if depths[at] < RANKS and depths[at] <= _MERGED * gathered:
                taken.append(at)
                gathered += depths[at]
    return tuple(taken)
