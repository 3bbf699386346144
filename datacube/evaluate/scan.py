"""Stored cells: which slot gives which place."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Cells, Valid, Values
from datacube.cube import VALID_BAND, Band
from datacube.grid import Window
from datacube.plan.nodes import Scan, Stack
from datacube.plan.places import is_timed, slot_cells, stacks_in, stored_window
from datacube.protocols import BandRead, ReadCells
from datacube.slots import Slot

type Owner = NDArray[np.int16]
"""Number of the candidate that gives a place, -1 where none does."""


def read_scan(scan: Scan, window: Window, read: ReadCells) -> Cells:
    """Return the bands of `scan` in `window`, each in the window's shape and its stored type."""
    names = tuple(band.name for band in scan.bands)
    stored = stored_window(scan, window)
    made = [merged(scan, stack, stored, read) for stack in stacks_in(scan, window)]
    if not is_timed(scan):
        return made[0]
    return Cells(
        names,
        tuple(_stacked([m.values[i] for m in made]) for i in range(len(names))),
        tuple(_stacked([m.valid[i] for m in made]) for i in range(len(names))),
    )


def _stacked(made: list[Values]) -> Values:
    """Put times one after another; one alone is not copied."""
    return made[0][None] if len(made) == 1 else np.stack(made)


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """Who gives which places of a window."""

    owner: Owner
    boxes: tuple[tuple[int, Window], ...]
    """Each candidate that gives some, and the smallest window that holds them."""
    sole: int | None
    """The candidate that gives all places, if one does."""


@dataclass(slots=True)
class _Merge:
    """The candidates of one window, `(*axes, y, x)`, with the masks read so far."""

    scan: Scan
    window: Window
    read: ReadCells
    slots: list[Slot]
    covers: list[Window]
    masks: dict[tuple[int, Window], Valid] = field(default_factory=dict)
    shares: dict[tuple[int, ...], _Shares] = field(default_factory=dict)

    def candidates(self, band: Band) -> tuple[int, ...]:
        group = self.scan.group.name
        return tuple(i for i, slot in enumerate(self.slots) if slot.has_band(group, band.name))

    def share(self, numbers: tuple[int, ...]) -> _Shares:
        """Choose, place by place, the first candidate whose scene mask is true.

        The mask is read only where a later candidate could give the place too.
        """
        if numbers in self.shares:
            return self.shares[numbers]
        owner = np.full(self.window.shape, -1, dtype=np.int16)
        boxes = []
        for at, number in enumerate(numbers):
            cover = self.covers[number]
            part = owner[cover.slices(self.window)]
            free = part < 0
            if not free.any():
                continue
            contested = self._contested(cover, numbers[at + 1 :])
            if contested is not None:
                free[contested.slices(cover)] &= self._mask(number, contested)
            box = bounding(free, cover)
            if box is not None:
                part[free] = number
                boxes.append((number, box))
        sole = boxes[0][0] if len(boxes) == 1 and (owner >= 0).all() else None
        self.shares[numbers] = _Shares(owner, tuple(boxes), sole)
        return self.shares[numbers]

    def _contested(self, cover: Window, later: tuple[int, ...]) -> Window | None:
        meeting = [w for n in later if (w := cover.intersect(self.covers[n])) is not None]
        if not meeting:
            return None
        hull = meeting[0]
        for window in meeting[1:]:
            hull = hull.hull(window)
        return hull

    def _mask(self, number: int, window: Window) -> Valid:
        key = (number, window)
        if key not in self.masks:
            request = BandRead(
                group=self.scan.group,
                level=self.scan.level,
                band=VALID_BAND,
                dtype="uint8",
                nodata=0,
                window=window,
            )
            self.masks[key] = self.read.read(self.slots[number], request) != 0
        return self.masks[key]

    def band(self, band: Band) -> tuple[Values, Valid]:
        """Return one band, with its own validity within each scene."""
        numbers = self.candidates(band)
        if len(numbers) == 1:
            return self._whole(numbers[0], band)
        shares = self.share(numbers)
        if shares.sole is not None:
            return self._whole(shares.sole, band)
        values = np.full(self.window.shape, band.nodata, dtype=band.dtype)
        for number, box in shares.boxes:
            at = box.slices(self.window)
            found = self._read(number, band, box)
            np.copyto(values[at], found, where=shares.owner[at] == number)
        return values, shares.owner >= 0 if band.gapless else is_valid(values, band.nodata)

    def _whole(self, number: int, band: Band) -> tuple[Values, Valid]:
        cover = self.covers[number]
        if cover == self.window:
            values = self._read(number, band, cover)
        else:
            values = np.full(self.window.shape, band.nodata, dtype=band.dtype)
            values[cover.slices(self.window)] = self._read(number, band, cover)
        if band.gapless:
            covered = np.zeros(self.window.shape, dtype=bool)
            covered[cover.slices(self.window)] = True
            return values, covered
        return values, is_valid(values, band.nodata)

    def _read(self, number: int, band: Band, window: Window) -> Values:
        request = BandRead(
            group=self.scan.group,
            level=self.scan.level,
            band=band.name,
            dtype=band.dtype,
            nodata=band.nodata,
            window=window,
        )
        return self.read.read(self.slots[number], request)


def is_valid(values: Values, nodata: float) -> Valid:
    """Tell which stored numbers are data."""
    if values.dtype.kind == "f" and np.isnan(nodata):
        return ~np.isnan(values)
    valid: Valid = values != np.asarray(nodata).astype(values.dtype)
    return valid


def merged(scan: Scan, stack: Stack, window: Window, read: ReadCells) -> Cells:
    """Return the bands of one stack in a window of the group's indices, `(*axes, y, x)`."""
    slots, covers = [], []
    for slot in stack.slots:
        cover = slot_cells(scan, slot, window)
        if cover is not None:
            slots.append(slot)
            covers.append(cover)
    merge = _Merge(scan, window, read, slots, covers)
    bands = [merge.band(band) for band in scan.bands]
    return Cells(
        tuple(b.name for b in scan.bands), tuple(v for v, _ in bands), tuple(m for _, m in bands)
    )


def bounding(places: Valid, window: Window) -> Window | None:
    """Return the smallest window that holds every true place."""
    spans = []
    for axis, (start, _) in enumerate(window.ranges):
        others = tuple(n for n in range(places.ndim) if n != axis)
        found = np.flatnonzero(places.any(axis=others))
        if not found.size:
            return None
        spans.append((start + int(found[0]), start + int(found[-1]) + 1))
    return Window(tuple(spans))
