"""A cube that grows to the north-west: grid indices of before mean the same cells after."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from lxml import etree
from numpy.typing import NDArray

from tests.acceptance.clients import get, get_coverage, raster
from tests.builders.expected import expected_stored
from tests.builders.presets import north
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.served import run_copernicube, served
from tests.builders.surface import real_surface

BANDS = ("B02", "B11", "SCL")
INDEX_2D = "http://www.opengis.net/def/crs/OGC/0/Index2D"
NORTH_WEST_M = (-3000, 4200)
"""How far the later scene lies east and north of the first: beyond both its edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """A served store, and the scene that comes later."""

    url: str
    store: Path
    later: Path

    def grow(self) -> None:
        run_copernicube("ingest", "--store", self.store, self.later)


def described(url: str, coverage: str) -> tuple[list[int], list[int]]:
    """Return the lowest and highest grid indices, x and y first."""
    answer = get(
        url, service="WCS", version="2.0.1", request="DescribeCoverage", coverageid=coverage
    )
    limits = etree.fromstring(answer.content).find(".//{*}GridEnvelope")
    assert limits is not None
    low, high = (str(limits.findtext(f"{{*}}{end}")).split() for end in ("low", "high"))
    return [int(part) for part in low[:2]], [int(part) for part in high[:2]]


def later_product(first: Product) -> Product:
    """Return another datatake to the north-west."""
    east, north_m = NORTH_WEST_M
    return replace(
        first,
        tile="33TVN",
        origin_x_m=first.origin_x_m + east,
        origin_y_m=first.origin_y_m + north_m,
        datatake_start=first.datatake_start + timedelta(days=3),
        processing_time=first.processing_time + timedelta(days=3),
    )


@pytest.fixture
def utm(tmp_path: Path) -> Iterator[Growing]:
    first = replace(north(), bands=BANDS)
    safe = build_safe(tmp_path / "first", real_surface(240), first)
    later = build_safe(tmp_path / "later", real_surface(120), later_product(first))
    run_copernicube("ingest", "--store", tmp_path / "store", safe)
    with served(tmp_path / "store") as url:
        yield Growing(url=url, store=tmp_path / "store", later=later)


def moved_item(samples: Path, folder: Path, day: str, metres: tuple[int, int]) -> Path:
    """Copy a day of the Romanian sample, its files and item moved by `metres` east and north."""
    collection = json.loads((samples / "romania/items.json").read_text())
    item = next(i for i in collection["features"] if i["properties"]["datetime"].startswith(day))
    shutil.copytree(samples / "romania" / day, folder / day)
    for file in (folder / day).glob("*.tif"):
        with rasterio.open(file) as source:
            profile, values, transform = source.profile, source.read(), source.transform
        place = transform.translation(*metres) @ transform
        with rasterio.open(file, "w", **(profile | {"transform": place})) as target:
            target.write(values)
    for asset in item["assets"].values():
        asset["proj:transform"][2] += metres[0]
        asset["proj:transform"][5] += metres[1]
    path = folder / f"{day}.json"
    path.write_text(json.dumps(item))
    return path


@pytest.fixture
def free_origin(tmp_path: Path, samples: Path) -> Iterator[Growing]:
    first = moved_item(samples, tmp_path / "first", "2018-05-07", (0, 0))
    later = moved_item(samples, tmp_path / "later", "2018-05-12", (-600, 800))
    run_copernicube("ingest", "--store", tmp_path / "store", first)
    with served(tmp_path / "store") as url:
        yield Growing(url=url, store=tmp_path / "store", later=later)


def by_index(crs: str, x: tuple[int, int], y: tuple[int, int]) -> tuple[str, str]:
    return f"E,{crs}({x[0]},{x[1]})", f"N,{crs}({y[0]},{y[1]})"


def cells(
    url: str, coverage: str, day: str, crs: str, x: tuple[int, int], y: tuple[int, int]
) -> bytes:
    """Ask for cells by their indices, both ends included."""
    body = get_coverage(url, coverage, *by_index(crs, x, y), f'ansi("{day}")').content
    return bytes(body)


@pytest.mark.parametrize("crs", ["CRS:1", INDEX_2D])
def test_indices_of_a_utm_cube_stay(utm: Growing, crs: str) -> None:
    low, high = described(utm.url, "S2_L2A_32633_10m")
    # x counts from -600,000 m, y from 10,800,000 m: the corner of the UTM span.
    assert low == [(499_980 + 600_000) // 10, (10_800_000 - 5_200_020) // 10]
    assert [b - a + 1 for a, b in zip(low, high, strict=True)] == [240, 240]
    x, y = (low[0] + 5, low[0] + 24), (low[1] + 40, low[1] + 69)
    asked = ("S2_L2A_32633_10m", "2023-08-15", crs, x, y)
    before = cells(utm.url, *asked)
    wanted = expected_stored(real_surface(240), replace(north(), bands=BANDS), "B02")
    np.testing.assert_array_equal(raster(before).values[0], wanted[40:70, 5:25])
    utm.grow()
    grown, same = described(utm.url, "S2_L2A_32633_10m")
    assert grown == [low[0] - 300, low[1] - 420]
    assert same == high
    assert cells(utm.url, *asked) == before
    new = (grown[0], grown[0] + 119), (grown[1], grown[1] + 119)
    later = raster(cells(utm.url, "S2_L2A_32633_10m", "2023-08-18", crs, *new))
    wanted = expected_stored(real_surface(120), replace(north(), bands=BANDS), "B02")
    np.testing.assert_array_equal(later.values[0], wanted)


def read_sample(samples: Path, day: str, band: str) -> NDArray[np.int16]:
    with rasterio.open(samples / f"romania/{day}/{band}.tif") as source:
        values = source.read(1).astype(np.int16)
    return np.where(values == 0, np.int16(-32768), values)


def test_indices_of_a_free_origin_cube_stay_and_become_negative(
    free_origin: Growing, samples: Path
) -> None:
    """Its first scene's corner is index 0."""
    url = free_origin.url
    assert described(url, "S2_L2A_3035_10m") == ([0, 0], [99, 99])
    before = cells(url, "S2_L2A_3035_10m", "2018-05-07", "CRS:1", (3, 42), (10, 29))
    np.testing.assert_array_equal(
        raster(before).values[2], read_sample(samples, "2018-05-07", "B04")[10:30, 3:43]
    )
    free_origin.grow()
    assert described(url, "S2_L2A_3035_10m") == ([-60, -80], [99, 99])
    assert cells(url, "S2_L2A_3035_10m", "2018-05-07", "CRS:1", (3, 42), (10, 29)) == before
    later = raster(cells(url, "S2_L2A_3035_10m", "2018-05-12", "CRS:1", (-60, 39), (-80, 19)))
    np.testing.assert_array_equal(later.values[2], read_sample(samples, "2018-05-12", "B04"))
    for x, y in (((-60, -51), (0, 9)), ((60, 99), (-80, -41))):
        empty = raster(cells(url, "S2_L2A_3035_10m", "2018-05-07T00:00:00Z", "CRS:1", x, y))
        assert (empty.values == -32768).all()
