"""The parameter `explain` at every address that takes queries."""

import json
from collections.abc import Callable
from dataclasses import replace
from xml.sax.saxutils import escape

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from datacube.plan.cost import estimate
from datacube.wcps.bind.values import Raster
from tests.builders.made import Made

QUERY = "for $c in (T) return avg($c.b4[Lat(10:20)])"
PATHS = ("/ows", "/rasdaman/ows", "/ogcapi/wcps")


def expected(made: Made) -> dict[str, int]:
    processor = made.session.processor()
    (result,) = processor.bind(QUERY)
    assert isinstance(result.value, Raster)
    cost = estimate(processor.prepare(result.value.plan))
    return {
        "chunks": cost.chunks,
        "decoded_bytes": cost.decoded_bytes,
        "output_bytes": cost.output_bytes,
        "peak_memory_bytes": cost.peak_memory_bytes,
    }


@pytest.mark.parametrize("path", PATHS)
def test_get_and_forms(client: TestClient, made: Made, path: str) -> None:
    asked = {"query": QUERY, "explain": "plan"}
    for answer in (client.get(path, params=asked), client.post(path, data=asked)):
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["copernicube-revision"]
        assert "reduce avg" in answer.text
        assert "scan T" in answer.text
        assert f"{expected(made)['chunks']} chunks" in answer.text
    answer = client.get(path, params=asked | {"f": "json"})
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["cost"] == document["results"][0]["cost"] == expected(made)
    operations = [step["operation"] for step in document["results"][0]["plan"]["steps"]]
    assert operations[0] == "reduce"
    assert operations[-1] == "scan"
    cost = client.get(path, params={"q": QUERY, "EXPLAIN": "Cost", "f": "json"}).json()
    assert cost["cost"] == expected(made)
    assert "plan" not in cost["results"][0]


@pytest.mark.parametrize("path", PATHS)
def test_beside_a_body(client: TestClient, path: str) -> None:
    document = f"<ProcessCoverages><query>{escape(QUERY)}</query></ProcessCoverages>"
    answer = client.post(
        f"{path}?explain=cost", content=document, headers={"content-type": "text/xml"}
    )
    assert "chunks" in answer.text, answer.text
    files = {"query": (None, QUERY), "explain": (None, "plan")}
    assert "scan T" in client.post(path, files=files).text


ASKED = "<query>" + escape(QUERY) + "</query>"
BODIES = {
    "xml": f"<ProcessCoverages>{ASKED}<explain>cost</explain><f>json</f></ProcessCoverages>",
    "old": f"<ProcessCoveragesRequest>{ASKED}<f>json</f><explain>cost</explain>"
    "</ProcessCoveragesRequest>",
    "extension": f"<ProcessCoverages>{ASKED}<Extension><explain>cost</explain><f>json</f>"
    "</Extension></ProcessCoverages>",
    "json": json.dumps({"query": QUERY, "explain": "cost", "f": "json"}),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", BODIES)
def test_inside_of_a_body(client: TestClient, made: Made, path: str, form: str) -> None:
    headers = {"content-type": "application/json" if form == "json" else "text/xml"}
    answer = client.post(path, content=BODIES[form], headers=headers)
    assert answer.json()["cost"] == expected(made)


def test_rules_for_nulls_inside_of_a_body(client: TestClient) -> None:
    # Comparing with null is null, and never true; in rasdaman's mode its opposite is true.
    query = "for $c in (T) return count(not (($c.b4 null values {0:65535}) > -1))"
    counts = []
    for compat in ("copernicube", "rasdaman"):
        document = f"<query>{escape(query)}</query><compat>{compat}</compat>"
        headers = {"content-type": "text/xml"}
        body = f"<ProcessCoverages>{document}</ProcessCoverages>"
        counts.append(int(client.post("/ows", content=body, headers=headers).text))
        told = client.post("/ows", json={"query": query, "compat": compat})
        assert int(told.text) == counts[-1]
    assert counts[0] == 0 < counts[1]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"<ProcessCoverages>{ASKED}<explian>plan</explian></ProcessCoverages>", "text/xml"),
        (f"<ProcessCoverages>{ASKED}<Extension><x/></Extension></ProcessCoverages>", "text/xml"),
        (json.dumps({"query": QUERY, "explian": "plan"}), "application/json"),
        (json.dumps({"query": QUERY, "explain": ["plan"]}), "application/json"),
    ],
)
def test_what_a_body_may_not_say_is_refused(client: TestClient, body: str, kind: str) -> None:
    answer = client.post("/ows", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert 'exceptionCode="InvalidParameterValue"' in answer.text
    assert "explain, compat, f, as_of" in answer.text


def test_the_header_accept_chooses_at_ogc_api(client: TestClient) -> None:
    asked = {"query": QUERY, "explain": "cost"}
    for accept, kind in (
        ("application/json", "application/json"),
        ("application/json;q=0.9, text/plain", "application/json"),
        ("text/plain", "text/plain"),
        ("*/*", "text/plain"),
    ):
        answer = client.get("/ogcapi/wcps", params=asked, headers={"accept": accept})
        assert answer.headers["content-type"].split(";")[0] == kind
    told = client.get(
        "/ogcapi/wcps", params=asked | {"f": "text"}, headers={"accept": "application/json"}
    )
    assert told.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("value", ["yes", "", "plan,cost"])
def test_another_value_is_refused(client: TestClient, value: str) -> None:
    answer = client.get("/ows", params={"query": QUERY, "explain": value})
    assert answer.status_code == 400
    assert "plan, cost" in answer.text
    assert 'exceptionCode="InvalidParameterValue" locator="EXPLAIN"' in answer.text
    assert client.get("/ogcapi/wcps", params={"query": QUERY, "explain": value}).status_code == 400


def test_another_form_or_rule_is_refused(client: TestClient) -> None:
    for asked, allowed in (
        ({"explain": "plan", "f": "xml"}, "text, json"),
        ({"compat": "nope"}, "rasdaman, copernicube"),
    ):
        answer = client.get("/ows", params={"query": QUERY, **asked})
        assert answer.status_code == 400
        assert 'exceptionCode="InvalidParameterValue"' in answer.text
        assert allowed in answer.text


def test_faults_are_those_of_the_query(client: TestClient) -> None:
    wrong = "for $c in (T) return avg($c.b5)"
    plain = client.get("/ows", params={"query": wrong})
    told = client.get("/ows", params={"query": wrong, "explain": "plan"})
    assert (told.status_code, told.text) == (plain.status_code, plain.text)


def test_over_a_limit(made: Made, ask: Callable[..., str]) -> None:
    settings = Settings(store=made.local.store.location.name)
    settings = replace(settings, limits=replace(settings.limits, decoded_bytes=1000))
    with TestClient(build(settings)) as small:
        refused = small.get("/ows", params={"query": QUERY})
        assert refused.status_code == 413
        told = small.get("/ows", params={"query": QUERY, "explain": "cost"})
    assert told.status_code == 200
    assert "REFUSED: stored cells to decode" in told.text
    assert "within the limits" in ask(QUERY, explain="cost")
