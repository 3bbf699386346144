"""The true colour image, whose three planes are decoded together."""

import threading
from typing import Any

from numpy.typing import NDArray

from datacube.grid import Window
from ingest.rasters import RasterFile


class Colours:
    """Reads planes of one file, each window of it once for all three.

    JPEG 2000 has the planes of a pixel in one stream: to read one takes as long as all. Safe
    to call from several threads. Holds what another plane was read with until it is asked for:
    a byte a cell and plane.
    """

    def __init__(self, file: RasterFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._waiting: dict[tuple[Window, int], NDArray[Any]] = {}

    def read(self, window: Window, plane: int) -> NDArray[Any]:
        """Return plane 0 (red), 1 or 2 in `window`, `(y, x)`.

        Raises
        ------
        SourceError
            If the file cannot be read or decoded.
        """
        with self._lock:
            found = self._waiting.pop((window, plane), None)
            if found is None:
                planes = [each.copy() for each in self._file.read_planes(window)[:3]]
                self._waiting |= {(window, n): each for n, each in enumerate(planes) if n != plane}
                found = planes[plane]
        return found
