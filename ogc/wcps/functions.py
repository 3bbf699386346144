"""The list of the functions that the operator added, as clients of rasdaman ask for it."""

import json
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datacube.errors import CubeError, InvalidParameterError
from datacube.plan.udf import UserFunction, UserFunctions
from ogc.desk import Desk
from ogc.exchange import Reply
from ogc.kvp import Kvp, shown
from ogc.problem import problem
from ogc.turns import Lane

JSON = "application/json"
PATH = "/admin/udf/list"


def functions_route(path: str, functions: UserFunctions, *, desk: Desk | None = None) -> Route:
    """Return the route of the list; `type` may only be `wcps`."""
    shared = desk or Desk()

    async def endpoint(request: Request) -> Response:
        work = partial(answer, request.url.query, functions)
        return await shared.run(request, work, lane=Lane.DOCUMENT, refuse=problem)

    return Route(path, endpoint)


def answer(parameters: str, functions: UserFunctions) -> Reply:
    """Answer with a JSON array, an object a function; what fails is a problem document."""
    try:
        kind = Kvp.parse(parameters).one("type", default="wcps")
        if kind.casefold() != "wcps":
            raise InvalidParameterError(f"type is {shown(kind)}; allowed is wcps", parameter="type")
    except CubeError as error:
        return problem(error)
    listed = [describe_function(functions[name]) for name in sorted(functions)]
    return Reply(status=200, media_type=JSON, body=json.dumps(listed, indent=2).encode())


def describe_function(function: UserFunction) -> dict[str, object]:
    """Return what the list says of a function.

    `returns` is the NumPy name of a type, or `same` for that of the first argument.
    """
    namespace, _, name = function.name.rpartition(".")
    return {
        "namespace": namespace,
        "name": name,
        "parameters": list(function.parameters),
        "returns": function.dtype or "same",
        "documentation": function.documentation,
    }
