"""A shard that is missing or spoiled is an error in every service, never nodata."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from lxml import etree
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from tests.acceptance.answers import coverage_query, iso, map_query
from tests.acceptance.commands import run_command
from tests.acceptance.small_scenes import CUBE, small_scenes
from tests.ingest.harness import open_warehouse

VICTIM = small_scenes()["west later again"]
OTHER = small_scenes()["west new"]
OWS = "{http://www.opengis.net/ows/2.0}"
WMS = "{http://www.opengis.net/ogc}"


def _flip(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    middle = len(content) // 2
    content[middle - 8 : middle + 8] = bytes(
        255 - byte for byte in content[middle - 8 : middle + 8]
    )
    shard.write_bytes(content)


WAYS: Mapping[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "cut to half": lambda shard: shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2]),
    "emptied": lambda shard: shard.write_bytes(b""),
    "flipped in the middle": _flip,
}


@pytest.fixture(scope="module")
def whole(undisturbed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of this module's own; each test mends what it spoils."""
    return shutil.copytree(undisturbed, tmp_path_factory.mktemp("damage") / "store")


@pytest.fixture(scope="module")
def shard(whole: Path) -> Path:
    """Return the shard of B04 with most bytes of one scene."""
    warehouse = open_warehouse(whole)
    (slot,) = (s for s in warehouse.slots(CUBE) if s.scene.product_id == VICTIM.product_id)
    warehouse.catalog.close()
    shards = [
        p for p in (whole / CUBE / "r10m/0/B04/c" / str(slot.number)).rglob("*") if p.is_file()
    ]
    return max(shards, key=lambda path: path.stat().st_size)


@pytest.fixture
def client(whole: Path) -> Iterator[TestClient]:
    with TestClient(build(Settings(store=str(whole))), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(params=WAYS, ids=str)
def damaged(request: pytest.FixtureRequest, shard: Path) -> Iterator[Path]:
    before = shard.read_bytes()
    WAYS[request.param](shard)
    yield shard
    shard.write_bytes(before)


@pytest.mark.usefixtures("damaged")
def test_both_services_say_so(client: TestClient) -> None:
    when = VICTIM.product.datatake_start
    box = (500400.0, 5197900.0, 502000.0, 5199600.0)
    wcs = client.get("/ows?" + coverage_query(CUBE, when, "B04"))
    _check(wcs.content, wcs.status_code, f"{OWS}ExceptionText")
    wms = client.get("/ows?" + map_query("S2_L2A", "true-colour", when, box))
    _check(wms.content, wms.status_code, f"{WMS}ServiceException")
    for query in (
        coverage_query(CUBE, when, "B03"),
        coverage_query(CUBE, OTHER.product.datatake_start, "B04"),
        map_query("S2_L2A", "B03", when, box),
    ):
        assert client.get("/ows?" + query).status_code == 200


@pytest.mark.usefixtures("damaged")
def test_the_other_services_say_so(client: TestClient) -> None:
    when = iso(VICTIM.product.datatake_start)
    coverage = client.get(
        f"/ogcapi/collections/{CUBE}/coverage", params={"datetime": when, "properties": "B04"}
    )
    assert coverage.status_code == 500, coverage.text[:300]
    assert coverage.headers["content-type"] == "application/problem+json"
    assert "shard" in coverage.json()["detail"]
    found = client.get(f"/zarr/{CUBE}_10m@8;datetime={when}/B04/zarr.json")
    shape, chunk = found.json()["shape"], found.json()["chunk_grid"]["configuration"]["chunk_shape"]
    rows, columns = (-(-length // size) for length, size in zip(shape[1:], chunk[1:], strict=True))
    statuses = {
        client.get(f"/zarr/{CUBE}_10m@8;datetime={when}/B04/c/0/{row}/{column}").status_code
        for row in range(rows)
        for column in range(columns)
    }
    assert 500 in statuses
    assert statuses <= {200, 404, 500}


def _check(body: bytes, status: int, tag: str) -> None:
    assert status == 500, body[:300]
    text = next(etree.fromstring(body).iter(tag)).text or ""
    assert "shard" in text
    assert f"cube {CUBE}" in text
    assert "B04" in text
    assert b"Traceback" not in body
    assert b".py" not in body


def test_verify_names_it(damaged: Path, whole: Path) -> None:
    done = run_command("verify", "--store", whole)
    assert done.code == 1
    slot, row, column = damaged.relative_to(whole / CUBE / "r10m/0/B04/c").parts
    (line,) = done.err.strip().splitlines()
    assert f"shard {row}/{column} of cube {CUBE}, slot {slot}, r10m level 0, band B04" in line
    assert done.out.strip().endswith("1 damaged")


def test_a_whole_store_is_verified(whole: Path) -> None:
    done = run_command("verify", "--store", whole)
    assert (done.code, done.err) == (0, "")
    assert done.out.strip().endswith("0 damaged")
