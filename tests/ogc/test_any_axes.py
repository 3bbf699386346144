"""Coverages without time, with further axes and with index axes at the OGC services."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from lxml import etree
from owslib.coverage.wcs201 import WebCoverageService_2_0_1
from rasterio.io import MemoryFile
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from ogc.api.routes import api_routes
from ogc.exchange import Reply
from ogc.service import dispatch
from tests.builders.made import HEIGHTS_M, Made, add_examples, make_store
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import SITE
from tests.ogc.wcs.test_metadata import CAPABILITIES, DESCRIBE, GRIDS, NAMES, SCHEMA

GET = "service=WCS&version=2.0.1&request=GetCoverage&coverageid="
WMS = "service=WMS&version=1.3.0&request="
MAP = f"{WMS}GetMap&styles=&crs=CRS:84&width=30&height=20&format=image/png"
ALL = "ABGLPTUW"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    store = add_examples(make_store(tmp_path_factory.mktemp("made")))
    yield store
    store.local.catalog.close()


def send(made: Made, query: str) -> Reply:
    return dispatch(query, made.local.engine.session, SITE)


def body(made: Made, query: str) -> bytes:
    reply = send(made, query)
    assert reply.status == 200, reply.body
    return reply.body.read_bytes() if isinstance(reply.body, Path) else reply.body


def test_documents_are_valid(made: Made, schemas: Schemas) -> None:
    schemas.check(body(made, CAPABILITIES), SCHEMA, GRIDS)
    schemas.check(body(made, DESCRIBE + ",".join(ALL)), SCHEMA, GRIDS)


def test_only_what_lies_on_the_earth_has_a_box_there(made: Made) -> None:
    root = etree.fromstring(body(made, CAPABILITIES))
    boxed = {
        str(summary.findtext("wcs:CoverageId", None, NAMES)): summary.find(
            "ows:WGS84BoundingBox", NAMES
        )
        is not None
        for summary in root.iterfind("wcs:Contents/wcs:CoverageSummary", NAMES)
    }
    assert {name: boxed[name] for name in ALL} == {name: name in "ABTUW" for name in ALL}


@pytest.mark.parametrize(
    ("name", "labels", "low", "high"),
    [
        ("A", "Lat Lon", [0, 0], [30, 30]),
        ("G", "i j", [0, 0], [10, 12]),
        ("L", "x", [0], [40]),
        ("P", "ansi", [153037], [154147]),
        ("W", "Lat Lon height ansi", [50, 0, 2, 153037], [60, 15, 100, 153158]),
    ],
)
def test_envelopes(made: Made, name: str, labels: str, low: list[int], high: list[int]) -> None:
    root = etree.fromstring(body(made, DESCRIBE + name))
    envelope = root.find(".//gml:Envelope", NAMES)
    assert envelope is not None
    assert envelope.get("axisLabels") == labels
    assert envelope.get("srsDimension") == f"{len(low)}"
    for corner, wanted in (("lower", low), ("upper", high)):
        text = str(envelope.findtext(f"gml:{corner}Corner", None, NAMES))
        assert [float(part) for part in text.split()] == wanted


def test_owslib_reads_four_axes(made: Made) -> None:
    service = WebCoverageService_2_0_1("http://x/ows", body(made, CAPABILITIES), None)
    wind = service.contents["W"]
    wind.descCov = etree.fromstring(body(made, DESCRIBE + "W"))
    assert wind.grid.axislabels == ["Lon", "Lat", "height", "ansi"]
    assert wind.grid.highlimits == ["29", "19", "3", "2"]
    assert len(wind.timepositions) == 3
    axis = wind.descCov.findall(".//r:GeneralGridAxis", NAMES)[2]
    offsets = str(axis.findtext("r:coefficients", None, NAMES)).split()
    assert [float(text) for text in offsets] == [h - HEIGHTS_M[0] for h in HEIGHTS_M]


def test_a_slice_of_height_and_time_is_a_picture(made: Made) -> None:
    asked = f'{GET}W&subset=height(10)&subset=ansi("2020-02-01")&rangesubset=v'
    with MemoryFile(body(made, asked)) as memory, memory.open() as file:
        np.testing.assert_array_equal(file.read(1), made.arrays["W"]["v"][1, 1])
        assert file.crs.to_epsg() == 4326
        assert file.transform.f == 60


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("W&subset=height(5,60)&subset=Lat(52,54)", np.s_[:, 1:3, 12:16]),
        ("W&subset=height,CRS:1(0,1)", np.s_[:, :2]),
        ("G&subset=i(2,3)", np.s_[2:4]),
        ("A&subset=Lon(5,10)", np.s_[:, 10:20]),
        ("L&subset=x(1,3)", np.s_[1:3]),
        ('P&subset=ansi("2020","2020")', np.s_[:4]),
    ],
)
def test_netcdf_has_all_axes(made: Made, query: str, rows: slice) -> None:
    wanted = made.arrays[query[0]]["v"][rows]
    content = body(made, f"{GET}{query}&format=application/netcdf")
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf", mask_and_scale=False) as file:
        np.testing.assert_array_equal(file["v"].values, wanted)


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("W&subset=height(7)", 404, "no coefficient 7; the nearest: 2 and 10"),
        ("A&subset=ansi(%222020%22)", 404, "unknown axis"),
        (
            "G&subset=i,http://www.opengis.net/def/crs/EPSG/0/4326(2,3)",
            404,
            "no place in EPSG:4326",
        ),
        ("G&subset=i(20)", 404, "indices 0:10"),
        ("L&format=image/tiff", 400, "image/tiff needs two"),
    ],
)
def test_wrong_requests_are_told_what_is_right(
    made: Made, query: str, status: int, told: str
) -> None:
    reply = send(made, GET + query)
    assert isinstance(reply.body, bytes)
    assert reply.status == status
    assert told in reply.body.decode()


def test_layers_are_what_lies_on_the_earth(made: Made) -> None:
    root = etree.fromstring(body(made, f"{WMS}GetCapabilities"))
    space = {"w": "http://www.opengis.net/wms"}
    layers = root.findall("w:Capability/w:Layer/w:Layer", space)
    timed = {
        str(layer.findtext("w:Name", None, space)): layer.find("w:Dimension", space) is not None
        for layer in layers
    }
    assert timed == {"A": False, "B": False, "T": True, "U": True, "W": True}


def test_a_map_shows_the_first_place_and_says_so(made: Made) -> None:
    reply = send(made, f"{MAP}&layers=W&bbox=0,50,15,60")
    assert reply.status == 200
    warnings = [value for name, value in reply.headers if name == "Warning"]
    assert "99 Default value used: height=2" in warnings


def test_a_map_without_time_needs_none_and_ignores_one(made: Made) -> None:
    plain = body(made, f"{MAP}&layers=A&bbox=0,0,30,20")
    assert body(made, f"{MAP}&layers=A&bbox=0,0,30,20&time=2020-01-01") == plain


@pytest.mark.parametrize("name", ["G", "L", "P"])
def test_there_is_no_map_of_what_has_no_place(made: Made, name: str) -> None:
    reply = send(made, f"{MAP}&layers={name}&bbox=0,0,9,9")
    assert isinstance(reply.body, bytes)
    assert b"LayerNotDefined" in reply.body


@pytest.fixture(scope="module")
def api(made: Made) -> Iterator[TestClient]:
    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    routes = api_routes(made.local.engine.session, root)
    with TestClient(Starlette(routes=[Mount("/ogcapi", routes=routes)])) as client:
        yield client


def test_collections_say_which_axes_there_are(api: TestClient) -> None:
    listed = api.get("/ogcapi/collections?f=json").json()["collections"]
    found = {one["id"]: one for one in listed}
    assert "temporal" not in found["A"]["extent"]
    assert found["A"]["extent"]["spatial"]["bbox"] == [[0, 0, 30, 30]]
    assert "bbox" not in found["G"]["extent"]["spatial"]
    assert found["G"]["storageCrs"].endswith("/OGC/0/Index2D")
    height = found["W"]["extent"]["height"]
    assert height["interval"] == [[2, 100]]
    assert height["grid"]["coordinates"] == list(HEIGHTS_M)
    assert found["W"]["copernicube:axes"] == ["ansi", "height", "Lat", "Lon"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("form", ["json", "html", "jsonld"])
def test_every_page_of_a_collection_comes(api: TestClient, name: str, form: str) -> None:
    reply = api.get(f"/ogcapi/collections/{name}?f={form}")
    assert reply.status_code == 200, reply.text
    assert api.get(f"/ogcapi/collections/{name}/schema?f=json").status_code == 200


def test_openapi_and_lists_come(api: TestClient) -> None:
    for page in ("/collections?f=html", "/openapi?f=json", "/?f=html"):
        assert api.get(f"/ogcapi{page}").status_code == 200


def test_the_coverage_of_a_collection(api: TestClient, made: Made) -> None:
    reply = api.get("/ogcapi/collections/W/coverage?f=netcdf&bbox=5,52,7,54&datetime=2020-02-01")
    assert reply.status_code == 200, reply.text
    with xr.open_dataset(io.BytesIO(reply.content), engine="h5netcdf") as file:
        np.testing.assert_array_equal(file["v"].values, made.arrays["W"]["v"][1, :, 12:16, 10:14])
    reply = api.get("/ogcapi/collections/G/coverage?f=netcdf&bbox=5,52,7,54")
    assert reply.status_code == 400
    assert "no place on the Earth" in reply.json()["detail"]
