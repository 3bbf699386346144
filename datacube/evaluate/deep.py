"""Cells of many times at once, from deep blocks and, where none has a slot, from the slot."""

from dataclasses import dataclass, replace

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.cube import Band
from datacube.deep import DeepBlock
from datacube.evaluate.scan import is_valid, merged
from datacube.grid import Window
from datacube.plan.deep import Ranked, column_parts, ranked
from datacube.plan.nodes import Scan
from datacube.plan.places import slot_cells, stacks_in, stored_window
from datacube.protocols import BandRead, ReadCells, ReadDeep
from datacube.slots import Slot


@dataclass(frozen=True, slots=True)
class FromBlocks:
    """Reads slots from deep blocks where one has them: implements `protocols.ReadCells`."""

    below: ReadDeep
    held: Ranked

    def read(self, slot: Slot, request: BandRead) -> Values:
        """Return stored numbers, as `below` does for the slot itself."""
        if request.level:
            return self.below.read(slot, request)
        parts = column_parts(request.group, request.window)
        at = slot.cube, request.group.name
        if not any((*at, column, slot.number) in self.held for column in parts):
            return self.below.read(slot, request)
        values: Values = np.empty(request.window.shape, dtype=request.dtype)
        for column, window in parts.items():
            part = replace(request, window=window)
            held = self.held.get((*at, column, slot.number))
            found = None if held is None else self.below.read_deep(held[0], part, (held[1],))
            cells = window.slices(request.window)
            values[cells] = self.below.read(slot, part) if found is None else found[0]
        return values


def over_blocks(read: ReadCells, blocks: tuple[DeepBlock, ...]) -> ReadCells:
    """Return what reads slots from blocks where one has them, where `read` knows blocks."""
    return FromBlocks(read, ranked(blocks)) if blocks and isinstance(read, ReadDeep) else read


def read_times(scan: Scan, window: Window, read: ReadDeep) -> Cells:
    """Return the bands of a scan with a time axis in `window`, as reading time by time does.

    Times with one slot are taken from a block together; where several slots meet, masks
    decide between their cells.
    """
    stored = stored_window(scan, window)
    reader = FromBlocks(read, ranked(scan.deep))
    single: dict[int, tuple[Slot, Window]] = {}
    several: list[int] = []
    stacks = stacks_in(scan, window)
    for at, stack in enumerate(stacks):
        found = [
            (slot, cover)
            for slot in stack.slots
            if (cover := slot_cells(scan, slot, stored)) is not None
        ]
        if len(found) == 1:
            single[at] = found[0]
        elif found:
            several.append(at)
    values = [np.full(window.shape, band.nodata, dtype=band.numpy_dtype) for band in scan.bands]
    valid: list[Valid] = []
    for band, into in zip(scan.bands, values, strict=True):
        _fill(scan, band, stored, single, reader, into)
        if band.gapless:
            covered = np.zeros(window.shape, dtype=np.bool_)
            for at, (slot, cover) in single.items():
                if slot.has_band(scan.group.name, band.name):
                    covered[at][cover.slices(stored)] = True
            valid.append(covered)
        else:
            valid.append(is_valid(into, band.nodata))
    for at in several:
        cells = merged(scan, stacks[at], stored, reader)
        for band_at, into in enumerate(values):
            into[at] = cells.values[band_at]
            valid[band_at][at] = cells.valid[band_at]
    return Cells(tuple(band.name for band in scan.bands), tuple(values), tuple(valid))


def _fill(
    scan: Scan,
    band: Band,
    stored: Window,
    single: dict[int, tuple[Slot, Window]],
    reader: FromBlocks,
    into: Values,
) -> None:
    """Fill in the times that one slot gives, column by column and block by block."""
    having = {
        at: found for at, found in single.items() if found[0].has_band(scan.group.name, band.name)
    }
    for column, part in column_parts(scan.group, stored).items():
        request = BandRead(
            group=scan.group,
            level=0,
            band=band.name,
            dtype=band.dtype,
            nodata=band.nodata,
            window=part,
        )
        target = into[(slice(None), *part.slices(stored))]
        left = set(having)
        for block in scan.deep:
            if block.column != column:
                continue
            times = [at for at in left if having[at][0].number in block.ranks]
            ranks = [block.ranks[having[at][0].number] for at in times]
            found = reader.below.read_deep(block, request, ranks) if times else None
            if found is not None:
                target[times] = found
                left.difference_update(times)
        for at in left:
            slot, cover = having[at]
            own = cover.intersect(part)
            if own is not None:
                cells = reader.below.read(slot, replace(request, window=own))
                target[at][own.slices(part)] = cells
