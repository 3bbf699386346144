"""Whom an operator names stands in every document and file, beside the producers' notices."""

import io
from pathlib import Path

import netCDF4
import pytest
import rasterio
from lxml import etree
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import load_settings

ENVIRONMENT = {
    "COPERNICUBE_PROVIDER_NAME": "Institute of <Maps>",
    "COPERNICUBE_PROVIDER_URL": "https://maps.example/",
    "COPERNICUBE_PROVIDER_CONTACT": "Service desk",
    "COPERNICUBE_PROVIDER_EMAIL": "desk@maps.example",
    "COPERNICUBE_PROVIDER_CITY": "Ulm",
    "COPERNICUBE_PROVIDER_FEES": "one euro",
    "COPERNICUBE_PROVIDER_LICENCE": "CC-BY-4.0",
}
NOTICE = "Contains modified Copernicus Sentinel data 2015"
COVERAGE = "SERVICE=WCS&VERSION=2.0.1&REQUEST=GetCoverage&COVERAGEID=S2_L1C_32618_60m"
DAY = '&SUBSET=ansi("2015-06-23")&RANGESUBSET=B01'


@pytest.fixture
def client(demo_store: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("COPERNICUBE_STORE", str(demo_store))
    return TestClient(build(load_settings()))


@pytest.mark.parametrize("asked", ["SERVICE=WMS", "SERVICE=WMS&VERSION=1.1.1", "SERVICE=WCS"])
def test_capabilities_name_the_provider(client: TestClient, asked: str) -> None:
    reply = client.get(f"/ows?{asked}&REQUEST=GetCapabilities")
    texts = {text.strip() for text in etree.fromstring(reply.content).itertext()}
    assert {"Institute of <Maps>", "Service desk", "desk@maps.example", "one euro"} <= texts


def test_the_landing_page_names_the_provider(client: TestClient) -> None:
    page = client.get("/ogcapi/?f=html").text
    assert "Institute of &lt;Maps&gt;" in page
    assert "desk@maps.example" in page


def test_files_name_provider_licence_and_producer(client: TestClient, tmp_path: Path) -> None:
    tiff = client.get(f"/ows?{COVERAGE}{DAY}&FORMAT=image/tiff").content
    with rasterio.open(io.BytesIO(tiff)) as dataset:
        tags = dataset.tags()
    assert tags["TIFFTAG_COPYRIGHT"] == tags["attribution"] == NOTICE
    assert (tags["institution"], tags["license"]) == ("Institute of <Maps>", "CC-BY-4.0")

    path = tmp_path / "made.nc"
    path.write_bytes(client.get(f"/ows?{COVERAGE}{DAY}&FORMAT=application/netcdf").content)
    with netCDF4.Dataset(path) as file:
        assert file.getncattr("attribution") == NOTICE
        assert file.getncattr("institution") == "Institute of <Maps>"

    query = 'for $c in (S2_L1C_32618_60m) return encode($c.B01[ansi("2015-06-23")], "netcdf")'
    path.write_bytes(client.get("/ows", params={"query": query}).content)
    with netCDF4.Dataset(path) as file:
        assert file.getncattr("attribution") == NOTICE

    view = client.get("/zarr/S2_L1C_32618_60m/zarr.json", follow_redirects=True).json()
    assert view["attributes"]["attribution"].startswith("Contains modified Copernicus Sentinel")
    assert view["attributes"]["license"] == "CC-BY-4.0"
