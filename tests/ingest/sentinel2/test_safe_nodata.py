"""Nodata of SAFE products: detector footprints, scene classes and digital numbers of 0."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS

from datacube.errors import UnsafeSourceError
from datacube.grid import Window
from ingest.rasters import source_grid
from ingest.scene import CubeChoice
from ingest.sentinel2 import Sentinel2Reader
from ingest.sentinel2.footprints import parse_footprint, rasterise
from ingest.sentinel2.metadata import parse_xml
from ingest.summary import Status
from tests.builders.bands import BAND_BY_NAME, Level
from tests.builders.expected import expected_stored
from tests.builders.jp2 import write_jp2
from tests.builders.presets import north, partial
from tests.builders.safe import build_safe
from tests.builders.surface import Surface, noise_surface
from tests.ingest.harness import Warehouse
from tests.ingest.sentinel2.making import SIZE, cube_of


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
