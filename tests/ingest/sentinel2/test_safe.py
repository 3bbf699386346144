"""SAFE products: the genuine one, and synthetic ones in ESA's layout."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from lxml import etree

from datacube.grid import Window
from datacube.slots import Slot
from ingest.scene import CubeChoice, Scene
from ingest.sentinel2 import Sentinel2Reader
from ingest.sentinel2.bands import PRODUCTS
from ingest.summary import Outcome, Status
from tests.builders.bands import BAND_BY_NAME, Level, level_bands
from tests.builders.broken import (
    zip_safe,
)
from tests.builders.expected import expected_saturated, expected_stored, expected_valid
from tests.builders.presets import cut, north, partial, south, three_baselines
from tests.builders.product import Product
from tests.builders.safe import build_safe, true_colour
from tests.builders.surface import Surface, noise_surface, scene_class
from tests.ingest.harness import Warehouse, open_warehouse, window_of
from tests.ingest.sentinel2.items import documented_properties
from tests.ingest.sentinel2.making import cube_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A complete product, ingested."""

    product: Product
    place: Path
    warehouse: Warehouse
    outcome: Outcome

    @property
    def slot(self) -> Slot:
        return self.warehouse.slot("S2_L2A_32733")


@pytest.fixture(scope="module")
def whole(surface: Surface, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Ingest a complete L2A product of the southern hemisphere; only read what lies there."""
    folder = tmp_path_factory.mktemp("whole")
    product = south()
    place = build_safe(folder, surface, product)
    warehouse = open_warehouse(folder / "store")
    (outcome,) = warehouse.ingest(place).outcomes
    yield Whole(product=product, place=place, warehouse=warehouse, outcome=outcome)
    warehouse.catalog.close()


def spectral(product: Product) -> Sequence[str]:
    return [band.name for band in level_bands(product.level) if product.has(band.name)]


@pytest.mark.parametrize("level", ["L1C", "L2A"])
def test_three_baselines_give_the_same_stored_values(
    level: Level, surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    products = three_baselines(level)
    places = [build_safe(tmp_path, surface, product) for product in products]

    summary = warehouse.ingest(*places)

    assert summary.counts["ingested"] == 3, [o.line for o in summary.outcomes]
    for product in products:
        slot = next(
            s
            for s in warehouse.slots(cube_of(product))
            if s.scene.product_id == product.name.removesuffix(".SAFE")
        )
        assert slot.scene.baseline == product.baseline
        for band in spectral(product):
            stored = warehouse.band(slot, band)
            np.testing.assert_array_equal(stored, expected_stored(surface, product, band))
            # One surface, one answer, whatever the baseline encodes it as.
            np.testing.assert_array_equal(stored, surface.stored(band))


def test_the_southern_product_is_copied_at_every_resolution(surface: Surface, whole: Whole) -> None:
    product, slot, warehouse = whole.product, whole.slot, whole.warehouse
    assert not any("resampled" in warning for warning in whole.outcome.warnings)
    for band in ("B02", "B05", "B01"):
        group = warehouse.cube("S2_L2A_32733").group(f"r{BAND_BY_NAME[band].resolution_m}m")
        covered = window_of(slot, group.name)
        # The source's corner, 40 m off the 60 m grid of the north, is a cell's corner.
        assert group.grid.at(covered).transform == product.transform(round(group.resolution))
        np.testing.assert_array_equal(
            warehouse.band(slot, band), expected_stored(surface, product, band)
        )


def test_saturated_and_zero_pixels(surface: Surface, whole: Whole) -> None:
    product, slot, outcome = whole.product, whole.slot, whole.outcome
    expected = {
        band: count
        for band in spectral(product)
        if (count := expected_saturated(surface, product, band))
    }
    assert len(expected) == 12
    assert dict(outcome.saturated) == expected
    assert json.loads(slot.scene.properties)["saturated"] == expected
    # Column 21 is B02's: saturated, exactly 32767, one above, far above, one only before the
    # offset is removed, the least reflectance, and zero.
    blue = whole.warehouse.band(slot, "B02")[10:17, 21]
    np.testing.assert_array_equal(blue, [32767, 32767, 32767, 32767, 32000, 1, 0])


def test_negative_reflectance_is_kept(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    product = partial(north("04.00"), "B02", "SCL")
    place = build_safe(tmp_path, surface.with_negative_cells(), product)

    warehouse.ingest(place)

    slot = warehouse.slot("S2_L2A_32633")
    np.testing.assert_array_equal(warehouse.band(slot, "B02")[18:21, 21], [-1, -500, -999])


def test_other_images_of_l2a(surface: Surface, whole: Whole) -> None:
    product, slot, place = whole.product, whole.slot, whole.place
    warehouse, outcome = whole.warehouse, whole.outcome
    assert set(outcome.bands) == PRODUCTS["L2A"].names
    assert outcome.warnings == ()
    np.testing.assert_array_equal(warehouse.band(slot, "SCL"), scene_class(surface, 20))
    for index, letter in enumerate("RGB"):
        np.testing.assert_array_equal(
            warehouse.band(slot, f"TCI_{letter}"), true_colour(surface)[index]
        )
    classes = scene_class(surface, 20)
    cloud = np.where(classes == 0, 255, np.where(classes == 9, 95, 3))
    np.testing.assert_array_equal(warehouse.band(slot, "MSK_CLDPRB"), cloud)
    with rasterio.open(place / product.image_path("AOT", 20)) as source:
        aot = source.read(1)
    np.testing.assert_array_equal(warehouse.band(slot, "AOT"), np.where(classes == 0, 65535, aot))
    saturated = surface.layer("B02").saturated
    quality = np.where(
        expected_valid(surface, product, "B02"), np.where(saturated, 1 << 7, 0), 65535
    )
    np.testing.assert_array_equal(warehouse.band(slot, "MSK_QUALIT_B02"), quality)
    opaque = scene_class(surface, 60) == 9
    np.testing.assert_array_equal(
        warehouse.band(slot, "MSK_CLASSI"),
        np.where(scene_class(surface, 60) == 0, 255, opaque.astype(np.uint8)),
    )


def test_mask_of_the_scene_and_levels(surface: Surface, whole: Whole) -> None:
    product, slot, warehouse = whole.product, whole.slot, whole.warehouse
    covered = slot.window("r10m")
    assert covered is not None
    assert covered.levels == 2  # 300 px, then 150 px: one inner chunk
    bands = [b for b in spectral(product) if BAND_BY_NAME[b].resolution_m == 10]
    valid = np.any([expected_valid(surface, product, band) for band in bands], axis=0)
    np.testing.assert_array_equal(warehouse.mask(slot, "r10m"), valid)
    top, left = covered.window.rows[0], covered.window.cols[0]
    assert top % 2 == 0
    assert left % 2 == 0
    pairs = valid.reshape(150, 2, 150, 2)
    np.testing.assert_array_equal(warehouse.mask(slot, "r10m", level=1), pairs.any(axis=(1, 3)))
    stored = expected_stored(surface, product, "B02").astype(np.float64)
    stored[~expected_valid(surface, product, "B02")] = np.nan
    means = np.nanmean(stored.reshape(150, 2, 150, 2)[10:].transpose(0, 2, 1, 3), axis=(2, 3))
    np.testing.assert_array_equal(warehouse.band(slot, "B02", level=1)[10:], np.rint(means))


def test_metadata_of_the_scene(whole: Whole) -> None:
    product, scene = whole.product, whole.slot.scene
    assert scene.scene_id == "S2A_20230815T095031_T33KWR_L2A"
    assert scene.reference_time == product.datatake_start.replace(microsecond=0)
    assert scene.first_time <= scene.reference_time <= scene.last_time
    assert scene.generation_time == product.processing_time
    assert scene.cloud_cover_percent == product.cloud_percent
    facts = json.loads(scene.properties)
    assert set(facts) <= documented_properties()
    assert (facts["platform"], facts["tile"]) == ("S2A", "33KWR")
    assert facts["datatake_id"] == product.datatake_id
    assert facts["relative_orbit"] == product.relative_orbit
    assert facts["absolute_orbit"] == product.absolute_orbit
    assert facts["orbit_direction"] == "descending"
    assert facts["time_assumed"] is False
    assert 0 < facts["sun_zenith_deg"] < 90
    assert set(facts["view_zenith_deg"]) == set(BAND_BY_NAME)
    assert facts["radiometry"]["B02"] == {
        "offset_dn": -1000,
        "quantification": 10000,
        "source": "BOA_ADD_OFFSET",
    }
    rule = "SCL 0; MSK_DETFOO 0"
    assert facts["nodata_rule"] == {"r10m": rule, "r20m": rule, "r60m": rule}


def test_zipped_product_is_read_in_place(
    surface: Surface, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = partial(north("04.00"), "B03", "B11", "SCL")
    folder = build_safe(tmp_path / "made", surface, product)
    archive = zip_safe(folder)
    shutil.rmtree(folder)
    before = set(tmp_path.rglob("*.jp2"))
    monkeypatch.setattr("tempfile.mkdtemp", _refuse)

    summary = warehouse.ingest(archive)

    assert summary.exit_code == 0
    assert set(tmp_path.rglob("*.jp2")) == before == set()
    slot = warehouse.slot("S2_L2A_32633")
    np.testing.assert_array_equal(
        warehouse.band(slot, "B03"), expected_stored(surface, product, "B03")
    )


def _refuse(*_args: object, **_options: object) -> str:
    raise AssertionError("a temporary folder was asked for")


def test_partial_products_say_what_is_missing(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    place = build_safe(tmp_path, surface, partial(cut(north()), "B02", "B08", "SCL"))

    (outcome,) = warehouse.ingest(place).outcomes

    assert outcome.status is Status.INGESTED
    assert outcome.bands == ("B02", "B08", "SCL")
    text = "; ".join(outcome.warnings)
    assert "missing bands: B01, B03, B04" in text
    assert "no quality masks" in text
    assert "cut to 3000 m x 3000 m of the tile's 109800 m x 109800 m" in text
    slot = warehouse.slot("S2_L2A_32633")
    assert slot.bands == {"B02", "B08", "SCL"}


def test_neither_data_strip_nor_manifest_is_needed(tmp_path: Path) -> None:
    """The interval is what MTD_MSI and MTD_TL say: datatake start to the granule's sensing time."""
    product = partial(north(), "SCL")
    place = build_safe(tmp_path, noise_surface(240), product)
    (scene,) = Sentinel2Reader().open(str(place), CubeChoice())
    shutil.rmtree(place / "DATASTRIP", ignore_errors=True)
    (place / "manifest.safe").unlink()
    sensed = etree.parse(place / "GRANULE" / product.granule / "MTD_TL.xml").findtext(
        ".//SENSING_TIME"
    )

    (bare,) = Sentinel2Reader().open(str(place), CubeChoice())

    assert isinstance(scene, Scene)
    assert isinstance(bare, Scene)
    assert bare.record == scene.record
    assert bare.record.first_time == product.datatake_start.replace(microsecond=0)
    assert bare.record.last_time == datetime.fromisoformat(str(sensed))


def test_genuine_l1c_product(testdata: Path, warehouse: Warehouse) -> None:
    (place,) = (testdata / "s2_l1c_safe_31TDH_b01").glob("*.SAFE")
    (image,) = place.rglob("*_B01.jp2")

    (outcome,) = warehouse.ingest(place).outcomes

    assert outcome.bands == ("B01",)
    assert outcome.warnings == (
        "missing bands: B02, B03, B04, B05, B06, B07, B08, B8A, B09, B10, B11, B12, TCI",
        "no quality masks",
    )
    slot = warehouse.slot("S2_L1C_32631")
    with rasterio.open(image) as source:
        dn, transform = source.read(1).astype(np.int32), source.transform
    expected = np.where(dn == 0, -32768, np.minimum(dn, 32767))
    np.testing.assert_array_equal(warehouse.band(slot, "B01"), expected)
    group = warehouse.cube("S2_L1C_32631").group("r60m")
    assert group.grid.at(window_of(slot, "r60m")).transform == transform
    assert slot.scene.reference_time.isoformat() == "2018-01-01T10:54:41+00:00"
    facts = json.loads(slot.scene.properties)
    assert (facts["relative_orbit"], facts["absolute_orbit"]) == (51, 13204)
    assert facts["nodata_rule"] == {"r60m": "DN 0 in every band"}


def test_a_wrong_offset_in_the_metadata_is_believed(tmp_path: Path) -> None:
    """The offset comes from the metadata alone, whatever date and baseline say."""
    surface = noise_surface(240)
    product = replace(partial(north("02.14"), "B02", "SCL"), add_offset=-700)
    place = build_safe(tmp_path, surface, product)

    (scene,) = Sentinel2Reader().open(str(place), CubeChoice())

    assert isinstance(scene, Scene)
    (blue, _) = scene.bands
    values, valid = blue.read(Window(((0, 240), (0, 240))))
    assert valid.all()
    np.testing.assert_array_equal(values, surface.stored("B02"))
