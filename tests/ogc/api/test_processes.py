"""Processes: descriptions, executions, failures."""

import base64
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.ogc.api.conftest import CELLS
from tests.ogc.api.test_coverage import pixels

EXECUTION = "/ogcapi/processes/{}/execution"
COUNT = 'for $c in (S2_L2A_32633) return count($c.B04[ansi("2023-08-15")])'
FILE = 'for $c in (S2_L2A_32633) return encode($c.B04[ansi("2023-08-15")], "image/tiff")'


def run(client: TestClient, name: str, **request: object) -> Any:  # noqa: ANN401 httpx's own
    return client.post(EXECUTION.format(name), json=request)


def test_the_list_leads_to_descriptions_with_inputs(client: TestClient) -> None:
    listed = client.get("/ogcapi/processes?f=json").json()["processes"]
    assert [found["id"] for found in listed] == ["echo", "wcps"]
    for found in listed:
        described = client.get(f"/ogcapi/processes/{found['id']}?f=json").json()
        assert described["jobControlOptions"] == ["sync-execute"]
        assert described["inputs"]
        execute = [link["href"] for link in described["links"] if link["rel"].endswith("/execute")]
        assert execute[0].startswith(f"http://testserver{EXECUTION.format(found['id'])}")
        reply = client.post(execute[0], json=described["example"])
        assert reply.status_code == 200 or "acquisitions" in reply.text


@pytest.mark.parametrize("value", ["Hello", 42, 1.5, [1, 2], {"bbox": [1, 2, 3, 4]}])
def test_echo_answers_what_it_is_given(client: TestClient, value: object) -> None:
    assert run(client, "echo", inputs={"echoInput": value}).json() == value
    told = run(client, "echo", inputs={"echoInput": value}, response="document")
    assert told.json() == {"echoOutput": value}


def test_a_query_answers_raw_and_in_a_document(client: TestClient) -> None:
    count = str(((CELLS[0] != -32768) & (CELLS[0] != 0)).sum())
    raw = run(client, "wcps", inputs={"query": COUNT})
    assert (raw.status_code, raw.text) == (200, count)
    told = run(client, "wcps", inputs={"query": COUNT}, response="document").json()
    assert told["result"]["value"] == count
    file = run(client, "wcps", inputs={"query": FILE})
    assert file.headers["content-type"] == "image/tiff"
    np.testing.assert_array_equal(pixels(file.content)[0][0], CELLS[0])
    packed = run(client, "wcps", inputs={"query": FILE}, response="document").json()["result"]
    assert (packed["mediaType"], packed["encoding"]) == ("image/tiff", "base64")
    np.testing.assert_array_equal(pixels(base64.b64decode(packed["value"]))[0][0], CELLS[0])


@pytest.mark.parametrize(
    ("name", "body", "status", "told"),
    [
        ("nix", b"{}", 404, "no process 'nix'"),
        ("wcps", b"{", 400, "no JSON"),
        ("wcps", b"\xff", 400, "no JSON"),
        ("wcps", b"[" * 100_000, 400, "no JSON"),
        ("wcps", b"[]", 400, "no object"),
        ("wcps", b"{}", 400, "input query is missing"),
        ("wcps", b'{"inputs": 1}', 400, "no object"),
        ("wcps", b'{"inputs": {"query": 5}}', 400, "allowed is text"),
        ("wcps", b'{"inputs": {"q": "x"}}', 400, "allowed: query, compat"),
        ("wcps", b'{"inputs": {"query": "x", "compat": "y"}}', 400, "compat"),
        ("wcps", b'{"inputs": {"query": "for"}}', 400, "for"),
        ("echo", b'{"inputs": {"echoInput": "x"}, "response": "xml"}', 400, "raw and document"),
        ("echo", b'{"inputs": {"echoInput": "x"}, "outputs": {"a": {}}}', 400, "echoOutput"),
    ],
)
def test_failures_are_problem_documents(
    client: TestClient, name: str, body: bytes, status: int, told: str
) -> None:
    reply = client.post(EXECUTION.format(name), content=body)
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), reply.text
    assert told in reply.json()["detail"]


def test_there_are_no_jobs_and_asking_for_one_says_so(client: TestClient) -> None:
    assert client.get("/ogcapi/jobs?f=json").json()["jobs"] == []
    kind = client.get("/ogcapi/jobs/1").json()["type"]
    assert kind == "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job"
