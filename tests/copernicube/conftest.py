"""The demo store and a server over it, as users of Python open them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

import copernicube
from copernicube.client import Catalogue
from copernicube.wiring import open_local
from ogc.api.routes import api_routes
from ogc.zarr.routes import zarr_routes
from tests.builders.loopback import loopback


@pytest.fixture(scope="session")
def local(demo_store: Path) -> Catalogue:
    return copernicube.open(demo_store)


@pytest.fixture(scope="session")
def server(demo_store: Path) -> Iterator[str]:
    """Address of a server over the demo store."""
    sessions = open_local(str(demo_store), read_only=True).engine.session

    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    routes = [
        Mount("/ogcapi", routes=api_routes(sessions, root)),
        Mount("/zarr", routes=zarr_routes(sessions, root)),
    ]
    with loopback(Starlette(routes=routes)) as url:
        yield url


@pytest.fixture(scope="session")
def remote(server: str) -> Catalogue:
    return copernicube.open(server)
