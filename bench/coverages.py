"""Large coverages from a live server, beside GDAL's tools on a COG of the same pixels."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from rasterio.windows import Window as RasterioWindow

from bench import data
from bench.measure import Row
from bench.servers import Server, copernicube_serving

COVERAGE = "S2_L1C_32618"
BANDS = ("B04", "B03", "B02")
SIDES_PX = (4096, 10_000)
MERCATOR = "EPSG:3857"
ROUNDS = 2
CORNER_PX = 100
"""Row and column of the first cell in the first round; no edge of a chunk."""
SHIFT_PX = 7
"""How far the next round lies away: no answer is asked for twice."""
THREADS = 2
_WAIT_S = 300.0
_WRITTEN = (
    *("-of", "GTiff", "-co", "TILED=YES", "-co", "BLOCKXSIZE=512", "-co", "BLOCKYSIZE=512"),
    *("-co", "COMPRESS=DEFLATE", "-co", "ZLEVEL=1", "-co", "PREDICTOR=2"),
    *("-co", "INTERLEAVE=BAND", "-co", f"NUM_THREADS={THREADS}"),
)
"""How the peers write: as our files are written, but without overviews."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One download."""

    side_px: int
    bands: tuple[str, ...]
    crs: str
    """Empty: the coverage's own."""
    corner_px: int = CORNER_PX

    @property
    def title(self) -> str:
        """What the table says."""
        kind = f"in {self.crs}; the peer is gdalwarp" if self.crs else "the peer is gdal_translate"
        cells = f"{self.side_px:,} x {self.side_px:,} x {len(self.bands)}"
        return f"GetCoverage over HTTP, {cells}, COG, {kind}"

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top in metres of the coverage's CRS."""
        left, top = data.LEFT_M + self.corner_px * 10, data.TOP_M - self.corner_px * 10
        return left, top - self.side_px * 10, left + self.side_px * 10, top

    @property
    def address(self) -> str:
        """Path and query."""
        left, bottom, right, top = self.box
        warped = f"&outputcrs=http://www.opengis.net/def/crs/EPSG/0/{self.crs[5:]}"
        return (
            f"/ows?service=WCS&version=2.0.1&request=GetCoverage&coverageid={COVERAGE}"
            f"&subset=E({left},{right})&subset=N({bottom},{top})&subset=ansi(%222016%22)"
            f"&rangesubset={','.join(self.bands)}&format=image/tiff{warped if self.crs else ''}"
        )


def rows(sides_px: tuple[int, ...] = SIDES_PX) -> Iterator[Row]:
    """Yield a row for each size, number of bands and CRS; memory is the whole server's."""
    store = data.big_store()
    for side in sides_px:
        for bands in (BANDS[:1], BANDS):
            for crs in ("", MERCATOR):
                with copernicube_serving(store) as server:
                    yield _row(server, Asked(side_px=side, bands=bands, crs=crs))


def _row(server: Server, asked: Asked) -> Row:
    ours, peer = _Taken(), _Taken()
    with TemporaryDirectory() as folder:
        file, other = Path(folder) / "ours.tif", Path(folder) / "peer.tif"
        # The first request loads what is loaded once.
        _download(server, replace(asked, side_px=64), file)
        idle = server.memory_mb()
        server.forget_peak()
        for number in range(ROUNDS):
            one = replace(asked, corner_px=CORNER_PX + number * SHIFT_PX)
            cpu = server.cpu_s()
            ours.wall_s.append(_download(server, one, file))
            ours.cpu_s.append(server.cpu_s() - cpu)
            cpu = _children_s()
            peer.wall_s.append(_run_peer(one, like=file, target=other))
            peer.cpu_s.append(_children_s() - cpu)
        peak, answering = server.memory_mb(), server.worker_memory_mb()
        same = _compared(file, other)
        if not asked.crs:
            _check(one, file)
    return Row(
        what=asked.title,
        ours_s=median(ours.wall_s),
        peer_s=median(peer.wall_s),
        note=f"{median(ours.cpu_s):.1f} s of CPU, peer {median(peer.cpu_s):.1f} s; {peak:.0f} MB "
        f"at the peak, {answering:.0f} MB of them in the process that answers, {idle:.0f} MB idle; "
        f"{same:.2%} of cells are the peer's",
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """What each round took."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


def _children_s() -> float:
    """Return the processor time of all children that have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _download(server: Server, asked: Asked, target: Path) -> float:
    """Write an answer to a file; return seconds."""
    start = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_WAIT_S)
    connection.request("GET", asked.address)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{asked.address}: {answer.status} {answer.read()[:500]!r}")
    with target.open("wb") as file:
        while part := answer.read(1 << 20):
            file.write(part)
    connection.close()
    return time.perf_counter() - start


def _run_peer(asked: Asked, *, like: Path, target: Path) -> float:
    """Make the same file by GDAL's tools, as Debian has them; return seconds."""
    source = data.cog(asked.bands[0]) if len(asked.bands) == 1 else data.colour_cog(asked.bands)
    target.unlink(missing_ok=True)
    tool = ["--config", "GDAL_NUM_THREADS", str(THREADS), "-q", *_WRITTEN]
    if asked.crs:
        with rasterio.open(like) as file:
            bounds, (height, width) = file.bounds, file.shape
        tool = ["gdalwarp", *tool, "-t_srs", asked.crs, "-te", *map(repr, bounds)]
        tool += ["-ts", str(width), str(height), "-r", "near", "-multi"]
        tool += ["-wo", f"NUM_THREADS={THREADS}"]
    else:
        corner, side = str(asked.corner_px), str(asked.side_px)
        tool = ["gdal_translate", *tool, "-srcwin", corner, corner, side, side]
    start = time.perf_counter()
    subprocess.run([*tool, str(source), str(target)], check=True)  # noqa: S603  # fixed arguments
    return time.perf_counter() - start


def _compared(ours: Path, peer: Path) -> float:
    """Return how many cells of two files are equal, where both have data, of 1."""
    equal = seen = 0
    with rasterio.open(ours) as one, rasterio.open(peer) as other:
        for band in range(1, one.count + 1):
            for _, window in one.block_windows(band):
                a = one.read(band, window=window).astype(np.int32)
                b = other.read(band, window=window).astype(np.int32)
                data_ = (a != one.nodata) & (b != other.nodata)
                equal += int((a == b)[data_].sum())
                seen += int(data_.sum())
    return equal / max(1, seen)


def _check(asked: Asked, ours: Path) -> None:
    """Compare with rasterio's reading of the source.

    Raises
    ------
    RuntimeError
        If a cell differs.
    """
    with rasterio.open(ours) as made:
        for number, band in enumerate(asked.bands, start=1):
            with rasterio.open(data.cog(band)) as source:
                for row in range(0, asked.side_px, 512):
                    height = min(512, asked.side_px - row)
                    cut = RasterioWindow(0, row, asked.side_px, height)
                    corner = asked.corner_px
                    moved = RasterioWindow(corner, corner + row, asked.side_px, height)
                    if not np.array_equal(
                        made.read(number, window=cut), source.read(1, window=moved)
                    ):
                        raise RuntimeError(f"{asked.address}: {band} differs at row {row}")
