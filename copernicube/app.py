"""The server: every address, and which service answers it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from copernicube.config import Settings, load_settings
from copernicube.wiring import open_local
from datacube.engine import Engine, Session
from ogc.exchange import Reply, Site
from ogc.service import dispatch

PAGE = Path(__file__).parent / "page"
EXPOSED_HEADERS = ("Copernicube-Revision", "Copernicube-Scenes", "ETag", "Warning")
FORM = "application/x-www-form-urlencoded"


def create() -> Starlette:
    """Build the server from the environment; each server process calls this once."""
    return build(load_settings())


def build(settings: Settings) -> Starlette:
    """Build the server over the store of `settings`."""
    local = open_local(settings.store, limits=settings.limits, map_days=settings.default_map_days)
    ows = Ows(engine=local.engine, settings=settings)
    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        expose_headers=EXPOSED_HEADERS,
    )
    return Starlette(
        routes=[
            Route("/", front_page),
            Route("/ows", ows.answer, methods=["GET", "POST"]),
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
    places: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(2 * (os.cpu_count() or 1))
    )
    """Requests evaluated at once in this process; more wait their turn."""

    async def answer(self, request: Request) -> Response:
        """Answer a request of any OGC service, by GET or by a POST form."""
        bound = self.settings.limits.parameter_bytes
        if request.method == "POST":
            if request.headers.get("content-type", "").split(";")[0].strip() != FORM:
                return PlainTextResponse(f"a POST here carries a form ({FORM})", 415)
            parameters = await _read_body(request, bound)
        else:
            parameters = request.url.query
        if parameters is None or len(parameters) > bound:
            return PlainTextResponse(f"the parameters are longer than {bound} bytes", 413)
        reply = await anyio.to_thread.run_sync(
            dispatch, parameters, self._session, self._site(request), limiter=self.places
        )
        return to_response(reply, request)

    def _session(self, as_of: int | None) -> Session:
        return self.engine.session(as_of)

    def _site(self, request: Request) -> Site:
        root = self.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return Site(
            url=f"{root}/ows",
            default_map_days=self.settings.default_map_days,
            limits=self.settings.limits,
        )


def to_response(reply: Reply, request: Request) -> Response:
    """Send a service's reply; 304 where the client has it already.

    A file that was made for the answer is deleted after it was sent.
    """
    tag = dict(reply.headers).get("ETag")
    response: Response
    if tag and tag in request.headers.get("if-none-match", ""):
        if isinstance(reply.body, Path):
            reply.body.unlink(missing_ok=True)
        response = Response(status_code=304)
    elif isinstance(reply.body, Path):
        response = FileResponse(
            reply.body,
            status_code=reply.status,
            media_type=reply.media_type,
            background=BackgroundTask(reply.body.unlink, missing_ok=True),
        )
    else:
        response = Response(reply.body, reply.status, media_type=reply.media_type)
    for name, value in reply.headers:
        response.headers.append(name, value)
    return response


async def _read_body(request: Request, bound_bytes: int) -> str | None:
    """Read a form as text; None where it is longer than the bound or no ASCII."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > bound_bytes:
            return None
    return body.decode("utf-8", errors="replace")
