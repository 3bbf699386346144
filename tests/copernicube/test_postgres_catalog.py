"""The real commands over a catalogue in PostgreSQL, and what they say when it is away."""

from io import BytesIO
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

import copernicube
from copernicube.config import Place
from copernicube.wiring import open_local, rebuild_local
from datacube.errors import StoreError
from datacube.protocols import Bbox
from tests.builders.postgres import PASSWORD, PostgresServer, postgres_running
from tests.builders.served import run_copernicube, served

LAYER = "S2_L1C"
CUBE = "S2_L1C_32618"


def _map(url: str, bbox: Bbox) -> httpx2.Response:
    project = Transformer.from_crs(4326, 3857, always_xy=True)
    asked = {
        "SERVICE": "WMS",
        "VERSION": "1.3.0",
        "REQUEST": "GetMap",
        "LAYERS": LAYER,
        "STYLES": "",
        "CRS": "EPSG:3857",
        "BBOX": ",".join(map(str, project.transform_bounds(*bbox))),
        "WIDTH": "128",
        "HEIGHT": "128",
        "FORMAT": "image/png",
    }
    return httpx2.get(f"{url}/ows", params=asked, timeout=60)


def test_ingest_serve_and_an_outage(
    tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_running() as server:
        place = Place(store=str(tmp_path / "store"), catalog=server.address("commands"))
        item = samples / "virginia/item.json"
        run_copernicube("ingest", "--store", place.store, "--catalog", place.catalog, item)
        assert not (tmp_path / "store/catalog.sqlite").exists()
        _check_rebuild(place, server.address("rebuilt"))
        monkeypatch.setenv("COPERNICUBE_CATALOG", place.catalog)
        with served(tmp_path / "store") as url:
            _check_service(url, place, server)


def _check_rebuild(place: Place, elsewhere: str) -> None:
    lost = Place(store=place.store, catalog=elsewhere)
    assert PASSWORD not in repr(lost)
    assert rebuild_local(lost).revisions == 1
    with pytest.raises(StoreError, match="there is a catalogue in schema rebuilt"):
        rebuild_local(lost)
    again, before = (open_local(each, read_only=True).catalog.view() for each in (lost, place))
    assert again.slots(CUBE) == before.slots(CUBE)
    opened = copernicube.open(lost.store, catalog=elsewhere)
    assert opened[CUBE].name == CUBE


def _check_service(url: str, place: Place, server: PostgresServer) -> None:
    collections = httpx2.get(f"{url}/ogcapi/collections?f=json", timeout=60)
    extent = collections.json()["collections"][0]["extent"]
    west, south, east, north = extent["spatial"]["bbox"][0]
    bbox = (west, south, east, north)
    drawn = _map(url, bbox)
    assert drawn.status_code == 200
    assert np.asarray(Image.open(BytesIO(drawn.content)).convert("RGBA"))[..., 3].any()
    server.stop()
    away = _map(url, bbox)
    assert away.status_code == 503
    assert away.headers["Retry-After"] == "5"
    assert PASSWORD not in away.text
    server.start()
    assert _map(url, bbox).content == drawn.content
    # What another process commits shows in the next answer.
    committed = open_local(place).catalog.name_coverage("bay", CUBE)
    seen = httpx2.get(f"{url}/ogcapi/collections?f=json", timeout=60)
    assert int(seen.headers["Copernicube-Revision"]) == committed.revision
    assert int(collections.headers["Copernicube-Revision"]) < committed.revision
