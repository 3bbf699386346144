"""Both versions over one store: documents, exceptions and maps that differ in spelling only."""

import io
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import rasterio
from lxml import etree
from numpy.typing import NDArray
from owslib.map.wms111 import WebMapService_1_1_1
from PIL import Image

from ogc.wms.formats import FORMATS
from tests.ogc.conftest import Schemas
from tests.ogc.wms.conftest import Send, body_of
from tests.ogc.wms.test_get_capabilities import SCHEMAS

OLD = "service=WMS&request=GetCapabilities&version=1.1.1"
NEW = "service=WMS&request=GetCapabilities&version=1.3.0"
MAP = "request=GetMap&layers=T&styles=b4&width=60&height=40&format=image/png"
BOX = "&bbox=5,0,20,10"
INSTANT = "&time=2020-02-01"


def pixels(body: bytes) -> NDArray[np.uint8]:
    """Return what Pillow makes of a picture, `(row, column, RGBA)`."""
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))


@pytest.fixture(scope="module")
def document_type(schemas: Schemas) -> etree.DTD:
    return etree.DTD(str(schemas.folder / "ogc/wms/1.1.1/capabilities_1_1_1.dtd"))


def test_the_old_document_is_valid(send: Send, document_type: etree.DTD) -> None:
    reply = send(OLD)
    assert reply.media_type == "application/vnd.ogc.wms_xml"
    body = body_of(reply)
    assert b"<!DOCTYPE WMT_MS_Capabilities SYSTEM" in body
    root = etree.fromstring(body, etree.XMLParser(load_dtd=False, no_network=True))
    assert document_type.validate(root), document_type.error_log
    assert b"ns0:" not in body


def test_the_new_document_of_every_kind_of_cube_is_valid(send: Send, schemas: Schemas) -> None:
    schemas.check(body_of(send(NEW)), *SCHEMAS)


def test_owslib_reads_the_old_document(send: Send) -> None:
    service = WebMapService_1_1_1("http://127.0.0.1/ows", xml=body_of(send(OLD)))
    layer = service.contents["T"]
    assert layer.queryable == 1
    assert layer.timepositions[:2] == ["2020-01-01", "2020-02-01"]
    assert layer.boundingBoxWGS84 == (0, 0, 30, 30)
    assert "EPSG:32633" in service.contents["U"].crsOptions
    assert service.getOperationByName("GetMap").formatOptions == list(FORMATS)


def test_what_both_documents_say_is_the_same(send: Send) -> None:
    old, new = (etree.fromstring(body_of(send(query))) for query in (OLD, NEW))
    space = "{http://www.opengis.net/wms}"
    names = [
        [name.text for name in root.iter(tag) if name.getparent().tag.endswith("Layer")]  # type: ignore[union-attr]  # never the root
        for root, tag in ((old, "Name"), (new, f"{space}Name"))
    ]
    assert names[0] == names[1]
    values = [dimension.text for dimension in new.iter(f"{space}Dimension")]
    assert [extent.text for extent in old.iter("Extent")] == values
    # Leaflet.TimeDimension looks for the values directly below a queryable layer.
    for extent in old.iter("Extent"):
        parent = extent.getparent()
        assert parent is not None
        assert (parent.tag, parent.get("queryable")) == ("Layer", "1")
    for dimension in new.iter(f"{space}Dimension"):
        assert [dimension.get(key) for key in ("multipleValues", "nearestValue")] == ["1", "1"]
        assert dimension.get("default")


def test_a_crs_of_all_layers_stands_at_the_root(send: Send) -> None:
    root = etree.fromstring(body_of(send(NEW)))
    layers = "{*}Capability/{*}Layer"
    shared = {crs.text for crs in root.iterfind(f"{layers}/{{*}}CRS")}
    own = [
        {crs.text for crs in layer.iterfind("{*}CRS")}
        for layer in root.iterfind(f"{layers}/{{*}}Layer")
    ]
    assert shared == {"CRS:84", "EPSG:4326", "EPSG:3857"}
    assert {"EPSG:32633"} in own
    assert not set.intersection(*own)


def test_every_legend_has_the_size_that_is_told(send: Send) -> None:
    root = etree.fromstring(body_of(send(NEW)))
    legends = list(root.iter("{http://www.opengis.net/wms}LegendURL"))
    assert legends
    for legend in legends:
        address = legend.find("{*}OnlineResource").get("{http://www.w3.org/1999/xlink}href")  # type: ignore[union-attr]  # the schema wants it
        reply = send(urlsplit(str(address)).query)
        assert reply.media_type == legend.findtext("{*}Format")
        rows, columns, _ = pixels(body_of(reply)).shape
        assert (str(columns), str(rows)) == (legend.get("width"), legend.get("height"))


def test_the_old_box_is_longitude_first(send: Send) -> None:
    old = body_of(send(f"{MAP}{INSTANT}&version=1.1.1&srs=EPSG:4326{BOX}"))
    new = body_of(send(f"{MAP}{INSTANT}&version=1.3.0&crs=EPSG:4326&bbox=0,5,10,20"))
    assert old == new == body_of(send(f"{MAP}{INSTANT}&version=1.3.0&crs=CRS:84{BOX}"))


@pytest.mark.parametrize(
    "query",
    [
        "ReQuEsT=GetMap&LaYeRs=T&StYlEs=b4&WIDTH=60&height=40&FORMAT=image/png&TIME=2020-02-01",
        f"{MAP}{INSTANT}&service=WMS",
        f"{MAP}{INSTANT}&vendor=1&MAP_RESOLUTION=96&DPI=96",
        f"{MAP}&time=2020-02-01T00%3A00%3A00Z".replace("layers=T", "layers=%54"),
        f"{MAP}{INSTANT}&exceptions=XML&transparent=false",
        f"{MAP}{INSTANT}".replace("styles=b4", "styles=B4"),
    ],
)
def test_other_spellings_give_the_same_map(send: Send, query: str) -> None:
    """Cases, escapes and parameters that nobody asked for."""
    frame = f"&version=1.3.0&crs=CRS:84{BOX}"
    assert body_of(send(query + frame)) == body_of(send(f"{MAP}{INSTANT}{frame}"))


@pytest.mark.parametrize("media_type", ["image/png", "image/png; mode=8bit", "image/gif"])
@pytest.mark.parametrize("transparent", ["true", "false"])
def test_every_lossless_format_shows_the_same_pixels(
    send: Send, media_type: str, transparent: str
) -> None:
    frame = f"{INSTANT}&version=1.3.0&crs=CRS:84{BOX}&transparent={transparent}&bgcolor=0x0000FF"
    plain = pixels(body_of(send(f"{MAP}{frame}")))
    reply = send(f"{MAP}{frame}".replace("image/png", media_type.replace(" ", "+")))
    assert reply.media_type == media_type
    np.testing.assert_array_equal(pixels(body_of(reply)), plain)
    holes = plain[..., 3] == 0 if transparent == "true" else (plain == [0, 0, 255, 255]).all(-1)
    assert holes.any()


@pytest.mark.parametrize(
    ("exceptions", "blank"),
    [
        ("INIMAGE", False),
        ("BLANK", True),
        ("application/vnd.ogc.se_inimage", False),
        ("application/vnd.ogc.se_blank", True),
    ],
)
@pytest.mark.parametrize("media_type", ["image/png", "image/gif", "image/jpeg"])
def test_exceptions_may_be_pictures(
    send: Send, exceptions: str, media_type: str, *, blank: bool
) -> None:
    asked = f"{MAP}&version=1.3.0&crs=CRS:84{BOX}&bgcolor=0xFF0000&exceptions={exceptions}"
    reply = send(asked.replace("layers=T", "layers=none").replace("image/png", media_type))
    assert (reply.status, reply.media_type) == (200, media_type)
    picture = pixels(body_of(reply)).astype(int)
    assert picture.shape == (40, 60, 4)
    same = (np.abs(picture - [255, 0, 0, 255]) <= 2).all(axis=-1)
    assert same.all() == blank


def test_a_blank_picture_may_be_transparent(send: Send) -> None:
    asked = f"{MAP}&version=1.3.0&crs=CRS:84{BOX}&transparent=TRUE&exceptions=BLANK&time=1900"
    assert not pixels(body_of(send(asked)))[..., 3].any()


def test_without_a_size_exceptions_are_text(send: Send) -> None:
    reply = send(f"{MAP.replace('width=60', 'width=0')}&version=1.3.0&crs=CRS:84&exceptions=BLANK")
    assert (reply.status, reply.media_type) == (400, "text/xml")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("&srs=EPSG:1", "InvalidSRS"),
        ("&srs=EPSG:4326&layers=no", "LayerNotDefined"),
        ("&srs=EPSG:4326&styles=no", "StyleNotDefined"),
        ("&srs=EPSG:4326&format=image/bmp", "InvalidFormat"),
        ("&srs=EPSG:4326&time=no", "InvalidDimensionValue"),
    ],
)
def test_old_exceptions_are_valid(send: Send, schemas: Schemas, change: str, code: str) -> None:
    pairs = dict(parse_qsl(f"{MAP}{BOX}&version=1.1.1{change}"))
    reply = send("&".join(f"{key}={value}" for key, value in pairs.items()))
    assert reply.media_type == "application/vnd.ogc.se_xml"
    root = etree.fromstring(body_of(reply, 400))
    assert root[0].get("code") == code
    dtd = etree.DTD(str(schemas.folder / "ogc/wms/1.1.1/exception_1_1_1.dtd"))
    assert dtd.validate(root), dtd.error_log


@pytest.mark.parametrize("bbox", ["10,91,11,95", "200,0,210,10", "100,50,110,60"])
def test_boxes_beside_all_data_or_the_world_are_empty(send: Send, bbox: str) -> None:
    picture = body_of(send(f"{MAP}&version=1.3.0&crs=CRS:84&bbox={bbox}&transparent=true"))
    assert not pixels(picture)[..., 3].any()


def test_mercator_goes_by_its_old_names(send: Send) -> None:
    box = "&bbox=556597,0,2226390,1118890"
    first, *others = (
        body_of(send(f"{MAP}{INSTANT}&version=1.1.1&srs=EPSG:{code}{box}"))
        for code in (3857, 900913, 102100, 102113)
    )
    assert all(other == first for other in others)
    assert pixels(first)[..., :3].std() > 10


def test_layers_and_their_styles_are_painted_over_each_other(send: Send) -> None:
    """A layer without holes hides those below; default styles stand where none is given."""
    frame = f"&version=1.3.0&crs=CRS:84{BOX}&width=30&height=20&format=image/png"
    top = body_of(send(f"request=GetMap&layers=A&styles=v{frame}"))
    for styles in ("", ",", "b8,v", ",default"):
        both = body_of(send(f"request=GetMap&layers=T,A&styles={styles}{frame}"))
        np.testing.assert_array_equal(pixels(both), pixels(top))


def test_geotiff_has_its_place(send: Send, tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    path.write_bytes(
        body_of(send(f"{MAP}{INSTANT}&version=1.3.0&crs=CRS:84{BOX}".replace("png", "tiff")))
    )
    with rasterio.open(path) as file:
        assert file.bounds == pytest.approx((5, 0, 20, 10))
        assert file.count == 4
