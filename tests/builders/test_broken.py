"""What is packed and spoilt is exactly what the tests of ingest rely on."""

import zipfile
from pathlib import Path

import pytest
import rasterio
from lxml import etree
from rasterio.errors import RasterioError

from tests.builders import presets
from tests.builders.broken import (
    BOMB_BYTES,
    empty_file,
    truncate,
    xml_with_external_entity,
    zip_bomb,
    zip_safe,
)
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.surface import noise_surface


@pytest.fixture
def product() -> Product:
    return presets.partial(presets.north(), "B02", "B03", "B04", "B08")


@pytest.fixture
def safe(product: Product, tmp_path: Path) -> Path:
    return build_safe(tmp_path, noise_surface(120), product)


@pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning"
)  # only subdatasets are
def test_zip_holds_the_product_stored_and_gdal_reads_it_in_place(safe: Path) -> None:
    archive = zip_safe(safe)
    assert archive.name == f"{safe.name}.zip"
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert all(member.compress_type == zipfile.ZIP_STORED for member in opened.infolist())
        files = {member.filename for member in opened.infolist() if not member.is_dir()}
    assert files == {
        path.relative_to(safe.parent).as_posix() for path in safe.rglob("*") if path.is_file()
    }
    with rasterio.open(f"/vsizip/{archive}/{safe.name}/MTD_MSIL2A.xml") as dataset:
        name = next(name for name in dataset.subdatasets if ":10m:" in name)
    with rasterio.open(name) as dataset:
        assert dataset.shape == (120, 120)


def test_truncated_image_opens_but_does_not_read(safe: Path, product: Product) -> None:
    path = safe / product.image_path("B02", 10)
    size = path.stat().st_size
    assert truncate(path, size // 2).stat().st_size == size // 2
    with pytest.raises(RasterioError), rasterio.open(path) as source:
        source.read(1)
    with pytest.raises(ValueError, match="fewer"):
        truncate(path, size)


def test_empty_file_is_empty(tmp_path: Path) -> None:
    assert empty_file(tmp_path / "x.jp2").stat().st_size == 0


def test_bomb_is_small_and_named_like_a_product(tmp_path: Path) -> None:
    bomb = zip_bomb(tmp_path / "bomb.SAFE.zip")
    assert bomb.stat().st_size < 300_000
    with zipfile.ZipFile(bomb) as opened:
        sizes = {member.filename.rsplit("/", 1)[1]: member for member in opened.infolist()}
    assert set(sizes) == {"MTD_MSIL2A.xml", "T33TWM_20230815T095031_B02_10m.jp2"}
    for member in sizes.values():
        assert member.file_size >= BOMB_BYTES
        assert member.file_size > 900 * member.compress_size


def test_entity_is_expanded_by_a_careless_parser_only(safe: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("of the machine", encoding="utf-8")
    metadata = xml_with_external_entity(safe, secret)
    careless = etree.XMLParser(resolve_entities=True, no_network=True)
    root = etree.parse(metadata, careless).getroot()
    assert root.findtext(".//SPACECRAFT_NAME") == "of the machine"
    careful = etree.XMLParser(resolve_entities=False)
    root = etree.parse(metadata, careful).getroot()
    assert not root.findtext(".//SPACECRAFT_NAME")
