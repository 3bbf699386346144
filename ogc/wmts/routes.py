"""The routes of `/wmts`: every binding of the tile service."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datacube.errors import LimitExceededError
from ogc import soap
from ogc.exchange import Reply, Sessions, Site
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.responses import read_body, respond
from ogc.wmts.envelope import payload
from ogc.wmts.kept import KeptDocuments
from ogc.wmts.posted import read_request
from ogc.wmts.resources import read_resource
from ogc.wmts.service import dispatch, refuse
from ogc.xml_body import read_xml

FORM = "application/x-www-form-urlencoded"
XML_TYPES = ("application/xml", "text/xml", soap.MEDIA_TYPE)


def wmts_routes(
    sessions: Sessions,
    site_of: Callable[[Request], Site],
    *,
    limiter: CapacityLimiter | None = None,
) -> list[Route]:
    """Return the routes of the tile service, with their whole paths.

    `site_of` says what the service says of itself, with the address of any endpoint;
    `limiter` bounds the requests that are worked on at once, by default Starlette's.
    """
    kept = KeptDocuments()

    async def endpoint(request: Request) -> Response:
        site = site_of(request)
        query, limits = request.url.query, site.limits
        if len(query) > limits.parameter_bytes:
            return respond(_too_long(limits.parameter_bytes), request)
        if request.method == "POST":
            body = await read_body(request, limits.body_bytes)
            if body is None:
                return respond(_too_long(limits.body_bytes), request)
            kind = request.headers.get("content-type", "")
            answered = partial(dispatch, sessions=sessions, site=site, kept=kept)
            reply = await to_thread.run_sync(_posted, kind, body, answered, limiter=limiter)
            return respond(reply, request)
        path = request.path_params.get("path")

        def read() -> Kvp:
            asked = Kvp.parse(query)
            return asked if path is None else read_resource(path, asked)

        reply = await to_thread.run_sync(dispatch, read, sessions, site, kept, limiter=limiter)
        return respond(reply, request)

    return [
        Route("/wmts", endpoint, methods=["GET", "POST"]),
        Route("/wmts/{path:path}", endpoint),
    ]


def _too_long(bound_bytes: int) -> Reply:
    return refuse(LimitExceededError(f"the request is longer than the {bound_bytes} bytes allowed"))


def _posted(
    content_type: str, body: bytes, answered: Callable[[Callable[[], Kvp]], Reply]
) -> Reply:
    """Answer the body of a POST by its media type; SOAP is answered in SOAP."""
    kind = content_type.split(";", 1)[0].strip().casefold()
    if kind == FORM:
        return answered(lambda: Kvp.parse(body.decode("utf-8", errors="replace")))
    if kind not in XML_TYPES:
        offered = ", ".join((FORM, *XML_TYPES))
        return refuse(
            UnsupportedError(
                f"a body of type {shown(kind)} is not read; allowed are {offered}",
                parameter="Content-Type",
            )
        )
    enveloped = False

    def read() -> Kvp:
        nonlocal enveloped
        root = read_xml(body)
        if not soap.is_envelope(root):
            return read_request(root)
        enveloped = soap.is_current(root)
        return read_request(soap.content(root))

    reply = answered(read)
    if not enveloped:
        return reply
    return soap.enclosed(payload(reply)) if reply.status == HTTPStatus.OK else soap.fault(reply)
