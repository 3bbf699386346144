from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.plan import handing
from datacube.plan.colour import (
    ClassColour,
    Classes,
    ColourRule,
    Composite,
    Grey,
    Ramp,
    Stop,
    Stretch,
)
from datacube.plan.nodes import Colour, Picture
from datacube.render.paint import Indexed, paint, paint_compact
from tests.builders.plans import Held, held, reflectance, scene_classes, utm_grid

GRID = utm_grid(50, 40)
VISIBLE = Stretch(low=100, high=3000, gamma=1.4)
RULES: tuple[tuple[str, ColourRule], ...] = (
    ("int16", Grey(stretch=VISIBLE)),
    ("int16", Ramp(stops=(Stop(value=0, rgb=(9, 9, 9)), Stop(value=4000, rgb=(250, 0, 90))))),
    ("float32", Grey(stretch=Stretch(low=-1, high=1))),
)


def bands(dtype: str = "int16") -> Held:
    nodata = -32768 if dtype == "int16" else float("nan")
    return held(
        tuple(
            replace(reflectance(name), dtype=dtype, nodata=nodata) for name in ("B04", "B03", "B02")
        ),
        GRID,
    )


def picture(source: Held, rule: ColourRule, *, transparent: bool = True) -> Picture:
    return Picture(
        layers=(Colour(source=source.plan, rule=rule),),
        grid=source.plan.domain.plane,
        transparent=transparent,
        background=(1, 2, 3),
    )


def stretched(values: NDArray[np.float64], stretch: Stretch) -> NDArray[np.float64]:
    """Write the formula of `Stretch` down once more."""
    share = np.clip((values - stretch.low) / (stretch.high - stretch.low), 0, 1)
    return np.rint(255 * share ** (1 / stretch.gamma))


@pytest.mark.parametrize("dtype", ["int16", "uint16"])
def test_composite_is_the_formula_exactly(dtype: str) -> None:
    source = bands(dtype)
    painted = paint(picture(source, Composite(stretches=(VISIBLE,) * 3)), source.compute)
    valid = np.all([source.valid[name] for name in source.values], axis=0)
    assert 0.4 < valid.mean() < 0.6
    for channel, name in enumerate(("B04", "B03", "B02")):
        expected = stretched(source.values[name].astype(np.float64), VISIBLE)
        np.testing.assert_array_equal(painted[..., channel], np.where(valid, expected, 0))
    np.testing.assert_array_equal(painted[..., 3], np.where(valid, 255, 0))


def test_composite_of_floats_is_within_one_shade() -> None:
    source = bands("float32")
    stretch = Stretch(low=-1, high=1.5, gamma=1.4)
    painted = paint(picture(source, Composite(stretches=(stretch,) * 3)), source.compute)
    seen = painted[..., 3] == 255
    expected = stretched(source.values["B03"].astype(np.float64), stretch)
    assert np.abs(painted[..., 1].astype(int) - expected)[seen].max() <= 1


def test_nan_and_infinity_where_not_valid_warn_nobody() -> None:
    source = bands("float32")
    for name, values in source.values.items():
        values[~source.valid[name]] = np.nan
        values[0, 0], source.valid[name][0, 0] = np.inf, False
    painted = paint(picture(source, Grey(stretch=Stretch(low=0, high=1))), source.compute)
    np.testing.assert_array_equal(painted[..., 3] == 255, source.valid["B04"])


@pytest.mark.parametrize(("dtype", "rule"), RULES)
def test_a_palette_shows_the_same_as_the_colours(dtype: str, rule: ColourRule) -> None:
    source = bands(dtype)
    compact = paint_compact(picture(source, rule), source.compute)
    assert isinstance(compact, Indexed)
    two = replace(picture(source, rule), layers=(picture(source, rule).layers[0],) * 2)
    assert not isinstance(paint_compact(two, source.compute), Indexed)
    np.testing.assert_array_equal(compact.rgba(), paint(two, source.compute))
    np.testing.assert_array_equal(compact.rgba()[..., 3] == 255, source.valid["B04"])


def test_grey_with_all_256_shades_keeps_them_beside_transparency() -> None:
    source = held((reflectance("B04"),), utm_grid(20, 20))
    source.values["B04"][:] = (np.arange(400) % 256).reshape(20, 20)
    source.valid["B04"][:] = True
    source.valid["B04"][-1] = False
    painted = paint(picture(source, Grey(stretch=Stretch(low=0, high=255))), source.compute)
    np.testing.assert_array_equal(painted[:-1, :, 0], source.values["B04"][:-1])
    assert not painted[-1].any()


def test_ramp_interpolates_between_stops_and_clamps() -> None:
    band = replace(reflectance("ndvi"), dtype="float32", nodata=float("nan"))
    source = held((band,), utm_grid(1, 5))
    source.values["ndvi"][0] = [-9, 0, 0.25, 1, 9]
    source.valid["ndvi"][:] = True
    rule = Ramp(stops=(Stop(value=0, rgb=(0, 0, 0)), Stop(value=1, rgb=(200, 100, 0))))
    painted = paint(picture(source, rule), source.compute)
    # 0.25 falls on step 64 of 255 colours: 64 / 254 of the way.
    assert painted[0, :, 0].tolist() == [0, 0, 50, 200, 200]
    assert painted[0, :, 1].tolist() == [0, 0, 25, 100, 100]


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_classes_take_their_colours_and_unlisted_values_are_transparent(dtype: str) -> None:
    source = held((replace(scene_classes(), dtype=dtype),), GRID)
    rule = Classes(
        classes=(
            ClassColour(value=9, title="Cloud", rgb=(255, 255, 255)),
            ClassColour(value=4, title="Vegetation", rgb=(0, 160, 0)),
        )
    )
    painted = paint(picture(source, rule), source.compute)
    codes, valid = source.values["SCL"], source.valid["SCL"]
    for code, rgba in {9: (255, 255, 255, 255), 4: (0, 160, 0, 255), 6: (0, 0, 0, 0)}.items():
        assert (painted[valid & (codes == code)] == rgba).all()
    assert not painted[~valid].any()


@pytest.mark.parametrize(
    "rule", [Composite(stretches=(VISIBLE,) * 3), Grey(stretch=VISIBLE)], ids=["rgb", "grey"]
)
def test_background_where_not_transparent(rule: ColourRule) -> None:
    source = bands()
    clear = paint(picture(source, rule), source.compute)
    filled = paint(picture(source, rule, transparent=False), source.compute)
    hidden = clear[..., 3] == 0
    assert (filled[hidden] == (1, 2, 3, 255)).all()
    np.testing.assert_array_equal(filled[~hidden], clear[~hidden])


def test_upper_layers_cover_lower_ones() -> None:
    source = bands()
    below, above = Colour(source=source.plan, rule=Grey(stretch=VISIBLE)), None
    above = Colour(source=source.plan, rule=Composite(stretches=(VISIBLE,) * 3))
    both = replace(picture(source, Grey(stretch=VISIBLE)), layers=(below, above))
    painted = paint(both, source.compute)
    over = np.all([source.valid[name] for name in source.values], axis=0)
    top = paint(replace(both, layers=(above,)), source.compute)
    bottom = paint(replace(both, layers=(below,)), source.compute)
    np.testing.assert_array_equal(painted, np.where(over[..., None], top, bottom))


def test_no_layers_are_background_or_nothing() -> None:
    empty = Picture(layers=(), grid=GRID, transparent=True, background=(1, 2, 3))
    source = bands()
    assert paint(empty, source.compute).shape == (50, 40, 4)
    assert not paint(empty, source.compute).any()
    filled = paint(replace(empty, transparent=False), source.compute)
    assert (filled == (1, 2, 3, 255)).all()


@pytest.mark.parametrize(
    "rule", [Composite(stretches=(VISIBLE,) * 3), Grey(stretch=VISIBLE)], ids=["rgb", "grey"]
)
def test_strips_join_without_a_seam(rule: ColourRule, monkeypatch: pytest.MonkeyPatch) -> None:
    source = bands()
    whole = paint(picture(source, rule), source.compute)
    monkeypatch.setattr(handing, "STRIP_PIXELS", 7 * 40)
    np.testing.assert_array_equal(paint(picture(source, rule), source.compute), whole)
