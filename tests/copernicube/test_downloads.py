"""Downloads in parts: resumed, read by GDAL in ranges, and evaluated once."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

import httpx2
import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from datacube.encode import ENCODERS
from datacube.encode.answer import EncodeJob, Encoder
from datacube.plan import encoding_memory
from ogc.spool import SpoolLimits
from tests.builders.loopback import loopback

COVERAGE = (
    "/ows?service=WCS&version=2.0.1&request=GetCoverage&coverageid=S2_L1C_32618"
    "&subset=E(443000,449000)&subset=N(4168000,4174000)&rangesubset=B04,B08&format=image/tiff"
)
OTHERS = {
    "OGC API": "/ogcapi/collections/S2_L1C_32618/coverage?bbox=-75.65,37.66,-75.6,37.7&f=geotiff",
    "netCDF": COVERAGE.replace("image/tiff", "application/netcdf"),
    "multipart": f"{COVERAGE}&mediatype=multipart/related",
    "WCS 1.0": (
        "/ows?service=WCS&version=1.0.0&request=GetCoverage&coverage=S2_L1C_32618&crs=EPSG:32618"
        "&bbox=443000,4168000,449000,4174000&width=600&height=600&format=GeoTIFF"
    ),
}


PICTURES = (
    "/tiles/S2_L1C/13/2375/3168.png",
    "/ogcapi/collections/S2_L1C/map?bbox=-75.65,37.66,-75.6,37.7&width=100&height=100",
    (
        "/ows?service=WMS&version=1.1.1&request=GetMap&layers=S2_L1C&styles=&srs=EPSG:4326"
        "&bbox=-75.65,37.66,-75.6,37.7&width=100&height=100&format=image/png"
    ),
    (
        "/wmts?service=WMTS&version=1.0.0&request=GetTile&layer=S2_L1C&style=default&tilerow=3168"
        "&tilematrixset=WebMercatorQuad&tilematrix=13&tilecol=2375&format=image/png"
    ),
)


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which every answer that is made in this process adds its media type."""
    made: list[str] = []

    def counted(media_type: str, encode: Encoder) -> Encoder:
        def run(job: EncodeJob) -> bytes | Path:
            made.append(media_type)
            return encode(job)

        return run

    encoders = {kind: counted(kind, encode) for kind, encode in ENCODERS.items()}
    monkeypatch.setattr("copernicube.wiring.ENCODERS", encoders)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take all temporary files into a folder of the test."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    return made


@pytest.fixture
def url(demo_store: Path, folder: Path, evaluated: list[str]) -> Iterator[str]:
    # No picture is kept, so that each that is sent was made.
    settings = Settings(store=str(demo_store), picture_cache_bytes=0)
    with loopback(build(settings)) as address:
        yield address
    del folder, evaluated  # what they change has to be changed first


def test_gdal_reads_a_coverage_in_ranges(url: str, evaluated: list[str]) -> None:
    whole = httpx2.get(url + COVERAGE, timeout=60).content
    evaluated.clear()
    with MemoryFile(whole) as file, file.open() as data:
        expected, profile = data.read(), data.profile
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", CPL_VSIL_CURL_CHUNK_SIZE=16384),
        rasterio.open(f"/vsicurl/{url}{COVERAGE}") as remote,
    ):
        assert (remote.shape, remote.count) == (expected.shape[1:], 2)
        assert remote.transform == profile["transform"]
        window = ((200, 300), (100, 220))
        np.testing.assert_array_equal(remote.read(2, window=window), expected[1, 200:300, 100:220])
        np.testing.assert_array_equal(remote.read(), expected)
    assert len(evaluated) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_the_rest_of_a_download_is_that_of_the_same_bytes(
    url: str, name: str, evaluated: list[str]
) -> None:
    address = url + OTHERS[name]
    whole = httpx2.get(address, timeout=60)
    assert whole.status_code == 200, whole.text
    size, tag = len(whole.content), whole.headers["etag"]
    evaluated.clear()
    head = httpx2.head(address, timeout=60)
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))
    assert head.headers["accept-ranges"] == "bytes"
    ends = [0, 100, size // 2, size]
    parts = [
        httpx2.get(
            address, headers={"Range": f"bytes={start}-{stop - 1}", "If-Range": tag}, timeout=60
        )
        for start, stop in pairwise(ends)
    ]
    assert [part.status_code for part in parts] == [206, 206, 206]
    assert b"".join(part.content for part in parts) == whole.content
    assert {part.headers["content-type"] for part in parts} == {whole.headers["content-type"]}
    beyond = httpx2.get(address, headers={"Range": f"bytes={size}-"}, timeout=60)
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    # HEAD made it, all others took what was kept.
    assert len(evaluated) == 1


def test_files_are_kept_from_the_first_answer_and_removed_at_last(
    demo_store: Path, folder: Path, evaluated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacube.encode.rasters.IN_MEMORY_BYTES", 1000)
    assert encoding_memory.IN_MEMORY_BYTES > 1000
    app = build(Settings(store=str(demo_store)))
    with loopback(app) as url:
        whole = httpx2.get(url + COVERAGE, timeout=60)
        rest = httpx2.get(url + COVERAGE, headers={"Range": "bytes=1000-"}, timeout=60)
        assert rest.content == whole.content[1000:]
        assert len(evaluated) == 1
        kept = [path for path in folder.rglob("*") if path.is_file()]
        assert [path.read_bytes() for path in kept] == [whole.content]

        async def end() -> None:
            async with app.router.lifespan_context(app):
                pass

        asyncio.run(end())
    assert list(folder.iterdir()) == []


def test_a_running_server_removes_what_is_old(demo_store: Path, folder: Path) -> None:
    settings = Settings(store=str(demo_store), spool=SpoolLimits(seconds=0.1))
    with TestClient(build(settings)) as client:
        assert client.get(COVERAGE, headers={"Range": "bytes=0-9"}).status_code == 206
        deadline = monotonic() + 10
        while any(folder.iterdir()) and monotonic() < deadline:
            sleep(0.02)
        assert list(folder.iterdir()) == []


def test_a_page_of_another_site_may_read_ranges(url: str) -> None:
    page = {"Origin": "https://maps.example"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    assert httpx2.options(url + COVERAGE, headers=page | asked).status_code == 200
    part = httpx2.get(url + COVERAGE, headers=page | {"Range": "bytes=0-9"}, timeout=60)
    assert part.status_code == 206
    assert "Content-Range" in part.headers["access-control-expose-headers"]


def test_what_is_too_long_to_be_kept_is_answered_all_the_same(
    demo_store: Path, folder: Path, evaluated: list[str]
) -> None:
    settings = Settings(store=str(demo_store), spool=SpoolLimits(bytes=1000))
    with loopback(build(settings)) as url:
        whole = httpx2.get(url + COVERAGE, timeout=60).content
        part = httpx2.get(url + COVERAGE, headers={"Range": "bytes=9-99"}, timeout=60)
        assert (part.status_code, part.content) == (206, whole[9:100])
    assert len(evaluated) == 2
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("path", [COVERAGE, *OTHERS.values(), *PICTURES])
def test_what_a_client_has_is_not_evaluated(url: str, path: str, evaluated: list[str]) -> None:
    first = httpx2.get(url + path, timeout=60)
    assert first.status_code == 200, first.text
    evaluated.clear()
    again = httpx2.get(url + path, headers={"If-None-Match": first.headers["etag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    assert not evaluated
    same = ("etag", "cache-control", "vary", "copernicube-revision")
    assert [again.headers.get(name) for name in same] == [first.headers.get(name) for name in same]
    other = httpx2.get(url + path, headers={"If-None-Match": '"other"'}, timeout=60)
    assert (other.status_code, other.content) == (200, first.content)
    assert len(evaluated) == 1
