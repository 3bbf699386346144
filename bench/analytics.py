"""Analytics by a query, by hand with xarray and Dask on the same Zarr, and by odc-stac on COGs."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import odc.stac
import pystac
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import geometry_mask

from bench import loops
from bench.measure import Row, race
from bench.scenes import EPSG, SCENES, Archive
from copernicube.wiring import Local, open_local
from datacube.grid import Window
from datacube.plan.nodes import Plan
from datacube.protocols import BandRead, Limits
from tests.builders.made import GROUP
from tests.builders.sparse import CELL_M, LEFT_M, NODATA, TOP_M

ROUNDS = 3
CUBE, DATES, SIDE_PX = SCENES.cube, SCENES.dates, SCENES.side_px
SCENE, PLACE = 3, (2000, 1234)
"""The date of what is done with one scene; row and column of the pixel that is drilled."""
BINS, BIN_WIDTH = 256, 32
_CORNERS = [(-1900, 2100), (400, 2800), (2900, 900), (1300, -300), (2200, -2700), (-2600, -1400)]
_CENTRE = LEFT_M + 20_483, TOP_M - 21_017
AREA = shapely.Polygon([(_CENTRE[0] + x, _CENTRE[1] + y) for x, y in _CORNERS])
"""About 500 x 550 cells, where four shards meet."""

type Array = NDArray[Any]
type Cells = xr.Dataset
"""B04, B08 and SCL over (time, y, x), stored numbers."""
type Box = tuple[slice, slice]
"""Rows and columns."""

WHOLE: Box = slice(0, SIDE_PX), slice(0, SIDE_PX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One question, asked in two languages."""

    name: str
    query: str
    archive: Archive = SCENES
    by_hand: Callable[[Cells], xr.DataArray]
    """Lazy; from the cells that `box`, `dates` and `bands` say."""
    bands: tuple[str, ...] = ("B04", "B08")
    dates: slice = slice(0, DATES)
    box: Box = WHOLE
    chunk_px: int = 2048
    """Of the peers' Dask chunks; what suits the question best."""
    rounds: int = ROUNDS
    loop: Callable[[loops.Read], Array] | None = None
    """The same on two threads with all decisions taken before."""


NDVI = (
    '((float)($c.B08[ansi:"CRS:1"($t)] - $c.B04[ansi:"CRS:1"($t)])'
    ' / ($c.B08[ansi:"CRS:1"($t)] + $c.B04[ansi:"CRS:1"($t)]))'
)
_OVER = "over $t ansi(imageCrsDomain($c, ansi))"
_FEW = 8
_OVER_FEW = f"over $t t(0:{_FEW - 1})"
"""Maps are made of fewer dates: the peers take a minute for twenty."""


def _data(cells: xr.DataArray) -> xr.DataArray:
    return cells.where(cells != NODATA).astype(np.float64)


def ndvi(cells: Cells) -> xr.DataArray:
    """Return the index, NaN where a band is."""
    red, infrared = _data(cells.B04), _data(cells.B08)
    return (infrared - red) / (infrared + red)


def inside(area: shapely.Polygon, box: Box) -> NDArray[np.bool_]:
    """Tell which cells of a box have their middle in an area."""
    rows, cols = box
    shape = rows.stop - rows.start, cols.stop - cols.start
    corner = LEFT_M + cols.start * CELL_M, TOP_M - rows.start * CELL_M
    affine = Affine(CELL_M, 0, corner[0], 0, -CELL_M, corner[1])
    return np.asarray(geometry_mask([area], shape, affine, invert=True))


def bounds(area: shapely.Polygon) -> Box:
    """Return the box of cells around an area."""
    west, south, east, north = area.bounds
    return (
        slice(int((TOP_M - north) // CELL_M), int((TOP_M - south) // CELL_M) + 1),
        slice(int((west - LEFT_M) // CELL_M), int((east - LEFT_M) // CELL_M) + 1),
    )


_BOX = bounds(AREA)


def _series(cells: Cells) -> xr.DataArray:
    within = xr.DataArray(inside(AREA, _BOX), dims=("y", "x"))
    return ndvi(cells).where(within).mean(("y", "x"))


def _median(cells: Cells) -> xr.DataArray:
    clear = (cells.SCL >= 4) & (cells.SCL <= 6)
    return _data(cells.B04).where(clear).median("time")


def _best_time(cells: Cells) -> xr.DataArray:
    # All-NaN cells make argmax fail; none of them is compared.
    return ndvi(cells).fillna(-np.inf).argmax("time")


def _histogram(cells: Cells) -> xr.DataArray:
    values = cells.B04.isel(time=0).data
    counts, _ = da.histogram(  # type: ignore[no-untyped-call]  # Dask has no types
        values, bins=np.arange(BINS + 1) * BIN_WIDTH - 0.5
    )
    return xr.DataArray(counts, dims="bin")


_FORMULA = (
    "sqrt(abs(2.5 * ({n} - {r}) / ({n} + 2.4 * {r} + 10000)))"
    " + ({n} - {r}) / ({n} + {r} + 1) * (1 + 0.5 * ({n} - {r}) / ({n} + {r} + 5000))"
    " - ln(1 + {n} / 10000.0) * arctan({r} / 3000.0) + pow({n} / 10000.0, 2) - {r} / 10000.0"
)


def _formula(cells: Cells) -> Any:  # noqa: ANN401  # NumPy's functions of a DataArray have no type
    r, n = _data(cells.B04.isel(time=0)), _data(cells.B08.isel(time=0))
    return (
        np.sqrt(abs(2.5 * (n - r) / (n + 2.4 * r + 10000)))
        + (n - r) / (n + r + 1) * (1 + 0.5 * (n - r) / (n + r + 5000))
        - np.log(1 + n / 10000.0) * np.arctan(r / 3000.0)
        + (n / 10000.0) ** 2
        - r / 10000.0
    )


_ONE = slice(SCENE, SCENE + 1)
_AT = f'ansi:"CRS:1"({SCENE})'

ANALYSES = (
    Analysis(
        name=f"NDVI mean of {DATES} dates over a polygon",
        query=f"for $c in ({CUBE}) return coverage s {_OVER} "
        f"values avg(clip({NDVI}, {shapely.to_wkt(AREA)}))",
        by_hand=_series,
        box=_BOX,
        loop=lambda read: loops.series(read, inside(AREA, _BOX), _BOX, DATES),
    ),
    Analysis(
        name=f"NDVI mean over {_FEW} dates, a map",
        query=f"for $c in ({CUBE}) return condense avg {_OVER_FEW} using {NDVI}",
        by_hand=lambda cells: ndvi(cells).mean("time"),
        dates=slice(0, _FEW),
        rounds=1,
        loop=lambda read: loops.mean_map(read, _FEW),
    ),
    Analysis(
        name=f"cloud-free median composite of {_FEW} dates, a map",
        query=f"for $c in ({CUBE}) return condense median {_OVER_FEW} "
        'where $c.SCL[ansi:"CRS:1"($t)] >= 4 and $c.SCL[ansi:"CRS:1"($t)] <= 6 '
        'using $c.B04[ansi:"CRS:1"($t)]',
        by_hand=_median,
        bands=("B04", "SCL"),
        dates=slice(0, _FEW),
        chunk_px=512,
        rounds=1,
    ),
    Analysis(
        name=f"histogram of a scene, {BINS} bins",
        query=f"for $c in ({CUBE}) let $s := $c.B04[{_AT}] "
        f"return coverage h over $b x(0:{BINS - 1}) "
        f"values count($s >= $b * {BIN_WIDTH} and $s < ($b + 1) * {BIN_WIDTH})",
        by_hand=_histogram,
        bands=("B04",),
        dates=_ONE,
    ),
    Analysis(
        name=f"which of {_FEW} dates has the greatest NDVI, a map",
        query=f"for $c in ({CUBE}) return condense maxtime {_OVER_FEW} using {NDVI}",
        by_hand=_best_time,
        dates=slice(0, _FEW),
        rounds=1,
    ),
    Analysis(
        name="a formula of 30 operators on a scene",
        query=f"for $c in ({CUBE}) let $n := $c.B08[{_AT}], $r := $c.B04[{_AT}] return "
        + _FORMULA.format(n="$n", r="$r"),
        by_hand=_formula,
        dates=_ONE,
        loop=lambda read: loops.formula(read, SCENE),
    ),
    Analysis(
        name=f"one pixel over {DATES} dates",
        query=f'for $c in ({CUBE}) return $c.B08[N:"CRS:1"({PLACE[0]}), E:"CRS:1"({PLACE[1]})]',
        by_hand=lambda cells: cells.B08.isel(y=0, x=0),
        bands=("B08",),
        box=(slice(PLACE[0], PLACE[0] + 1), slice(PLACE[1], PLACE[1] + 1)),
        rounds=10,
    ),
)


def rows() -> Iterator[Row]:
    """Yield two rows a question: against xarray and Dask, and against odc-stac."""
    local = unlimited(SCENES.store())
    for analysis in ANALYSES:
        yield from compared(analysis, local)


def unlimited(store: Path) -> Local:
    """Open a store without limits."""
    limits = Limits(decoded_bytes=2**40, memory_bytes=2**40, output_bytes=2**40, seconds=3600)
    return open_local(str(store), read_only=True, limits=limits)


def compared(analysis: Analysis, local: Local) -> Iterator[Row]:
    """Yield a row a peer; all give the same numbers."""
    warnings.simplefilter("ignore", RuntimeWarning)
    archive = analysis.archive
    items = [pystac.Item.from_dict(item) for item in archive.items()]
    works: Mapping[str, Callable[[], Array]] = {
        "ours": partial(ours, local, analysis),
        "xarray": partial(_xarray, str(archive.store()), analysis),
        "odc-stac": partial(_odc_stac, items, analysis),
    }
    if analysis.loop is not None:
        works = {**works, "loop": partial(analysis.loop, _reader(local, archive))}
    made: dict[str, Array] = {}
    took = race(
        {
            **{name: partial(_kept, made, name, work) for name, work in works.items()},
            "bare": partial(_read, local, analysis),
        },
        rounds=analysis.rounds,
    )
    for name in works.keys() - {"ours"}:
        _agree(made["ours"], made[name], f"{analysis.name}: {name}")
    note = ""
    if "loop" in took:
        note = f"{took['ours'] / took['loop']:.2f} times a loop in NumPy"
    for peer in ("xarray", "odc-stac"):
        yield Row(
            what=f"{analysis.name}; the peer is {peer}",
            note=note,
            ours_s=took["ours"],
            peer_s=took[peer],
            bare_s=took["bare"],
        )


def _kept(made: dict[str, Array], name: str, work: Callable[[], Array], _round: int) -> None:
    made[name] = work()


def ours(local: Local, analysis: Analysis) -> Array:
    """Return the cells of a query's one result."""
    session = local.engine.session()
    (plan,) = session.processor().results(analysis.query)
    if not isinstance(plan, Plan.__value__):
        raise TypeError(f"{analysis.name} gives an answer and no cells")
    cells = session.compute(plan)
    (values,), (valid,) = cells.values, cells.valid
    if values.dtype.kind == "f" and not valid.all():
        return np.asarray(np.where(valid, values, np.nan))
    return np.asarray(values)


def _xarray(store: str, analysis: Analysis) -> Array:
    raw = xr.open_zarr(
        f"{store}/{analysis.archive.cube}/{GROUP}/0",
        consolidated=False,
        chunks=None,
        mask_and_scale=False,
    )[list(analysis.bands)]
    corner = 2**23
    rows, cols = analysis.box
    # Cut first: with Dask's chunks over the whole arrays it would take minutes.
    cells = raw.isel(
        slot=analysis.dates,
        y=slice(corner + rows.start, corner + rows.stop),
        x=slice(corner + cols.start, corner + cols.stop),
    ).rename(slot="time")
    side = analysis.chunk_px
    deep = {"time": 1 if side > 1024 else -1}
    cells = cells.drop_vars(list(cells.coords)).chunk({**deep, "y": side, "x": side})
    return np.asarray(analysis.by_hand(cells).compute().values)


def _odc_stac(items: list[pystac.Item], analysis: Analysis) -> Array:
    rows, cols = analysis.box
    shape = rows.stop - rows.start, cols.stop - cols.start
    corner = LEFT_M + cols.start * CELL_M, TOP_M - rows.start * CELL_M
    box = GeoBox(shape, Affine(CELL_M, 0, corner[0], 0, -CELL_M, corner[1]), f"EPSG:{EPSG}")
    side = analysis.chunk_px
    cells = odc.stac.load(
        items[analysis.dates],
        bands=list(analysis.bands),
        geobox=box,
        chunks={"y": side, "x": side},
    )
    if side <= 1024:
        cells = cells.chunk({"time": -1})
    return np.asarray(analysis.by_hand(cells.drop_vars(list(cells.coords))).compute().values)


def _read(local: Local, analysis: Analysis, _round: int = 0) -> None:
    """Read the cells that the question needs, a block of a shard at a time on two threads."""
    read = _reader(local, analysis.archive)
    cuts = [
        [slice(k, min(k + 2048, side.stop)) for k in range(side.start, side.stop, 2048)]
        for side in analysis.box
    ]
    dates = range(*analysis.dates.indices(analysis.archive.dates))
    with ThreadPoolExecutor(2) as pool:
        boxes = product(dates, analysis.bands, product(*cuts))
        for _ in pool.map(lambda one: read(*one).size, boxes):
            pass


def _reader(local: Local, archive: Archive) -> loops.Read:
    view = local.catalog.view()
    cube = view.coverage(archive.cube).cube
    slots = view.slots(archive.cube)

    def read(date: int, name: str, box: Box) -> Array:
        request = BandRead(
            group=cube.group(GROUP),
            level=0,
            band=name,
            dtype=cube.band(name).dtype,
            nodata=cube.band(name).nodata,
            window=Window(tuple((side.start, side.stop) for side in box)),
        )
        return local.store.read(slots[date], request)

    return read


def _agree(ours: Array, other: Array, what: str) -> None:
    """Compare where both have a number; the peers' float is not always ours."""
    if ours.dtype.kind != "f":
        known = np.ones(ours.shape, np.bool_)
        same = float(np.mean(ours[known] == other[known]))
        if same < 0.999:
            raise AssertionError(f"{what}: {same:.2%} of the cells agree")
        return
    np.testing.assert_allclose(other, ours, rtol=1e-4, atol=1e-5, err_msg=what)
