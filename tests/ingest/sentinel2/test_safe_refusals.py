"""SAFE products that are damaged, hostile, empty or absent."""

import zipfile
from pathlib import Path

import pytest

from datacube.errors import SourceError, UnsafeSourceError, UnsupportedSourceError
from ingest.scene import CubeChoice
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Status
from tests.builders.broken import (
    empty_file,
    truncate,
    xml_with_external_entity,
    zip_bomb,
    zip_safe,
)
from tests.builders.presets import north, partial
from tests.builders.safe import build_safe
from tests.builders.surface import Surface, noise_surface
from tests.ingest.harness import Warehouse


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


def test_a_missing_place() -> None:
    with pytest.raises(SourceError, match="does not exist"):
        Sentinel2Reader().open("/nowhere/S2A_X.SAFE", CubeChoice())
