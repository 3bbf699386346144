"""SAFE products: the genuine one, and synthetic ones in ESA's layout."""

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from lxml import etree
from pyproj import CRS

from datacube.cube import Slot
from datacube.errors import SourceError, UnsafeSourceError, UnsupportedSourceError
from datacube.grid import Window
from ingest.rasters import source_grid
from ingest.scene import CubeChoice, Scene
from ingest.sentinel2 import Sentinel2Reader
from ingest.sentinel2.bands import PRODUCTS
from ingest.sentinel2.footprints import parse_footprint, rasterise
from ingest.sentinel2.metadata import parse_xml
from ingest.summary import Outcome, Status
from tests.builders.bands import BAND_BY_NAME, Level, level_bands
from tests.builders.broken import (
    empty_file,
    truncate,
    xml_with_external_entity,
    zip_bomb,
    zip_safe,
)
from tests.builders.expected import expected_saturated, expected_stored, expected_valid
from tests.builders.jp2 import write_jp2
from tests.builders.presets import cut, north, partial, reprocessed, south, three_baselines
from tests.builders.product import Product
from tests.builders.safe import build_safe, true_colour
from tests.builders.surface import Surface, noise_surface, real_surface, scene_class
from tests.ingest.harness import Warehouse, open_warehouse, window_of
from tests.ingest.sentinel2.items import documented_properties

SIZE = 300


@pytest.fixture(scope="module")
def surface() -> Surface:
    return real_surface(SIZE).with_special_cells()


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


def cube_of(product: Product) -> str:
    return f"S2_{product.level}_{product.epsg}"


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


@pytest.mark.parametrize("level", ["L1C", "L2A"])
@pytest.mark.parametrize("baseline", ["02.14", "05.09"])
def test_a_gap_in_one_footprint_is_nodata_in_that_band_only(
    baseline: str, level: Level, surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    """Footprints are polygons before baseline 04.00, images from then on."""
    gap = surface.with_gap("B03", [(200, 201)])

    bands = ("B03", "B04", "SCL") if level == "L2A" else ("B03", "B04")
    product = replace(north(baseline, level), bands=bands)
    warehouse.ingest(build_safe(tmp_path, gap, product))

    slot = warehouse.slot(cube_of(product))
    for band in ("B03", "B04"):
        np.testing.assert_array_equal(
            warehouse.band(slot, band), expected_stored(gap, product, band)
        )
    assert warehouse.band(slot, "B03")[200, 201] == -32768
    assert warehouse.band(slot, "B04")[200, 201] != -32768
    assert warehouse.mask(slot, "r10m")[200, 201] == 1


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


def test_l1c_without_masks_is_nodata_where_every_band_is_zero(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    hole = np.zeros((50, 50), np.bool_)
    hole[30:40, 20:30] = True
    surface = noise_surface(SIZE).with_nodata(hole).with_cells("B02", [((3, 4), 0)])
    product = partial(north("02.14", "L1C"), "B02", "B03", "B11")

    warehouse.ingest(build_safe(tmp_path, surface, product))

    slot = warehouse.slot("S2_L1C_32633")
    blue = warehouse.band(slot, "B02")
    assert blue[3, 4] == 0
    np.testing.assert_array_equal(blue, expected_stored(surface, product, "B02"))
    np.testing.assert_array_equal(blue == -32768, np.kron(hole, np.ones((6, 6))) == 1)
    rule = "DN 0 in every band"
    assert json.loads(slot.scene.properties)["nodata_rule"] == {"r10m": rule, "r20m": rule}


def test_footprint_polygons_decide_where_l1c_has_them(warehouse: Warehouse, tmp_path: Path) -> None:
    """A cell that was seen is valid even if every band measured 0 there."""
    hole = np.zeros((50, 50), np.bool_)
    hole[30:40, 20:30] = True
    dark = [((3, 4), 0)]
    surface = noise_surface(SIZE).with_nodata(hole)
    surface = surface.with_cells("B02", dark).with_cells("B03", dark)
    product = replace(north("02.14", "L1C"), bands=("B02", "B03", "B11"))

    (outcome,) = warehouse.ingest(build_safe(tmp_path, surface, product)).outcomes

    assert not any("footprint" in warning for warning in outcome.warnings)
    slot = warehouse.slot("S2_L1C_32633")
    for band in ("B02", "B03", "B11"):
        scale = 60 // BAND_BY_NAME[band].resolution_m
        stored = warehouse.band(slot, band)
        np.testing.assert_array_equal(stored == -32768, np.kron(hole, np.ones((scale, scale))) == 1)
        np.testing.assert_array_equal(stored, expected_stored(surface, product, band))
    assert warehouse.band(slot, "B02")[3, 4] == warehouse.band(slot, "B03")[3, 4] == 0
    rule = "outside the polygons of MSK_DETFOO"
    assert json.loads(slot.scene.properties)["nodata_rule"] == {"r10m": rule, "r20m": rule}


FIRST_RING = re.compile(rb"(<gml:posList[^>]*>)[^<]*")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: re.sub(rb"<eop:maskMembers>.*</eop:maskMembers>", b"", text, flags=re.DOTALL),
         "has no polygon"),
        (lambda text: FIRST_RING.sub(rb"\g<1>1 2 3 4", text), "no closed ring"),
        (lambda text: FIRST_RING.sub(rb"\g<1>one two", text), "not of numbers"),
        (lambda text: FIRST_RING.sub(rb"\g<1>nan 0 1 1 2 2 nan 0", text), "finite numbers"),
        (lambda text: text.replace(b":32633", b":32632"), "the tile in EPSG:32633"),
        (lambda text: text[:200], "not well-formed XML"),
    ],
)  # fmt: skip
def test_footprints_that_cannot_be_used_are_named(
    damage: Callable[[bytes], bytes], says: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    surface = noise_surface(240).with_gap("B02", [(100, 101)])
    product = replace(north("02.14", "L1C"), bands=("B02", "B03"))
    place = build_safe(tmp_path, surface, product)
    path = place / product.quality_folder / "MSK_DETFOO_B02.gml"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert path.read_bytes() != whole

    (outcome,) = warehouse.ingest(place).outcomes

    assert outcome.status is Status.INGESTED
    (warning,) = (text for text in outcome.warnings if "footprint" in text)
    assert warning.startswith("detector footprint not used: ")
    assert "MSK_DETFOO_B02.gml" in warning
    assert says in warning
    slot = warehouse.slot("S2_L1C_32633")
    # B03 is not 0 in the cell, so B02's 0 is a value.
    assert warehouse.band(slot, "B02")[100, 101] == 0
    np.testing.assert_array_equal(
        warehouse.band(slot, "B03"), expected_stored(surface, product, "B03")
    )
    assert json.loads(slot.scene.properties)["nodata_rule"] == {
        "r10m": "outside the polygons of MSK_DETFOO in B03; DN 0 in every band for B02"
    }


def test_a_footprint_with_entities_is_refused(tmp_path: Path) -> None:
    product = replace(north("02.14", "L1C"), bands=("B02",))
    place = build_safe(tmp_path, noise_surface(240), product)
    path = place / product.quality_folder / "MSK_DETFOO_B02.gml"
    path.write_bytes(path.read_bytes().replace(b"<eop:Mask ", b"<!DOCTYPE x><eop:Mask ", 1))
    with pytest.raises(UnsafeSourceError, match="declares a document type"):
        Sentinel2Reader().open(str(place), CubeChoice())


def test_footprint_polygons_with_heights_and_holes() -> None:
    """As products have them: `x y z` by `x y z`; the oracle are the rings' own numbers."""
    gml = "http://www.opengis.net/gml/3.2"
    outer, inner = (
        "0 0 0 60 0 0 60 -60 0 0 -60 0 0 0 0",
        "20 -20 0 40 -20 0 40 -40 0 20 -40 0 20 -20 0",
    )
    rings = "".join(
        f'<g:{side}><g:LinearRing><g:posList srsDimension="3">{text}'
        f"</g:posList></g:LinearRing></g:{side}>"
        for side, text in (("exterior", outer), ("interior", inner))
    )
    root = parse_xml(f'<m xmlns:g="{gml}"><g:Polygon>{rings}</g:Polygon></m>'.encode(), "m")
    grid = source_grid("m", (8, 8), Affine(10, 0, -10, 0, -10, 10), CRS.from_epsg(32633))

    seen = rasterise(parse_footprint(root, "m", 32633), grid, Window(((0, 8), (0, 7))))

    expected = np.zeros((8, 7), np.uint8)
    expected[1:7, 1:7] = 1
    expected[3:5, 3:5] = 0
    np.testing.assert_array_equal(seen, expected)


def test_the_rule_says_where_the_classes_end(warehouse: Warehouse, tmp_path: Path) -> None:
    """An SCL that ends before the bands do leaves the rest to the digital numbers."""
    surface = noise_surface(SIZE)
    product = partial(north("05.09"), "B02", "B05", "SCL")
    place = build_safe(tmp_path, surface, product)
    path = place / product.image_path("SCL", 20)
    with rasterio.open(path) as source:
        classes = source.read(1)[:, :120]
    write_jp2(path, classes, epsg=32633, transform=product.transform(20))

    warehouse.ingest(place)

    slot = warehouse.slot("S2_L2A_32633")
    np.testing.assert_array_equal(warehouse.band(slot, "B02"), surface.stored("B02"))
    rule = "SCL 0; DN 0 in every band outside the SCL image"
    assert json.loads(slot.scene.properties)["nodata_rule"] == {"r10m": rule, "r20m": rule}


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


def test_reprocessing_supersedes_and_the_older_one_is_skipped(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    old = partial(north(), "B02", "SCL")
    new = reprocessed(old)
    old_place = build_safe(tmp_path, surface, old)
    new_place = build_safe(tmp_path, surface, new)

    first = warehouse.ingest(old_place)
    again = warehouse.ingest(old_place)
    second = warehouse.ingest(new_place)
    late = warehouse.ingest(old_place)

    assert first.counts["ingested"] == second.counts["ingested"] == 1
    assert again.outcomes[0].note == "the same processing of this scene is there already"
    assert second.outcomes[0].superseded == (old.name.removesuffix(".SAFE"),)
    assert late.counts["skipped"] == 1
    assert [s.scene.baseline for s in warehouse.slots("S2_L2A_32633")] == ["05.10"]
    revision = first.outcomes[0].revision
    assert revision is not None
    before = warehouse.catalog.view(as_of=revision).slots("S2_L2A_32633")
    assert [s.scene.baseline for s in before] == ["05.09"]


def test_two_processings_at_once_leave_the_better(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    old = partial(north(), "B02", "SCL")
    places = [build_safe(tmp_path, surface, product) for product in (old, reprocessed(old))]

    summary = warehouse.ingest(*places, jobs=4)

    assert [outcome.status for outcome in summary.outcomes] == [Status.SKIPPED, Status.INGESTED]
    assert [s.scene.baseline for s in warehouse.slots("S2_L2A_32633")] == ["05.10"]


def test_a_lesser_reprocessing_leaves_both_visible(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    old = partial(north(), "B02", "B03", "SCL")
    new = replace(reprocessed(old), bands=("B02", "SCL"))

    warehouse.ingest(build_safe(tmp_path, surface, old), build_safe(tmp_path, surface, new))

    baselines = [s.scene.baseline for s in warehouse.slots("S2_L2A_32633")]
    assert baselines == ["05.10", "05.09"]


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


@pytest.mark.parametrize("how", ["empty", "truncated", "header"])
def test_an_unreadable_image_fails_its_scene_alone(
    how: str, surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    good, bad = partial(north("05.09"), "B02", "SCL"), partial(north("04.00"), "B02", "SCL")
    places = [build_safe(tmp_path, surface, product) for product in (bad, good)]
    image = places[0] / bad.image_path("B02", 10)
    size = image.stat().st_size
    {
        "empty": lambda: empty_file(image),
        "truncated": lambda: truncate(image, size // 2),
        "header": lambda: truncate(image, 60),
    }[how]()

    summary = warehouse.ingest(*places)

    assert summary.exit_code == 1
    failed, ingested = summary.outcomes
    assert failed.status is Status.FAILED
    assert failed.error_code == "source"
    assert failed.note is not None
    assert image.name in failed.note
    assert ingested.status is Status.INGESTED
    assert [s.scene.product_id for s in warehouse.slots("S2_L2A_32633")] == [
        good.name.removesuffix(".SAFE")
    ]


def test_an_empty_zip_and_a_cut_zip(warehouse: Warehouse, tmp_path: Path) -> None:
    empty = empty_file(tmp_path / "S2A_EMPTY.SAFE.zip")
    folder = build_safe(tmp_path, noise_surface(240), partial(north(), "SCL"))
    cut_off = truncate(zip_safe(folder), 5000)

    first, second = warehouse.ingest(empty, cut_off).outcomes

    assert first.note == f"{empty} is empty"
    assert second.note == f"{cut_off} is neither a folder nor a complete zip"


def test_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSourceError, match="a factor of 200 is allowed"):
        Sentinel2Reader().open(str(zip_bomb(tmp_path / "bomb.zip")), CubeChoice())


@pytest.mark.parametrize("name", ["../../outside.xml", "/etc/outside.xml", "a\\..\\outside.xml"])
def test_zip_entries_outside_are_refused(name: str, tmp_path: Path) -> None:

    archive = tmp_path / "S2.SAFE.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(name, "x")
    with pytest.raises(UnsafeSourceError, match="an entry outside itself"):
        Sentinel2Reader().open(str(archive), CubeChoice())


def test_external_entity_is_refused_and_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read")
    place = build_safe(tmp_path, noise_surface(240), partial(north(), "SCL"))
    xml_with_external_entity(place, secret)

    with pytest.raises(UnsafeSourceError, match="declares a document type") as caught:
        Sentinel2Reader().open(str(place), CubeChoice())
    assert "do not read" not in str(caught.value)


def test_a_product_without_images_or_metadata(tmp_path: Path) -> None:
    place = build_safe(tmp_path, noise_surface(240), partial(north()))
    with pytest.raises(UnsupportedSourceError, match="no image of a S2_L2A band"):
        Sentinel2Reader().open(str(place), CubeChoice())
    (place / "MTD_MSIL2A.xml").unlink()
    with pytest.raises(UnsupportedSourceError, match=r"has 0 MTD_MSIL1C\.xml"):
        Sentinel2Reader().open(str(place), CubeChoice())


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


def test_a_missing_place() -> None:
    with pytest.raises(SourceError, match="does not exist"):
        Sentinel2Reader().open("/nowhere/S2A_X.SAFE", CubeChoice())
