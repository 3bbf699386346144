"""The server: every address, and which service answers it."""

import os
from dataclasses import dataclass
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from copernicube.config import Settings, load_settings
from copernicube.wiring import open_local
from datacube.engine import Engine, Session
from datacube.errors import LimitExceededError
from ogc.api.routes import api_routes
from ogc.exchange import Site
from ogc.faults import UnsupportedError
from ogc.responses import RootOf, respond
from ogc.service import dispatch, refuse
from ogc.zarr.routes import zarr_routes

PAGE = Path(__file__).parent / "page"
EXPOSED_HEADERS = ("Copernicube-Revision", "Copernicube-Scenes", "ETag", "Warning")
FORM = "application/x-www-form-urlencoded"


def create() -> Starlette:
    """Build the server from the environment; each server process calls this once."""
    return build(load_settings())


def build(settings: Settings) -> Starlette:
    """Build the server over the store of `settings`."""
    local = open_local(settings.store, limits=settings.limits, map_days=settings.default_map_days)
    places = CapacityLimiter(2 * (os.cpu_count() or 1))
    sessions = local.engine.session

    def root_of(request: Request) -> str:
        # Inside a mount the base URL ends in the mount's path.
        address = request.url.replace(path="", query="", fragment="")
        return settings.public_url.rstrip("/") or str(address).rstrip("/")

    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        expose_headers=EXPOSED_HEADERS,
    )
    ows = Ows(engine=local.engine, settings=settings, root_of=root_of, places=places)
    return Starlette(
        routes=[
            Route("/", front_page),
            Route("/ows", ows.answer, methods=["GET", "POST"]),
            Mount("/ogcapi", routes=api_routes(sessions, root_of, limiter=places)),
            Mount("/zarr", routes=zarr_routes(sessions, root_of, limiter=places)),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[cors],
    )


async def front_page(_request: Request) -> Response:
    """Send the page for people."""
    return FileResponse(PAGE / "index.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ows:
    """The endpoint `/ows`."""

    engine: Engine
    settings: Settings
    root_of: RootOf
    places: CapacityLimiter
    """Requests evaluated at once in this process; more wait their turn."""

    async def answer(self, request: Request) -> Response:
        """Answer a request of any OGC service, by GET or by a POST form."""
        bound = self.settings.limits.parameter_bytes
        if request.method == "POST":
            if request.headers.get("content-type", "").split(";")[0].strip() != FORM:
                wrong = UnsupportedError(
                    f"a POST here carries a form ({FORM})", parameter="Content-Type"
                )
                return respond(refuse(wrong, request.url.query[:bound]), request)
            parameters = await _read_body(request, bound)
        else:
            parameters = request.url.query
        if parameters is None or len(parameters) > bound:
            long = LimitExceededError(f"the parameters are longer than the {bound} bytes allowed")
            return respond(refuse(long, (parameters or "")[:bound]), request)
        reply = await to_thread.run_sync(
            dispatch, parameters, self._session, self._site(request), limiter=self.places
        )
        return respond(reply, request)

    def _session(self, as_of: int | None) -> Session:
        return self.engine.session(as_of)

    def _site(self, request: Request) -> Site:
        return Site(
            url=f"{self.root_of(request)}/ows",
            default_map_days=self.settings.default_map_days,
            limits=self.settings.limits,
        )


async def _read_body(request: Request, bound_bytes: int) -> str | None:
    """Read a form as text; None where it is longer than the bound."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > bound_bytes:
            return None
    return body.decode("utf-8", errors="replace")
