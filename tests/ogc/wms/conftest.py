"""Two services over a small store: the examples of every kind of cube, and a way to ask them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ogc.exchange import Reply
from ogc.service import dispatch
from tests.builders.made import Made, add_examples, make_store
from tests.ogc.fakes import SITE

type Send = Callable[[str], Reply]


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Return a store with the examples of `add_examples`; never write to it."""
    store = add_examples(make_store(tmp_path_factory.mktemp("wms")))
    yield store
    store.local.catalog.close()


@pytest.fixture
def send(made: Made) -> Send:
    """Ask the services of that store."""

    def asked(query: str) -> Reply:
        return dispatch(query, made.local.engine.session, SITE)

    return asked


def body_of(reply: Reply, status: int = 200) -> bytes:
    """Return the bytes of an answer that has the status."""
    body = reply.body
    if isinstance(body, Path):
        path, body = body, body.read_bytes()
        path.unlink()
    assert reply.status == status, body
    return body
