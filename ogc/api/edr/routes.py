"""The routes of EDR, below `/ogcapi`."""

from functools import partial

from starlette.requests import Request
from starlette.routing import Route

from datacube.protocols import Limits
from ogc.api.edr.answer import answer
from ogc.api.edr.request import Kind, parse
from ogc.desk import Desk
from ogc.exchange import Reply, Session, Sessions
from ogc.pinned import kvp_of, resource_route
from ogc.responses import RootOf
from ogc.turns import Lane


def edr_routes(
    sessions: Sessions, root_of: RootOf, limits: Limits, *, desk: Desk | None = None
) -> list[Route]:
    """Return the routes of the queries, which share a queue."""
    shared = desk or Desk()

    def asked(kind: Kind, request: Request, session: Session) -> Reply:
        name = request.path_params["name"]
        accept = request.headers.get("accept", "")
        address = f"{root_of(request)}/ogcapi/collections/{name}/{kind}"
        asked_for = parse(kind, name, kvp_of(request), accept)
        return answer(asked_for, session, address=address, limits=limits)

    return [
        resource_route(
            f"/collections/{{name}}/{kind}",
            partial(asked, kind),
            sessions,
            desk=shared,
            lane=Lane.DATA,
        )
        for kind in Kind
    ]
