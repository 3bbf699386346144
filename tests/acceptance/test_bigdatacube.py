"""Queries of BigDataCube's users, word for word, against a store whose cubes have our names.

The scenes are synthetic: real pixels of Virginia (surface.py) in SAFE products at the place
and date that the queries name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import httpx2
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from tests.acceptance.clients import TIMEOUT_S
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.served import run_copernicube, served
from tests.builders.surface import real_surface

BANDS = ("B01", "B02", "B03", "B04", "B05", "B08")
START = datetime(2018, 5, 25, 10, 30, 21, tzinfo=UTC)
EAST = Product(
    level="L1C",
    baseline="02.06",
    tile="32UMD",
    epsg=32632,
    origin_x_m=483_960,
    origin_y_m=5_880_000,
    datatake_start=START,
    processing_time=START + timedelta(hours=6),
    bands=BANDS,
    masks=False,
)
WEST = replace(EAST, tile="32ULD", origin_x_m=410_400)
SURFACE = replace(WEST, level="L2A", baseline="02.08", bands=("B02", "B03", "B04", "B08", "SCL"))
PUBLISHED = replace(SURFACE, tile="32UMD", origin_x_m=EAST.origin_x_m, bands=("B04", "TCI"))
"""With the producer's own true colour image."""
SIZE_PX = 960
QUALITY = 85
"""What both our JPEG and GDAL's are written with."""
GREY_LEVELS = 2

FALSE_COLOUR = (
    "for $c in (S2G5_32632_10m_L1C) return encode(scale({"
    'red: $c.B8[ansi("2018-05-25"), E(484000:493000), N(5874000:5878000)]/17.0; '
    'green: $c.B4[ansi("2018-05-25"), E(484000:493000), N(5874000:5878000)]/17.0; '
    'blue: $c.B3[ansi("2018-05-25"), E(484000:493000), N(5874000:5878000)]/17.0'
    '}, {E:"CRS:1"(0:700)}), "image/jpeg")'
)
VEGETATION = (
    "for $c in (S2G5_32632_10m_L1C) return encode("
    "(((float)$c.B8-$c.B4)/((float)$c.B8+$c.B4))"
    '[ansi("2018-05-25"), E(484000:493000), N(5874000:5878000)] > 0.5, "image/jpeg")'
)
TRUE_COLOUR = (
    "service=WCS&version=2.0.1&request=GetCoverage&COVERAGEID=S2G5_32632_TCI_L1C"
    '&SUBSET=ansi("2018-05-25")&SUBSET=E(410827.77,418495.85)&SUBSET=N(5873000.55,5878000.21)'
    "&FORMAT=image/jpeg"
)
ROWS, COLUMNS = slice(200, 600), slice(4, 904)
"""Cells of `EAST` that the two queries keep: those whose centre lies inside."""
TCI_ROWS, TCI_COLUMNS = slice(200, 700), slice(43, 810)
"""Cells of `WEST` that the coverage request keeps."""

type Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A served store and the products that it was made of."""

    url: str
    products: Path

    def band(self, name: str, product: Product = EAST) -> NDArray[np.uint16]:
        """Read a band of a product with GDAL."""
        path = self.products / product.name / product.image_path(name, 10)
        with rasterio.open(path) as file:
            return np.asarray(file.read(1))


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    folder = tmp_path_factory.mktemp("bigdatacube")
    ground = real_surface(SIZE_PX)
    places = [build_safe(folder, ground, product) for product in (EAST, WEST, SURFACE, PUBLISHED)]
    run_copernicube("ingest", "--store", folder / "store", *places)
    run_copernicube(
        "cubes", "alias", "--store", folder / "store", "Germany_2D_B04_10m", "S2_L1C_32632_10m"
    )
    with served(folder / "store") as url:
        yield Zone(url=url, products=folder)


def get(url: str, query: str) -> httpx2.Response:
    return httpx2.get(f"{url}?query={quote(query)}", timeout=TIMEOUT_S)


def post_form(url: str, query: str) -> httpx2.Response:
    form = {"service": "WCS", "version": "2.0.1", "request": "ProcessCoverages", "query": query}
    return httpx2.post(url, data=form, timeout=TIMEOUT_S)


def post_xml(url: str, query: str) -> httpx2.Response:
    body = (
        '<proc:ProcessCoverages xmlns:proc="http://www.opengis.net/wcs/processing/2.0" '
        f'service="WCS" version="2.0.0"><proc:query><![CDATA[{query}]]></proc:query>'
        "</proc:ProcessCoverages>"
    )
    headers = {"Content-Type": "application/xml"}
    return httpx2.post(url, content=body.encode(), headers=headers, timeout=TIMEOUT_S)


type Ask = Callable[[str, str], httpx2.Response]


def decoded(response: httpx2.Response) -> NDArray[np.int16]:
    """Decode a picture as `(y, x, band)`, colours in the order red, green, blue."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/jpeg"
    return _pixels(response.content)


def _pixels(body: bytes) -> NDArray[np.int16]:
    found = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    cells = found[..., np.newaxis] if found.ndim == 2 else found[..., ::-1]
    return np.asarray(cells, np.int16)


def gdal_jpeg(planes: NDArray[Any]) -> NDArray[np.int16]:
    """Return what GDAL's JPEG of numbers `(band, y, x)` holds; GDAL itself makes them bytes."""
    count, height, width = planes.shape
    size = {"count": count, "height": height, "width": width}
    with MemoryFile() as raw, MemoryFile() as bytes_of, MemoryFile() as picture:
        with raw.open(driver="GTiff", dtype=planes.dtype.name, **size) as file:
            file.write(planes)
        with raw.open() as file, bytes_of.open(driver="GTiff", dtype="uint8", **size) as made:
            # Reading into bytes is GDAL's conversion: rounded, then clamped.
            made.write(file.read(out_dtype="uint8"))
        with (
            bytes_of.open() as file,
            picture.open(driver="JPEG", dtype="uint8", QUALITY=QUALITY, **size) as made,
        ):
            made.write(file.read())
        return _pixels(bytes(picture.read()))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("path", ["/ows", "/rasdaman/ows", "/ogcapi/wcps"])
@pytest.mark.parametrize("ask", [get, post_form, post_xml])
def test_false_colour_scaled_along_one_axis(zone: Zone, ask: Ask, path: str) -> None:
    planes = np.stack([zone.band(name)[ROWS, COLUMNS] for name in ("B08", "B04", "B03")])
    width = 701
    height = round(width * planes.shape[1] / planes.shape[2])
    rows = np.arange(height) * planes.shape[1] // height
    columns = np.arange(width) * planes.shape[2] // width
    wanted = gdal_jpeg((planes / 17.0)[:, rows][:, :, columns])

    found = decoded(ask(f"{zone.url}{path}", FALSE_COLOUR))
    assert found.shape == (height, width, 3)
    assert found.std() > 20
    assert np.abs(found - wanted).max() <= GREY_LEVELS


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("ask", [get, post_form, post_xml])
def test_truth_is_black_and_white(zone: Zone, ask: Ask) -> None:
    infrared, red = (zone.band(name)[ROWS, COLUMNS].astype(np.float32) for name in ("B08", "B04"))
    truth = (infrared - red) / (infrared + red) > 0.5
    wanted = gdal_jpeg(np.where(truth, 255, 0).astype(np.uint8)[np.newaxis])

    found = decoded(ask(f"{zone.url}/rasdaman/ows", VEGETATION))
    assert found.shape == (400, 900, 1)
    assert 0.05 < truth.mean() < 0.5
    assert np.abs(found - wanted).max() <= GREY_LEVELS


def true_colour(zone: Zone, product: Product, brightest: float) -> NDArray[np.uint8]:
    """Return ESA's true colour image `(band, y, x)`: reflectance 0 to `brightest` as 1 to 255."""
    planes = np.stack([zone.band(name, product) for name in ("B04", "B03", "B02")])
    return np.clip(np.rint(1 + 254 * (planes / 10_000) / brightest), 1, 255).astype(np.uint8)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("path", ["/ows", "/rasdaman/ows"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_true_colour_through_wcs(zone: Zone, method: str, path: str) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    text = quote(TRUE_COLOUR, safe="=&")
    response = (
        httpx2.get(f"{zone.url}{path}?{text}", timeout=TIMEOUT_S)
        if method == "GET"
        else httpx2.post(f"{zone.url}{path}", content=text, headers=kind, timeout=TIMEOUT_S)
    )
    wanted = gdal_jpeg(true_colour(zone, WEST, 0.3558)[:, TCI_ROWS, TCI_COLUMNS])

    found = decoded(response)
    assert found.shape == (500, 767, 3)
    assert found.std() > 20
    assert np.abs(found - wanted).max() <= GREY_LEVELS


def tiff(zone: Zone, query: str) -> NDArray[Any]:
    response = get(f"{zone.url}/ows", query)
    assert response.status_code == 200, response.text
    with MemoryFile(response.content) as memory, memory.open() as file:
        return np.asarray(file.read())


@pytest.mark.parametrize(
    ("coverage", "product", "brightest"),
    [
        ("S2G5_32632_TCI_L1C", EAST, 0.3558),
        ("S2_L1C_32632_TCI", EAST, 0.3558),
        ("S2G5_32632_TCI_L2A", SURFACE, 0.2),
    ],
)
def test_true_colour_is_exact_and_can_be_calculated_with(
    zone: Zone, coverage: str, product: Product, brightest: float
) -> None:
    west = product.origin_x_m
    where = f'[ansi("2018-05-25"), E({west + 40}:{west + 9040}), N(5874000:5878000)]'
    wanted = true_colour(zone, product, brightest)[:, ROWS, COLUMNS]

    found = tiff(zone, f'for $c in ({coverage}) return encode($c{where}, "image/tiff")')
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)
    # A band by its colour, by ESA's name and by that of the band it is made of.
    for at, names in enumerate([("red", "B4"), ("green", "TCI_G"), ("blue", "B02")]):
        for name in names:
            one = f"avg($c.{name}{where})"
            response = get(f"{zone.url}/ows", f"for $c in ({coverage}) return {one}")
            assert float(response.text) == pytest.approx(wanted[at].mean(), rel=1e-12)


def test_the_producers_own_picture_goes_first(zone: Zone) -> None:
    path = zone.products / PUBLISHED.name / PUBLISHED.image_path("TCI", 10)
    with rasterio.open(path) as file:
        wanted = file.read()[:, ROWS, COLUMNS]
    where = '[ansi("2018-05-25"), E(484000:493000), N(5874000:5878000)]'
    found = tiff(zone, f'for $c in (S2_L2A_32632_TCI) return encode($c{where}, "image/tiff")')
    np.testing.assert_array_equal(found, wanted)


def test_where_no_scene_is_the_picture_has_no_data(zone: Zone) -> None:
    where = 'ansi("2018-05-25"), E(419000:421000), N(5874000:5874100)'
    query = f'for $c in (S2_L1C_32632_TCI) return encode($c[{where}], "image/tiff")'
    response = get(f"{zone.url}/ows", query)
    assert response.status_code == 200, response.text
    with MemoryFile(response.content) as memory, memory.open() as file:
        assert file.nodatavals == (0, 0, 0)
        cells = file.read()
    # The western scene ends at 420000.
    assert cells.shape == (3, 10, 200)
    assert cells[..., :100].min() >= 1
    assert cells[..., 100:].max() == 0


@pytest.mark.parametrize(
    ("alias", "coverage"),
    [
        ("S2G5_32632_10m_L1C", "S2_L1C_32632_10m"),
        ("S2G5_32632_20m_L1C", "S2_L1C_32632_20m"),
        ("S2G5_32632_60m_L1C", "S2_L1C_32632_60m"),
        ("S2G5_32632_TCI_L1C", "S2_L1C_32632_TCI"),
        ("S2G5_32632_10m_L2A", "S2_L2A_32632_10m"),
        ("Germany_2D_B04_10m", "S2_L1C_32632_10m"),
    ],
)
def test_aliases_name_coverages_in_every_service(zone: Zone, alias: str, coverage: str) -> None:
    asked = get(f"{zone.url}/ows", f"for $c in ({alias}) return identifier($c)")
    assert asked.text == coverage
    describe = f"service=WCS&version=2.0.1&request=DescribeCoverage&coverageid={alias}"
    document = httpx2.get(f"{zone.url}/ows?{describe}", timeout=TIMEOUT_S)
    assert f"<wcs:CoverageId>{coverage}</wcs:CoverageId>" in document.text
    metadata = httpx2.get(f"{zone.url}/zarr/{alias}/zarr.json", follow_redirects=True)
    assert metadata.json()["node_type"] == "group"


@pytest.mark.parametrize(
    "unknown", ["S2G5_32633_10m_L1C", "S2G5_32632_60m_L2A", "S2G5_32632_30m_L1C", "S2G5_99999"]
)
def test_an_alias_of_nothing_is_unknown(zone: Zone, unknown: str) -> None:
    response = get(f"{zone.url}/ows", f"for $c in ({unknown}) return identifier($c)")
    assert response.status_code == 404
    assert 'exceptionCode="NoSuchCoverage"' in response.text
