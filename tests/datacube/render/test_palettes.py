"""Intervals, uneven ramps, classes and transparency, against NumPy by hand."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.plan.colour import (
    ClassColour,
    Classes,
    ColourInterval,
    ColourRule,
    Composite,
    Grey,
    Intervals,
    Ramp,
    Stop,
    Stretch,
)
from datacube.plan.nodes import Colour, Picture
from datacube.render.blend import over_background
from datacube.render.paint import paint
from datacube.render.palettes import palette, shade_ramp
from tests.builders.plans import Held, held, reflectance, utm_grid

GRID = utm_grid(50, 40)
STEPS = Intervals(
    intervals=(
        ColourInterval(low=-inf, high=0, rgb=(200, 0, 0)),
        ColourInterval(low=0, high=500, rgb=(0, 200, 0), alpha=128),
        ColourInterval(low=900, high=inf, rgb=(0, 0, 200)),
    )
)


def one_band() -> Held:
    return held((reflectance("B04"),), GRID)


def painted(rule: ColourRule, source: Held, *, transparent: bool = True) -> NDArray[np.uint8]:
    return paint(
        Picture(
            layers=(Colour(source=source.plan, rule=rule),),
            grid=GRID,
            transparent=transparent,
            background=(10, 20, 30),
        ),
        source.compute,
    )


def test_an_interval_holds_its_lower_bound_and_not_its_upper() -> None:
    source = one_band()
    values, valid = source.values["B04"], source.valid["B04"]
    values[:4, :10] = np.repeat([[-1], [0], [499], [500]], 10, axis=1)
    values[4:6, :10] = np.repeat([[899], [900]], 10, axis=1)
    expected = np.zeros((*GRID.shape, 4), np.uint8)
    for low, high, rgba in (
        (-inf, 0, (200, 0, 0, 255)),
        (0, 500, (0, 200, 0, 128)),
        (900, inf, (0, 0, 200, 255)),
    ):
        expected[valid & (values >= low) & (values < high)] = rgba
    made = painted(STEPS, source)
    np.testing.assert_array_equal(made, expected)
    assert len(np.unique(made.reshape(-1, 4), axis=0)) == 4


def test_intervals_of_floats_are_those_of_integers() -> None:
    source = one_band()
    whole = painted(STEPS, source)
    floats = Held(source.plan, {"B04": source.values["B04"].astype("f4")}, source.valid)
    np.testing.assert_array_equal(painted(STEPS, floats), whole)


def test_narrow_parts_of_a_ramp_keep_their_shades() -> None:
    ramp = Ramp(
        stops=(
            Stop(value=-11000, rgb=(0, 0, 0)),
            Stop(value=0, rgb=(0, 0, 200)),
            Stop(value=10, rgb=(200, 0, 200)),
            Stop(value=8800, rgb=(255, 255, 255)),
        )
    )
    values = np.array([[-20000, -11000, -5500, 0, 2, 5, 8, 10, 4405, 8800, 9000]], "f8")
    stops = [stop.value for stop in ramp.stops]
    colours = palette(ramp)[shade_ramp(values, ramp)][0, :, :3].astype(float)
    expected = np.stack(
        [np.interp(values[0], stops, [s.rgb[i] for s in ramp.stops]) for i in range(3)], axis=1
    )
    assert np.abs(colours - expected).max() <= 3


def test_alpha_of_a_ramp_runs_between_its_stops() -> None:
    ramp = Ramp(stops=(Stop(value=0, rgb=(255, 0, 0), alpha=0), Stop(value=254, rgb=(255, 0, 0))))
    colours = palette(ramp)[shade_ramp(np.array([[0, 127, 254]], "u1"), ramp)][0]
    assert [c[3] for c in colours] == [0, 128, 255]
    assert list(colours[0]) == [0, 0, 0, 0]


def over(
    top: NDArray[np.float64], bottom: NDArray[np.float64], alpha: float
) -> NDArray[np.float64]:
    return np.rint(top * alpha + bottom * (1 - alpha))


def test_half_opacity_is_half_of_the_background() -> None:
    source = one_band()
    stretch = Stretch(low=0, high=4000)
    solid = painted(Grey(stretch=stretch), source).astype(float)
    half = painted(Grey(stretch=stretch, alpha=128), source, transparent=False).astype(float)
    seen = solid[..., 3] == 255
    expected = over(solid[..., :3], np.array([10.0, 20.0, 30.0]), 128 / 255)
    assert np.abs(half[..., :3] - expected)[seen].max() <= 1
    np.testing.assert_array_equal(half[~seen], np.tile([10, 20, 30, 255], ((~seen).sum(), 1)))


def test_layers_shine_through_layers() -> None:
    source = one_band()
    values = source.values["B04"]
    source.valid["B04"][:] = True
    values[:] = 7
    below = Classes(classes=(ClassColour(value=7, title="a", rgb=(0, 0, 250), alpha=100),))
    above = Classes(classes=(ClassColour(value=7, title="b", rgb=(200, 0, 0), alpha=51),))
    picture = Picture(
        layers=(
            Colour(source=source.plan, rule=below),
            Colour(source=source.plan, rule=above),
        ),
        grid=GRID,
        transparent=True,
        background=(0, 0, 0),
    )
    made = paint(picture, source.compute)
    share, left = 51 / 255, (1 - 51 / 255) * 100 / 255
    alpha = share + left
    rgb = (200 * share / alpha, 0, 250 * left / alpha)
    assert np.abs(made[0, 0].astype(float) - (*rgb, 255 * alpha)).max() <= 1
    assert (made == made[0, 0]).all()


def test_a_fourth_band_is_opacity() -> None:
    names = ("B04", "B03", "B02", "B08")
    source = held(
        tuple(replace(reflectance(name), dtype="uint8", nodata=0) for name in names), GRID
    )
    full = Stretch(low=0, high=255)
    made = painted(Composite(stretches=(full,) * 3, alpha_band=True), source)
    valid = np.all([source.valid[name] for name in names], axis=0)
    shown = valid & (source.values["B08"] > 0)
    assert 0.1 < shown.mean() < 0.9
    for channel, name in enumerate(names):
        np.testing.assert_array_equal(made[shown][:, channel], source.values[name][shown])
    assert not made[~shown].any()


@pytest.mark.parametrize("value", [-3, 0, 255, 256, 2.5])
def test_classes_of_bytes_may_list_what_no_byte_is(value: float) -> None:
    source = one_band()
    source = Held(source.plan, {"B04": np.full(GRID.shape, 255, np.uint8)}, source.valid)
    rule = Classes(classes=(ClassColour(value=value, title="", rgb=(9, 9, 9)),))
    shown = painted(rule, source)[..., 3] == 255
    np.testing.assert_array_equal(shown, source.valid["B04"] & (value == 255))


def test_over_background_of_nothing_is_the_background() -> None:
    made = over_background(np.zeros((2, 2, 4), np.uint8), (1, 2, 3))
    assert (made == [1, 2, 3, 255]).all()
