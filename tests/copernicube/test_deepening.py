"""Deep blocks: what a series reads with them, how they are made, and how they go."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner

import copernicube
from copernicube import deepening
from copernicube.cubes_command import cubes, verify
from copernicube.deepening import Deepening, make_deepening
from copernicube.wiring import Local, open_local
from datacube.cells import Values
from datacube.deep import LEAST_RANKS, RANKS, absorbed
from datacube.plan.cost import estimate
from datacube.plan.nodes import Picture
from datacube.plan.query import MapLayer, MapTime, Place
from datacube.protocols import ReadDeep
from datacube.store.location import Folder
from datacube.times import parse_period
from datacube.wcps.bind.values import Encoded
from tests.acceptance.counting import Reads, counted
from tests.builders.made import make_store
from tests.builders.sparse import LEFT_M, NODATA, TOP_M, UTM, Part, Sparse, add_sparse

DATES, VARIANTS = 500, 20
NEAR: Part = (0, 260, 0, 260)
ROW, COL = 50, 70
PIXEL = f'for $c in (LONG) return encode($c.B08[N:"CRS:1"({ROW}), E:"CRS:1"({COL})], "text/csv")'
NDVI = "((float)$c.B08{0} - $c.B04{0}) / ($c.B08{0} + $c.B04{0})"
PLACE = f'[N:"CRS:1"({ROW}), E:"CRS:1"({COL})]'
TWO_BANDS = f'for $c in (LONG) return encode({NDVI.format(PLACE)}, "text/csv")'
X, Y = LEFT_M + 303, TOP_M - 404
AREA = shapely.Polygon([(X, Y), (X + 1000, Y - 20), (X + 960, Y - 990), (X + 15, Y - 1000)])
POLYGON = (
    "for $c in (LONG) return encode(coverage s over $t ansi(imageCrsDomain($c, ansi)) "
    "values avg(clip(" + NDVI.format('[ansi:"CRS:1"($t)]') + f", {AREA.wkt})), "
    '"text/csv")'
)


def content(variant: int, band: str, part: Part) -> Values:
    """Return numbers that tell variant, band and place; some are nodata."""
    top, bottom, left, right = part
    rng = np.random.default_rng([variant, *band.encode(), *part])
    made = rng.integers(1, 9000, (bottom - top, right - left)).astype(np.int16)
    made[rng.random(made.shape) < 0.05] = NODATA
    return made


def stored(band: str) -> Values:
    """Return the pixel of every date."""
    place = ROW - NEAR[0], COL - NEAR[2]
    made = [content(variant, band, NEAR)[place] for variant in range(VARIANTS)]
    return np.array([made[date % VARIANTS] for date in range(DATES)])


def run(work: Deepening) -> None:
    while work.step():
        pass


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with blocks of 500 dates, and of a cube of 20 dates without."""
    path = tmp_path_factory.mktemp("deep") / "store"
    made = make_store(path)
    long = Sparse(name="LONG", dates=DATES, side_px=260, parts=(NEAR,), variants=VARIANTS)
    add_sparse(made, long, content)
    run(make_deepening(made.local, "LONG"))
    add_sparse(made, Sparse(name="SHORT", dates=20, side_px=260, parts=(NEAR,)), content)
    made.local.catalog.close()
    return path


@pytest.fixture
def local(long_store: Path) -> Iterator[Local]:
    """Return the store opened anew: nothing is kept in memory."""
    opened = open_local(str(long_store))
    yield opened
    opened.catalog.close()


def ask(local: Local, query: str) -> str:
    (answer,) = local.engine.session().query(query)
    return bytes(answer.body).decode()


def reads_of(local: Local, query: str) -> tuple[str, Reads]:
    with counted() as reads:
        return ask(local, query), reads


def test_one_pixel_over_500_dates_takes_few_reads(local: Local) -> None:
    text, reads = reads_of(local, PIXEL)
    expected = stored("B08")
    assert [float(n) for n in text.split(",")] == [float(n) for n in expected]
    # Four blocks of 128, 128, 128 and 116 dates: a row of the index and a chunk each.
    assert reads.ranges == 8
    assert reads.deep_chunks == 4
    assert reads.chunks == reads.indexes == 0
    _, again = reads_of(local, PIXEL)
    assert again.ranges == 0


def test_an_index_of_two_bands_takes_at_most_30_reads(local: Local) -> None:
    text, reads = reads_of(local, TWO_BANDS)
    red, infrared = (stored(band).astype(np.float64) for band in ("B04", "B08"))
    known = (red != NODATA) & (infrared != NODATA)
    numbers = np.array([float("nan" if n == "null" else n) for n in text.split(",")])
    expected = (infrared - red) / (infrared + red)
    np.testing.assert_allclose(numbers[known], expected[known], rtol=1e-6)
    assert reads.ranges <= 30
    assert reads.chunks == 0


def test_a_polygon_reads_each_chunk_once(local: Local) -> None:
    _, reads = reads_of(local, POLYGON)
    # 101 cells a side touch at most 5 x 5 chunks of 32; four blocks, two bands.
    assert 0 < reads.deep_chunks <= 25 * 4 * 2
    assert reads.chunks == 0


@pytest.mark.parametrize("query", [PIXEL, TWO_BANDS, POLYGON])
def test_the_estimate_is_what_is_read(local: Local, query: str) -> None:
    processor = local.engine.session().processor()
    (result,) = processor.bind(query)
    assert isinstance(result.value, Encoded)
    root = result.value.root
    assert not isinstance(root.source, Picture)
    cost = estimate(replace(root, source=processor.prepare(root.source)))
    _, reads = reads_of(local, query)
    assert reads.deep_chunks <= cost.chunks <= 1.2 * reads.deep_chunks
    assert reads.decoded_bytes <= cost.decoded_bytes <= 1.2 * reads.decoded_bytes


def test_the_series_of_a_place_is_read_from_blocks(local: Local) -> None:
    asked = Place(
        layers=(MapLayer(layer="LONG"),),
        crs=UTM,
        x=LEFT_M + 10 * COL + 5,
        y=TOP_M - 10 * ROW - 5,
        time=MapTime(start=parse_period("2018"), end=parse_period("2025")),
        series=True,
    )
    with counted() as reads:
        (layer,) = local.engine.session().place(asked).layers
    found = {
        band: [v.value for r in layer.readings for v in r.values if v.band.name == band]
        for band in ("B04", "B08")
    }
    for band, values in found.items():
        expected = [None if n == NODATA else n for n in stored(band).tolist()]
        both = zip(stored("B04"), stored("B08"), strict=True)
        known = [any(n != NODATA for n in pair) for pair in both]
        assert values == [n for n, shown in zip(expected, known, strict=True) if shown]
    assert reads.chunks == 0
    assert reads.ranges <= 30


def test_xarray_reads_from_blocks(long_store: Path) -> None:
    cube = copernicube.open(str(long_store))["LONG"]
    x, y = LEFT_M + 10 * COL + 5, TOP_M - 10 * ROW - 5
    with counted() as reads:
        cells = cube.to_xarray(bbox=(x - 1, y - 1, x + 1, y + 1), bands=("B08",)).compute()
    expected = stored("B08").astype(float)
    expected[expected == NODATA] = np.nan
    np.testing.assert_allclose(cells.B08.values[:, 0, 0], expected * 1e-4, rtol=1e-6)
    assert reads.chunks == 0
    assert reads.ranges <= 30


def test_few_dates_are_read_from_slots(local: Local) -> None:
    query = PIXEL.replace("[N:", '[ansi:"CRS:1"(3:4), N:')
    _, reads = reads_of(local, query)
    assert (reads.chunks, reads.ranges) == (2, 0)


def test_large_areas_are_read_from_slots(local: Local) -> None:
    _, reads = reads_of(local, "for $c in (LONG) return count($c.B08)")
    assert (reads.chunks > 0, reads.ranges) == (True, 0)


def test_readers_of_the_engine_know_blocks(local: Local) -> None:
    assert isinstance(local.engine.cells, ReadDeep)


def invoke(store: Path, *arguments: str) -> str:
    done = CliRunner().invoke(
        cubes, ["deepen", "--store", str(store), *arguments], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def test_command(long_store: Path) -> None:
    before = json.loads(invoke(long_store, "--dry-run", "--json"))["cubes"]
    assert [(one["cube"], one["blocks"], one["pending"]) for one in before] == [
        ("LONG", 4, 0),
        ("SHORT", 0, 20),
    ]
    assert "SHORT: 1 blocks made" in invoke(long_store, "SHORT")
    assert "SHORT: 0 blocks made" in invoke(long_store, "SHORT")
    assert "SHORT: 1 blocks stand" in invoke(long_store, "--dry-run")
    query = PIXEL.replace("LONG", "SHORT")
    local = open_local(str(long_store), read_only=True)
    whole, reads = reads_of(local, query)
    assert reads.ranges == 2
    assert "SHORT: 1 blocks removed" in invoke(long_store, "SHORT", "--remove")
    assert not list(long_store.glob("SHORT/*/deep/*"))
    # One that was bound before reads the slots; so does a new one.
    assert reads_of(local, query)[0] == whole
    assert reads_of(open_local(str(long_store), read_only=True), query)[1].chunks == 20


def test_verify_reads_blocks(long_store: Path) -> None:
    def verified() -> tuple[int, dict[str, object]]:
        done = CliRunner().invoke(verify, ["LONG", "--store", str(long_store), "--json"])
        return done.exit_code, json.loads(done.stdout)

    code, report = verified()
    assert (code, report["deep_blocks"], report["deep_damage"]) == (0, 4, [])
    path = next(long_store.glob("LONG/*/deep/*/B08"))
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    code, report = verified()
    assert (code, report["intact"], report["damage"]) == (1, False, [])
    assert str(path.relative_to(long_store)) in str(report["deep_damage"])
    path.write_bytes(data)


def test_what_crashes_left_behind_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_store(tmp_path / "store")
    add_sparse(made, Sparse(name="C", dates=20, side_px=600, parts=((0, 300, 0, 300),)), content)
    local = made.local
    assert isinstance(local.store.location, Folder)
    crashed = make_deepening(local, "*")
    for _ in range(4):
        crashed.step()
    (begun,) = (tmp_path / "store").glob("C/*/deep/*")
    unknown = begun.with_name("0" * 32)
    unknown.mkdir()
    (unknown / "B04").write_bytes(b"half")
    # Somebody may be at work on the one; nobody knows the other.
    run(make_deepening(local, "*"))
    kept = {path.name for path in (tmp_path / "store").glob("C/*/deep/*")}
    assert begun.name in kept
    assert unknown.name not in kept
    assert len(kept) == 2
    monkeypatch.setattr(deepening, "GIVEN_UP_AFTER", timedelta())
    local.catalog.deep.set_mark(local.catalog.deep.cubes()[0][0], 0)
    run(make_deepening(local, "*"))
    assert {path.name for path in (tmp_path / "store").glob("C/*/deep/*")} == kept - {begun.name}


def test_a_damaged_scene_holds_up_its_column_alone(tmp_path: Path) -> None:
    made = make_store(tmp_path / "store")
    parts: tuple[Part, ...] = ((0, 20, 0, 20), (0, 20, 2050, 2070))
    add_sparse(made, Sparse(name="C", dates=10, side_px=2100, parts=parts), content)
    columns = sorted({path.name for path in (tmp_path / "store").glob("C/*/0/B04/c/3/*/*")})
    (damaged,) = (tmp_path / "store").glob(f"C/*/0/B08/c/3/*/{columns[0]}")
    damaged.unlink()
    run(make_deepening(made.local, "*"))
    blocks = made.local.catalog.deep.of_cube(made.local.catalog.deep.cubes()[0])
    assert [str(block.column[-1]) for block in blocks] == [columns[1]]
    assert len(list((tmp_path / "store").glob("C/*/deep/*"))) == 1


def test_two_at_work_make_no_slot_twice(tmp_path: Path) -> None:
    made = make_store(tmp_path / "store")
    add_sparse(made, Sparse(name="C", dates=20, side_px=600, parts=((0, 300, 0, 300),)), content)
    both = make_deepening(made.local, "*"), make_deepening(made.local, "*")
    while True in [work.step() for work in both]:
        pass
    blocks = made.local.catalog.deep.of_cube(made.local.catalog.deep.cubes()[0])
    assert [sorted(block.slots) for block in blocks] == [list(range(20))]
    assert len(list((tmp_path / "store").glob("C/*/deep/*"))) == 1


def test_blocks_grow_with_the_cube(tmp_path: Path) -> None:
    made = make_store(tmp_path / "store")
    work = make_deepening(made.local, "*")
    depths: list[list[int]] = []
    for dates in range(0, 48, 6):
        parts = ((0, 20, 0, 20),)
        more = Sparse(name="C", dates=6, side_px=300, parts=parts, bands=("B04",), after=dates)
        add_sparse(made, more, content)
        run(work)
        found = made.local.catalog.deep.of_cube(made.local.catalog.deep.cubes()[0])
        depths.append(sorted(len(block.slots) for block in found))
        assert len(list((tmp_path / "store").glob("C/*/deep/*"))) == len(found)
    assert depths == [[], [12], [12], [24], [24], [36], [36], [48]]


@pytest.mark.parametrize("at_once", [1, 3, 6, 50])
def test_a_column_takes_few_reads_while_it_grows(at_once: int) -> None:
    pending, copied, depths = 0, 0, list[int]()
    for dates in range(at_once, 2000, at_once):
        pending += at_once
        while (taken := absorbed(pending, depths)) is not None:
            gathered = pending + sum(depths[at] for at in taken)
            made = min(gathered, RANKS)
            depths = [depth for at, depth in enumerate(depths) if at not in taken] + [made]
            pending, copied = gathered - made, copied + made
        assert pending < LEAST_RANKS
        assert sum(depths) + pending == dates
        assert len([depth for depth in depths if depth < RANKS]) <= 3
        assert 2 * (len(depths) + pending) <= 24 or dates > 500
        assert copied <= 5 * dates
