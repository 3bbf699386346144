"""Plain bilinear interpolation, at places that do not depend on where a block begins."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Self

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from datacube.cells import Valid, Values
from datacube.grid import Window
from datacube.plan.geometry import Positions, SinglePositions

_POSITION_STEPS = 32_768
"""Places are rounded to 1/32768 cell, which float32 holds exactly below 512: a cell has the same
bits in whatever block it is made."""
_PIECE_PX = 500
"""Longest side of the source cells that one call of OpenCV sees."""
_REMAP_SIDE_PX = 32_000
"""Longest side of what one call makes: cv2.remap takes less than 32767 cells."""


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """A part of the target, and the source cells around its places."""

    target: tuple[slice, slice]
    source: tuple[slice, slice]
    rows: NDArray[np.float32]
    """Counted from the centre of the first source cell of the piece."""
    cols: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where target cells lie on a window of the source."""

    shape: tuple[int, int]
    pieces: tuple[_Piece, ...]
    """For what is interpolated in single precision."""
    double: tuple[Positions, Positions] | None
    """Rows and columns, from the centre of the window's first cell; None where nobody asks."""

    @classmethod
    def of(
        cls, positions: tuple[Positions, Positions], plane: Window, dtypes: Sequence[DTypeLike]
    ) -> Self:
        """Return the places of positions on the axes of the source, for cells of some types.

        Where there is none (NaN), or it lies beyond `plane`, any cell of it may be taken.
        """
        shape = positions[0].shape
        rows, cols = (
            _stepped(one, span) for one, span in zip(positions, plane.ranges, strict=True)
        )
        single = [is_single(dtype) for dtype in dtypes]
        return cls(
            shape=(shape[0], shape[1]),
            pieces=tuple(_pieces(rows, cols, (0, 0), plane.shape)) if any(single) else (),
            double=None if all(single) else (rows, cols),
        )

    @classmethod
    def near(cls, rows: SinglePositions, cols: SinglePositions) -> Self:
        """Return places of a tile, from the centre of the first cell, as they are."""
        height, width = rows.shape
        everything = slice(None), slice(None)
        return cls((height, width), (_Piece(everything, everything, rows, cols),), None)

    def blend(self, values: Values, valid: Valid, weights: "Weights | None" = None) -> Values:
        """Interpolate between the centres of valid cells; weights of others count nothing.

        `weights` keep those of the last plane, for bands that are valid at the same cells.
        """
        working: NDArray[np.floating] = values.astype(
            np.float32 if is_single(values.dtype) else np.float64
        )
        if valid.all():
            # Beyond the last centre the edge repeats: the same as weights of the cells there are.
            made = self._interpolated(working)
        else:
            working[~valid] = 0
            total = self._interpolated(working)
            weights = Weights() if weights is None else weights
            weight = weights.of(valid, working.dtype, self._interpolated)
            made = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        if values.dtype.kind in "iu":
            np.rint(made, out=made)
        return np.asarray(made).astype(values.dtype)

    def _interpolated(self, plane: NDArray[np.floating]) -> NDArray[np.floating]:
        """Interpolate a plane at the places; beyond its edge the edge repeats."""
        if plane.dtype == np.float64 and self.double is not None:
            return _in_double(plane, *self.double)
        if len(self.pieces) == 1:
            (piece,) = self.pieces
            return _remapped(plane[piece.source], piece)
        made = np.empty(self.shape, dtype=np.float32)
        for piece in self.pieces:
            made[piece.target] = _remapped(plane[piece.source], piece)
        return made


class Weights:
    """Shares of valid cells at the places, kept while planes are valid at the same cells."""

    def __init__(self) -> None:
        self._held: tuple[Valid, NDArray[np.floating]] | None = None

    def of(
        self,
        valid: Valid,
        dtype: "np.dtype[np.floating]",
        make: Callable[[NDArray[np.floating]], NDArray[np.floating]],
    ) -> NDArray[np.floating]:
        """Return the shares of a validity at the places in a type."""
        held = self._held
        if held is not None and held[1].dtype == dtype and np.array_equal(held[0], valid):
            return held[1]
        weight = make(valid.astype(dtype))
        self._held = valid, weight
        return weight


def _remapped(plane: NDArray[np.floating], piece: _Piece) -> NDArray[np.floating]:
    made = cv2.remap(
        plane, piece.cols, piece.rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(made)


def is_single(dtype: DTypeLike) -> bool:
    """Tell whether float32 holds every value of a type."""
    kind = np.dtype(dtype)
    return kind == np.float32 or (kind.kind in "iu" and kind.itemsize <= 2)


def _stepped(positions: Positions, span: tuple[int, int]) -> Positions:
    """Return positions in steps, from the centre of the first cell of a span, and near it."""
    at = positions - (span[0] + 0.5)
    at *= _POSITION_STEPS
    np.rint(at, out=at)
    at *= 1 / _POSITION_STEPS
    low, high = at.min(), at.max()
    if low >= -1 and high <= span[1] - span[0]:
        return at
    np.nan_to_num(at, copy=False)
    return np.clip(at, -1, span[1] - span[0], out=at)


def _pieces(
    rows: Positions, cols: Positions, corner: tuple[int, int], shape: tuple[int, ...]
) -> Iterator[_Piece]:
    """Cut a target, whose first cell is `corner`, until each part sees few source cells."""
    spans = tuple(_span(at, size) for at, size in zip((rows, cols), shape, strict=True))
    small = all(stop - start <= _PIECE_PX for start, stop in spans)
    height, width = rows.shape
    if small and max(height, width) <= _REMAP_SIDE_PX:
        yield _Piece(
            (slice(corner[0], corner[0] + height), slice(corner[1], corner[1] + width)),
            (slice(*spans[0]), slice(*spans[1])),
            _from(spans[0][0], rows),
            _from(spans[1][0], cols),
        )
    elif height >= width:
        half = height // 2
        yield from _pieces(rows[:half], cols[:half], corner, shape)
        yield from _pieces(rows[half:], cols[half:], (corner[0] + half, corner[1]), shape)
    else:
        half = width // 2
        yield from _pieces(rows[:, :half], cols[:, :half], corner, shape)
        yield from _pieces(rows[:, half:], cols[:, half:], (corner[0], corner[1] + half), shape)


def _from(first: int, at: Positions) -> NDArray[np.float32]:
    return (at - first if first else at).astype(np.float32)


def _span(at: Positions, size: int) -> tuple[int, int]:
    """Return which cells of an axis lie on either side of places."""
    if size <= _PIECE_PX:
        return 0, size
    first = min(max(floor(at.min()), 0), size - 1)
    return first, max(first + 1, min(floor(at.max()) + 2, size))


def _in_double(plane: NDArray[np.floating], rows: Positions, cols: Positions) -> Positions:
    # cv2 rounds positions to 1/32 cell where numbers are double.
    last_row, last_col = plane.shape[0] - 1, plane.shape[1] - 1
    top, left = np.floor(rows).astype(np.int64), np.floor(cols).astype(np.int64)
    down, right = rows - top, cols - left
    r0, r1 = top.clip(0, last_row), (top + 1).clip(0, last_row)
    c0, c1 = left.clip(0, last_col), (left + 1).clip(0, last_col)
    upper = plane[r0, c0] * (1 - right) + plane[r0, c1] * right
    lower = plane[r1, c0] * (1 - right) + plane[r1, c1] * right
    made: Positions = upper * (1 - down) + lower * down
    return made
