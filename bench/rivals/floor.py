"""The bare work of a map, with every question answered before: where its chunks lie, and where to.

`prepare` answers them and writes a file; `Floor` reads it in a server's process and does the
rest: read and decode the chunks, `cv2.remap`, a table of shades, PNG or JPEG.
"""

import json
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import fpng
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray
from pyproj import Transformer

from bench.data import CACHE, CRS
from bench.mercator import TILE_PX
from bench.rivals.places import SCENE, Place

_NODES = 17
"""Nodes of the warp's grid along each side."""
_BANDS = "B04", "B03", "B02"
_STRETCHES = (200, 2800), (370, 2800), (680, 2900)
_GAMMA = 1.35
_CHUNK, _IN_SHARD = 256, 8
_ABSENT = 2**64 - 1
_NODATA = -32768
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85]

FILE = CACHE.parent / "peers" / "floor.pickle"
type Cells = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One map."""

    shape: tuple[int, int]
    """Of the window that is read, whole chunks."""
    chunks: tuple[tuple[tuple[int, int, int, int, int], ...], ...]
    """By band: number of the file, offset, bytes, and the row and column in the window."""
    cols: NDArray[np.float32]
    """Columns of the window at the nodes."""
    rows: NDArray[np.float32]
    inside: bool
    """Every pixel has cells around it."""


def prepare(store: Path, places: Sequence[Place], level_of: Callable[[Place], int]) -> None:
    """Plan maps of the big scene, which is slot 0 of its cube, and write the plans to `FILE`."""
    cube = next(store.glob("S2_L1C_*/r10m"))
    files: dict[Path, int] = {}
    indexes: dict[Path, NDArray[np.uint64] | None] = {}
    to_cells = Transformer.from_crs("EPSG:3857", CRS, always_xy=True)
    plans = [_plan(cube / str(level_of(p)), p, to_cells, files, indexes) for p in places]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(pickle.dumps((list(map(str, files)), plans)))


def _plan(
    level: Path,
    place: Place,
    to_cells: Transformer,
    files: dict[Path, int],
    indexes: dict[Path, NDArray[np.uint64] | None],
) -> Plan:
    cell, _, left, _, _, top = json.loads((level / "zarr.json").read_text())["attributes"][
        "spatial:transform"
    ]
    west, _south, east, north = place.bbox
    pixel = (east - west) / TILE_PX
    nodes = np.linspace(0.5, TILE_PX - 0.5, _NODES)
    x, y = to_cells.transform(*np.meshgrid(west + nodes * pixel, north - nodes * pixel))
    cols, rows = (x - left) / cell - 0.5, (top - y) / cell - 0.5
    first_row, last_row = int(rows.min()) // _CHUNK, (int(rows.max()) + 1) // _CHUNK
    first_col, last_col = int(cols.min()) // _CHUNK, (int(cols.max()) + 1) // _CHUNK
    bands = []
    for band in _BANDS:
        chunks = []
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                shard = level / band / f"c/0/{row // _IN_SHARD}/{col // _IN_SHARD}"
                if shard not in indexes:
                    indexes[shard] = _index(shard)
                index = indexes[shard]
                at = (0, 0) if index is None else index[row % _IN_SHARD, col % _IN_SHARD].tolist()
                if index is None or at[0] == _ABSENT:
                    continue
                number = files.setdefault(shard, len(files))
                to = (row - first_row) * _CHUNK, (col - first_col) * _CHUNK
                chunks.append((number, at[0], at[1] - 4, *to))
        bands.append(tuple(chunks))
    shape = (last_row - first_row + 1) * _CHUNK, (last_col - first_col + 1) * _CHUNK
    return Plan(
        shape=shape,
        chunks=tuple(bands),
        cols=(cols - first_col * _CHUNK).astype(np.float32),
        rows=(rows - first_row * _CHUNK).astype(np.float32),
        inside=_within(x, SCENE[0::2]) and _within(y, SCENE[1::2]),
    )


def _within(values: NDArray[np.float64], edges: tuple[float, ...]) -> bool:
    return bool(edges[0] < values.min() and values.max() < edges[1])


def _index(shard: Path) -> NDArray[np.uint64] | None:
    """Return offset and length of each chunk of a shard; None where there is no file."""
    if not shard.exists():
        return None
    tail = shard.read_bytes()[-(_IN_SHARD**2 * 16 + 4) : -4]
    return np.frombuffer(tail, "<u8").reshape(_IN_SHARD, _IN_SHARD, 2)


class Floor:
    """Draws the planned maps."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        blosc.use_threads = False
        names, plans = pickle.loads(FILE.read_bytes())  # noqa: S301  # written by `prepare`
        self._files = [os.open(name, os.O_RDONLY) for name in names]
        self._plans = cast("list[Plan]", plans)
        self._shades = [_shades(*stretch) for stretch in _STRETCHES]
        self._weights = _weights()

    def draw(self, number: int, *, jpeg: bool) -> bytes:
        """Return the picture of the plan of a number."""
        plan = self._plans[number % len(self._plans)]
        x, y = (self._weights @ nodes @ self._weights.T for nodes in (plan.cols, plan.rows))
        maps = cv2.convertMaps(x, y, cv2.CV_16SC2)
        bands = [self._warped(plan, band, maps) for band in range(3)]
        channels = [np.take(t, b.view(np.uint16)) for t, b in zip(self._shades, bands, strict=True)]
        if jpeg:
            return _jpeg(channels, None if plan.inside else bands[0])
        if not plan.inside:
            channels.append(np.where(bands[0] > _NODATA // 2, 255, 0).astype(np.uint8))
        return cast("bytes", fpng.from_ndarray(cv2.merge(channels)))

    def _warped(self, plan: Plan, band: int, maps: Any) -> Cells:  # noqa: ANN401  # as cv2 gives them
        chunks = plan.chunks[band]
        window: Cells = np.empty(plan.shape, np.int16)
        if not plan.inside:
            window.fill(_NODATA)
        for file, offset, length, row, col in chunks:
            cells = np.frombuffer(
                blosc.decompress(os.pread(self._files[file], length, offset)), "<i2"
            )
            window[row : row + _CHUNK, col : col + _CHUNK] = cells.reshape(_CHUNK, _CHUNK)
        edge: dict[str, Any] = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": _NODATA}
        warped = cv2.remap(window, maps[0], maps[1], cv2.INTER_LINEAR, **edge)
        return cast("Cells", warped)


def _jpeg(channels: list[NDArray[np.uint8]], cells: Cells | None) -> bytes:
    picture = cv2.merge(channels[::-1])
    if cells is not None:
        picture[cells <= _NODATA // 2] = 255
    return cv2.imencode(".jpg", picture, _JPEG)[1].tobytes()


def _shades(low: float, high: float) -> NDArray[np.uint8]:
    """Return the shade of each number that the 16 bits of a cell can be."""
    cells = np.arange(2**16, dtype=np.uint16).view(np.int16)
    stretched = np.clip((cells - low) / (high - low), 0, 1) ** (1 / _GAMMA)
    return np.asarray((stretched * 255).round(), dtype=np.uint8)


def _weights() -> NDArray[np.float32]:
    """Return what each node counts for at each pixel of a line."""
    at = np.linspace(0, _NODES - 1, TILE_PX)
    away = np.abs(at[:, np.newaxis] - np.arange(_NODES))
    return np.asarray(np.clip(1 - away, 0, None), dtype=np.float32)
