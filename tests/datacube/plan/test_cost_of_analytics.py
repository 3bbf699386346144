"""Estimates of reductions, clips and the like against what is really read and held."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from datacube.axes import RegularAxis, TimeAxis
from datacube.cube import VALID_BAND
from datacube.errors import LimitExceededError
from datacube.evaluate.schedule import compute
from datacube.grid import Grid, Window
from datacube.plan.cost import check, estimate
from datacube.plan.functions import apply
from datacube.plan.nodes import (
    Bands,
    Construct,
    Coordinate,
    Domain,
    Gather,
    Mask,
    Pick,
    Plan,
    Reduce,
    Resample,
    Scan,
    Slice,
    Sort,
    Source,
    Spread,
    Stack,
)
from datacube.plan.query import Method
from datacube.plan.reducers import reduce_fields
from datacube.plan.resolve import resolve
from datacube.plan.rules import rewrite
from datacube.protocols import Limits
from datacube.slots import BandShards, Slot, SlotWindow
from datacube.times import Acquisition
from tests.builders.fakes import BASE_TIME, ORIGIN_M, World, optical_cube

CUBE = optical_cube()
SIDE = 2100
DATES = 4


@pytest.fixture(scope="module")
def world() -> World:
    """Four dates of one dense scene of 2100 x 2100 cells."""
    made = World()
    rng = np.random.default_rng(0)
    for day in range(DATES):
        values = rng.integers(1, 9000, (SIDE, SIDE)).astype("int16")
        bands = {"B04": values, "B08": values[::-1].copy(), "B11": values[:1050, :1050].copy()}
        made.add(CUBE, bands, when=BASE_TIME + timedelta(days=day))
    return made


def source(world: World, *names: str) -> Source:
    coverage = world.view().coverage(CUBE.name)
    assert coverage.time is not None
    return Source(
        coverage_id=CUBE.name,
        bands=tuple(b for b in coverage.bands if b.name in names),
        domain=Domain(outer=(coverage.time,), grid=coverage.grid),
    )


def band(plan: Plan, name: str) -> Plan:
    return Bands(picks=(Pick(source=plan, field=name, name=name),))


def reduced(plan: Plan, operator: str, *axes: int) -> Reduce:
    return Reduce(
        source=plan, operator=operator, axes=axes, result=reduce_fields(operator, plan.fields)
    )


def ndvi(world: World) -> Plan:
    both = source(world, "B04", "B08")
    red, near = band(both, "B04"), band(both, "B08")
    return apply("/", apply("-", near, red), apply("+", near, red))


def spread(number: Plan, domain: Domain) -> Plan:
    return Spread(source=number, domain=domain, places=())


def clipped(plan: Plan) -> Plan:
    x, y = ORIGIN_M
    area = shapely.Point(x + 9000, y - 9000).buffer(5000)
    at = len(plan.domain.axes)
    return Mask(source=plan, area=shapely.to_wkb(area), rows=at - 2, cols=at - 1)


def scaled(plan: Plan, cells: int, method: Method) -> Plan:
    grid = plan.domain.plane

    def axis(old: RegularAxis) -> RegularAxis:
        edge = old.start + old.first * old.step
        step = old.step * old.size / cells
        return RegularAxis(name=old.name, uom="m", start=edge, step=step, size=cells)

    target = Grid(crs=grid.crs, x=axis(grid.x), y=axis(grid.y))
    return Resample(source=plan, grid=target, method=method, from_edge=method is Method.NEAREST)


def warped(plan: Plan) -> Plan:
    x, y = ORIGIN_M
    to = Transformer.from_crs(32633, 3857, always_xy=True)
    (x0, x1), (y1, y0) = to.transform([x, x + 21000], [y, y - 21000])
    step = (x1 - x0) / 2000
    target = Grid(
        crs=CRS.from_epsg(3857),
        x=RegularAxis(name="E", uom="m", start=x0, step=step, size=2000),
        y=RegularAxis(name="N", uom="m", start=y1, step=-step, size=round((y1 - y0) / step)),
    )
    return Resample(source=plan, grid=target, method=Method.NEAREST)


def index(name: str, size: int) -> RegularAxis:
    return RegularAxis(name=name, uom="1", start=0, step=1, size=size, index=True)


def histogram(plan: Plan, bins: int) -> Plan:
    own = plan.domain
    domain = Domain(outer=(index("b", bins), *own.outer), grid=own.grid)
    places = tuple(range(1, len(domain.axes)))
    wide = Spread(source=plan, domain=domain, places=places)
    numbers = Coordinate(axis=0, domain=domain, index=True)
    return reduced(apply("=", wide, numbers), "count", *places)


def diagonal(plan: Plan) -> Plan:
    grid = plan.domain.plane
    cells = tuple((grid.y.first + k, grid.x.first + k) for k in range(0, SIDE, 3))
    return Gather(
        source=plan, axes=(0, 1), cells=cells, domain=Domain(outer=(index("l", len(cells)),))
    )


def first_date(world: World, *names: str) -> Plan:
    return Slice(source=source(world, *names), axis=0, index=0)


def by_hand(world: World) -> Plan:
    near = band(source(world, "B08"), "B08")
    apart = apply("-", near, spread(reduced(near, "avg", 0, 1, 2), near.domain))
    return reduced(apply("*", apart, apart), "avg", 0, 1, 2)


def anomaly(world: World) -> Plan:
    near = band(source(world, "B08"), "B08")
    mean = reduced(near, "avg", 0)
    wide = Spread(source=mean, domain=near.domain, places=(1, 2))
    return reduced(apply("-", near, wide), "max", 0)


def sorted_dates(world: World) -> Plan:
    near = band(source(world, "B08"), "B08")
    by = reduced(near, "avg", 1, 2)
    return Sort(source=near, axis=0, by=by, descending=True)


def side_by_side(world: World) -> Plan:
    near = band(source(world, "B08"), "B08")
    parts = tuple(Slice(source=near, axis=0, index=k) for k in (0, 2))
    return Construct(parts=parts, axes=(index("k", 2),))


QUERIES: dict[str, Callable[[World], Plan]] = {
    "mean of all": lambda w: reduced(source(w, "B04", "B08"), "avg", 0, 1, 2),
    "ndvi per date in an area": lambda w: reduced(clipped(ndvi(w)), "avg", 1, 2),
    "difference from the mean": lambda w: apply(
        "-",
        first_date(w, "B08"),
        spread(reduced(first_date(w, "B08"), "avg", 0, 1), first_date(w, "B08").domain),
    ),
    "greatest over time": lambda w: reduced(ndvi(w), "max", 0),
    "mean over time": lambda w: reduced(source(w, "B08", "B11"), "avg", 0),
    "median over time": lambda w: reduced(band(source(w, "B08"), "B08"), "median", 0),
    "variance by hand": by_hand,
    "greatest anomaly": anomaly,
    "histogram": lambda w: histogram(first_date(w, "B08"), 5),
    "clip": lambda w: clipped(first_date(w, "B04", "B08")),
    "line": lambda w: diagonal(first_date(w, "B08")),
    "nearest": lambda w: scaled(first_date(w, "B08"), 1500, Method.NEAREST),
    "average": lambda w: scaled(first_date(w, "B08"), 1500, Method.AVERAGE),
    "linear": lambda w: scaled(first_date(w, "B08"), 1500, Method.LINEAR),
    "warp": lambda w: warped(first_date(w, "B08")),
    "coarse and fine": lambda w: source(w, "B08", "B11"),
    "rows' means": lambda w: reduced(band(source(w, "B08"), "B08"), "avg", 2),
    "columns' means": lambda w: reduced(band(source(w, "B08"), "B08"), "avg", 1),
    "sorted": sorted_dates,
    "side by side": side_by_side,
}


def prepared(world: World, plan: Plan) -> Plan:
    return rewrite(resolve(rewrite(plan), world.view()))


def chunks_of(slot: Slot, name: str, level: int, window: Window) -> int:
    """Count the stored chunks of recorded shards that a read touched."""
    group = next(g for g in CUBE.groups if name == VALID_BAND or g.name == CUBE.band(name).group)
    covered = slot.window(group.name)
    assert covered is not None
    part = covered.window.coarser(level).intersect(window)
    if part is None:
        return 0
    (r0, r1), (c0, c1) = group.array_window(part, level).ranges
    return (-(-r1 // 256) - r0 // 256) * (-(-c1 // 256) - c0 // 256)


def read_chunks(world: World) -> int:
    return sum(chunks_of(world.slots[n], name, lv, w) for n, name, lv, w in world.reads)


@pytest.mark.parametrize("name", QUERIES)
def test_chunks_and_memory_are_what_was_estimated(world: World, name: str) -> None:
    plan = prepared(world, QUERIES[name](world))
    began = perf_counter()
    cost = estimate(plan)
    assert perf_counter() - began < 0.3
    world.reads.clear()
    compute(plan, world, limits=Limits())
    read = read_chunks(world)
    world.reads.clear()
    tracemalloc.start()
    compute(plan, world, limits=Limits())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read <= cost.chunks <= 1.2 * read
    assert peak <= cost.peak_memory_bytes


HUGE = 10_980
MANY = 500


def test_the_largest_cube_is_estimated_at_once() -> None:
    """500 dates of 10980 x 10980 cells of two bands, that nobody holds."""
    group = CUBE.group("r10m")
    x, y = ORIGIN_M
    row, col = round((y - group.grid.y.start) / -10), round((x - group.grid.x.start) / 10)
    window = Window(((row, row + HUGE), (col, col + HUGE)))
    shards = group.shard_window(window, 0).size
    bits = np.packbits(np.ones(shards, np.uint8)).tobytes()
    small = World()
    slot = small.add(CUBE, {"B04": np.ones((4, 4), "int16"), "B08": np.ones((4, 4), "int16")})
    times = tuple(BASE_TIME + timedelta(days=day) for day in range(MANY))
    slots = tuple(
        replace(
            slot,
            number=k,
            windows=(SlotWindow(group="r10m", window=window, levels=4),),
            shards=tuple(
                BandShards(group="r10m", level=0, band=name, bits=bits)
                for name in ("B04", "B08", VALID_BAND)
            ),
        )
        for k in range(MANY)
    )
    scan = Scan(
        cube=CUBE.name,
        group=group,
        level=0,
        bands=(CUBE.band("B04"), CUBE.band("B08")),
        stacks=tuple(Stack(time=t, slots=(s,)) for t, s in zip(times, slots, strict=True)),
        domain=Domain(
            outer=(
                TimeAxis(
                    acquisitions=tuple(Acquisition(reference=t, first=t, last=t) for t in times)
                ),
            ),
            grid=group.grid.at(window),
        ),
    )
    red, near = band(scan, "B04"), band(scan, "B08")
    made = apply("/", apply("-", near, red), apply("+", near, red))
    rows, cols = (-(-(a + HUGE) // 256) - a // 256 for a in (row, col))
    whole = rewrite(reduced(made, "avg", 0, 1, 2))
    series = rewrite(reduced(clipped(made), "avg", 1, 2))
    began = perf_counter()
    cost = estimate(whole)
    area = estimate(series)
    assert perf_counter() - began < 1.0
    assert cost.chunks == MANY * 2 * rows * cols
    assert cost.peak_memory_bytes < 200e6
    # A circle of 1000 cells across touches 4 or 5 chunks a side, without the corners.
    assert MANY * 2 * 12 <= area.chunks <= MANY * 2 * 25
    with pytest.raises(LimitExceededError, match="stored cells to decode"):
        check(cost, Limits())
