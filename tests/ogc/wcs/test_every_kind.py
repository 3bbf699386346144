"""Every document of WCS 2.0 is valid for every kind of data that is ingested.

`test_documents` compares the values of small made coverages; these are of real files.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from lxml import etree
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from tests.builders.multipart import bytes_of, parts_of
from tests.ogc.conftest import Schemas
from tests.ogc.wcs.kinds import build_kinds
from tests.ogc.wcs.parts_2_1 import check_descriptions
from tests.ogc.wcs.test_documents import CIS, GMLCOV
from tests.ogc.wcs.test_metadata import GRIDS, NAMES, SCHEMA

EO = (
    "http://www.opengis.net/wcs/wcseo/1.0",
    "http://schemas.opengis.net/wcs/wcseo/1.0/wcsEOAll.xsd",
)
DOCUMENTS = (EO, GRIDS)
CELLS = 4
"""Of the longer axis of space, in the coverages that are asked for."""
CUBES = {
    "ASCAT_1": "",
    "COVER_1deg": "COVER",
    "ERA5_1deg": "ERA5",
    "GFMAP_10m": "GFMAP",
    "GLO30_0.000277778deg": "",
    "HS_1": "",
    "MASKED_60m": "S2_L2A",
    "NRT_10m": "NRT",
    "OLCI_0.0025deg": "OLCI",
    "OLCI_R_0.0025deg": "OLCI_R",
    "RTC_30m": "RTC",
    "S2_L1C_32618_10m": "S2_L1C",
    "S2_L1C_32618_20m": "S2_L1C",
    "S2_L1C_32618_60m": "S2_L1C",
    "S2_L2A_3035_10m": "S2_L2A",
    "S2_L2A_3035_20m": "S2_L2A",
    "SRTM_0.000277778deg": "",
}
"""Coverages, and the series of scenes that they belong to."""
WHOLE = {name.rpartition("_")[0] for name in CUBES}
"""The names without a resolution."""
SERIES = sorted(set(CUBES.values()) - {""})
GML = "application/gml+xml"


class Found(NamedTuple):
    """An answer."""

    body: bytes
    media_type: str


class Asked(NamedTuple):
    """A server's answers."""

    client: TestClient

    def get(
        self, version: str = "2.0.1", trims: Sequence[tuple[str, str]] = (), **parameters: str
    ) -> Found:
        """Return what answers a request."""
        query = {"service": "WCS", "version": version, **parameters}
        reply = self.client.get("/ows", params=urlencode([*query.items(), *trims]))
        assert reply.status_code == 200, reply.text
        return Found(bytes(reply.content), reply.headers["content-type"])

    def cells(self, name: str, version: str = "2.0.1", **parameters: str) -> Found:
        """Return a few cells of a coverage: at its middle, of its first time and height."""
        told = etree.fromstring(self.get(request="DescribeCoverage", coverageid=name).body)
        query = {"request": "GetCoverage", "coverageid": name}
        return self.get(version, subsets(told), **query, **parameters)


def subsets(told: etree._Element) -> list[tuple[str, str]]:
    """Return a trim of each axis of a description."""
    envelope = told.find(".//gml:boundedBy/*", NAMES)
    assert envelope is not None
    lower, upper = (
        str(envelope.findtext(f"gml:{end}Corner", None, NAMES)).split()
        for end in ("lower", "upper")
    )
    low, high = (
        [int(n) for n in str(told.findtext(f".//gml:{end}", None, NAMES)).split()]
        for end in ("low", "high")
    )
    longest = max(b - a + 1 for a, b in zip(low, high, strict=True))
    indices = "Index" in envelope.get("srsName", "")
    made = []
    for number, axis in enumerate(envelope.get("axisLabels", "").split()):
        first, last = float(lower[number]), float(upper[number])
        begin, end = first, first
        if number < 2:
            begin = (first + last) // 2 if indices else (first + last) / 2
            end = begin + (2 if indices else CELLS * (last - first) / longest)
        made.append(("subset", f"{axis}({begin!r},{end!r})"))
    return made


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory, testdata: Path) -> Iterator[Asked]:
    store = tmp_path_factory.mktemp("kinds") / "store"
    build_kinds(store, testdata)
    with TestClient(build(Settings(store=str(store)))) as client:
        yield Asked(client)


def test_nothing_that_is_offered_is_left_out(kinds: Asked, schemas: Schemas) -> None:
    body = kinds.get(request="GetCapabilities").body
    schemas.check(body, SCHEMA, *DOCUMENTS)
    root = etree.fromstring(body)
    offered = {one.text for one in root.iterfind(".//wcs:CoverageSummary/wcs:CoverageId", NAMES)}
    assert offered == CUBES.keys() | WHOLE
    series = {one.text for one in root.iter(f"{{{EO[0]}}}DatasetSeriesId")}
    assert series == set(SERIES)


@pytest.mark.parametrize("name", sorted(CUBES.keys() | WHOLE))
def test_descriptions(kinds: Asked, schemas: Schemas, name: str) -> None:
    body = kinds.get(request="DescribeCoverage", coverageid=name).body
    schemas.check(body, SCHEMA, *DOCUMENTS)


@pytest.mark.parametrize("name", sorted(CUBES.keys() | WHOLE))
def test_descriptions_of_2_1(kinds: Asked, schemas: Schemas, name: str) -> None:
    found = kinds.get("2.1.0", request="DescribeCoverage", coverageid=name)
    check_descriptions(found.body, schemas)


@pytest.mark.parametrize("name", CUBES)
def test_gml_of_cis_1_0(kinds: Asked, schemas: Schemas, name: str) -> None:
    body = kinds.cells(name, format=GML).body
    schemas.check(body, GMLCOV, *DOCUMENTS)
    assert etree.fromstring(body).findtext(".//gml:tupleList", None, NAMES)


@pytest.mark.parametrize("name", CUBES)
def test_gml_of_cis_1_1(kinds: Asked, schemas: Schemas, name: str) -> None:
    body = kinds.cells(name, "2.1.0", format=GML).body
    schemas.check(body, CIS)
    assert etree.fromstring(body).find(".//{*}DataBlock//{*}V") is not None


@pytest.mark.parametrize("version", ["2.0.1", "2.1.0"])
@pytest.mark.parametrize("name", CUBES)
def test_gml_with_a_file(kinds: Asked, schemas: Schemas, name: str, version: str) -> None:
    query = {"format": "application/netcdf", "mediatype": "multipart/related"}
    found = kinds.cells(name, version, **query)
    document, file = parts_of(found.media_type, found.body)
    text = bytes_of(document)
    schemas.check(text, *((GMLCOV, *DOCUMENTS) if version == "2.0.1" else (CIS,)))
    assert f"cid:{file['Content-ID'][1:-1]}".encode() in text


@pytest.mark.parametrize("name", SERIES)
def test_scenes_of_a_series(kinds: Asked, schemas: Schemas, name: str) -> None:
    body = kinds.get(request="DescribeEOCoverageSet", eoid=name, count="3").body
    schemas.check(body, *DOCUMENTS)
    root = etree.fromstring(body)
    scenes = [str(one.text) for one in root.iterfind(".//wcs:CoverageId", NAMES)]
    assert scenes
    described = kinds.get(request="DescribeCoverage", coverageid=",".join(scenes))
    schemas.check(described.body, SCHEMA, *DOCUMENTS)
    gml = kinds.cells(scenes[0], format=GML).body
    schemas.check(gml, GMLCOV, *DOCUMENTS)
    assert etree.fromstring(gml).findtext(".//gml:tupleList", None, NAMES)
