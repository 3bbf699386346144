"""Acquisitions as a table answer as the objects do, and are loaded no earlier than needed."""

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.acquisitions import (
    Acquisitions,
    StoredAcquisitions,
    TimeTable,
    day_values,
    even_step,
)
from datacube.axes import TimeAxis
from datacube.times import Acquisition, parse_period

START = datetime(1969, 12, 30, 22, tzinfo=UTC)


def made(*hours: int, seconds: int = 30) -> tuple[Acquisition, ...]:
    """Return acquisitions so many hours after each other, first and last line around them."""
    found, at = [], START
    for gap in hours:
        at += timedelta(hours=gap)
        around = timedelta(seconds=seconds)
        found.append(Acquisition(reference=at, first=at - around, last=at + around))
    return tuple(found)


def stored(items: tuple[Acquisition, ...]) -> tuple[StoredAcquisitions, list[int]]:
    """Return acquisitions that are loaded later, and how often they were."""
    eager, loads = Acquisitions.of(items), list[int]()

    def load() -> TimeTable:
        loads.append(1)
        return eager.table

    return StoredAcquisitions(eager.summary, load), loads


LISTS = st.lists(st.integers(1, 40), min_size=1, max_size=30).map(lambda gaps: made(*gaps))


@given(LISTS, st.data())
def test_a_table_answers_as_a_tuple(items: tuple[Acquisition, ...], data: st.DataObject) -> None:
    table = Acquisitions.of(items)
    at = data.draw(st.integers(-len(items), len(items) - 1))
    assert (tuple(table), len(table), table[at]) == (items, len(items), items[at])
    assert tuple(table[1:at]) == items[1:at]
    assert items[at] in table
    assert table.place_of(items[at].reference) == at % len(items)
    assert table.place_of(items[at].reference + timedelta(seconds=1)) is None
    when = parse_period(f"{items[at].reference:%Y-%m-%d}")
    touched = [k for k, one in enumerate(items) if one.touches(when)]
    assert table.touched(when).tolist() == touched
    assert table.validity() == (min(a.first for a in items), max(a.last for a in items))
    again = pickle.loads(pickle.dumps(table))  # noqa: S301  # made here
    assert (again, hash(again), again.digest) == (table, hash(table), table.digest)
    assert table.summary.years == {one.reference.year for one in items}
    assert table.summary.days == len({one.reference.date() for one in items})


@given(st.lists(LISTS, min_size=1, max_size=3), st.integers(1, 12))
def test_days_are_those_of_the_references(lists: list[tuple[Acquisition, ...]], most: int) -> None:
    days: list[date] = sorted({one.reference.date() for items in lists for one in items})
    expected = tuple(map(str, days))
    if len(days) > most:
        expected = (f"{days[0]}/{days[-1]}/P1D",)
    assert day_values([Acquisitions.of(items) for items in lists], most=most) == expected


@given(
    st.lists(LISTS | st.integers(2, 9).map(lambda n: made(*[6] * n)), min_size=1, max_size=3),
    st.sampled_from([1, 3600, 7200]),
)
def test_an_even_step_is_that_of_all_gaps(lists: list[tuple[Acquisition, ...]], unit: int) -> None:
    times = sorted({one.reference for items in lists for one in items})
    gaps = {later - one for one, later in pairwise(times)}
    only = gaps.pop() if len(gaps) == 1 else None
    expected = only if only is not None and not only % timedelta(seconds=unit) else None
    tables = [Acquisitions.of(items) for items in lists]
    assert even_step(tables, unit=timedelta(seconds=unit)) == expected


def test_what_summaries_tell_loads_nothing() -> None:
    """Days, an uneven step, the ends and the length are known before the table is."""
    lists = [stored(made(*[7, 12] * 50)), stored(made(*[5, 9] * 50))]
    tables = [table for table, _ in lists]
    assert len(day_values(tables, most=10)) == 1
    assert even_step(tables[:1], unit=timedelta(days=2)) is None
    axis = TimeAxis(acquisitions=tables[0])
    assert (axis.size, axis.ends[0]) == (100, START + timedelta(hours=7))
    assert hash(axis) == hash(TimeAxis(acquisitions=tuple(made(*[7, 12] * 50))))
    assert not any(loads for _, loads in lists)
    assert axis.trim(parse_period("1970"), None).size == 98
    assert lists[0][1]


def test_the_order_is_checked() -> None:
    one, two = made(3, 3)
    for wrong in ((two, one), (one, one), ()):
        with pytest.raises(ValueError, match="ascend"):
            TimeAxis(acquisitions=wrong)


def test_a_table_cannot_be_changed() -> None:
    table = Acquisitions.of(made(1, 2, 3)).table
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = np.int64(0)
