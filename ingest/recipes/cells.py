"""How the cells of one band come out of a variable of a file."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid, Values
from datacube.errors import SourceError
from datacube.grid import Window
from ingest.recipes.sources.source import SourceFile

FIXED = -1
"""`Along.axis` of a dimension of which one place is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """What one dimension of a variable is."""

    axis: int
    """Place in `(*axes, y, x)` of the scene, or `FIXED`."""
    size: int
    at: int = 0
    """Where it is fixed: the place taken."""
    flipped: bool = False
    """The scene's cells run against the file's."""
    rolled: int = 0
    """The scene's first cell is the file's cell of this number; those before it come last."""
    order: tuple[int, ...] | None = None
    """The file's places in the order of the scene's, where they differ."""

    def segments(self, start: int, stop: int) -> Iterator[tuple[slice, slice]]:
        """Yield `(in the answer, in the file)` for the scene's cells `[start, stop)`."""
        if self.axis == FIXED:
            yield slice(0, 1), slice(self.at, self.at + 1)
        elif self.order is not None:
            for place in range(start, stop):
                at = self.order[place]
                yield slice(place - start, place - start + 1), slice(at, at + 1)
        elif self.rolled:
            border = self.size - self.rolled
            for low, high, shift in ((0, border, self.rolled), (border, self.size, -border)):
                a, b = max(start, low), min(stop, high)
                if a < b:
                    yield slice(a - start, b - start), slice(a + shift, b + shift)
        elif self.flipped:
            yield slice(0, stop - start), slice(self.size - stop, self.size - start)
        else:
            yield slice(0, stop - start), slice(start, stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandCells:
    """Where a band's cells lie in a file, and what their numbers mean; plain data."""

    variable: str
    dims: tuple[Along, ...]
    starts: tuple[int, ...]
    """Index in the cube of the first place that the file fills, on each further axis."""
    dtype: str
    """Stored type."""
    fill: float
    """Stored number that means no data."""
    nodata: tuple[float, ...]
    """Numbers of the file that mean no data."""
    gapless: bool
    scale: float | None = None
    """Applied to the numbers, with `offset`; None: they are stored as they are."""
    offset: float = 0.0
    masked: bool = False

    def read(self, source: SourceFile, window: Window) -> tuple[Values, Valid]:
        """Return stored numbers and validity in `window`.

        `(*axes, y, x)`: the cube's indices on further axes, the file's own cells, as the
        scene has them, on the plane. Shape of the window.

        Raises
        ------
        SourceError
            If the file cannot be read, or a value does not fit the stored type.
        """
        ranges = self._own(window)
        raw = self._raw(source, ranges, mask=False)
        valid = np.ones(raw.shape, np.bool_)
        if raw.dtype.kind == "f":
            valid &= ~np.isnan(raw)
        for number in self.nodata:
            # Against the type of the file: 0.1 as float32 is not 0.1.
            valid &= raw != np.asarray(number).astype(raw.dtype)
        if self.masked:
            valid &= self._raw(source, ranges, mask=True)
        return self._stored(source, raw, valid), valid

    def to_json(self) -> dict[str, Any]:
        """Return plain values, from which `band_cells` makes the same."""
        plain = asdict(self)
        plain["fill"] = None if np.isnan(self.fill) else self.fill
        return plain

    def _own(self, window: Window) -> list[tuple[int, int]]:
        outer = [
            (a - first, b - first)
            for (a, b), first in zip(window.ranges[:-2], self.starts, strict=True)
        ]
        return [*outer, *window.plane.ranges]

    def _raw(
        self, source: SourceFile, ranges: list[tuple[int, int]], *, mask: bool
    ) -> NDArray[Any]:
        """Read the pieces that the scene's cells lie in; return `(*axes, y, x)`."""
        spans = [ranges[d.axis] if d.axis != FIXED else (0, 1) for d in self.dims]
        pieces = [list(d.segments(*span)) for d, span in zip(self.dims, spans, strict=True)]
        flips = tuple(slice(None, None, -1) if dim.flipped else slice(None) for dim in self.dims)
        made: NDArray[Any] | None = None
        for combination in product(*pieces):
            index = tuple(inside for _, inside in combination)
            read = source.mask if mask else source.read
            part = read(self.variable, index)[flips]
            if made is None:
                made = np.empty([b - a for a, b in spans], part.dtype)
            made[tuple(outside for outside, _ in combination)] = part
        if made is None:
            raise SourceError(f"{source.name}: {self.variable} has no cells there")
        kept = [n for n, dim in enumerate(self.dims) if dim.axis != FIXED]
        order = sorted(kept, key=lambda n: self.dims[n].axis)
        plain = made.transpose([*order, *(n for n in range(made.ndim) if n not in order)])
        return plain.reshape([b - a for a, b in ranges])

    def _stored(self, source: SourceFile, raw: Values, valid: Valid) -> Values:
        dtype = np.dtype(self.dtype)
        values: Values = raw
        if self.scale is not None:
            values = raw.astype(np.float64) * self.scale + self.offset
        self._check_fits(source, values, valid, dtype)
        with np.errstate(invalid="ignore", over="ignore"):
            stored = values.astype(dtype)
        if not self.gapless:
            np.copyto(stored, dtype.type(self.fill), where=~valid)
            self._check_free(source, stored, valid)
        return stored

    def _check_fits(
        self, source: SourceFile, values: Values, valid: Valid, dtype: np.dtype[Any]
    ) -> None:
        if np.can_cast(values.dtype, dtype, "safe") or dtype.kind == "f" or not valid.any():
            return
        data, limits = values[valid], np.iinfo(dtype)
        low, high = data.min(), data.max()
        if low < limits.min or high > limits.max:
            raise SourceError(
                f"{source.name}: {self.variable} reaches from {low:g} to {high:g}; {dtype} holds "
                f"{limits.min} to {limits.max}"
            )
        if values.dtype.kind == "f" and (data != np.rint(data)).any():
            raise SourceError(f"{source.name}: {self.variable} has fractions; {dtype} holds none")

    def _check_free(self, source: SourceFile, stored: Values, valid: Valid) -> None:
        """Refuse data that is stored as the number for no data: it would be lost."""
        if np.isnan(self.fill) or set(self.nodata) == {self.fill}:
            return
        lost = int((valid & (stored == np.dtype(self.dtype).type(self.fill))).sum())
        if lost:
            raise SourceError(
                f"{source.name}: {lost} cells of {self.variable} hold {self.fill:g}, which the "
                "coverage stores for no data; list it in the band's nodata, or choose another"
            )


def band_cells(plain: dict[str, Any]) -> BandCells:
    """Return what `BandCells.to_json` wrote."""
    dims = tuple(
        Along(**{**dim, "order": None if dim["order"] is None else tuple(dim["order"])})
        for dim in plain["dims"]
    )
    return BandCells(
        **{
            **plain,
            "dims": dims,
            "starts": tuple(plain["starts"]),
            "nodata": tuple(plain["nodata"]),
            "fill": float("nan") if plain["fill"] is None else plain["fill"],
        }
    )
