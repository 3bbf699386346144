"""A series of 500 dates over areas of several sizes, of a cube and of one of 16 times its cells."""

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from bench.alone import alone
from bench.data import CACHE
from bench.measure import Row
from tests.acceptance.test_series_polygon import (
    AROUND,
    DATES,
    ELSEWHERE,
    NEAR_PX,
    SIDE_PX,
    VARIANTS,
    content,
    polygon,
    query,
    touched,
)
from tests.builders.made import make_store
from tests.builders.sparse import Sparse, add_sparse

STORE = CACHE / "area-store"
CUBES = {"NEAR": (NEAR_PX, (AROUND,)), "BIG": (SIDE_PX, (AROUND, ELSEWHERE))}
SIDES = (0.5, 1, 2)
ROUNDS = 3
FORM = "the index is clipped"


def store() -> Path:
    """Make the cubes unless they are there; return their store."""
    if not STORE.exists():
        draft = STORE.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        made = make_store(draft)
        for name, (side, parts) in CUBES.items():
            sparse = Sparse(name=name, dates=DATES, side_px=side, parts=parts, variants=VARIANTS)
            add_sparse(made, sparse, content)
        made.local.catalog.close()
        draft.rename(STORE)
    return STORE


def rows() -> Iterator[Row]:
    """Yield a row an area and cube, the shortest of some runs with the highest peak."""
    for sides in SIDES:
        area = polygon(sides)
        runs: dict[str, list[tuple[float, int]]] = {cube: [] for cube in CUBES}
        # In turns, so that what else the machine does meets both cubes alike.
        for _, cube in product(range(ROUNDS), CUBES):
            asked, before = (query(FORM, cube, polygon(k)) for k in (sides, 0.01))
            runs[cube].append(alone(store(), asked, before=before))
        for cube, (side, _) in CUBES.items():
            peak = max(peak for _, peak in runs[cube])
            yield Row(
                what=f"NDVI mean of {DATES} dates of {side} x {side} cells over a polygon "
                f"of {area.area / 1e6:.1f} km2",
                ours_s=min(took for took, _ in runs[cube]),
                note=f"{touched(area)} chunks a band, {peak / 1e6:.0f} MB at the peak above idle",
            )
