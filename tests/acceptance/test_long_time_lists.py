"""What documents of many layers with thousands of times each take, counted."""

import gc
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

from bench.documents import ADDRESSES, add_layers, add_times
from copernicube.app import build
from copernicube.config import Settings
from datacube.catalog import open_catalog
from datacube.catalog.opening import catalog_path
from datacube.times import Acquisition

LAYERS, TIMES = 20, 10_000
_LISTS = re.compile(r"FROM acquisitions\b")
PEAK_BYTES = 6_000_000
"""Of Python's objects while a document is made; the time lists alone would be 4.8 MB as arrays."""
PEAK_FIRST_BYTES = 14_000_000
"""Of the first, for which modules are loaded and CRSs are looked up."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a store with layers of many times and no cells."""
    folder = tmp_path_factory.mktemp("layers")
    with_layers = open_catalog(str(folder))
    add_layers(with_layers, LAYERS)
    with_layers.close()
    add_times(catalog_path(folder), TIMES)
    return str(folder)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that databases are asked."""
    found: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def made_times() -> int:
    """Return how many acquisitions there are as objects."""
    gc.collect()
    return sum(isinstance(one, Acquisition) for one in gc.get_objects())


def test_no_document_reads_a_time_list(store: str) -> None:
    """Not in SQL, not as objects, and not in memory."""
    with TestClient(build(Settings(store=store))) as client, statements() as asked:
        before = made_times()
        tracemalloc.start()
        try:
            for number, (name, address) in enumerate(ADDRESSES.items()):
                tracemalloc.reset_peak()
                held, _ = tracemalloc.get_traced_memory()
                reply = client.get(address)
                assert reply.status_code == 200, name
                assert "LAYER_0019" in reply.text or "LAYER_0004" in reply.text, name
                _, peak = tracemalloc.get_traced_memory()
                bound = PEAK_BYTES if number else PEAK_FIRST_BYTES
                assert peak - held < bound, (name, peak - held)
        finally:
            tracemalloc.stop()
        assert made_times() == before
    assert asked
    assert not any(map(_LISTS.search, asked))


def test_descriptions_of_all_layers_are_read_together(store: str) -> None:
    """The number of statements does not depend on the number of layers."""
    catalog = open_catalog(store)
    with statements() as asked:
        view = catalog.view()
        assert view.coverage_ids()
        found = [view.coverage(name) for name in view.counts()]
        assert [one.time.size for one in found if one.time is not None] == [TIMES] * LAYERS
    definitions = [one for one in asked if "definition" in one]
    assert len(asked) - len(definitions) < 12
    table = found[0].acquisitions
    with statements() as asked:
        assert len([*table]) == TIMES
        assert table[0].reference < table[-1].reference
    assert len(asked) == 1
    assert _LISTS.search(asked[0])
