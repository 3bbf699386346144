import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
from pystac.stac_object import STACObjectType
from pystac.validation import validate_dict
from rasterio.windows import from_bounds

type Json = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
ROMANIA_VARIABLES = {
    "B02": ("10m", "B2"),
    "B03": ("10m", "B3"),
    "B04": ("10m", "B4"),
    "B08": ("10m", "B8"),
    "B8A": ("20m", "B8A"),
    "B11": ("20m", "B11"),
    "SCL": ("20m", "SCL"),
}


@pytest.fixture(scope="module")
def virginia(samples: Path) -> Json:
    item: Json = json.loads((samples / "virginia" / "item.json").read_text(encoding="utf-8"))
    return item


@pytest.fixture(scope="module")
def romania(samples: Path) -> list[Json]:
    text = (samples / "romania" / "items.json").read_text(encoding="utf-8")
    items: list[Json] = json.loads(text)["features"]
    return items


@pytest.fixture(scope="module")
def assets(samples: Path, virginia: Json, romania: list[Json]) -> list[tuple[Path, Json]]:
    """Every asset with its file."""

    def each(folder: Path, items: list[Json]) -> Iterator[tuple[Path, Json]]:
        for item in items:
            for asset in item["assets"].values():
                yield folder / asset["href"], asset

    return [*each(samples / "virginia", [virginia]), *each(samples / "romania", romania)]


def test_the_samples_stay_within_their_budget(samples: Path) -> None:
    sizes = [path.stat().st_size for path in samples.rglob("*") if path.is_file()]
    assert sum(sizes) < 15_000_000


def test_the_notice_of_copernicus_stands_beside_them(samples: Path) -> None:
    text = (samples / "README.md").read_text(encoding="utf-8")
    assert "Contains modified Copernicus Sentinel data [2015-2016]" in text
    assert "Contains modified Copernicus Sentinel data [2015-2021]" in text


def test_every_file_is_an_asset_and_every_asset_a_file(
    samples: Path, assets: list[tuple[Path, Json]]
) -> None:
    named = [path.resolve() for path, _ in assets]
    assert len(named) == 13 + 140 * 7
    assert sorted(named) == sorted(path.resolve() for path in samples.rglob("*.tif"))


def test_each_file_is_the_cog_that_its_asset_describes(assets: list[tuple[Path, Json]]) -> None:
    for path, asset in assets:
        with rasterio.open(path) as source:
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG", path
            assert list(source.shape) == asset["proj:shape"], path
            assert list(source.transform)[:6] == asset["proj:transform"], path
            assert source.dtypes == (asset["raster:bands"][0]["data_type"],), path
            assert source.res == (asset["gsd"], asset["gsd"]), path


def test_items_and_collections_are_valid_stac(
    samples: Path, virginia: Json, romania: list[Json]
) -> None:
    collections = [
        json.loads((samples / name / "collection.json").read_text(encoding="utf-8"))
        for name in ("virginia", "romania")
    ]
    # The core schemas come with pystac; those of extensions would be fetched.
    for item in (virginia, *romania):
        validate_dict(item, STACObjectType.ITEM, "1.1.0", extensions=[])
    for collection in collections:
        validate_dict(collection, STACObjectType.COLLECTION, "1.1.0", extensions=[])
    assert {item["collection"] for item in (virginia, *romania)} == {
        collection["id"] for collection in collections
    }


def test_virginia_lies_on_whole_cells_of_a_utm_cube(samples: Path, virginia: Json) -> None:
    edges = set()
    for band in virginia["assets"]:
        with rasterio.open(samples / "virginia" / f"{band}.tif") as source:
            assert source.crs.to_epsg() == 32618
            edges.add(tuple(source.bounds))
    ((west, south, east, north),) = edges
    assert [(west + 600_000) % 60, (east + 600_000) % 60, south % 60, north % 60] == [0, 0, 0, 0]


def test_virginia_shows_land_and_sea(samples: Path) -> None:
    with rasterio.open(samples / "virginia" / "B08.tif") as source:
        nir = source.read(1)
    # Water absorbs the near infrared; fields and forest return more than a tenth of it.
    assert np.mean(nir < 700) > 0.3
    assert np.mean(nir > 1000) > 0.2


def test_the_time_of_virginia_is_an_assumed_interval(virginia: Json) -> None:
    properties = virginia["properties"]
    assert properties["datetime"] is None
    assert properties["start_datetime"] == "2015-06-23T00:00:00Z"
    assert properties["end_datetime"] == "2016-06-30T23:59:59Z"
    assert properties["copernicube:time_assumed"] is True


def test_the_dates_of_romania_are_whole_days_apart_from_one_another(romania: list[Json]) -> None:
    days = [datetime.fromisoformat(item["properties"]["datetime"]) for item in romania]
    assert days == sorted(set(days))
    for item, day in zip(romania, days, strict=True):
        properties = item["properties"]
        assert properties["start_datetime"] == properties["datetime"] == f"{day:%Y-%m-%d}T00:00:00Z"
        assert properties["end_datetime"] == f"{day:%Y-%m-%d}T23:59:59.999Z"


def test_virginia_equals_its_source(samples: Path, testdata: Path, virginia: Json) -> None:
    for band in virginia["assets"]:
        original = testdata / "s2_l1c_virginia_13bands" / f"T18SVG_{band}.jp2"
        with (
            rasterio.open(samples / "virginia" / f"{band}.tif") as cut,
            rasterio.open(original) as source,
        ):
            expected = source.read(1, window=from_bounds(*cut.bounds, source.transform))
            np.testing.assert_array_equal(cut.read(1), expected, strict=True, err_msg=band)


def test_romania_equals_its_source(samples: Path, testdata: Path, romania: list[Json]) -> None:
    folder = testdata / "s2_l2a_romania_nrt_140dates"
    for band, (resolution, variable) in ROMANIA_VARIABLES.items():
        with h5py.File(folder / f"sentinel2_cube_subset_romania_{resolution}.nc") as source:
            cube = source[variable][:]
            x, y = source["x"][:], source["y"][:]
            days = source["time"][:].tolist()
        assert cube.shape[0] == len(romania)
        for item, day, expected in zip(romania, days, cube, strict=True):
            time = datetime.fromisoformat(item["properties"]["datetime"])
            assert (time - datetime(2015, 8, 1, tzinfo=UTC)).days == day
            path = samples / "romania" / item["assets"][band]["href"]
            with rasterio.open(path) as cut:
                np.testing.assert_array_equal(cut.read(1), expected, err_msg=str(path))
                centres = [cut.xy(0, 0), cut.xy(cut.height - 1, cut.width - 1)]
            np.testing.assert_allclose(centres, [(x[0], y[0]), (x[-1], y[-1])], rtol=0, atol=1e-4)


def test_the_script_makes_these_samples(samples: Path, testdata: Path, tmp_path: Path) -> None:
    options = ["--data", str(testdata.absolute()), "--out", str(tmp_path)]
    command = [sys.executable, "-m", "tools.make_samples", *options]
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    kept = sorted(
        path.relative_to(samples)
        for path in samples.rglob("*")
        if path.is_file() and path.name != "README.md"
    )
    assert made == kept
    # Files of pixels depend on the release of the compressor; their pixels are compared above.
    for path in made:
        if path.suffix == ".json":
            assert (tmp_path / path).read_bytes() == (samples / path).read_bytes(), path
