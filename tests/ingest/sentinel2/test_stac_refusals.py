"""STAC items that are wrong, lack something or name what they may not."""

from pathlib import Path

import pytest

from datacube.errors import (
    SourceError,
    UnsafeSourceError,
    UnsupportedSourceError,
    WrongResolutionError,
)
from ingest.scene import CubeChoice
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Status
from tests.ingest.harness import Warehouse
from tests.ingest.sentinel2.items import (
    asset,
    make_item,
    pixels,
    save,
    write_raster,
)
from tests.ingest.sentinel2.making import open_one


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


def test_wrong_resolution_of_one_band(tmp_path: Path) -> None:
    write_raster(tmp_path / "B02.tif", pixels(6, 6), step=20)
    with pytest.raises(WrongResolutionError, match=r"B02 20; .*--cube S2_L2A_33TW --resolution 20"):
        open_one(save(tmp_path / "i.json", make_item({"blue": asset("B02.tif")})))
