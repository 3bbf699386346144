"""A WCS answer of 2048 x 2048 cells: the service, GDAL on a COG, and the bare work."""

import random
from collections.abc import Iterator
from pathlib import Path

from isal import isal_zlib

from bench import data
from bench.measure import Row, race
from bench.peers import gdal_cut
from copernicube.wiring import open_local
from datacube.engine import Engine
from datacube.grid import Window
from datacube.protocols import BandRead
from ogc.service import Site, dispatch

SIDE_PX = 2048
ROUNDS = 8
BAND = "B04"


def rows() -> Iterator[Row]:
    """Yield one row."""
    engine = open_local(str(data.big_store()), read_only=True).engine
    rng = random.Random(1)
    corners = [
        (rng.randrange(data.SIDE_PX - SIDE_PX), rng.randrange(data.SIDE_PX - SIDE_PX))
        for _ in range(ROUNDS + 1)
    ]
    took = race(
        {
            "ours": lambda i: _ours(engine, *corners[i]),
            "peer": lambda i: gdal_cut(BAND, *corners[i], SIDE_PX),
            "bare": lambda i: _bare(engine, *corners[i]),
        },
        rounds=ROUNDS,
    )
    yield Row(
        what="GetCoverage, 2048 x 2048, one band, COG",
        ours_s=took["ours"],
        peer_s=took["peer"],
        bare_s=took["bare"],
        note="bare is read and deflate, without overviews",
    )


def _ours(engine: Engine, row: int, col: int) -> bytes:
    left, top = data.LEFT_M + col * 10, data.TOP_M - row * 10
    side = SIDE_PX * 10
    reply = dispatch(
        "service=WCS&version=2.0.1&request=GetCoverage&coverageid=S2_L1C_32618"
        f"&subset=E({left},{left + side})&subset=N({top - side},{top})"
        f'&subset=ansi("2016")&rangesubset={BAND}&format=image/tiff',
        engine.session,
        Site(url="http://127.0.0.1/ows"),
    )
    if isinstance(reply.body, Path):
        body = reply.body.read_bytes()
        reply.body.unlink()
    else:
        body = reply.body
    if reply.status != 200:
        raise RuntimeError(f"GetCoverage failed: {body[:500]!r}")
    return body


def _bare(engine: Engine, row: int, col: int) -> bytes:
    """Read the cells and deflate their differences along the rows, as the predictor does."""
    view = engine.catalog.view()
    coverage = view.coverage("S2_L1C_32618")
    (slot,) = view.slots("S2_L1C_32618")
    band, group = coverage.cube.band(BAND), coverage.cube.group("r10m")
    covered = slot.windows[0].window
    (top, _), (left, _) = covered.ranges
    window = Window(((top + row, top + row + SIDE_PX), (left + col, left + col + SIDE_PX)))
    request = BandRead(
        group=group,
        level=0,
        band=band.name,
        dtype=band.dtype,
        nodata=band.nodata,
        window=window,
    )
    values = engine.cells.read(slot, request).copy()
    values[:, 1:] -= values[:, :-1].copy()
    return isal_zlib.compress(values, 1)
