"""What `explain` tells of queries, against the chunks that the store then decodes for them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from copernicube.wiring import open_local
from datacube.encode.kept import KeptDocuments
from datacube.errors import RequestError
from datacube.grid import Window
from datacube.plan import handing
from datacube.wcps.bind.scope import Upload
from tests.acceptance.counting import Reads, counted
from tests.builders.made import WGS84, Frame, Made, Shot, add_cube, add_scene, make_store, regular
from tests.builders.sparse import CELL_M, LEFT_M, TOP_M, Part, Sparse, add_sparse

SIDE_PX = 520
"""Cells along each side of the examples' cubes: three chunks, the last of them all but empty."""
TIMES = (*(f"2020-{month:02d}-01" for month in range(1, 7)), "2023-01-05")
NOT_RUN = {
    "node2.example.org:7000:A": "of another service, which is none here",
    "node2--7000--A": "of another service, which is none here",
    "image.stretch": "of a function that the operator adds",
    "allminutes": "of more times than a query may list",
    "allseconds": "of more times than a query may list",
    "return ($a + $a)": "an array that is not encoded",
    '{red: $c.b4; green: 0; blue: (unsigned char)$c.b8}, "png")': "of seven times in a picture",
    '{red: $a.b4; green: 0; blue: 0} / 17.0, "PNG")': "of seven times in a picture",
}
"""Examples that no store like this one answers, by what they hold, and why."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A query's estimate, and what it read."""

    query: str
    told: tuple[int, int]
    """Chunks and decoded bytes."""
    read: tuple[int, int]

    @property
    def close(self) -> bool:
        """Whether the estimates are at most 20 % too high, and not too low."""
        return self.enough and all(
            told <= 1.2 * read for told, read in zip(self.told, self.read, strict=True)
        )

    @property
    def enough(self) -> bool:
        """Whether no estimate is too low."""
        return all(read <= told for told, read in zip(self.told, self.read, strict=True))


def figures(made: Made, query: str, uploads: tuple[Upload, ...] = ()) -> Figures:
    cost = made.session.explain(query, uploads=uploads).cost
    with counted() as reads:
        made.session.query(query, uploads=uploads)
    return Figures(query, (cost.chunks, cost.decoded_bytes), _pair(reads))


def _pair(reads: Reads) -> tuple[int, int]:
    return reads.chunks, reads.decoded_bytes


@pytest.fixture(scope="module")
def examples(testdata: Path) -> list[str]:
    """Return the example queries."""
    path = testdata.parent / "reference/wcps-examples.jsonl"
    return [json.loads(line)["query"] for line in path.read_text().splitlines()]


def with_examples(path: Path, columns: int) -> Made:
    """Make the cubes of the examples, without data beyond the first columns."""
    made = make_store(path)
    rng = np.random.default_rng(0)
    axes = (regular("Lat", 30, 0, SIDE_PX), regular("Lon", 0, 30, SIDE_PX))

    def cells(*shape: int) -> NDArray[Any]:
        # Patches of equal cells, of which few polygons are made.
        few = rng.integers(2, 60, (*shape, SIDE_PX // 20, SIDE_PX // 20), dtype="int16")
        values = few.repeat(20, axis=-1).repeat(20, axis=-2)
        values[..., columns:] = -32768
        return values

    for name in "AB":
        add_cube(made, name, {"v": cells()}, Frame(axes=axes, crs=WGS84))
    bands = {band: cells(len(TIMES)) for band in ("b4", "b8")}
    add_cube(made, "T", bands, Frame(axes=axes, crs=WGS84, times=TIMES))
    index = tuple(regular(name, 0, 12, 12) for name in "ij")
    add_cube(made, "G", {"v": cells()[:12, :12]}, Frame(axes=index))
    return made


def upload() -> Upload:
    """Return a file on the cells of the examples' cubes."""
    body = BytesIO()
    transform = rasterio.Affine(30 / SIDE_PX, 0, 0, 0, -30 / SIDE_PX, 30)
    with rasterio.open(
        body,
        "w",
        driver="GTiff",
        width=SIDE_PX,
        height=SIDE_PX,
        count=1,
        dtype="int16",
        crs="EPSG:4326",
        transform=transform,
    ) as file:
        file.write(np.ones((SIDE_PX, SIDE_PX), np.int16), 1)
    return Upload(name="1", body=body.getvalue())


def of_all(made: Made, examples: list[str]) -> list[Figures]:
    """Run every example that can be run; check which cannot."""
    found, refused = [], []
    for query in examples:
        uploads = (upload(),) if "decode($1)" in query else ()
        try:
            found.append(figures(made, query, uploads))
        except RequestError:
            refused.append(query)
    assert len(refused) == len(NOT_RUN)
    assert all(any(part in query for part in NOT_RUN) for query in refused)
    return found


def test_examples_read_what_is_told_on_dense_data(tmp_path: Path, examples: list[str]) -> None:
    """But for the results that a false `where` leaves out: it is known only when it is run."""
    found = of_all(with_examples(tmp_path / "store", SIDE_PX), examples)
    assert [one for one in found if not one.close and " where avg(" not in one.query] == []
    assert all(one.enough for one in found)
    assert sum(one.read[0] > 0 for one in found) > 130


def test_examples_never_read_more_than_told_on_sparse_data(
    tmp_path: Path, examples: list[str]
) -> None:
    found = of_all(with_examples(tmp_path / "store", 256), examples)
    assert [one for one in found if not one.enough] == []


DATES, WIDE_PX = {"SCENES": 8, "WIDE": 3}, 2600


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the cubes of the benchmarks, a part of them, with noise for pictures."""
    made = make_store(tmp_path_factory.mktemp("scenes") / "store")
    rng = np.random.default_rng(3)

    def noise(_: int, band: str, part: Part) -> NDArray[Any]:
        shape = part[1] - part[0], part[3] - part[2]
        return rng.integers(1, 12, shape).astype("uint8" if band == "SCL" else "int16")

    whole = ((0, WIDE_PX, 0, WIDE_PX),)
    for name, bands in (("SCENES", ("B04", "B08", "SCL")), ("WIDE", ("B04", "B08"))):
        sparse = Sparse(
            name=name, dates=DATES[name], side_px=WIDE_PX, parts=whole, bands=bands, variants=1
        )
        add_sparse(made, sparse, noise)
    return made


def test_analyses_of_the_benchmarks_read_what_is_told(scenes: Made) -> None:
    analytics = pytest.importorskip("bench.analytics")
    session = scenes.session
    found = []
    for analysis in analytics.ANALYSES:
        cost = session.explain(analysis.query).cost
        (plan,) = session.processor().results(analysis.query)
        with counted() as reads:
            session.compute(plan)  # type: ignore[arg-type]  # a plan, as no text is asked for
        found.append(Figures(analysis.query, (cost.chunks, cost.decoded_bytes), _pair(reads)))
    assert [one for one in found if not one.close] == []


def test_reductions_of_the_benchmarks_read_what_is_told(scenes: Made) -> None:
    reduction = pytest.importorskip("bench.reduction")
    found = [
        figures(scenes, f"for $c in (WIDE) return {formula}")
        for formula in reduction.QUERIES.values()
    ]
    assert [one for one in found if not one.close] == []


def box(first: int, cells: int) -> str:
    """Return a trim to cells of the wide cubes that begins within a chunk."""
    left, top = LEFT_M + first * CELL_M, TOP_M - first * CELL_M
    return f"E({left}:{left + cells * CELL_M}), N({top - cells * CELL_M}:{top})"


@pytest.mark.parametrize("held", ["whole", "in parts"])
@pytest.mark.parametrize(
    ("cells", "result"),
    [
        (2048, 'encode($c.B04[{at}], "tiff")'),
        (2048, 'encode($c[{at}], "netcdf")'),
        (2048, 'encode($c.B04[{at}], "jp2")'),
        (
            1100,
            (
                'encode($c.B04[{at}], "png", "{{\\"colorMap\\": {{\\"type\\": \\"values\\", '
                '\\"colorTable\\": {{\\"1\\": [0, 0, 255, 255]}}}}}}")'
            ),
        ),
        (2048, 'encode($c.B04[{at}] - avg($c.B04[{at}]), "tiff")'),
        (2048, 'encode(scale($c.B08[{at}], 0.7), "tiff")'),
        (2048, 'encode(FLIP $c.B04[{at}] ALONG N, "netcdf")'),
        (1100, 'encode(scale($c.B08[{at}], {{E(1.9), N(1.9)}}), "tiff")'),
        (
            2048,
            (
                "encode(coverage d over $y y(300:2347), $x x(300:2347) values "
                '$c.B04[ansi:"CRS:1"(3), N:"CRS:1"($y), E:"CRS:1"($x)] '
                "- condense min over $k k(0:3) "
                'using $c.B04[ansi:"CRS:1"(3), N:"CRS:1"($k), E:"CRS:1"($x)], "tiff")'
            ),
        ),
    ],
)
def test_files_are_read_for_as_told_however_they_are_cut(
    scenes: Made, monkeypatch: pytest.MonkeyPatch, cells: int, result: str, held: str
) -> None:
    if held == "in parts":
        monkeypatch.setattr(handing, "HELD_BYTES", 1)
    at = f'ansi:"CRS:1"(3), {box(300, cells)}'
    found = figures(scenes, f"for $c in (SCENES) return {result.format(at=at)}")
    assert found.close, found


def test_texts_are_read_for_once(scenes: Made) -> None:
    query = f'for $c in (SCENES) return encode($c.B04[ansi:"CRS:1"(3), {box(300, 700)}], "csv")'
    found = figures(scenes, query)
    assert found.close, found


def test_tiles_of_the_benchmarks_read_what_is_told(demo_store: Path) -> None:
    """Together: a warp is told a few cells more, which alone may touch one more row of chunks."""
    tiles, mercator = map(pytest.importorskip, ("bench.tiles", "bench.mercator"))
    local = open_local(
        str(demo_store), read_only=True, chunk_cache_bytes=0, pictures=KeptDocuments(0)
    )
    session = local.engine.session()
    found = []
    for up, rows, cols in product((0, 1, 2), (6335, 6336, 6337), (4748, 4749, 4750)):
        tile = mercator.Tile(zoom=14 - up, col=cols >> up, row=rows >> up)
        bound = session.bind(tiles.asked(tile))
        cost = session.estimate(bound)
        with counted() as reads:
            session.encode(bound)
        found.append(Figures(str(tile), (cost.chunks, cost.decoded_bytes), _pair(reads)))
    assert [one for one in found if not one.enough] == []
    assert sum(one.told[0] for one in found) <= 1.2 * sum(one.read[0] for one in found)
    assert sum(one.read[0] > 0 for one in found) > 5


OVERLAPPING: Mapping[str, str] = {
    "mean": "avg($c)",
    "file": 'encode($c, "tiff")',
    "part": 'encode($c[Lat(2:20), Lon(3:21)], "netcdf")',
    "text": 'encode($c, "csv")',
    "scaled": 'encode(scale($c, 0.4), "tiff")',
    "warped": 'encode(crsTransform($c, "EPSG:3857", {bilinear}), "tiff")',
    "clipped": 'encode(clip($c, POLYGON((2 2, 25 4, 9 21, 2 2))), "tiff")',
    "clean": "count($c is not null)",
}


@pytest.fixture(scope="module", params=["many holes", "half empty", "whole"])
def overlapping(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a cube of four scenes of one time that lie over each other."""
    made = make_store(tmp_path_factory.mktemp("overlapping") / "store")
    rng = np.random.default_rng(9)
    axes = (regular("Lat", 30, 0, 1200), regular("Lon", 0, 30, 1200))
    frame = Frame(axes=axes, crs=WGS84)
    empty = np.full((1200, 1200), -32768, "int16")
    coverage = add_cube(made, "O", {"v": empty}, frame)
    grid = coverage.grid
    for number, (top, left) in enumerate(((0, 0), (0, 400), (350, 100), (500, 500))):
        values = rng.integers(0, 900, (700, 700)).astype("int16")
        if request.param == "many holes":
            values[rng.random(values.shape) < 0.3] = -32768
        if request.param == "half empty":
            values[:, 350:] = -32768
        window = ((top, top + 700), (left, left + 700))
        plane = grid.at(Window(window))
        add_scene(made, coverage.cube, {"v": values}, Shot(plane=plane, name=f"s{number}"))
    return made


@pytest.mark.parametrize("kind", OVERLAPPING)
def test_overlapping_scenes_never_read_more_than_told(overlapping: Made, kind: str) -> None:
    found = figures(overlapping, f"for $c in (O) return {OVERLAPPING[kind]}")
    assert found.enough, found
    assert found.read[0] > 0
