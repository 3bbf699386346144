"""The routes of `/wmts`: every binding of the tile service."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datacube.errors import CubeError
from ogc import soap
from ogc.desk import Desk
from ogc.exchange import Reply, Sessions, Site
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.responses import parameters_too_long, respond
from ogc.turns import Lane
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
    desk: Desk | None = None,
) -> list[Route]:
    """Return the routes of the tile service, with their whole paths.

    `site_of` says what the service says of itself, with the address of any endpoint. The
    routes share the queue of `desk`.
    """
    kept, shared = KeptDocuments(), desk or Desk()

    async def endpoint(request: Request) -> Response:
        site = site_of(request)
        query, limits = request.url.query, site.limits
        if len(query) > limits.parameter_bytes:
            return respond(refuse(parameters_too_long(len(query), limits)), request)
        if request.method == "POST":
            kind = request.headers.get("content-type", "")
            body = await shared.body(request, limits)
            if isinstance(body, CubeError):
                return respond(_refused(kind, body), request)
            return await shared.answer(
                request,
                lambda given: _posted(
                    kind, body, query, partial(dispatch, sessions=given, site=site, kept=kept)
                ),
                sessions,
                lane=Lane.PICTURE,
                refuse=partial(_refused, kind),
            )
        path = request.path_params.get("path")

        def read() -> Kvp:
            asked = Kvp.parse(query)
            return asked if path is None else read_resource(path, asked)

        def work(given: Sessions) -> Reply:
            reply = dispatch(read, given, site, kept)
            return reply if path is None else _resource(reply)

        document = (path or "").endswith(".xml") or "getcapabilities" in query.casefold()
        lane = Lane.DOCUMENT if document else Lane.PICTURE
        return await shared.answer(request, work, sessions, lane=lane, refuse=refuse)

    return [
        Route("/wmts", endpoint, methods=["GET", "POST"]),
        Route("/wmts/{path:path}", endpoint),
    ]


def _resource(reply: Reply) -> Reply:
    """Return an answer with the status that HTTP has for an address of nothing (clause 10)."""
    if reply.status != HTTPStatus.BAD_REQUEST:
        return reply
    return replace(reply, status=HTTPStatus.NOT_FOUND)


def _refused(content_type: str, error: CubeError) -> Reply:
    """Tell a POST, by its media type, why it is not even read."""
    told = refuse(error)
    return soap.fault(told) if content_type.startswith(soap.MEDIA_TYPE) else told


def _posted(
    content_type: str, body: bytes, query: str, answered: Callable[[Callable[[], Kvp]], Reply]
) -> Reply:
    """Answer the body of a POST by its media type; SOAP is answered in SOAP.

    Parameters of a form may stand in the address, too, as the OGC's suite sends them.
    """
    kind = content_type.split(";", 1)[0].strip().casefold()
    if kind == FORM or (not body and not kind):
        form = body.decode("utf-8", errors="replace")
        return answered(lambda: Kvp.parse("&".join(filter(None, (form, query)))))
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
