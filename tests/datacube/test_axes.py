from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.axes import IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, OutOfDomainError, TimeSelectionError
from datacube.times import Acquisition, parse_period

NORTH = RegularAxis(name="N", uom="m", start=100.0, step=-10.0, size=10)
EAST = RegularAxis(name="E", uom="m", start=500.0, step=10.0, first=-5, size=10)


def test_bounds_run_low_to_high_whatever_the_sign_of_the_step() -> None:
    assert NORTH.bounds == (0.0, 100.0)
    assert EAST.bounds == (450.0, 550.0)


def test_centres_lie_half_a_cell_inside() -> None:
    np.testing.assert_array_equal(NORTH.centres()[:2], [95.0, 85.0])
    np.testing.assert_array_equal(EAST.centres()[:2], [455.0, 465.0])


@pytest.mark.parametrize(
    ("low", "high", "first", "size"),
    [
        (0, 100, 0, 10),
        (20, 40, 6, 2),
        (20 + 1e-5, 40 - 1e-5, 6, 2),
        (20.1, 39.9, 6, 2),
        (19.9, 40.1, 5, 4),
        (-500, 5, 9, 1),
    ],
)
def test_cover_keeps_every_cell_touched(low: float, high: float, first: int, size: int) -> None:
    kept = NORTH.cover(low, high)
    assert (kept.first, kept.size) == (first, size)


@given(
    low=st.floats(-20, 120),
    width=st.floats(0, 60),
    first=st.integers(-20, 20),
)
def test_inside_follows_the_rule_for_trims(low: float, width: float, first: int) -> None:
    axis = RegularAxis(name="x", uom="m", start=0.0, step=2.0, first=first, size=30)
    high = low + width
    i, j = round(low / 2, 5), round(high / 2, 5)
    if j < first or i > first + 30:
        with pytest.raises(OutOfDomainError):
            axis.inside(low, high)
        return
    one, other = floor(i + 0.5), floor(j - 0.5)
    begin, end = (one, other) if one <= other else (floor((i + j) / 2),) * 2
    kept = axis.inside(low, high)
    assert kept.first == min(max(begin, first), first + 29)
    assert kept.stop - 1 == min(max(end, first), first + 29)


def test_a_trim_between_two_centres_still_gives_one_cell() -> None:
    assert NORTH.inside(51, 54).bounds == (50.0, 60.0)
    assert NORTH.inside(56, 59).bounds == (50.0, 60.0)
    assert NORTH.inside(53, 53).bounds == (50.0, 60.0)


def test_a_bound_on_an_edge_excludes_the_neighbour() -> None:
    assert NORTH.inside(20, 40).bounds == (20.0, 40.0)


def test_at_counts_the_far_edge_as_inside() -> None:
    assert NORTH.at(100.0) == 0
    assert NORTH.at(0.0) == 9
    assert EAST.at(449.99999999) == -5
    with pytest.raises(OutOfDomainError, match=r"misses axis 'N' with 0\.0:100\.0 m"):
        NORTH.at(100.1)


def test_grid_indices_are_absolute_and_inclusive() -> None:
    assert EAST.select(-5, -4).bounds == (450.0, 470.0)
    with pytest.raises(OutOfDomainError, match="-5:4"):
        EAST.select(-6, 0)


@given(first=st.integers(-1000, 1000), size=st.integers(1, 500), level=st.integers(0, 6))
def test_a_coarser_axis_covers_and_keeps_the_origin(first: int, size: int, level: int) -> None:
    axis = RegularAxis(name="x", uom="m", start=7.0, step=-3.0, first=first, size=size)
    coarse = axis.coarser(level)
    assert coarse.start == axis.start
    assert coarse.step == axis.step * 2**level
    assert coarse.bounds[0] <= axis.bounds[0]
    assert coarse.bounds[1] >= axis.bounds[1]
    assert coarse.size <= axis.size // 2**level + 2


def test_an_axis_without_cells_cannot_exist() -> None:
    with pytest.raises(ValueError, match="size 0"):
        replace(NORTH, size=0)


def test_irregular_axis_keeps_coefficients_in_the_closed_interval() -> None:
    axis = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0, 100.0))
    assert axis.inside(2, 10).coefficients == (2.0, 10.0)
    with pytest.raises(OutOfDomainError):
        axis.inside(11, 99)
    with pytest.raises(ValueError, match="ascend"):
        IrregularAxis(name="height", uom="m", coefficients=(2.0, 2.0))


def acquisition(text: str, minutes: int = 2) -> Acquisition:
    start = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Acquisition(reference=start, first=start, last=start + timedelta(minutes=minutes))


AXIS = TimeAxis(
    acquisitions=(
        acquisition("2023-08-10T10:06:01"),
        acquisition("2023-08-13T10:10:31"),
        acquisition("2023-08-13T11:40:00"),
        acquisition("2023-08-15T09:50:31"),
    )
)


def test_an_instant_selects_the_acquisition_whose_interval_contains_it() -> None:
    assert AXIS.at(parse_period("2023-08-15T09:51:00.5Z")) == AXIS.acquisitions[3]


def test_an_instant_between_acquisitions_names_the_neighbours() -> None:
    with pytest.raises(TimeSelectionError, match="2023-08-13T11:40:00Z and 2023-08-15T09:50:31Z"):
        AXIS.at(parse_period("2023-08-14T00:00:00.0Z"))


def test_a_day_selects_its_only_acquisition_and_refuses_two() -> None:
    assert AXIS.at(parse_period("2023-08-10")) == AXIS.acquisitions[0]
    with pytest.raises(TimeSelectionError, match="selects 2 acquisitions"):
        AXIS.at(parse_period("2023-08-13"))


def test_a_trim_widens_both_bounds_to_their_precision() -> None:
    kept = AXIS.trim(parse_period("2023-08-10"), parse_period("2023-08-13"))
    assert kept.size == 3
    assert AXIS.trim(None, None) == AXIS
    assert AXIS.trim(parse_period("2023-08-14"), None).size == 1
    with pytest.raises(TimeSelectionError):
        AXIS.trim(parse_period("2024"), None)
    with pytest.raises(InvalidParameterError, match="ends before"):
        AXIS.trim(parse_period("2024"), parse_period("2023"))


INDEX = RegularAxis(name="i", uom="1", start=0, step=1, first=-2, size=6, index=True)
HEIGHT = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0, 50.0))


def test_an_index_axis_is_called_by_its_indices() -> None:
    assert INDEX.coordinates().tolist() == [-2, -1, 0, 1, 2, 3]
    assert list(INDEX.extent) == [-2, 3]
    assert list(INDEX.bounds) == [-2, 4]
    assert EAST.coordinates().tolist() == EAST.centres().tolist()
    assert EAST.extent == EAST.bounds


@pytest.mark.parametrize(
    ("low", "high", "first", "size"),
    [(0, 2, 0, 3), (-2, 3, -2, 6), (-9, -2, -2, 1), (0.5, 2.5, 1, 2), (3, 3, 3, 1)],
)
def test_bounds_of_an_index_axis_are_inclusive(
    low: float, high: float, first: int, size: int
) -> None:
    kept = INDEX.inside(low, high)
    assert (kept.first, kept.size) == (first, size)
    assert kept.index


@pytest.mark.parametrize(("low", "high"), [(4, 9), (-9, -3), (0.2, 0.8)])
def test_an_index_axis_says_which_indices_it_has(low: float, high: float) -> None:
    with pytest.raises(OutOfDomainError, match="with indices -2:3"):
        INDEX.inside(low, high)


def test_a_place_on_an_index_axis() -> None:
    assert [INDEX.at(k) for k in (-2, 0, 3)] == [-2, 0, 3]
    for outside in (-3, 4):
        with pytest.raises(OutOfDomainError, match="indices -2:3"):
            INDEX.at(outside)


def test_a_level_of_an_index_axis_is_called_by_the_first_of_its_indices() -> None:
    assert INDEX.coarser(1).coordinates().tolist() == [-2, 0, 2]


def test_a_listed_place_is_found_within_a_small_part_of_the_gap() -> None:
    assert [HEIGHT.at(h) for h in (2, 10 + 5e-5, 50)] == [0, 1, 2]
    for outside, named in ((9.99, "2 and 10"), (1, "2"), (51, "50"), (float("nan"), "2")):
        with pytest.raises(OutOfDomainError, match=f"the nearest: {named}$"):
            HEIGHT.at(outside)


def test_listed_places_are_kept_by_number() -> None:
    assert HEIGHT.select(1, 2).coefficients == (10.0, 50.0)
    with pytest.raises(OutOfDomainError, match="with 0:2"):
        HEIGHT.select(1, 3)
