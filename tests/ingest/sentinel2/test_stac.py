"""STAC items: the real ones of the Alps, and small synthetic ones."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from datacube.errors import (
    SourceError,
    UnsafeSourceError,
    UnsupportedSourceError,
    WrongResolutionError,
)
from datacube.grid import Window
from ingest.scene import CubeChoice, Scene
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Status
from tests.ingest.harness import Warehouse, window_of
from tests.ingest.sentinel2.items import (
    asset,
    documented_properties,
    make_item,
    pixels,
    save,
    write_raster,
)


def open_one(place: Path | str, choice: CubeChoice | None = None) -> Scene:
    (scene,) = Sentinel2Reader().open(str(place), choice or CubeChoice())
    assert isinstance(scene, Scene)
    return scene


def blue_item(folder: Path, properties: dict[str, object]) -> Path:
    write_raster(folder / "B02.tif", pixels(12, 18), step=10)
    return save(folder / "item.json", make_item({"blue": asset("B02.tif")}, properties))


# The real set


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
    assert [a.reference for a in warehouse.catalog.view().coverage("S2_L2A_33TW").time] == sorted(
        times
    )
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


# What an item may say


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


def test_one_bad_item_of_a_collection_fails_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    write_raster(tmp_path / "B02.tif", pixels(6, 6), step=10)
    good = make_item({"B02": asset("B02.tif")})
    bad = make_item({"B02": asset("absent.tif")}, item_id="bad")
    flat = {**make_item({"B02": asset("B02.tif")}, item_id="flat"), "geometry": None}
    place = save(
        tmp_path / "items.json", {"type": "FeatureCollection", "features": [bad, good, flat, 3]}
    )

    summary = warehouse.ingest(place)

    assert [o.status for o in summary.outcomes] == [
        Status.FAILED,
        Status.INGESTED,
        Status.FAILED,
        Status.FAILED,
    ]
    assert summary.exit_code == 1
    notes = [o.note or "" for o in summary.outcomes]
    assert "absent.tif" in notes[0]
    assert "flat has no geometry; a STAC item needs a polygon" in notes[2]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", SourceError, "is empty"),
        ("{", SourceError, "is not JSON"),
        ("[" * 100_000, SourceError, "is not JSON"),
        ('{"type": "Catalog"}', UnsupportedSourceError, "is a 'Catalog'"),
        ('{"type": "Feature"}', UnsupportedSourceError, "item without properties"),
    ],
)
def test_documents_that_are_no_items(
    text: str, error: type[SourceError], message: str, tmp_path: Path
) -> None:
    place = tmp_path / "item.json"
    place.write_text(text)
    with pytest.raises(error, match=message):
        Sentinel2Reader().open(str(place), CubeChoice())


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"s2:product_type": None, "s2:product_uri": None}, "L1C or L2A"),
        (
            {"datetime": None, "s2:datatake_id": None, "s2:product_uri": None},
            "has no time",
        ),
        ({"datetime": "yesterday"}, "is not a time"),
        ({"eo:cloud_cover": "few"}, "eo:cloud_cover is 'few', not a number"),
        ({"proj:epsg": 99999999}, "unknown CRS"),
    ],
)
def test_items_that_lack_what_is_needed(
    properties: dict[str, object], message: str, tmp_path: Path
) -> None:
    write_raster(tmp_path / "B02.tif", pixels(6, 6), step=None)
    fields = {"proj:transform": [10, 0, 499980, 0, -10, 5200020]}
    item = make_item({"B02": asset("B02.tif", **fields)}, properties, item_id="scene")
    with pytest.raises(UnsupportedSourceError, match=message):
        open_one(save(tmp_path / "scene.json", item))


@pytest.mark.parametrize("href", ["ftp://host/B02.tif", "/vsicurl/http://x/B02.tif"])
def test_places_that_an_item_may_not_name(href: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeSourceError):
        open_one(save(tmp_path / "i.json", make_item({"B02": asset(href)})))


def test_a_vrt_is_not_opened(tmp_path: Path) -> None:
    write_raster(tmp_path / "real.tif", pixels(6, 6), step=10)
    (tmp_path / "B02.tif").write_text(
        '<VRTDataset rasterXSize="6" rasterYSize="6"><VRTRasterBand dataType="UInt16" band="1">'
        f"<SimpleSource><SourceFilename>{tmp_path}/real.tif</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SourceError, match="its bytes are those of none of GTiff, JP2OpenJPEG"):
        open_one(save(tmp_path / "i.json", make_item({"B02": asset("B02.tif")})))


# Over HTTP


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Serve a folder on loopback; gives the folder and its address.

    From a process of its own: GDAL may hold Python's lock while it waits for an answer.
    """
    folder = tmp_path_factory.mktemp("www")
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--directory", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found is not None
        yield folder, found.group()
        server.terminate()


def test_an_item_with_relative_assets_over_http(
    web: tuple[Path, str], warehouse: Warehouse
) -> None:
    folder, url = web
    dn = pixels(12, 18)
    write_raster(folder / "scene/img/B02.tif", dn, step=10)
    save(folder / "scene/item.json", make_item({"blue": asset("./img/B02.tif")}))

    summary = warehouse.ingest(f"{url}/scene/item.json")

    assert summary.exit_code == 0, [o.line for o in summary.outcomes]
    slot = warehouse.slot("S2_L2A_32633")
    np.testing.assert_array_equal(warehouse.band(slot, "B02"), dn)


def test_a_remote_item_may_not_name_local_files(web: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = web
    write_raster(tmp_path / "B02.tif", pixels(6, 6), step=10)
    local = (tmp_path / "B02.tif").as_uri()
    save(folder / "hostile.json", make_item({"blue": asset(local)}))

    with pytest.raises(UnsafeSourceError, match="a remote item may refer to"):
        open_one(f"{url}/hostile.json")


def test_an_absent_remote_item(web: tuple[Path, str]) -> None:
    with pytest.raises(SourceError, match="404"):
        open_one(f"{web[1]}/absent.json")


def test_wrong_resolution_of_one_band(tmp_path: Path) -> None:
    write_raster(tmp_path / "B02.tif", pixels(6, 6), step=20)
    with pytest.raises(WrongResolutionError, match=r"B02 20; .*--cube S2_L2A_33TW --resolution 20"):
        open_one(save(tmp_path / "i.json", make_item({"blue": asset("B02.tif")})))
