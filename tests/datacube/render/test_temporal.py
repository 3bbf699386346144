"""Styles over time against NumPy by hand: masks at the classes' own cells, then averages."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.cells import Cells
from datacube.cube import Band
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.evaluate.schedule import compute
from datacube.plan import nodes, query
from datacube.plan.bind import Bound, bind
from datacube.plan.cost import check, estimate
from datacube.plan.query import MapTime
from datacube.plan.rules import rewrite_encode
from datacube.plan.style import Style, StyleMaker
from datacube.protocols import Limits
from datacube.render.definition import StyleDefinition, parse_style
from datacube.render.fragment import FragmentContext
from datacube.render.make_style import RequestedStyle, make_style
from datacube.times import parse_period
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube

type Floats = NDArray[np.float64]

CUBE = optical_cube()
X0, Y0 = ORIGIN_M
SIZE = 48
NODATA = -32768
DAYS = (0, 3, 5, 8)
CLOUD, LAND = 9, 4
AUGUST = MapTime(start=parse_period("2023-08"), end=parse_period("2023-08"))


@pytest.fixture(scope="module")
def scenes() -> dict[int, dict[str, NDArray[Any]]]:
    rng = np.random.default_rng(11)
    made: dict[int, dict[str, NDArray[Any]]] = {}
    for day in DAYS:
        bands: dict[str, NDArray[Any]] = {
            name: rng.integers(100, 4000, (SIZE, SIZE)).astype("int16")
            for name in ("B02", "B04", "B08")
        }
        bands["B04"][rng.random((SIZE, SIZE)) < 0.1] = NODATA
        bands["SCL"] = rng.choice(
            np.array([LAND, CLOUD, 0], "uint8"), (SIZE // 2, SIZE // 2), p=[0.5, 0.45, 0.05]
        )
        made[day] = bands
    return made


@pytest.fixture(scope="module")
def world(scenes: dict[int, dict[str, NDArray[Any]]]) -> World:
    world = World()
    for day, bands in scenes.items():
        world.add(CUBE, bands, when=BASE_TIME + timedelta(days=day))
    return world


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A style with an expression, as a book of styles makes it."""

    definition: StyleDefinition
    context: FragmentContext

    def made(self, bands: tuple[Band, ...]) -> Style:
        return make_style(self.definition, bands, self.context)


def ask(world: World, style: dict[str, Any], px: int) -> Bound:
    return bound_by(world, RequestedStyle(definition=parse_style({"name": "s", **style})), px)


def bound_by(world: World, style: StyleMaker, px: int) -> Bound:
    asked = query.Map(
        layers=(query.MapLayer(layer="S2_L2A", style=style),),
        crs=CUBE.crs,
        bbox=(X0, Y0 - 10 * SIZE, X0 + 10 * SIZE, Y0),
        width_px=px,
        height_px=px,
        time=AUGUST,
    )
    encode = query.Encode(source=asked, media_type="image/png")
    return bind(encode, world.view(), FakeStyles(), Limits())


def shown(world: World, style: dict[str, Any], px: int = SIZE) -> Cells:
    return cells_of(ask(world, style, px), world)


def cells_of(bound: Bound, world: World) -> Cells:
    root = rewrite_encode(bound.encode).source
    assert isinstance(root, nodes.Picture)
    return compute(root.layers[0].source, world, limits=Limits())


def stack(scenes: dict[int, dict[str, NDArray[Any]]], name: str) -> Floats:
    """Return a 10 m band, time first, NaN where it is null."""
    cells = np.stack([scenes[day][name] for day in DAYS]).astype(float)
    cells[cells == NODATA] = np.nan
    return cells


def land(scenes: dict[int, dict[str, NDArray[Any]]]) -> NDArray[np.bool_]:
    return np.stack([scenes[day]["SCL"] == LAND for day in DAYS])


def finer(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return cells.repeat(2, axis=1).repeat(2, axis=2)


def halved(cells: Floats) -> Floats:
    """Return means of 2 x 2 over what is valid."""
    rows, cols = cells.shape[-2] // 2, cells.shape[-1] // 2
    parts = cells.reshape(*cells.shape[:-2], rows, 2, cols, 2)
    with np.errstate(invalid="ignore"):
        known = (~np.isnan(parts)).sum(axis=(-3, -1))
        made: Floats = np.nansum(parts, axis=(-3, -1)) / np.where(known, known, np.nan)
    return made


def same(made: Cells, expected: Floats, tolerance: float = 1e-3) -> None:
    np.testing.assert_array_equal(made.valid[0], ~np.isnan(expected))
    assert 0.2 < made.valid[0].mean() <= 1
    np.testing.assert_allclose(
        made.values[0][made.valid[0]], expected[made.valid[0]], atol=tolerance
    )


MASK = {"band": "SCL", "keep": [LAND]}


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:All-NaN slice")
@pytest.mark.parametrize("reduction", ["mean", "median"])
@pytest.mark.parametrize("mask", [MASK, {"band": "SCL", "drop": [CLOUD]}, None])
def test_reductions_at_full_resolution(
    world: World,
    scenes: dict[int, dict[str, NDArray[Any]]],
    reduction: str,
    mask: dict[str, Any] | None,
) -> None:
    cells = stack(scenes, "B04")
    if mask is not None:
        # Where there is no class (0 is SCL's nodata) nothing is known to be usable.
        cells[~finer(land(scenes))] = np.nan
    expected = np.nanmean(cells, axis=0) if reduction == "mean" else np.nanmedian(cells, axis=0)
    style = {"band": "B04", "time": reduction} | ({} if mask is None else {"mask": mask})
    same(shown(world, style), expected, tolerance=0.01)


def test_masks_count_before_anything_is_averaged(
    world: World, scenes: dict[int, dict[str, NDArray[Any]]]
) -> None:
    """At 40 m a pixel is four cells of SCL, and no cloud of them is in its mean."""
    coarse = np.rint(halved(stack(scenes, "B04")))
    coarse[~land(scenes)] = np.nan
    known = (~np.isnan(coarse)).sum(axis=0)
    mean = np.nansum(coarse, axis=0) / np.where(known, known, np.nan)
    made = shown(world, {"band": "B04", "time": "mean", "mask": MASK}, SIZE // 4)
    same(made, halved(mean), tolerance=0.01)
    without = shown(world, {"band": "B04", "time": "mean"}, SIZE // 4)
    assert np.abs(without.values[0] - made.values[0])[made.valid[0]].max() > 50


def test_masked_bands_are_read_no_coarser_than_the_classes(world: World) -> None:
    for mask, levels in ((MASK, {("r10m", 1), ("r20m", 0)}), (None, {("r10m", 2)})):
        style = {"band": "B04", "time": "mean"} | ({} if mask is None else {"mask": mask})
        root = ask(world, style, SIZE // 4).encode.source
        assert {(s.group.name, s.level) for s in nodes.scans(root)} == levels


def test_newest_takes_all_channels_from_one_time(
    world: World, scenes: dict[int, dict[str, NDArray[Any]]]
) -> None:
    names = ("B08", "B04", "B02")
    bands = np.stack([stack(scenes, name) for name in names])
    usable = finer(land(scenes)) & ~np.isnan(bands).any(axis=0)
    newest = len(DAYS) - 1 - usable[::-1].argmax(axis=0)
    any_ = usable.any(axis=0)
    made = shown(world, {"bands": list(names), "time": "newest", "mask": MASK})
    for at in range(3):
        chosen = np.take_along_axis(bands[at], newest[np.newaxis], axis=0)[0]
        same(
            Cells(("x",), made.values[at : at + 1], made.valid[at : at + 1]),
            np.where(any_, chosen, np.nan),
        )
    assert len(np.unique(newest[any_])) == len(DAYS)


def test_difference_is_newest_less_oldest_and_needs_two(
    world: World, scenes: dict[int, dict[str, NDArray[Any]]]
) -> None:
    cells = stack(scenes, "B04")
    cells[~finer(land(scenes))] = np.nan
    known = ~np.isnan(cells)
    first = np.take_along_axis(cells, known.argmax(axis=0)[np.newaxis], axis=0)[0]
    last_at = len(DAYS) - 1 - known[::-1].argmax(axis=0)
    last = np.take_along_axis(cells, last_at[np.newaxis], axis=0)[0]
    expected = np.where(known.sum(axis=0) > 1, last - first, np.nan)
    assert (known.sum(axis=0) == 1).any()
    same(shown(world, {"band": "B04", "time": "difference", "mask": MASK}), expected)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_formulas_count_at_each_time(
    world: World, scenes: dict[int, dict[str, NDArray[Any]]]
) -> None:
    """The mean of an index is not the index of the means."""
    red, infrared = stack(scenes, "B04"), stack(scenes, "B08")
    context = FragmentContext(view=world.view(), limits=Limits(), functions={})
    definition = {"name": "s", "expression": "(B08 - B04) / (B08 + B04)", "time": "mean"}
    maker = Computed(definition=parse_style(definition), context=context)
    same(
        cells_of(bound_by(world, maker, SIZE), world),
        np.nanmean((infrared - red) / (infrared + red), axis=0),
        tolerance=1e-5,
    )


def test_a_map_that_would_read_too_much_is_refused_with_the_estimate(world: World) -> None:
    bound = ask(world, {"band": "B04", "time": "mean", "mask": MASK}, 4)
    with pytest.raises(LimitExceededError, match=r"an estimated 0\.8 MB is over the limit"):
        check(estimate(bound.encode), Limits(decoded_bytes=1000))


def test_layers_without_time_have_no_such_style() -> None:
    world = World()
    still = replace(CUBE, timed=False)
    world.add(still, {"B04": np.full((SIZE, SIZE), 5, "int16")})
    with pytest.raises(InvalidParameterError, match="no time axis"):
        ask(world, {"band": "B04", "time": "mean"}, SIZE)
