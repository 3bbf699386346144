"""The server: every address, and which service answers it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from copernicube.addresses import Addresses
from copernicube.config import Settings, load_settings
from copernicube.memory import return_freed_memory
from copernicube.transactions import NO_WRITERS, Writers, spool_body, writers_of
from copernicube.warming import warm_up
from copernicube.wiring import cluster_at, kept_pictures, open_local
from datacube.engine import Engine, Session
from datacube.errors import CubeError
from ogc import soap
from ogc.api.routes import api_routes
from ogc.desk import Desk
from ogc.exchange import Reply, Sessions, Site
from ogc.kvp import Kvp
from ogc.pinned import resource_route
from ogc.posted import is_form, read_posted, read_spooled
from ogc.records import get_record
from ogc.records.get_record import PATH as RECORDS
from ogc.responses import RootOf, parameters_too_long, respond, unrouted
from ogc.service import dispatch, lane_of, refuse
from ogc.spool import Spool
from ogc.tiles.routes import tile_routes
from ogc.turns import Lane, Turns
from ogc.wcps.functions import PATH, functions_route
from ogc.wcs.transaction.bodies import is_parted
from ogc.wcs.transaction.writing import Writing
from ogc.wmts.routes import wmts_routes
from ogc.zarr.routes import zarr_routes

PAGE = Path(__file__).parent / "page"
EXPOSED_HEADERS = (
    "Accept-Ranges",
    "Content-Bbox",
    "Content-Crs",
    "Content-Range",
    "Copernicube-Revision",
    "Copernicube-Scenes",
    "ETag",
    "Link",
    "Retry-After",
    "Warning",
)


def create() -> Starlette:
    """Build the server from the environment; each server process calls this once."""
    return_freed_memory()
    return build(load_settings(), warm=True)


def build(settings: Settings, *, warm: bool = False) -> Starlette:
    """Build the server over the store of `settings`; `warm` draws a tile when it starts."""
    local = open_local(
        settings.place,
        limits=settings.limits,
        map_days=settings.default_map_days,
        chunk_cache_bytes=settings.chunk_cache_bytes,
        pictures=kept_pictures(settings),
        cluster=cluster_at(settings.scheduler, settings.scheduler_bytes),
    )
    sessions = local.engine.session
    addresses = Addresses.read(settings.public_url, settings.trusted_proxies)
    root_of = addresses.root_of
    spool = Spool(settings.spool)
    desk = Desk(turns=Turns(settings.queue), client_of=addresses.client_of, spool=spool)

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        async def drop_old() -> None:
            while True:
                await asyncio.sleep(settings.spool.seconds / 10)
                await to_thread.run_sync(spool.drop_old)

        async def draw() -> None:
            await to_thread.run_sync(partial(warm_up, sessions, about(settings)))

        begun = (drop_old, draw) if warm else (drop_old,)
        tasks = [asyncio.create_task(work()) for work in begun]
        yield
        for task in tasks:
            task.cancel()
        spool.close()

    def wmts_site(request: Request) -> Site:
        root = root_of(request)
        return replace(about(settings), root=root, url=f"{root}/wmts")

    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=["If-None-Match", "If-Range", "Range"],
        expose_headers=EXPOSED_HEADERS,
    )
    ows = Ows(
        engine=local.engine,
        settings=settings,
        root_of=root_of,
        desk=desk,
        writers=writers_of(settings, local),
    )
    return Starlette(
        routes=[
            Route("/", front_page),
            Route("/ows", ows.answer, methods=["GET", "POST"]),
            # Clients of rasdaman have this address built in.
            Route("/rasdaman/ows", replace(ows, compat=True).answer, methods=["GET", "POST"]),
            *(
                functions_route(f"{base}{PATH}", local.engine.functions, desk=desk)
                for base in ("", "/rasdaman")
            ),
            Mount(
                "/ogcapi",
                routes=api_routes(sessions, root_of, desk=desk, about=about(settings)),
            ),
            *wmts_routes(sessions, wmts_site, desk=desk),
            Mount("/tiles", routes=tile_routes(sessions, root_of, desk=desk)),
            Mount("/zarr", routes=zarr_routes(sessions, root_of, desk=desk)),
            resource_route(
                f"{RECORDS}/{{name}}",
                lambda request, session: get_record.answer(
                    request.path_params["name"],
                    session.view,
                    replace(about(settings), root=root_of(request)),
                ),
                sessions,
                desk=desk,
            ),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[cors],
        exception_handlers={HTTPException: unrouted},
        lifespan=running,
    )


def about(settings: Settings) -> Site:
    """Return what every service says of itself; the address is set by the request."""
    return Site(
        url="",
        default_map_days=settings.default_map_days,
        limits=settings.limits,
        provider=settings.provider,
        transactions=settings.transactions == "on",
    )


async def front_page(_request: Request) -> Response:
    """Send the page for people."""
    return FileResponse(PAGE / "index.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ows:
    """An endpoint of all OGC services."""

    engine: Engine
    settings: Settings
    root_of: RootOf
    desk: Desk
    writers: Writers = NO_WRITERS
    compat: bool = False
    """As clients of rasdaman expect; see `Site.compat`."""

    async def answer(self, request: Request) -> Response:
        """Answer a request of any OGC service, by GET or POST."""
        limits = self.settings.limits
        parameters = request.url.query
        if len(parameters) > limits.parameter_bytes:
            long = parameters_too_long(len(parameters), limits)
            return respond(refuse(long, parameters[: limits.parameter_bytes]), request)
        media_type, posted = request.headers.get("content-type", ""), None
        writing = self.writers.writing(request)
        if request.method == "POST" and writing.principal.may_write and is_parted(media_type):
            return await self._write(request, writing)
        if request.method == "POST":
            body = await self.desk.body(request, limits)
            if isinstance(body, CubeError):
                return respond(refuse(body, parameters), request)
            # A form says, as an address does, which service is asked, readable or not.
            if is_form(media_type):
                parameters = body.decode("utf-8", errors="replace")
            else:
                posted = media_type, body
        return await self.desk.answer(
            request,
            partial(_dispatched, parameters, posted, self._site(request), writing),
            self._session,
            lane=Lane.DATA if posted else lane_of(parameters),
            refuse=partial(
                refuse, parameters=parameters, enveloped=media_type.startswith(soap.MEDIA_TYPE)
            ),
        )

    async def _write(self, request: Request, writing: Writing) -> Response:
        """Answer a request whose body may carry files, from a temporary file of the body."""
        parameters, media_type = request.url.query, request.headers["content-type"]
        with TemporaryDirectory(prefix="copernicube-body-") as name:
            folder = Path(name)
            failed = await spool_body(request, folder / "body", writing.limits)
            if failed is not None:
                return respond(refuse(failed, parameters), request)
            site, limit_bytes = self._site(request), self.settings.limits.body_bytes

            def work(sessions: Sessions) -> Reply:
                try:
                    read = read_spooled(media_type, folder / "body", folder, limit_bytes)
                    asked = read.beside(Kvp.parse(parameters))
                except CubeError as error:
                    return refuse(error, parameters)
                return dispatch(asked, sessions, site, writing)

            return await self.desk.answer(
                request,
                work,
                self._session,
                lane=Lane.DATA,
                refuse=partial(refuse, parameters=parameters),
            )

    def _session(self, as_of: int | None) -> Session:
        return self.engine.session(as_of)

    def _site(self, request: Request) -> Site:
        root = self.root_of(request)
        url = f"{root}{request.url.path}"
        return replace(about(self.settings), url=url, root=root, compat=self.compat)


def _dispatched(
    parameters: str,
    posted: tuple[str, bytes] | None,
    site: Site,
    writing: Writing,
    sessions: Sessions,
) -> Reply:
    """Answer the parameters, or what was posted: a media type and a body."""
    if posted is None:
        return dispatch(parameters, sessions, site, writing)
    try:
        asked = read_posted(*posted).beside(Kvp.parse(parameters))
    except CubeError as error:
        return refuse(error, parameters)
    return dispatch(asked, sessions, site, writing)
