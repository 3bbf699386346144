"""Estimates against what is really read and held."""

import tracemalloc
from datetime import timedelta

import numpy as np
import pytest
from pyproj import CRS, Transformer

from datacube.errors import LimitExceededError
from datacube.evaluate.schedule import compute
from datacube.plan import nodes, query
from datacube.plan.bind import bind
from datacube.plan.cost import Cost, check, estimate
from datacube.plan.query import Scale, ScaleFactor, SelectBands
from datacube.protocols import Limits
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube

CUBE = optical_cube()
X0, Y0 = ORIGIN_M


def bound(world: World, source: query.Query) -> nodes.Plan:
    asked = query.Encode(source=source, media_type="x")
    made = bind(asked, world.view(), FakeStyles(), Limits()).encode.source
    assert not isinstance(made, nodes.Picture)
    return made


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    values = np.random.default_rng(0).integers(1, 9000, (2100, 2100)).astype("int16")
    made.add(CUBE, {"B02": values, "B08": values})
    return made


def read_chunks(world: World) -> int:
    """Chunks of 256 px that the recorded reads touched."""
    group = CUBE.group("r10m")
    total = 0
    for _, _, level, window in world.reads:
        (r0, r1), (c0, c1) = group.array_window(window, level).ranges
        total += (-(-r1 // 256) - r0 // 256) * (-(-c1 // 256) - c0 // 256)
    return total


@pytest.mark.parametrize("metres", [100, 3000, 9990, 21000])
def test_chunks_are_those_that_are_read(world: World, metres: int) -> None:
    cut = query.Subset(
        source=query.Coverage(coverage_id=CUBE.name),
        subsets=(
            query.Trim(axis="E", low=X0, high=X0 + metres),
            query.Trim(axis="N", low=Y0 - metres, high=Y0),
        ),
    )
    plan = bound(world, cut)
    cost = estimate(plan)
    world.reads.clear()
    cells = compute(plan, world, limits=Limits())
    if len(world.reads) == 2:  # one block: no chunk is counted twice
        assert cost.chunks == read_chunks(world)
    assert cost.decoded_bytes == cost.chunks * 256 * 256 * 2
    assert cost.output_bytes == cells.nbytes


def test_an_empty_shard_costs_nothing() -> None:
    world = World()
    values = np.full((4200, 300), -32768, dtype="int16")
    values[:256, :256] = 5
    world.add(CUBE, {"B02": values})
    whole = estimate(bound(world, query.Coverage(coverage_id=CUBE.name))).chunks
    dense = World()
    dense.add(CUBE, {"B02": np.full((4200, 300), 5, dtype="int16")})
    assert whole < estimate(bound(dense, query.Coverage(coverage_id=CUBE.name))).chunks


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_peak_memory_is_not_estimated_too_low(world: World, factor: float) -> None:
    picked = SelectBands(source=query.Coverage(coverage_id=CUBE.name), bands=("B02",))
    plan = bound(world, Scale(source=picked, by=(ScaleFactor(factor=factor),)))
    cost = estimate(plan)
    tracemalloc.start()
    compute(plan, world, limits=Limits())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= cost.peak_memory_bytes


@pytest.mark.parametrize(
    ("px", "style"), [(256, "true-colour"), (1500, "true-colour"), (1500, "ndvi")]
)
def test_peak_memory_of_a_warped_map_is_not_estimated_too_low(px: int, style: str) -> None:
    world = World()
    for day in range(3):
        values = np.full((1500, 1500), 100 + day, dtype="int16")
        values[:, 300 * day : 300 * day + 500] = -32768
        bands = {"B02": values, "B04": values, "B08": values}
        world.add(CUBE, bands, when=BASE_TIME + timedelta(days=day))
    x, y = Transformer.from_crs(32633, 3857, always_xy=True).transform(X0, Y0)
    asked = query.Map(
        layers=(query.MapLayer(layer="S2_L2A", style=style),),
        crs=CRS.from_epsg(3857),
        bbox=(x, y - 20_000, x + 20_000, y),
        width_px=px,
        height_px=px,
    )
    encode = query.Encode(source=asked, media_type="x")
    picture = bind(encode, world.view(), FakeStyles(), Limits()).encode.source
    assert isinstance(picture, nodes.Picture)
    cost = estimate(picture)
    (layer,) = picture.layers
    tracemalloc.start()
    compute(layer.source, world, limits=Limits())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= cost.peak_memory_bytes


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (
            "decoded_bytes",
            "stored cells to decode: an estimated 2.0 MB is over the limit of 1.0 MB",
        ),
        ("output_bytes", "cells of the answer: an estimated 2.0 MB"),
        ("peak_memory_bytes", "memory at the peak: an estimated 2.0 MB"),
    ],
)
def test_over_a_limit_the_message_has_both_numbers(field: str, text: str) -> None:
    sizes = {"decoded_bytes": 0, "output_bytes": 0, "peak_memory_bytes": 0, field: 2_000_000}
    limits = Limits(decoded_bytes=10**6, output_bytes=10**6, memory_bytes=10**6)
    with pytest.raises(LimitExceededError, match=text):
        check(Cost(chunks=0, **sizes), limits)
