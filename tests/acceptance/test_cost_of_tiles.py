"""The short way around the estimate is taken by tiles, and never past a limit."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from copernicube.wiring import open_local
from datacube.grid import crs_from_text
from datacube.plan.boxes import reproject_box
from datacube.plan.cost import is_surely_little
from datacube.plan.query import Encode, Map, MapLayer, MapTime
from datacube.protocols import Limits
from datacube.times import parse_period

MERCATOR = crs_from_text("EPSG:3857")


@pytest.mark.parametrize("time", ["", "2000/2100"])
@pytest.mark.parametrize("share", [0.1, 1.0, 4.0])
def test_what_is_surely_little_is_within_limits_set_to_it(
    demo_store: Path, share: float, time: str
) -> None:
    session = open_local(str(demo_store), read_only=True).engine.session()
    start, _, end = time.partition("/")
    when = MapTime(start=parse_period(start), end=parse_period(end)) if time else MapTime()
    told = compared = 0
    for cube, side in product(session.view.cubes(), (64, 256, 1024)):
        coverage = session.view.coverage(cube.name)
        box = reproject_box(coverage.grid.bbox, coverage.grid.crs, MERCATOR)
        if box is None or not coverage.mappable:
            continue
        width, height = (box[2] - box[0]) * share / 2, (box[3] - box[1]) * share / 2
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        asked = Map(
            layers=(MapLayer(layer=cube.name),),
            crs=MERCATOR,
            bbox=(x - width, y - height, x + width, y + height),
            width_px=side,
            height_px=side,
            time=when,
        )
        bound = session.bind(Encode(source=asked, media_type="image/png"))
        cost = session.estimate(bound)
        told += is_surely_little(bound.encode, Limits())
        compared += 1
        # One byte below the estimate of any, it is not surely little any more.
        for limits in (
            replace(Limits(), decoded_bytes=cost.decoded_bytes - 1),
            replace(Limits(), output_bytes=cost.output_bytes - 1),
            replace(Limits(), memory_bytes=cost.peak_memory_bytes - 1),
        ):
            assert not is_surely_little(bound.encode, limits), (cube.name, side, cost)
    assert compared
    assert told >= compared / 3
