"""NDVI mean per date over a polygon of 500 dates x 10980 x 10980 x 2 bands, and of real dates."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry

from copernicube.wiring import Local, open_local
from datacube.cells import Values
from datacube.cube import INNER_CHUNK_PX
from datacube.protocols import BandRead
from tests.acceptance.counting import counted
from tests.builders.made import make_store
from tests.builders.sparse import CELL_M, LEFT_M, NODATA, TOP_M, Part, Sparse, add_sparse

DATES, SIDE_PX, VARIANTS = 500, 10980, 7
NEAR_PX = 2745
"""Side of the cube whose domain is a sixteenth."""
AROUND: Part = (1400, 2560, 1300, 2420)
"""Where both cubes have data; shards meet in it."""
ELSEWHERE: Part = (9000, 9300, 100, 900)
CENTRE_M = (LEFT_M + 18_603, TOP_M - 19_811)
ROMANIA = "S2_L2A_3035"

INDEX = "((float)({0}.B08{1} - {0}.B04{1}) / ({0}.B08{1} + {0}.B04{1}))"
FORMS: dict[str, str] = {
    "the index is clipped": (
        "for $c in ({cube}) return encode(coverage s over $t ansi(imageCrsDomain($c, ansi)) "
        "values avg(clip(" + INDEX.format("$c", '[ansi:"CRS:1"($t)]') + ", {area})), {media})"
    ),
    "the cube is clipped": (
        "for $c in ({cube}) let $d := clip($c, {area}) "
        "return encode(coverage s over $t ansi(imageCrsDomain($c, ansi)) "
        "values avg(" + INDEX.format("$d", '[ansi:"CRS:1"($t)]') + "), {media})"
    ),
    "the index of all dates stands in a let": (
        "for $c in ({cube}) let $ndvi := " + INDEX.format("$c", "") + ", $p := {area} "
        "return encode(coverage s over $t ansi(domain($c, ansi)) "
        "values avg(clip($ndvi[ansi($t)], $p)), {media})"
    ),
    "the sum of a condenser over the count": (
        "for $c in ({cube}) let $ndvi := clip(" + INDEX.format("$c", "") + ", {area}) "
        "return encode(coverage s over $t ansi(imageCrsDomain($c, ansi)) "
        'values add($ndvi[ansi:"CRS:1"($t)]) / '
        'count($ndvi[ansi:"CRS:1"($t)] is not null), {media})'
    ),
}


def polygon(times: float = 1) -> BaseGeometry:
    """Return an area with no edge along the grid; `times` multiplies its sides."""
    x, y = CENTRE_M
    corners = [(-1130, 870), (340, 1190), (1270, 310), (530, -170), (890, -1210), (-730, -990)]
    return shapely.Polygon([(x + a * times, y + b * times) for a, b in corners])


def query(form: str, cube: str, area: BaseGeometry) -> str:
    return FORMS[form].format(cube=cube, area=shapely.to_wkt(area), media='"text/csv"')


def answered(local: Local, form: str, cube: str, area: BaseGeometry) -> NDArray[np.float64]:
    (answer,) = local.engine.session().query(query(form, cube, area))
    text = bytes(answer.body).decode()
    return np.array([float(number) for number in text.split(",")])


def content(variant: int, band: str, part: Part) -> Values:
    """Return random reflectance; one in twenty cells of B04 is nodata, other cells of B08 too."""
    top, bottom, left, right = part
    rng = np.random.default_rng([variant, *band.encode(), *part])
    made = rng.integers(1, 9000, (bottom - top, right - left)).astype(np.int16)
    made[rng.random(made.shape) < (0.05 if band == "B04" else 0.001)] = NODATA
    return made


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    made = make_store(tmp_path_factory.mktemp("series") / "store")
    for name, side, parts in (
        ("BIG", SIDE_PX, (AROUND, ELSEWHERE)),
        ("NEAR", NEAR_PX, (AROUND,)),
    ):
        add_sparse(
            made,
            Sparse(name=name, dates=DATES, side_px=side, parts=parts, variants=VARIANTS),
            content,
        )
    return made.local


def by_hand(red: Values, infrared: Values, inside: Values) -> float:
    """Mean NDVI of one date, in float64."""
    known = inside & (red != NODATA) & (infrared != NODATA)
    a, b = infrared[known].astype(np.float64), red[known].astype(np.float64)
    return float(np.mean((a - b) / (a + b)))


def oracle(area: BaseGeometry) -> NDArray[np.float64]:
    """Mean NDVI of each date; the area's cells are chosen by rasterio."""
    inside = geometry_mask(
        [area],
        (NEAR_PX, NEAR_PX),
        Affine(CELL_M, 0, LEFT_M, 0, -CELL_M, TOP_M),
        all_touched=False,
        invert=True,
    )
    means = []
    for variant in range(VARIANTS):
        bands = {}
        for band in ("B04", "B08"):
            bands[band] = np.full((NEAR_PX, NEAR_PX), NODATA, np.int16)
            for part in pieces(AROUND):
                top, bottom, left, right = part
                bands[band][top:bottom, left:right] = content(variant, band, part)
        means.append(by_hand(bands["B04"], bands["B08"], inside))
    return np.array([means[date % VARIANTS] for date in range(DATES)])


def pieces(part: Part) -> list[Part]:
    """Cut the part that is written where shards of 2048 cells meet."""
    top, bottom, left, right = part
    rows, cols = ((top, 2048), (2048, bottom)), ((left, 2048), (2048, right))
    return [(*r, *c) for r in rows for c in cols]


def touched(area: BaseGeometry) -> int:
    """Count the inner chunks that an area touches."""
    side = INNER_CHUNK_PX * CELL_M
    edges = range(NEAR_PX // INNER_CHUNK_PX + 1)
    return sum(
        area.intersects(
            shapely.box(
                LEFT_M + col * side,
                TOP_M - (row + 1) * side,
                LEFT_M + (col + 1) * side,
                TOP_M - row * side,
            )
        )
        for row in edges
        for col in edges
    )


@pytest.mark.parametrize("form", FORMS)
def test_only_chunks_that_the_polygon_touches_are_read(local: Local, form: str) -> None:
    area = polygon()
    with counted() as reads:
        found = answered(local, form, "BIG", area)
    np.testing.assert_allclose(found, oracle(area), rtol=1e-12, atol=0)
    assert 0 < reads.chunks <= DATES * 2 * touched(area)
    assert reads.indexes <= reads.chunks


@pytest.mark.parametrize("form", ["the index is clipped", "the sum of a condenser over the count"])
def test_what_is_read_grows_with_the_area_and_not_with_the_cube(local: Local, form: str) -> None:
    decoded = {}
    for sides in (0.5, 2):
        area = polygon(sides)
        reads = {}
        for cube in ("NEAR", "BIG"):
            with counted() as reads[cube]:
                found = answered(local, form, cube, area)
        np.testing.assert_allclose(found, oracle(area), rtol=1e-12, atol=0)
        # The one has sixteen times the cells of the other, and no more is read of it.
        assert reads["BIG"].chunks == reads["NEAR"].chunks <= DATES * 2 * touched(area)
        assert reads["BIG"].indexes == reads["NEAR"].indexes
        assert reads["BIG"].decoded_bytes == reads["NEAR"].decoded_bytes
        decoded[sides] = reads["BIG"].decoded_bytes / touched(area)
    # What is decoded follows the chunks that the area touches, here a sixteenth of the cells.
    assert decoded[0.5] == pytest.approx(decoded[2], rel=0.25)


CHILD = """
import re, sys
from pathlib import Path
from copernicube.wiring import open_local

def status(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

sessions = open_local(sys.argv[1], read_only=True).engine.session
list(sessions().query(sys.argv[2]))
idle = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
list(sessions().query(sys.argv[3]))
print(status("VmHWM") - idle)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("form", ["the cube is clipped", "the sum of a condenser over the count"])
def test_memory_stays_below_a_gigabyte(local: Local, form: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            CHILD,
            local.store.location.name,
            'for $c in (NEAR) return count($c.B04[E(400000:400100), ansi:"CRS:1"(0)])',
            query(form, "BIG", polygon(2)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 1e9


@pytest.mark.parametrize("form", FORMS)
def test_a_series_of_real_dates(demo_store: Path, form: str) -> None:
    local = open_local(str(demo_store), read_only=True)
    view = local.catalog.view()
    coverage = view.coverage(ROMANIA)
    grid = coverage.grid
    left, bottom, right, top = grid.bbox
    x, y = (left + right) / 2 + 7, (bottom + top) / 2 - 3
    area = shapely.Polygon(
        [(x - 380, y + 401), (x + 294, y + 343), (x + 451, y - 287), (x + 13, y - 33), (x, y - 430)]
    )
    inside = geometry_mask(
        [area],
        grid.shape,
        Affine(grid.x.step, 0, left, 0, grid.y.step, top),
        all_touched=False,
        invert=True,
    )
    slots = view.slots(ROMANIA)
    group = coverage.cube.group("r10m")
    expected = []
    for slot in slots:
        bands = [
            local.store.read(
                slot,
                BandRead(
                    group=group,
                    level=0,
                    band=name,
                    dtype="int16",
                    nodata=NODATA,
                    window=grid.window,
                ),
            )
            for name in ("B04", "B08")
        ]
        expected.append(by_hand(bands[0], bands[1], inside))
    # In WCPS the first coordinate belongs to the CRS's first axis, here the northing.
    northing_first = shapely.transform(area, lambda places: places[:, ::-1])
    with counted() as reads:
        found = answered(local, form, ROMANIA, northing_first)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    assert len(found) == 140
    assert reads.chunks <= 140 * 2
