"""STAC items: the real ones of the Alps and of earth-search, and the bundled samples."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio

from datacube.grid import Window
from ingest.scene import CubeChoice
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Status
from tests.ingest.harness import Warehouse, window_of
from tests.ingest.sentinel2.items import (
    pixels,
    save,
    write_raster,
)
from tests.ingest.sentinel2.making import open_one


@pytest.fixture(scope="module")
def alps(testdata: Path) -> list[Path]:
    items = sorted((testdata / "s2_l2a_alps_33TW_5dates/sentinel-2-l2a").glob("S2*/S2*.json"))
    assert len(items) == 10
    return items


def test_all_alpine_products_in_one_cube_equal_their_sources(
    alps: list[Path], warehouse: Warehouse
) -> None:
    summary = warehouse.ingest(*alps, cube="S2_L2A_33TW", resolution=60, jobs=2)

    assert summary.counts["ingested"] == 10, [o.line for o in summary.outcomes]
    slots = warehouse.slots("S2_L2A_33TW")
    times = {slot.scene.reference_time for slot in slots}
    assert len(times) == 5
    assert all(sum(s.scene.reference_time == t for s in slots) == 2 for t in times)
    assert [
        a.reference for a in warehouse.catalog.view().coverage("S2_L2A_33TW").acquisitions
    ] == sorted(times)
    group = warehouse.cube("S2_L2A_33TW").group("r60m")
    for item in alps:
        uri = json.loads(item.read_text())["properties"]["s2:product_uri"]
        slot = next(s for s in slots if f"{s.scene.product_id}.SAFE" == uri)
        with rasterio.open(item.parent / "SCL.tif") as source:
            classes, transform = source.read(1), source.transform
        scale = np.ones((2, 2), np.uint8)
        # 120 m cells become 2 x 2 cells; the sidecar's corner is the cell's corner.
        grid = group.grid.at(window_of(slot, "r60m"))
        assert (grid.transform.c, grid.transform.f) == (transform.c, transform.f)
        np.testing.assert_array_equal(warehouse.band(slot, "SCL"), np.kron(classes, scale))
        for band in ("B02", "B03", "B04", "B08"):
            with rasterio.open(item.parent / f"{band}.tif") as source:
                dn = source.read(1).astype(np.int32)
            # boa_offset_applied is true: the numbers are reflectance x 10000 as they are.
            expected = np.where(classes == 0, -32768, np.minimum(dn, 32767)).astype(np.int16)
            np.testing.assert_array_equal(
                warehouse.band(slot, band), np.kron(expected, scale.astype(np.int16))
            )


def test_another_resolution_is_refused_with_the_options_that_take_it(
    alps: list[Path], warehouse: Warehouse
) -> None:
    (outcome,) = warehouse.ingest(alps[0]).outcomes

    assert outcome.status is Status.FAILED
    assert outcome.error_code == "wrong-resolution"
    assert outcome.note is not None
    found = re.search(r"--cube (\S+) --resolution (\d+)$", outcome.note)
    assert found is not None
    assert found.groups() == ("S2_L2A_33TW", "60")
    # The options of the message do take it.
    again = warehouse.ingest(alps[0], cube=found[1], resolution=float(found[2]), dry_run=True)
    assert again.counts["planned"] == 1


def test_what_lies_elsewhere_is_named(alps: list[Path]) -> None:
    scene = open_one(alps[0], CubeChoice(name="X", resolution=60))

    text = "; ".join(scene.warnings)
    assert "missing bands: B01, B05, B06, B07, B8A, B09, B11, B12, AOT, WVP, TCI" in text
    assert "assets elsewhere, not read: aot, coastal, nir08" in text
    facts = json.loads(scene.record.properties)
    assert facts["view_zenith_deg"]["B02"] == pytest.approx(8, abs=2)
    assert facts["radiometry"]["B02"]["source"] == "earthsearch:boa_offset_applied"


def test_bundled_samples(samples: Path, warehouse: Warehouse) -> None:
    romania = json.loads((samples / "romania/items.json").read_text())
    few = {**romania, "features": romania["features"][:2]}
    document = samples / "romania" / "items.json"
    assert document.is_file()

    summary = warehouse.ingest(samples / "virginia/item.json")
    scenes = Sentinel2Reader().open(str(document), CubeChoice())

    assert len(scenes) == 140
    assert len(few["features"]) == 2
    (outcome,) = summary.outcomes
    assert len(outcome.bands) == 13
    slot = warehouse.slot("S2_L1C_32618")
    for band in ("B02", "B05", "B01"):
        with rasterio.open(samples / f"virginia/{band}.tif") as source:
            np.testing.assert_array_equal(warehouse.band(slot, band), source.read(1))
    assert (slot.scene.first_time.year, slot.scene.last_time.isoformat()) == (
        2015,
        "2016-06-30T23:59:59+00:00",
    )
    assert json.loads(slot.scene.properties)["time_assumed"] is True
    assert any("only known to lie in 2015-06-23" in w for w in outcome.warnings)


def test_a_crs_other_than_utm_takes_the_first_lattice(
    samples: Path, warehouse: Warehouse, tmp_path: Path
) -> None:
    romania = json.loads((samples / "romania/items.json").read_text())
    places = []
    for feature in (romania["features"][0], romania["features"][5]):
        for fields in feature["assets"].values():
            fields["href"] = str((samples / "romania" / fields["href"]).resolve())
        places.append(save(tmp_path / f"{feature['id']}.json", feature))

    for place in places:
        assert warehouse.ingest(place).counts["ingested"] == 1

    one, two = warehouse.slots("S2_L2A_3035")
    assert window_of(one, "r10m") == window_of(two, "r10m") == Window(((0, 100), (0, 100)))
    assert window_of(one, "r20m") == Window(((0, 50), (0, 50)))
    with rasterio.open(romania["features"][0]["assets"]["B8A"]["href"]) as source:
        band, transform = source.read(1).astype(np.int32), source.transform
    with rasterio.open(romania["features"][0]["assets"]["SCL"]["href"]) as source:
        classes = source.read(1)
    np.testing.assert_array_equal(
        warehouse.band(one, "B8A"), np.where(classes == 0, -32768, np.minimum(band, 32767))
    )
    assert (
        warehouse.cube("S2_L2A_3035")
        .group("r20m")
        .grid.at(window_of(one, "r20m"))
        .transform.almost_equals(transform, 1e-6)
    )


def test_reprocessed_duplicates_of_earth_search(testdata: Path, tmp_path: Path) -> None:
    """`_0` and `_1` are one scene; baseline and processing time tell them apart."""
    folder = testdata / "stac_items/earth-search.aws.element84.com/sentinel-2-l2a"
    records = []
    for name in ("S2A_32UNU_20200305_0_L2A", "S2A_32UNU_20200305_1_L2A"):
        item = json.loads((folder / f"{name}.json").read_text())
        item["assets"] = {"blue": item["assets"]["blue"] | {"href": "B02.tif"}}
        write_raster(tmp_path / name / "B02.tif", pixels(6, 6), step=10)
        records.append(open_one(save(tmp_path / name / "item.json", item)).record)

    old, new = records
    assert old.scene_id == new.scene_id
    assert (old.baseline, new.baseline) == ("02.14", "05.00")
    assert new.precedence > old.precedence
    assert old.reference_time == new.reference_time
