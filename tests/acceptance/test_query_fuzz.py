"""Random queries that mostly bind: an answer or a refusal, in little time and memory."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from datacube.errors import RequestError
from datacube.protocols import Limits
from tests.builders.asked import processor
from tests.builders.made import Made, add_examples, make_store
from tests.builders.near_queries import Writer

LIMITS = Limits(seconds=5, memory_bytes=300_000_000, decoded_bytes=300_000_000)
MOST_S = 20.0
"""Longest a query may take; the limit, what a block takes more, and busy processors."""
QUERIES = 400
ASKED = 120
ENDPOINTS = ("/ows", "/rasdaman/ows", "/ogcapi/wcps")


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return add_examples(make_store(tmp_path_factory.mktemp("fuzz") / "store"))


@pytest.fixture(scope="module")
def client(cubes: Made) -> Iterator[TestClient]:
    settings = Settings(store=cubes.local.store.location.name, limits=LIMITS)
    with TestClient(build(settings)) as client:
        yield client


def test_the_engine_answers_or_refuses(cubes: Made) -> None:
    answered = 0
    for seed in range(QUERIES):
        query = Writer(Random(seed)).query()
        asked = replace(processor(cubes, compat=seed % 3 == 0), limits=LIMITS)
        begun = monotonic()
        try:
            for answer in asked.answers(query):
                if isinstance(answer.body, Path):
                    answer.body.unlink()
            answered += 1
        except RequestError:
            pass
        except Exception as error:  # noqa: BLE001 whatever it is, its query is the finding
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}\n{query}")
        assert monotonic() - begun < MOST_S, f"seed {seed}: {query}"
    assert answered > QUERIES / 8, "the queries hardly ever bind"


def test_the_services_answer_or_refuse(client: TestClient) -> None:
    for seed in range(10_000, 10_000 + ASKED):
        query = Writer(Random(seed)).query()
        path = ENDPOINTS[seed % len(ENDPOINTS)]
        begun = monotonic()
        if seed % 2:
            answer = client.post(path, data={"query": query})
        else:
            answer = client.get(path, params={"query": query})
        assert answer.status_code in {200, 400, 404, 413, 501}, f"{seed}: {query}\n{answer.text}"
        if answer.status_code != 200:
            assert not re.search(r"Traceback|File \"|internal", answer.text), answer.text
            assert len(answer.content) < 20_000, query
        assert monotonic() - begun < MOST_S, query
