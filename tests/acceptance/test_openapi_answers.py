"""Schemathesis on the OpenAPI document: no failure, no answer that is not documented."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

SEED = 20261122
EXAMPLES = 40
"""Requests of each operation."""
MOST_TOLD = 900
TIMEOUT_S = 30.0
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NEAR = {
    "collectionId": ["S2_L2A_3035", "S2_L2A", "S2_L1C", "S2_L2A_3035_20m", "S2_L1C_32618"],
    "styleId": ["true-colour", "ndvi", "B04", "scl"],
    "tileMatrixSetId": ["WebMercatorQuad", "WorldCRS84Quad", "EPSG32618_10m"],
    "tileMatrix": ["0", "9", "14"],
    "tileRow": ["0", "184", "5889"],
    "tileCol": ["0", "287", "9201"],
    "processId": ["wcps"],
    "bbox": ["22.145,45.2,22.15,45.205", "-75.6,37.66,-75.59,37.67", "1,2,3", "9,9,1,1"],
    "datetime": ["2019-04-07", "2019-04-07/..", "2019-04", "../..", "2019-13-01", "2015-06-23"],
    "coords": [
        "POINT(22.15 45.205)",
        "LINESTRING(22.146 45.2,22.15 45.205)",
        "POLYGON((22.147 45.202,22.15 45.202,22.15 45.205,22.147 45.202))",
        "POINT(22.15)",
    ],
    "crs": ["EPSG:3035", "EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/3857", "EPSG:0"],
    "properties": ["B04", "B04,SCL", "B99"],
    "parameter-name": ["B04", "B04,SCL", "B99"],
    "subset": ["E(5272000:5272500)", "Lat(45.2:45.205)", 'time("2019-04-07")', "E(", "Q(1)"],
    "scale-factor": ["2", "0.5", "0"],
    "width": ["64", "1"],
    "height": ["64", "0"],
    "within": ["50", "-1"],
    "within-units": ["m", "km", "parsec"],
    "query": ["for $c in (S2_L2A_3035) return count($c.B04 > 0)", "for $c in"],
    "f": ["json", "html", "png", "csv", "CoverageJSON", "tiff"],
}
"""Values under which operations have answers, and others that are nearly such."""

NEEDED = {
    "position": {"coords": "POINT(22.15 45.205)"},
    "area": {"coords": "POLYGON((22.147 45.202,22.15 45.202,22.15 45.205,22.147 45.202))"},
    "trajectory": {"coords": "LINESTRING(22.146 45.2,22.15 45.205)"},
    "corridor": {
        "coords": "LINESTRING(22.146 45.2,22.15 45.205)",
        "corridor-width": "50",
        "width-units": "m",
    },
    "radius": {"coords": "POINT(22.15 45.205)", "within": "50", "within-units": "m"},
    "cube": {"bbox": "22.145,45.2,22.15,45.205", "datetime": "2019-04-07"},
    "coverage": {"bbox": "22.145,45.2,22.15,45.205", "datetime": "2019-04-07"},
}
"""What operations need together, by the end of their path."""
QUERY = "for $c in (S2_L2A_3035) return max($c.B04)"
BODIES = {
    "wcps": ("text/plain", QUERY),
    "execution": ("application/json", {"inputs": {"query": QUERY}}),
}


@pytest.fixture(scope="module")
def operations(demo_url: str) -> list[Any]:
    """Return what the document describes, as schemathesis reads it."""
    schema = schemathesis.openapi.from_url(f"{demo_url}/ogcapi/openapi")
    found = list(schema.get_all_operations())
    good = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(good) == len(found) > 30
    return good


def nearer(case: Any, draw: Callable[..., Any]) -> Any:  # noqa: ANN401 schemathesis's own
    """Put values that mean something in the place of random ones, in three of four requests.

    Of those, half have hardly more than they need: with many parameters one is always wrong.
    """
    if draw(st.integers(0, 3)) == 0:
        return case
    plain = draw(st.booleans())
    for kind in ("path_parameters", "query"):
        values = getattr(case, kind) or {}
        for one in getattr(case.operation, kind):
            needed = one.is_required
            if plain and not needed:
                values.pop(one.name, None)
            if one.name in NEAR and (needed or draw(st.integers(0, 4)) == 0):
                near = NEAR[one.name]
                values[one.name] = near[0] if plain else draw(st.sampled_from(near))
        setattr(case, kind, values)
    ending = case.operation.path.rpartition("/")[2]
    for name, value in NEEDED.get(ending, {}).items():
        if plain or draw(st.booleans()):
            case.query[name] = value
    if case.operation.method == "post" and draw(st.booleans()):
        case.media_type, case.body = BODIES[ending]
    return case


def test_every_operation_answers_as_documented(operations: list[Any], demo_url: str) -> None:
    faults: dict[str, str] = {}
    for operation in operations:
        faults |= faults_of(operation, demo_url)
    assert not faults, "\n\n".join(f"{key}\n{text}" for key, text in faults.items())


def faults_of(operation: Any, url: str) -> dict[str, str]:  # noqa: ANN401 schemathesis's own
    """Ask for an operation and return what is wrong, the first of each kind."""
    faults: dict[str, str] = {}

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        case = nearer(data.draw(operation.as_strategy()), data.draw)
        try:
            response = case.call(base_url=f"{url}/ogcapi", timeout=TIMEOUT_S)
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                key = f"{operation.label} {type(failure).__name__}"
                faults.setdefault(key, f"{case.as_curl_command()}\n{failure}"[:MOST_TOLD])

    ask()
    return faults
