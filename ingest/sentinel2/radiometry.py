"""From digital numbers to the stored numbers of DESIGN's section "Values"."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from ingest.sentinel2.bands import REFLECTANCE_MAX, REFLECTANCE_NODATA, REFLECTANCE_SCALE

BLOCK_ROWS = 16
"""Rows converted at once, so that the work stays in the processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radiometry:
    """What the metadata says about a band: `reflectance = (DN + offset) / quantification`."""

    quantification: float = REFLECTANCE_SCALE
    offset: float = 0.0
    """In digital numbers; `RADIO_ADD_OFFSET`, `BOA_ADD_OFFSET`, normally -1000 or none."""
    source: str
    """Where the metadata says so."""

    def stored(self, dn: NDArray[Any], valid: Valid) -> tuple[NDArray[np.int16], int]:
        """Convert to int16 reflectance x 10000 and count the valid cells that exceed 32767.

        Arrays have one shape. Cells that are not valid become -32768.

        >>> r = Radiometry(offset=-1000, source="BOA_ADD_OFFSET")
        >>> dn = np.array([1, 1000, 11000, 65535], np.uint16)
        >>> values, saturated = r.stored(dn, np.ones(4, bool))
        >>> values.tolist(), saturated
        ([-999, 0, 10000, 32767], 1)
        """
        values = np.empty(dn.shape, np.int16)
        saturated = 0
        for start in range(0, len(dn), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            values[rows], exceeding = self._converted(dn[rows], valid[rows])
            saturated += exceeding
        return values, saturated

    def _converted(self, dn: NDArray[Any], valid: Valid) -> tuple[NDArray[np.int32], int]:
        if self.quantification == REFLECTANCE_SCALE and self.offset == int(self.offset):
            numbers = dn.astype(np.int32)
            numbers += int(self.offset)
        else:
            exact = (dn.astype(np.float64) + self.offset) * (
                REFLECTANCE_SCALE / self.quantification
            )
            numbers = np.rint(exact).astype(np.int32)
        saturated = int(np.count_nonzero((numbers > REFLECTANCE_MAX) & valid))
        # The least legal number is one above nodata.
        np.clip(numbers, REFLECTANCE_NODATA + 1, REFLECTANCE_MAX, out=numbers)
        np.copyto(numbers, REFLECTANCE_NODATA, where=~valid)
        return numbers, saturated


def from_scale_and_offset(scale: float, offset: float, source: str) -> Radiometry:
    """Take STAC's `reflectance = DN * scale + offset`.

    >>> from_scale_and_offset(0.0001, -0.1, "raster:bands").offset
    -1000.0
    """
    return Radiometry(
        quantification=round(1 / scale, 6), offset=round(offset / scale, 6), source=source
    )
