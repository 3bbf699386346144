"""The list of functions that clients of rasdaman ask for."""

import json

import pytest

from datacube.plan.udf import UserFunction
from ogc.wcps.functions import answer

STRETCH = UserFunction(
    name="image.stretch",
    parameters=("cells", "low", "high"),
    dtype="uint8",
    body=lambda cells, low, high: (cells - low) / (high - low),
    documentation="Spread the numbers between two bounds.",
)
SMOOTH = UserFunction(name="image.smooth", parameters=("cells",), dtype=None, body=abs)


@pytest.mark.parametrize("parameters", ["", "type=wcps", "TYPE=WCPS"])
def test_functions_are_listed_by_name(parameters: str) -> None:
    reply = answer(parameters, {f.name: f for f in (STRETCH, SMOOTH)})
    assert (reply.status, reply.media_type) == (200, "application/json")
    assert isinstance(reply.body, bytes)
    assert json.loads(reply.body) == [
        {
            "namespace": "image",
            "name": "smooth",
            "parameters": ["cells"],
            "returns": "same",
            "documentation": "",
        },
        {
            "namespace": "image",
            "name": "stretch",
            "parameters": ["cells", "low", "high"],
            "returns": "uint8",
            "documentation": "Spread the numbers between two bounds.",
        },
    ]


def test_functions_of_other_languages_are_not_offered() -> None:
    reply = answer("type=rasql", {STRETCH.name: STRETCH})
    assert reply.status == 400
    assert isinstance(reply.body, bytes)
    assert "allowed is wcps" in json.loads(reply.body)["detail"]
