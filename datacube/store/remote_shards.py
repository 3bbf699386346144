"""Reads parts of a shard in an object store: its index, and chunks near each other at once.

A cold shard costs one request for its index and, as a rule, one for all its chunks; an index
that is kept costs none.
"""

from datacube.cells import Values
from datacube.cube import ShardNumber
from datacube.grid import Window
from datacube.store.kept_chunks import KeptChunks, ShardIndex
from datacube.store.location import Location
from datacube.store.shards import (
    ABSENT,
    INDEX_END_BYTES,
    chunks_of,
    decoded_chunk,
    decoded_index,
    within,
)


def read_remote_shard(  # noqa: PLR0913, PLR0917  # as `read_shard`
    location: Location,
    key: str,
    shard: ShardNumber,
    part: Window,
    out: Values,
    nodata: float,
    kept: KeptChunks,
) -> None:
    """Fill `out` with the cells `part` (array indices) of the shard at `key`.

    What is `kept` is not asked for again; what is read is kept there.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    ValueError
        If its bytes are not those that were written.
    """
    part = within(shard, part)
    found: dict[tuple[int, int], Values] = {}
    ranges: dict[tuple[int, int], tuple[int, int]] = {}
    index: ShardIndex | None = None
    chunks = list(chunks_of(part))
    for at, _ in chunks:
        held = kept.chunk((key, *at))
        if held is not None:
            found[at] = held
            continue
        index = _index(location, key, kept) if index is None else index
        offset, length = index[at].tolist()
        if offset != ABSENT:
            ranges[at] = offset, length
    if ranges:
        parts = location.read_ranges(key, list(ranges.values()))
        for (at, (offset, _)), encoded in zip(ranges.items(), parts, strict=True):
            found[at] = decoded_chunk(encoded, offset, out.dtype)
            kept.keep_chunk((key, *at), found[at])
    for at, chunk in chunks:
        common = chunk.intersect(part)
        if common is not None:
            cells = found.get(at)
            inside = nodata if cells is None else cells[common.slices(chunk)]
            out[common.slices(part)] = inside


def _index(location: Location, key: str, kept: KeptChunks) -> ShardIndex:
    index = kept.index(key)
    if index is None:
        index = decoded_index(location.read_end(key, INDEX_END_BYTES))
        kept.keep_index(key, index)
    return index
