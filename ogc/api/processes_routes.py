"""The routes that run processes and tell of jobs, below `/ogcapi`."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datacube.errors import CubeError
from ogc.api.get_coverage import check_names
from ogc.api.processes import execute, no_such
from ogc.desk import Desk
from ogc.exchange import Reply, Session, Sessions, Site, headed, revision_header
from ogc.kvp import Kvp, as_of
from ogc.pinned import resource_route
from ogc.problem import problem
from ogc.responses import respond
from ogc.turns import Lane

ALLOWED = ("f", "as_of")


def process_routes(sessions: Sessions, site: Site, *, desk: Desk | None = None) -> list[Route]:
    """Return the routes of executions, and those of jobs, of which there is none."""
    shared = desk or Desk()

    async def run(request: Request) -> Response:
        body = await shared.body(request, site.limits)
        if isinstance(body, CubeError):
            return respond(problem(body), request)
        name, query = request.path_params["name"], request.url.query
        work = partial(_answer, name, query, body, site=site)
        return await shared.answer(request, work, sessions, lane=Lane.DATA, refuse=problem)

    def job(request: Request, session: Session) -> Reply:
        return no_such("job", request.path_params["job"], session.view.revision)

    return [
        Route("/processes/{name}/execution", run, methods=["POST"]),
        resource_route("/jobs/{job}", job, sessions, desk=shared),
        resource_route("/jobs/{job}/results", job, sessions, desk=shared),
    ]


def _answer(name: str, query: str, body: bytes, sessions: Sessions, site: Site) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    try:
        kvp = Kvp.parse(query)
        check_names(kvp, ALLOWED)
        session = sessions(as_of(kvp))
        headers = (revision_header(session.view.revision),)
        return execute(name, body, session, site)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return headed(problem(error), headers)
