"""Metadata records of layers and coverages."""

from datetime import UTC, datetime

import pytest
from lxml import etree
from pyproj import CRS

from datacube.errors import UnknownNameError
from datacube.service_provider import ServiceProvider
from ogc.records.get_record import handle
from ogc.records.iso19139 import SCHEMA, Link, Record, encode
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import Client, FakeSession

GMD = "http://www.isotc211.org/2005/gmd"
NAMES = {"gmd": GMD, "gco": "http://www.isotc211.org/2005/gco"}
FULL = Record(
    id="S2_L2A",
    title="Sentinel-2 <L2A>",
    abstract="Scenes.",
    series=True,
    keywords=("B02", "Earth observation"),
    licence="Copernicus Sentinel data terms",
    attribution="Contains modified Copernicus Sentinel data 2023",
    lonlat=(12.0, 47.0, 13.5, 48.0),
    times=(datetime(2023, 8, 10, tzinfo=UTC), datetime(2023, 9, 1, 10, 5, tzinfo=UTC)),
    crss=(CRS.from_epsg(32633), CRS.from_epsg(32632)),
    resolution=(10.0, "m"),
    links=(Link(url="http://h/ows?service=WMS&x=1", protocol="OGC:WMS", name="S2_L2A"),),
)
BARE = Record(
    id="G",
    title="Index grid",
    abstract="Numbers.",
    series=False,
    keywords=("v",),
    licence="",
    attribution="",
    lonlat=None,
    times=None,
    crss=(),
    resolution=None,
    links=(),
)
KNOWN = ServiceProvider(
    name="Institute",
    url="https://i.example",
    contact="Desk",
    phone="+49 1",
    city="Ulm",
    email="a@i.example",
)


@pytest.mark.parametrize("record", [FULL, BARE], ids=lambda record: record.id)
@pytest.mark.parametrize("provider", [KNOWN, ServiceProvider()], ids=["known", "default"])
def test_records_are_valid(schemas: Schemas, record: Record, provider: ServiceProvider) -> None:
    schemas.check(encode(record, provider), (GMD, SCHEMA))


def test_a_record_says_where_when_and_whose() -> None:
    root = etree.fromstring(encode(FULL, KNOWN))
    east = root.find(".//gmd:eastBoundLongitude/gco:Decimal", NAMES)
    stamp = root.find("gmd:dateStamp/gco:Date", NAMES)
    assert east is not None
    assert stamp is not None
    assert (east.text, stamp.text) == ("13.500000", "2023-09-01")
    texts = {text.strip() for text in root.itertext()}
    assert {FULL.attribution, FULL.licence, "a@i.example", FULL.links[0].url} <= texts


def test_collections_are_series_and_coverages_data_sets() -> None:
    view = FakeSession().view
    series = handle("S2_L2A", view, "http://h")
    assert series.series
    assert [link.protocol for link in series.links] == ["OGC:WMS", "WWW:LINK"]
    single = handle("S2_L2A_32633", view, "http://h")
    assert not single.series
    assert single.resolution == (10.0, "m")
    assert "http://h/zarr/S2_L2A_32633" in [link.url for link in single.links]
    with pytest.raises(UnknownNameError, match="S3"):
        handle("S3", view, "http://h")


@pytest.mark.parametrize("asked", ["SERVICE=WMS&VERSION=1.3.0", "SERVICE=WCS"])
@pytest.mark.parametrize(
    ("language", "expected", "abstract"),
    [
        ("", "eng", "Earth-observation datacubes"),
        ("&LANGUAGE=ger", "ger", "Datenwürfel der Erdbeobachtung"),
        ("&LANGUAGE=fre", "eng", "Earth-observation datacubes"),
        ("&ACCEPTLANGUAGES=fr,de-AT", "ger", "Datenwürfel der Erdbeobachtung"),
    ],
)
def test_inspire_is_told_in_two_languages(
    client: Client, asked: str, language: str, expected: str, abstract: str
) -> None:
    body = client.body(f"{asked}&REQUEST=GetCapabilities{language}")
    root = etree.fromstring(body)
    common = {"c": "http://inspire.ec.europa.eu/schemas/common/1.0"}
    supported = root.xpath("//c:SupportedLanguages//c:Language/text()", namespaces=common)
    response = root.xpath("//c:ResponseLanguage/c:Language/text()", namespaces=common)
    assert (supported, response) == (["eng", "ger"], [expected])
    assert abstract in body.decode()
    assert b"ns0:" not in body


def test_a_language_that_is_none_is_refused(client: Client) -> None:
    reply = client.get("SERVICE=WMS&REQUEST=GetCapabilities&LANGUAGE=%3C1%3E")
    assert reply.status == 400
    assert b"offered are eng, ger" in bytes(reply.body)


def test_layers_and_coverages_lead_to_their_records(client: Client) -> None:
    maps = client.body("SERVICE=WMS&REQUEST=GetCapabilities")
    assert b'<MetadataURL type="ISO19115:2003">' in maps
    assert b"/records/S2_L2A" in maps
    assert b"/records/S2_L2A_32633" in client.body("SERVICE=WCS&REQUEST=GetCapabilities")
