"""Stored cells that the steps of a reduction read in strips, kept by whole chunks meanwhile."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from datacube.cells import Cells
from datacube.grid import Window
from datacube.plan.nodes import Scan
from datacube.plan.strides import Strides, chunk_parts

type Read = Callable[[Scan, Window], Cells]


@dataclass(slots=True)
class _Piece:
    guard: threading.Lock = field(default_factory=threading.Lock)
    cells: Cells | None = None
    size: int = 0


@dataclass(slots=True)
class Strips:
    """Chunks of the scans that a reduction strides through. Safe to use from threads."""

    strides: Strides
    read: Read
    scans: frozenset[str] = field(init=False)
    """Keys of the scans that this is for."""
    pieces: OrderedDict[tuple[str, Window], _Piece] = field(default_factory=OrderedDict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.scans = self.strides.scans

    def cells(self, scan: Scan, window: Window) -> Cells:
        """Return a scan's cells in a window, of which each chunk is read once while it is kept."""
        rows, cols = (self._parts(scan, window, at) for at in (-2, -1))
        outer = window.ranges[:-2]
        lines = []
        for asked, kept in rows:
            line = [
                self._part(scan, Window((*outer, kept, all_of)), Window((*outer, asked, some)))
                for some, all_of in cols
            ]
            lines.append(_joined(line, axis=-1))
        return _joined(lines, axis=-2)

    def _parts(
        self, scan: Scan, window: Window, axis: int
    ) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
        """Part an axis of a window; with each part what is kept for it."""
        bounds = window.ranges[axis]
        if (scan.key, axis) not in self.strides.moving:
            return ((bounds, bounds),)
        return tuple(zip(*chunk_parts(scan, axis, bounds), strict=True))

    def _part(self, scan: Scan, kept: Window, asked: Window) -> Cells:
        return self._kept(scan, kept).part(asked.slices(kept))

    def _kept(self, scan: Scan, window: Window) -> Cells:
        key = scan.key, window
        with self.guard:
            piece = self.pieces.setdefault(key, _Piece())
            self.pieces.move_to_end(key)
        # Threads that need the same chunks wait for the one that reads them.
        with piece.guard:
            if piece.cells is None:
                piece.cells = self.read(scan, window)
                piece.size = sum(a.nbytes for a in (*piece.cells.values, *piece.cells.valid))
                self._forget(piece)
            return piece.cells

    def _forget(self, newest: _Piece) -> None:
        with self.guard:
            size = sum(piece.size for piece in self.pieces.values())
            while size > self.strides.kept_bytes:
                key, oldest = next(iter(self.pieces.items()))
                if oldest is newest:
                    return
                size -= oldest.size
                del self.pieces[key]


def _joined(parts: list[Cells], axis: int) -> Cells:
    if len(parts) == 1:
        return parts[0]
    values = zip(*(part.values for part in parts), strict=True)
    valid = zip(*(part.valid for part in parts), strict=True)
    return Cells(
        parts[0].names,
        tuple(np.concatenate(arrays, axis) for arrays in values),
        tuple(np.concatenate(arrays, axis) for arrays in valid),
    )
