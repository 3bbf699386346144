"""WMTS 1.0.0 by KVP, XML and SOAP: requests that are no request of the service."""

import pytest
from starlette.testclient import TestClient

from tests.conformance.wmts10 import (
    CAPABILITIES,
    INFO,
    INVALID,
    MISSING,
    REPORT,
    TILE,
    Binding,
    asked,
    by_binding,
    send,
)
from tests.ogc.conftest import Schemas

BASES = {"GetCapabilities": CAPABILITIES, "GetTile": TILE, "GetFeatureInfo": INFO}
every_request = pytest.mark.parametrize("base", BASES.values(), ids=BASES)


@by_binding("invalid-query-string")
def test_nothing_is_asked(demo: TestClient, binding: Binding) -> None:
    xml = '<GetCapabilities xmlns="http://www.opengis.net/wmts/1.0"/>'
    send(demo, binding, "", xml).fails(MISSING, "service")


@by_binding("invalid-service", "exception-report:schema-valid")
@every_request
def test_another_service(
    demo: TestClient, schemas: Schemas, binding: Binding, base: dict[str, str]
) -> None:
    told = asked(demo, binding, base, {"SERVICE": "unknown"})
    told.fails(INVALID, "service")
    schemas.check(told.body, REPORT)


@by_binding("missing-service")
@every_request
def test_no_service(demo: TestClient, binding: Binding, base: dict[str, str]) -> None:
    asked(demo, binding, base, {"SERVICE": None}).fails(MISSING, "service")


@by_binding("invalid-request")
def test_a_request_of_no_name(demo: TestClient, schemas: Schemas, binding: Binding) -> None:
    told = asked(demo, binding, CAPABILITIES, {"REQUEST": "GetNothing"})
    told.fails(INVALID, "request")
    schemas.check(told.body, REPORT)


@by_binding("missing-version")
@pytest.mark.parametrize("base", [TILE, INFO], ids=["GetTile", "GetFeatureInfo"])
def test_no_version(demo: TestClient, binding: Binding, base: dict[str, str]) -> None:
    asked(demo, binding, base, {"VERSION": None}).fails(MISSING, "version")


@by_binding("invalid-version")
@pytest.mark.parametrize("base", [TILE, INFO], ids=["GetTile", "GetFeatureInfo"])
def test_another_version(demo: TestClient, binding: Binding, base: dict[str, str]) -> None:
    asked(demo, binding, base, {"VERSION": "9.9.9"}).fails(INVALID, "version")


@pytest.mark.requirement("wmts10:kvp-get:names-in-any-case")
@every_request
def test_names_are_in_any_case(demo: TestClient, base: dict[str, str]) -> None:
    plain = asked(demo, Binding.KVP_GET, base)
    mixed = {key[:1].lower() + key[1:]: value for key, value in base.items()}
    assert asked(demo, Binding.KVP_GET, mixed).body == plain.body
    assert plain.status == 200
