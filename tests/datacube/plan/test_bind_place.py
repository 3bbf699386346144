from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from datacube.encode import ENCODERS
from datacube.engine import Engine
from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.evaluate.place import LayerReadings
from datacube.grid import transformer
from datacube.plan.query import AxisChoice, MapLayer, MapTime, Place
from datacube.protocols import Limits
from datacube.times import parse_period
from ogc.crs import parse_crs
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube
from tests.builders.made import HEIGHTS_M, add_examples, make_store

CUBE = optical_cube()
LEFT_M, TOP_M = ORIGIN_M
RNG = np.random.default_rng(3)
OLD = RNG.integers(1, 9000, (60, 60), dtype=np.int16)
NEW = RNG.integers(1, 9000, (60, 60), dtype=np.int16)
NEW[30:] = -32768
CLASSES = np.full((30, 30), 4, np.uint8)
YEAR = MapTime(instant=parse_period("2023"))

type Ask = Callable[..., LayerReadings]


@pytest.fixture
def world() -> World:
    made = World()
    made.add(CUBE, {"B04": OLD, "B08": OLD[::-1].copy(), "SCL": CLASSES})
    made.add(CUBE, {"B04": NEW, "B08": NEW}, when=BASE_TIME + timedelta(days=5))
    return made


@pytest.fixture
def ask(world: World) -> Ask:
    engine = Engine(
        catalog=world, cells=world, styles=FakeStyles(), encoders=ENCODERS, limits=Limits()
    )

    def asked(
        row: int,
        column: int,
        *,
        style: str = "",
        time: MapTime | None = None,
        series: bool = False,
        limits: Limits | None = None,
    ) -> LayerReadings:
        place = Place(
            layers=(MapLayer(layer="S2_L2A", style=style),),
            crs=CUBE.crs,
            x=LEFT_M + 10 * column + 3,
            y=TOP_M - 10 * row - 7,
            time=time or MapTime(),
            series=series,
        )
        bounded = replace(engine, limits=limits or engine.limits)
        return bounded.session().place(place).layers[0]

    return asked


def told(found: LayerReadings, at: int = 0) -> dict[str, float | int | None]:
    return {value.band.name: value.value for value in found.readings[at].values}


def test_the_newest_valid_scene_gives_the_place(ask: Ask, world: World) -> None:
    found = ask(12, 7)
    assert told(found) == {"B04": NEW[12, 7], "B08": NEW[12, 7], "SCL": 4}
    reading = found.readings[0]
    assert reading.scene == world.slots[1].scene.product_id
    assert reading.time == BASE_TIME + timedelta(days=5)
    scenes = {value.band.name: value.scene for value in reading.values}
    assert scenes["B04"] == world.slots[1].scene.product_id
    # The newer scene has no classes: they come from the one behind it, and say so.
    assert scenes["SCL"] == world.slots[0].scene.product_id
    assert found.notes[0].startswith("Default value used: time=")


def test_where_the_newest_has_no_data_the_one_before_does(ask: Ask, world: World) -> None:
    found = ask(40, 7)
    assert told(found) == {"B04": OLD[40, 7], "B08": OLD[::-1][40, 7], "SCL": 4}
    assert found.readings[0].scene == world.slots[0].scene.product_id


def test_physical_values_and_the_quantity_of_the_style(ask: Ask) -> None:
    found = ask(12, 7, style="ndvi", time=MapTime(instant=parse_period("2023-08-15")))
    red, infrared = int(OLD[12, 7]), int(OLD[::-1][12, 7])
    reading = found.readings[0]
    assert reading.quantities[0] == pytest.approx((infrared - red) / (infrared + red))
    assert reading.values[0].physical == pytest.approx(red / 10_000)


def test_a_series_has_every_time_with_data(ask: Ask) -> None:
    found = ask(12, 7, time=YEAR, series=True)
    assert [told(found, at)["B04"] for at in (0, 1)] == [OLD[12, 7], NEW[12, 7]]
    assert [reading.time for reading in found.readings] == [
        BASE_TIME,
        BASE_TIME + timedelta(days=5),
    ]
    assert len(ask(40, 7, time=YEAR, series=True).readings) == 1


def test_outside_there_is_nothing(ask: Ask) -> None:
    assert ask(70, 7).readings == ()
    assert ask(-100_000, 7).readings == ()


def test_wrong_places(ask: Ask) -> None:
    with pytest.raises(UnknownNameError, match="style"):
        ask(1, 1, style="none")
    with pytest.raises(InvalidParameterError, match="not finite"):
        ask(1, float("nan"))


def test_long_series_are_refused_with_their_length(ask: Ask) -> None:
    assert ask(12, 7).readings
    with pytest.raises(LimitExceededError, match=r"2 scenes is over the limit of 1"):
        ask(12, 7, time=YEAR, series=True, limits=Limits(series_scenes=1))


def test_the_zone_in_which_a_place_lies_goes_first() -> None:
    world = World()
    west, east = optical_cube(32632), optical_cube(32633)
    x, y = transformer(west.crs, east.crs).transform(700_100.0, 5_199_900.0)
    corner = (x // 60 * 60 - 300, y // 60 * 60 + 300)
    world.add(west, {"B08": np.full((60, 60), 32, np.int16)}, corner=(700_020.0, 5_200_020.0))
    world.add(east, {"B08": np.full((60, 60), 33, np.int16)}, corner=corner)
    engine = Engine(
        catalog=world, cells=world, styles=FakeStyles(), encoders=ENCODERS, limits=Limits()
    )
    layers = (MapLayer(layer="S2_L2A", style="B08"),)
    place = Place(layers=layers, crs=west.crs, x=700_100.0, y=5_199_900.0)
    found = engine.session().place(place).layers[0]
    assert (found.readings[0].cube, told(found)) == ("S2_L2A_32632", {"B08": 32})
    del world.slots[0]
    found = engine.session().place(place).layers[0]
    assert (found.readings[0].cube, told(found)) == ("S2_L2A_32633", {"B08": 33})


def test_places_on_further_axes(tmp_path: Path) -> None:
    made = add_examples(make_store(tmp_path))
    wind = made.arrays["W"]
    row, column = 7, 11

    def asked(*values: float, series: bool = False) -> LayerReadings:
        choices = (AxisChoice(axis="HEIGHT", values=tuple((v, v) for v in values)),)
        place = Place(
            layers=(MapLayer(layer="W"),),
            crs=parse_crs("CRS:84"),
            x=0.25 + 0.5 * column,
            y=59.75 - 0.5 * row,
            time=MapTime(start=parse_period("2000"), end=parse_period("2100")),
            choices=choices if values else (),
            series=series,
        )
        return made.session.place(place).layers[0]

    newest = [(wind["u"][2, at, row, column], wind["v"][2, at, row, column]) for at in range(4)]
    assert list(told(asked()).values()) == pytest.approx(list(newest[0]))
    found = asked(HEIGHTS_M[2] + 1)
    assert list(told(found).values()) == pytest.approx(list(newest[2]))
    assert f"Nearest value used: height={HEIGHTS_M[2]:g}" in found.notes
    series = asked(HEIGHTS_M[1], HEIGHTS_M[3], series=True)
    expected = [wind["v"][t, at, row, column] for t, at in product(range(3), (1, 3))]
    assert [told(series, at)["v"] for at in range(6)] == pytest.approx(expected)
    assert series.readings[1].at == (("height", HEIGHTS_M[3]),)
    made.local.catalog.close()
