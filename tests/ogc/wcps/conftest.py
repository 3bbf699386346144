"""A store with cubes of every kind, asked through the services without a network."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from tests.builders.made import WGS84, Frame, Made, add_cube, indices, make_store, regular

TIMES = ("2020-01-01", "2020-02-01", "2020-05-01", "2023-01-05")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make_store(tmp_path_factory.mktemp("store"))
    rng = np.random.default_rng(3)
    place = (regular("Lat", 30, 0, 30), regular("Lon", 0, 30, 30))

    def numbers(*shape: int, high: int = 50) -> np.ndarray:
        return rng.integers(0, high, shape).astype("int16")

    add_cube(made, "A", {"v": numbers(30, 30)}, Frame(axes=place, crs=WGS84))
    add_cube(made, "B", {"v": numbers(30, 30)}, Frame(axes=place, crs=WGS84))
    bands = {name: numbers(4, 30, 30, high=5000) for name in ("b4", "b8")}
    add_cube(made, "T", bands, Frame(axes=place, crs=WGS84, times=TIMES))
    once = {"b4": numbers(1, 30, 30, high=255)}
    add_cube(made, "Once", once, Frame(axes=place, crs=WGS84, times=TIMES[:1]))
    grid = (indices("i", 12), indices("j", 12))
    add_cube(made, "G", {"v": numbers(12, 12)}, Frame(axes=grid))
    return made


@pytest.fixture(scope="module")
def client(made: Made) -> Iterator[TestClient]:
    with TestClient(build(Settings(store=made.local.store.location.name))) as client:
        yield client


@pytest.fixture
def ask(client: TestClient) -> Callable[..., str]:
    """Ask by GET; gives the text of an answer that must succeed."""

    def asked(query: str, **parameters: str) -> str:
        answer = client.get("/ows", params={"query": query, **parameters})
        assert answer.status_code == 200, answer.text
        return answer.text

    return asked
