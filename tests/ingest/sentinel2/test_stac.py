"""STAC items: what a small synthetic one may say."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from datacube.errors import (
    UnsupportedSourceError,
)
from datacube.grid import Window
from tests.ingest.harness import Warehouse
from tests.ingest.sentinel2.items import (
    asset,
    documented_properties,
    make_item,
    pixels,
    save,
    write_raster,
)
from tests.ingest.sentinel2.making import open_one


def blue_item(folder: Path, properties: dict[str, object]) -> Path:
    write_raster(folder / "B02.tif", pixels(12, 18), step=10)
    return save(folder / "item.json", make_item({"blue": asset("B02.tif")}, properties))


@pytest.mark.parametrize(
    ("driver", "name"), [("JP2OpenJPEG", "B02.tif"), ("GTiff", "B02.jp2"), ("GTiff", "B02")]
)
def test_the_format_is_what_the_bytes_say(driver: str, name: str, tmp_path: Path) -> None:
    values = pixels(12, 18)
    write_raster(tmp_path / name, values, step=10, driver=driver)

    scene = open_one(save(tmp_path / "item.json", make_item({"blue": asset(name)})))

    stored, valid = scene.bands[0].read(Window(((0, 12), (0, 18))))
    np.testing.assert_array_equal(stored, values)
    assert valid.all()


def test_georeferencing_from_the_item_alone(tmp_path: Path) -> None:
    """`proj:transform` describes the image before it was resampled to half its rows and columns."""
    write_raster(tmp_path / "B02.tif", pixels(12, 18), step=None)
    fields = {"proj:transform": [5, 0, 499980, 0, -5, 5200020], "proj:shape": [24, 36]}

    scene = open_one(save(tmp_path / "i.json", make_item({"blue": asset("B02.tif", **fields)})))

    (band,) = scene.bands
    assert band.grid.x.step == pytest.approx(10)
    assert band.grid.bbox == pytest.approx((499980, 5199900, 500160, 5200020))
    assert scene.cube.name == "S2_L2A_32633"


def test_georeferencing_from_a_sidecar(tmp_path: Path) -> None:
    write_raster(tmp_path / "B02.tif", pixels(12, 18), step=None, driver="JP2OpenJPEG")
    wkt = rasterio.crs.CRS.from_epsg(32633).to_wkt()
    (tmp_path / "B02.tif.aux.xml").write_text(
        f"<PAMDataset><SRS>{wkt}</SRS>"
        "<GeoTransform>499980, 10, 0, 5200020, 0, -10</GeoTransform></PAMDataset>"
    )
    # The item describes another place; what lies beside the file is the truth.
    fields = {"proj:transform": [10, 0, 0, 0, -10, 0], "proj:shape": [12, 18]}

    scene = open_one(save(tmp_path / "i.json", make_item({"blue": asset("B02.tif", **fields)})))

    assert scene.bands[0].grid.bbox == (499980, 5199900, 500160, 5200020)


def test_no_georeferencing_at_all(tmp_path: Path) -> None:
    write_raster(tmp_path / "B02.tif", pixels(12, 18), step=None)
    with pytest.raises(UnsupportedSourceError, match="has no georeferencing"):
        open_one(save(tmp_path / "i.json", make_item({"blue": asset("B02.tif")})))


@pytest.mark.parametrize(
    "key_and_fields",
    [
        ("B02", {}),
        ("B2", {}),
        ("blue", {}),
        ("B02_10m", {}),
        ("some-key", {"eo:bands": [{"name": "B02", "common_name": "blue"}]}),
        ("some-key", {"eo:bands": [{"name": "band2", "common_name": "blue"}]}),
        ("some-key", {"bands": [{"name": "B02"}]}),
        ("some-key", {"bands": [{"eo:common_name": "blue"}]}),
    ],
)
def test_a_band_is_found_by(key_and_fields: tuple[str, Any], tmp_path: Path) -> None:
    key, fields = key_and_fields
    write_raster(tmp_path / "x.tif", pixels(6, 6), step=10)
    item = make_item({"thumbnail": asset("x.jpg"), key: asset("x.tif", **fields)})

    scene = open_one(save(tmp_path / "i.json", item))

    assert [band.band.name for band in scene.bands] == ["B02"]


def raster(scale: float, offset: float) -> dict[str, Any]:
    return {"raster:bands": [{"scale": scale, "offset": offset}]}


@pytest.mark.parametrize(
    ("applied", "fields", "gain", "add"),
    [
        # earth-search goes on listing the offset that it has applied.
        (True, raster(0.0001, -0.1), 1, 0),
        (False, raster(0.0001, -0.1), 1, -1000),
        (False, raster(0.0001, 0), 1, 0),
        (None, raster(0.0001, -0.1), 1, -1000),
        (None, raster(0.0002, -0.1), 2, -1000),
        (None, {"raster:scale": 0.0001, "raster:offset": -0.1}, 1, -1000),
        (None, {"bands": [{"name": "B02", "raster:scale": 0.0001}]}, 1, 0),
    ],
)
def test_the_offset_is_what_the_item_says(
    applied: object, fields: dict[str, Any], gain: int, add: int, tmp_path: Path
) -> None:
    dn = pixels(6, 6)
    write_raster(tmp_path / "B02.tif", dn, step=10)
    item = make_item(
        {"B02": asset("B02.tif", **fields)}, {"earthsearch:boa_offset_applied": applied}
    )

    scene = open_one(save(tmp_path / "i.json", item))

    stored, _ = scene.bands[0].read(Window(((0, 6), (0, 6))))
    np.testing.assert_array_equal(stored, np.minimum(dn.astype(np.int64) * gain + add, 32767))


def test_scene_metadata_has_the_names_that_safe_products_give(tmp_path: Path) -> None:
    common = {"eo:cloud_cover": 12.5, "sat:orbit_state": "descending"}
    elsewhere = {"sat:relative_orbit": 79, "s2:mean_solar_zenith": 35.0, "grid:code": None}
    spellings: list[dict[str, object]] = [
        common | {"view:sun_elevation": 55.0, "view:sun_azimuth": 155.0},
        common | elsewhere | {"s2:mean_solar_azimuth": 155.0, "s2:mgrs_tile": "33TWM"},
    ]
    found = []
    for number, properties in enumerate(spellings):
        record = open_one(blue_item(tmp_path / str(number), properties)).record
        facts = json.loads(record.properties)
        assert facts.pop("source") == str(tmp_path / str(number) / "item.json")
        assert record.cloud_cover_percent == 12.5
        found.append(facts)

    assert found[0] == found[1]
    assert set(found[0]) < documented_properties()
    assert found[0] == {
        "item": "S2A_33TWM_20230815_0_L2A",
        "platform": "S2A",
        "tile": "33TWM",
        "datatake_id": "GS2A_20230815T095031_042547_N05.09",
        "relative_orbit": 79,
        "absolute_orbit": 42547,
        "orbit_direction": "descending",
        "time_assumed": False,
        "sun_zenith_deg": 35.0,
        "sun_azimuth_deg": 155.0,
        "radiometry": {
            "B02": {
                "offset_dn": 0,
                "quantification": 10000,
                "source": "earthsearch:boa_offset_applied",
            }
        },
        "nodata_rule": {"r10m": "DN 0 in every band"},
    }


def test_an_undeclared_offset_is_not_guessed(tmp_path: Path) -> None:
    place = blue_item(tmp_path, {"earthsearch:boa_offset_applied": None})
    with pytest.raises(UnsupportedSourceError, match="which offset the digital numbers of B02"):
        open_one(place)


def test_the_offset_from_the_products_own_metadata(testdata: Path, tmp_path: Path) -> None:
    (packed,) = (testdata / "s2_safe_metadata_baselines").glob("*N0400*.zip")
    with zipfile.ZipFile(packed) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/MTD_MSIL2A.xml"))
        (tmp_path / "MTD_MSIL2A.xml").write_bytes(archive.read(name))
    dn = pixels(6, 6)
    write_raster(tmp_path / "B02.tif", dn, step=10)
    item = make_item(
        {"B02": asset("B02.tif"), "product-metadata": asset("MTD_MSIL2A.xml", roles=["metadata"])},
        {"earthsearch:boa_offset_applied": None},
    )

    scene = open_one(save(tmp_path / "i.json", item))

    stored, _ = scene.bands[0].read(Window(((0, 6), (0, 6))))
    np.testing.assert_array_equal(stored, dn.astype(np.int32) - 1000)
    rules = json.loads(scene.record.properties)["radiometry"]
    assert rules["B02"]["source"] == "BOA_ADD_OFFSET"


def test_classes_mark_nodata_of_all_resolutions(warehouse: Warehouse, tmp_path: Path) -> None:
    classes = np.full((6, 9), 4, np.uint8)
    classes[0, 0] = 0  # one of nine in the first 60 m cell
    classes[3:6, 3:6] = 0  # all nine of another
    write_raster(tmp_path / "SCL.tif", classes, step=20)
    write_raster(tmp_path / "B02.tif", pixels(12, 18), step=10)
    write_raster(tmp_path / "B01.tif", pixels(2, 3), step=60)
    item = make_item({name: asset(f"{name}.tif") for name in ("B01", "B02", "SCL")})

    warehouse.ingest(save(tmp_path / "i.json", item))

    slot = warehouse.slot("S2_L2A_32633")
    np.testing.assert_array_equal(
        warehouse.band(slot, "B02") == -32768, np.kron(classes == 0, np.ones((2, 2))) == 1
    )
    np.testing.assert_array_equal(
        warehouse.band(slot, "B01") == -32768, [[False, False, False], [False, True, False]]
    )
    np.testing.assert_array_equal(warehouse.band(slot, "SCL"), classes)
