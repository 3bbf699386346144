"""Queries answer the same, bit for bit, with deep blocks and without; and read little with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import CRS

from copernicube.deepening import Deepening
from datacube.axes import RegularAxis
from datacube.catalog.view import SqlView
from datacube.cells import Values
from datacube.cube import Cube
from datacube.deep import DeepBlock
from datacube.grid import Grid
from datacube.store import ZarrStore
from datacube.store.location import Folder
from datacube.times import Acquisition
from tests.builders.made import (
    Frame,
    Made,
    Shot,
    add_cube,
    add_scene,
    make_store,
)

START = datetime(2020, 1, 1, 10, tzinfo=UTC)
LOW, HIGH = -40, 50
"""First and last index of the cells, along both axes: four shards meet at index 0."""
LEFT, TOP = 499_980.0, 5_300_040.0
"""Where index 0 begins."""
UTM = CRS.from_epsg(32633)
NODATA = -32768

type Part = tuple[int, int, int, int]
"""First row, last row + 1, first column, last column + 1."""
WHOLE: Part = (LOW, HIGH, LOW, HIGH)
FIRST: Part = (0, HIGH, 0, HIGH)


def when(number: int) -> Acquisition:
    start = START + timedelta(days=3 * number)
    return Acquisition(reference=start, first=start, last=start)


def deepen(made: Made) -> Deepening:
    """Make all blocks that are due."""
    local = made.local
    work = Deepening(catalog=local.catalog, location=local.store.location, cells=local.store)
    while work.step():
        pass
    return work


@contextmanager
def without_blocks() -> Iterator[None]:
    """Answer from slots alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlView, "deep_blocks", lambda *_: ())
        yield


@dataclass(slots=True)
class Series:
    """A cube of random scenes, with the last cells of each kind kept for oracles."""

    made: Made
    rng: np.random.Generator
    cube: Cube = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        # The first scene fixes the grid, with its corner where shards meet.
        values = self.cells(FIRST)
        axes = (
            RegularAxis(name="N", uom="m", start=TOP, step=-10, size=HIGH),
            RegularAxis(name="E", uom="m", start=LEFT, step=10, size=HIGH),
        )
        coverage = add_cube(
            self.made,
            "S",
            {key: one[None] for key, one in values.items()},
            Frame(axes=axes, crs=UTM, times=(when(0),)),
        )
        self.cube = coverage.cube
        self.count = 1

    def cells(self, part: Part) -> dict[str, Values]:
        shape = part[1] - part[0], part[3] - part[2]
        made: dict[str, Values] = {
            "B04": self.rng.integers(1, 9000, shape).astype(np.int16),
            "B08": self.rng.integers(1, 9000, shape).astype(np.int16),
            "SCL": self.rng.integers(1, 11, shape).astype(np.uint8),
            "H": self.rng.normal(size=shape).astype(np.float32),
        }
        holes = self.rng.random(shape) < 0.2
        for key, nodata in (("B04", NODATA), ("B08", NODATA), ("SCL", 255), ("H", np.nan)):
            made[key][holes] = nodata
            made[key][self.rng.random(shape) < 0.05] = nodata
        return made

    def add(
        self,
        number: int,
        part: Part = WHOLE,
        *,
        baseline: str = "01",
        name: str = "",
        bands: tuple[str, ...] = ("B04", "B08", "SCL", "H"),
    ) -> None:
        """Commit a scene of acquisition `number` in a part of the cube, shifted over shards."""
        top, bottom, left, right = part
        plane = Grid(
            crs=UTM,
            x=RegularAxis(name="E", uom="m", start=LEFT + 10 * left, step=10, size=right - left),
            y=RegularAxis(name="N", uom="m", start=TOP - 10 * top, step=-10, size=bottom - top),
        )
        values = {key: one for key, one in self.cells(part).items() if key in bands}
        shot = Shot(plane=plane, when=when(number), name=name, baseline=baseline)
        add_scene(self.made, self.cube, values, shot)
        self.count += 1


QUERIES = (
    'for $c in (S) return encode($c[N:"CRS:1"({y}), E:"CRS:1"({x})], "application/netcdf")',
    'for $c in (S) return encode($c.B04[N:"CRS:1"({y}:{y2}), E:"CRS:1"({x}:{x2})], "text/csv")',
    (
        "for $c in (S) return encode(coverage s over $t ansi(imageCrsDomain($c, ansi)) values "
        'avg(clip(((float)$c.B08[ansi:"CRS:1"($t)] - $c.B04[ansi:"CRS:1"($t)]) / '
        '($c.B08[ansi:"CRS:1"($t)] + $c.B04[ansi:"CRS:1"($t)]), {area})), "text/csv")'
    ),
    (
        'for $c in (S) let $d := $c[N:"CRS:1"({y}:{y2}), E:"CRS:1"({x}:{x2})] '
        "return encode(condense median over $t ansi(imageCrsDomain($c, ansi)) "
        'where $d.SCL[ansi:"CRS:1"($t)] > 3 using $d.H[ansi:"CRS:1"($t)], "text/csv")'
    ),
    'for $c in (S) return avg($c.H[N:"CRS:1"({y}:{y2}), E:"CRS:1"({x}:{x2})])',
    (
        'for $c in (S) return encode($c.SCL[ansi:"CRS:1"(3:22), N:"CRS:1"({y}), '
        'E:"CRS:1"({x}:{x2})], "text/csv")'
    ),
    'for $c in (S) return encode(clip($c.B08, linestring({x_m} {y_m}, {x2_m} {y2_m})), "text/csv")',
    (
        'for $c in (S) return encode(scale($c.B04[N:"CRS:1"({y}:{y2}), E:"CRS:1"({x}:{x2})], '
        '{{N:"CRS:1"(0:6), E:"CRS:1"(0:5)}}), "text/csv")'
    ),
)


def asked(rng: np.random.Generator) -> list[str]:
    """Return each query at a random place."""
    made = []
    for query in QUERIES:
        y, x = (int(n) for n in rng.integers(LOW, HIGH - 1, 2))
        y2, x2 = (int(rng.integers(low, HIGH)) for low in (y, x))
        x_m, x2_m = (LEFT + 10 * n + 4 for n in (x, x2))
        y_m, y2_m = (TOP - 10 * n - 4 for n in (y, y2))
        area = f"POLYGON(({x_m} {y_m}, {x2_m + 30} {y_m}, {x2_m} {y2_m - 30}, {x_m} {y_m}))"
        made.append(
            query.format(y=y, x=x, y2=y2, x2=x2, area=area, x_m=x_m, x2_m=x2_m, y_m=y_m, y2_m=y2_m)
        )
    return made


def bodies(made: Made, query: str, as_of: int | None = None) -> list[bytes]:
    session = made.local.engine.session(as_of=as_of)
    return [bytes(answer.body) for answer in session.query(query)]


def check_all(made: Made, rng: np.random.Generator, as_of: int | None = None) -> int:
    """Compare the answers; return how many queries read from blocks."""
    used = 0
    for query in asked(rng):
        with without_blocks():
            expected = bodies(made, query, as_of)
        with noted() as asked_for:
            assert bodies(made, query, as_of) == expected, query
        used += bool(asked_for)
    return used


@contextmanager
def noted() -> Iterator[list[str]]:
    """Note the names of the blocks that are read."""
    names: list[str] = []
    read = ZarrStore.read_deep

    def note(store: ZarrStore, block: DeepBlock, *args: Any) -> Values | None:  # noqa: ANN401  # as they come
        names.append(block.name)
        return read(store, block, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ZarrStore, "read_deep", note)
        yield names


@pytest.mark.parametrize("seed", range(2))
def test_answers_are_the_same_with_blocks_and_without(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = Series(make_store(tmp_path / "store"), rng)
    made = series.made
    for number in range(1, 25):
        series.add(number, _part(rng), name=f"s{number}")
    assert deepen(made).blocks_made
    assert check_all(made, rng)
    before = made.session.revision
    # Late scenes of old and of new times, reprocessed ones, and several of one time.
    for number in rng.integers(1, 36, 11):
        series.add(int(number), _part(rng), baseline=f"0{rng.integers(1, 5)}")
    visible = made.session.view.counts()["S"]
    for number in rng.choice(range(1, 25), 6, replace=False):
        series.add(int(number), WHOLE, baseline="09", name=f"s{number}")
    assert made.session.view.counts()["S"] == visible
    series.add(40, _part(rng), bands=("B04",))
    assert check_all(made, rng)
    assert deepen(made).blocks_made
    assert check_all(made, rng)
    assert check_all(made, rng, as_of=before)
    _lose(made, rng)
    assert check_all(made, rng)


def _part(rng: np.random.Generator) -> Part:
    if rng.random() < 0.5:
        return WHOLE
    top, left = (int(n) for n in rng.integers(LOW, HIGH - 10, 2))
    bottom, right = (int(rng.integers(low + 1, HIGH + 1)) for low in (top, left))
    return top, bottom, left, right


def _lose(made: Made, rng: np.random.Generator) -> None:
    """Delete some files of blocks, and flip a bit of others."""
    location = made.local.store.location
    assert isinstance(location, Folder)
    files = sorted(location.path.glob("*/*/deep/*/*"))
    assert files
    for path in files:
        fate = rng.random()
        if fate < 0.3:
            path.unlink()
        elif fate < 0.6:
            data = bytearray(path.read_bytes())
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(data)
