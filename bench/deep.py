"""Series of 500 dates, with deep blocks and without, by xarray on the same Zarr and by odc-stac."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic, process_time

import shapely
import xarray as xr

from bench.analytics import NDVI, Analysis, Cells, bounds, compared, inside, ndvi, ours, unlimited
from bench.data import CACHE
from bench.measure import Row, race
from bench.scenes import Archive
from copernicube.deepening import make_deepening
from copernicube.wiring import Local, open_local
from tests.builders.made import GROUP
from tests.builders.sparse import LEFT_M, TOP_M

LONG = Archive(cube="LONG", dates=500, side_px=512, bands=("B04", "B08"), shift_px=7)
DEEP_STORE = CACHE / "long-deep-store"
CHUNK_PX = 512
"""Of the peers: all dates of a window in one Dask chunk take them the least time."""
ROW, COL = 250, 300
_X, _Y = LEFT_M + 2013, TOP_M - 1507
AREA = shapely.Polygon([(_X, _Y), (_X + 1000, _Y - 20), (_X + 960, _Y - 990), (_X + 15, _Y - 1000)])
"""A square kilometre, nearly."""
_BOX = bounds(AREA)
_PIXEL = slice(ROW, ROW + 1), slice(COL, COL + 1)
_FRESH_ROUNDS = 5


def _series(cells: Cells) -> xr.DataArray:
    return ndvi(cells).where(xr.DataArray(inside(AREA, _BOX), dims=("y", "x"))).mean(("y", "x"))


ANALYSES = (
    Analysis(
        name=f"one pixel over {LONG.dates} dates",
        archive=LONG,
        query=f'for $c in ({LONG.cube}) return $c.B08[N:"CRS:1"({ROW}), E:"CRS:1"({COL})]',
        by_hand=lambda cells: cells.B08.isel(y=0, x=0),
        bands=("B08",),
        dates=slice(0, LONG.dates),
        box=_PIXEL,
        chunk_px=CHUNK_PX,
        rounds=7,
    ),
    Analysis(
        name=f"NDVI of one pixel over {LONG.dates} dates",
        archive=LONG,
        query=f'for $c in ({LONG.cube}) let $p := $c[N:"CRS:1"({ROW}), E:"CRS:1"({COL})] '
        "return ((float)($p.B08 - $p.B04) / ($p.B08 + $p.B04))",
        by_hand=lambda cells: ndvi(cells).isel(y=0, x=0),
        dates=slice(0, LONG.dates),
        box=_PIXEL,
        chunk_px=CHUNK_PX,
        rounds=7,
    ),
    Analysis(
        name=f"mean NDVI of {LONG.dates} dates over a polygon of 1 km",
        archive=LONG,
        query=f"for $c in ({LONG.cube}) return coverage s over $t ansi(imageCrsDomain($c, ansi)) "
        f"values avg(clip({NDVI}, {shapely.to_wkt(AREA)}))",
        by_hand=_series,
        dates=slice(0, LONG.dates),
        box=_BOX,
        chunk_px=CHUNK_PX,
    ),
)


def rows() -> Iterator[Row]:
    """Yield the making of the blocks, and for each question the peers and the scenes alone."""
    yield _making()
    deep, plain = unlimited(DEEP_STORE), unlimited(LONG.store())
    for analysis in ANALYSES:
        yield from compared(analysis, deep)
        took = race(
            {
                "deep": partial(_asked, deep, analysis),
                "first": partial(_opened, analysis),
                "plain": partial(_asked, plain, analysis),
            },
            rounds=_FRESH_ROUNDS,
        )
        yield Row(
            what=f"{analysis.name}; the peer is our store without deep blocks",
            note=f"processor time {_processor_ms(deep, analysis):.1f} ms with, "
            f"{_processor_ms(plain, analysis):.1f} ms without; "
            f"just opened, catalogue and all: {took['first'] * 1e3:.1f} ms",
            ours_s=took["deep"],
            peer_s=took["plain"],
        )


def _processor_ms(local: Local, analysis: Analysis) -> float:
    """Return the median processor time, which the load of the machine moves least."""
    taken = []
    for _ in range(_FRESH_ROUNDS):
        start = process_time()
        ours(local, analysis)
        taken.append(process_time() - start)
    return median(taken) * 1e3


def _asked(local: Local, analysis: Analysis, _round: int) -> None:
    ours(local, analysis)


def _opened(analysis: Analysis, _round: int) -> None:
    ours(unlimited(DEEP_STORE), analysis)


def _making() -> Row:
    """Make the store with blocks anew, of links to the files of the other, and its blocks."""
    shutil.rmtree(DEEP_STORE, ignore_errors=True)
    shutil.copytree(LONG.store(), DEEP_STORE, copy_function=_link)
    local = open_local(str(DEEP_STORE))
    work = make_deepening(local, LONG.cube)
    start = monotonic()
    while work.step():
        pass
    took = monotonic() - start
    local.catalog.close()
    level = DEEP_STORE / LONG.cube / GROUP / "0"
    stored = sum(path.stat().st_size for path in level.rglob("c/**/*") if path.is_file())
    cells = LONG.dates * LONG.side_px**2 * 2 * len(LONG.bands)
    size = f"{work.bytes_made / 1e6:.0f} MB beside {stored / 1e6:.0f} MB of the scenes' level 0"
    shape = f"{LONG.side_px} x {LONG.side_px} cells, {len(LONG.bands)} bands"
    return Row(
        what=f"making the deep blocks of {LONG.dates} dates, {shape}",
        note=f"{work.blocks_made} blocks, {size}, {cells / took / 1e6:.0f} MB/s of cells",
        ours_s=took,
    )


def _link(source: str, target: str) -> None:
    """Link what never changes, copy the catalogue."""
    if Path(source).name.startswith("catalog"):
        shutil.copy2(source, target)
    else:
        os.link(source, target)
