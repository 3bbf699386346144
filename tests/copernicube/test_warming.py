from pathlib import Path
from unittest.mock import patch

from starlette.testclient import TestClient

from copernicube.app import about, build
from copernicube.config import Settings, load_settings
from copernicube.warming import warm_up
from copernicube.wiring import open_local
from datacube.engine import Session
from datacube.errors import StoreError

SITE = about(Settings())


def test_the_first_layer_is_drawn(demo_store: Path) -> None:
    answer = warm_up(open_local(str(demo_store), read_only=True).engine.session, SITE)
    assert answer is not None
    assert (answer.status, answer.media_type) == (200, "image/png")
    assert len(answer.body if isinstance(answer.body, bytes) else b"") > 1000


def test_an_empty_store_has_nothing_to_draw(tmp_path: Path) -> None:
    assert warm_up(open_local(str(tmp_path / "store")).engine.session, SITE) is None


def test_a_catalogue_that_is_away_stops_no_server() -> None:
    def away(_as_of: int | None) -> Session:
        raise StoreError("the catalogue is away")

    assert warm_up(away, SITE) is None


def test_a_server_finds_the_pictures_of_another(demo_store: Path, tmp_path: Path) -> None:
    settings = load_settings(
        {"COPERNICUBE_STORE": str(demo_store), "COPERNICUBE_PICTURE_FOLDER": str(tmp_path)}
    )
    asked = (
        "/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=&crs=EPSG:3857"
        "&bbox=-8421500,4530000,-8411000,4540500&width=256&height=256&format=image/png"
    )
    first = TestClient(build(settings)).get(asked)
    assert first.status_code == 200
    with patch("datacube.engine.Session._job", side_effect=AssertionError("drawn again")):
        again = TestClient(build(settings)).get(asked)
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
