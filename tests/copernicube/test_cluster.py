"""A scheduler and workers of Dask as processes: the same bytes, whatever dies or does not fit."""

import logging
import operator
import os
import pickle
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pyproj import CRS
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Place, Settings
from copernicube.ingest_cluster import ClusterIngest, ingest_on
from copernicube.ingest_command import _places_there
from copernicube.wiring import open_local
from datacube.asker import Asker, attend
from datacube.engine import Engine
from datacube.errors import (
    AbandonedError,
    InvalidParameterError,
    LimitExceededError,
    SchedulerError,
)
from datacube.evaluate.cluster import CONNECT_SECONDS, Cluster
from datacube.protocols import Limits
from ingest.pipeline import IngestOptions
from ingest.progress import Silent
from tests.builders.dask_cluster import dask_cluster, dask_scheduler, started, worker_options
from tests.builders.doomed import dying, slow, where
from tests.builders.made import Frame, Made, add_cube, make_store, regular
from tests.builders.served import run_copernicube

TIMES = ("2023-08-15", "2023-08-20", "2023-08-25")
QUERIES = (
    'for $c in (LAND) return encode($c[ansi("2023-08-20")], "image/tiff")',
    'for $c in (LAND) return encode(sqrt(abs($c[ansi("2023-08-15")] + 1)), "application/netcdf")',
    "for $c in (LAND) return avg($c)",
    "for $c in (LAND) return count($c > 4000)",
    "for $c in (LAND) where max($c) > 0 return stddev($c * 1.5)",
    """for $c in (LAND) return encode(condense + over $t t(imageCrsDomain($c, ansi))
       using (float) $c[ansi:"CRS:1"($t)], "image/tiff")""",
)


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> None:
    """Keep what a dying cluster logs out of the output."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(address: str) -> Iterator[Cluster]:
    """Return the cluster with both workers, for everything that has several pieces."""
    made = Cluster(address, worth_bytes=1)
    deadline = time.monotonic() + 60
    while made.threads() < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Six blocks of each of three dates, some cells null."""
    made = make_store(tmp_path_factory.mktemp("land") / "store")
    rng = np.random.default_rng(11)
    cells = rng.integers(-100, 9000, (3, 2100, 1500)).astype("int16")
    cells[rng.random(cells.shape) < 0.02] = -32768
    axes = (
        regular("N", 5_200_020, 5_179_020, 2100, "m"),
        regular("E", 499_980, 514_980, 1500, "m"),
    )
    add_cube(made, "LAND", {"B04": cells}, Frame(axes=axes, crs=CRS.from_epsg(32633), times=TIMES))
    return made


def bytes_of(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()


def _engine(made: Made, cluster: Cluster | None, limits: Limits | None = None) -> Engine:
    name = made.local.store.location.name
    return open_local(name, read_only=True, cluster=cluster, limits=limits).engine


@pytest.mark.parametrize("query", QUERIES)
def test_answers_of_a_cluster_are_the_same_bytes(
    query: str, land: Made, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (expected,) = _engine(land, None).session().query(query)
    sent = []
    in_order = cluster.in_order

    def counted(*args: object, **kwargs: object) -> object:
        sent.append(args)
        return in_order(*args, **kwargs)  # type: ignore[arg-type]  # as they come

    monkeypatch.setattr(cluster, "in_order", counted)
    (found,) = _engine(land, cluster).session().query(query)
    assert found.body == expected.body
    assert found.etag == expected.etag
    assert sent


def test_averages_of_a_cluster_are_those_of_numpy(land: Made, cluster: Cluster) -> None:
    values = land.arrays["LAND"]["B04"]
    (found,) = _engine(land, cluster).session().query("for $c in (LAND) return avg($c)")
    assert float(bytes_of(found.body)) == pytest.approx(
        values[values != -32768].mean(dtype=float), rel=1e-12
    )


def test_both_workers_work(cluster: Cluster) -> None:
    assert len(set(cluster.in_order(where, range(20)))) == 2
    assert os.getpid() not in set(cluster.in_order(where, range(2)))


def test_little_work_stays_here(land: Made) -> None:
    nowhere = Cluster("tcp://127.0.0.1:9", worth_bytes=10**9)
    (found,) = _engine(land, nowhere).session().query(QUERIES[2])
    assert float(bytes_of(found.body))


def test_a_worker_that_dies_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    work = partial(dying, tmp_path / "marker", partial(operator.mul, 3))
    assert list(cluster.in_order(work, range(12))) == [3 * n for n in range(12)]
    assert (tmp_path / "marker").exists()


def test_work_that_takes_too_long_is_cancelled(cluster: Cluster, tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(LimitExceededError, match="LIMIT_SECONDS"):
        list(cluster.in_order(partial(slow, tmp_path), range(40), deadline=begun + 1.2))
    assert time.monotonic() - begun < 5
    time.sleep(1.0)
    seen = len(list(tmp_path.iterdir()))
    time.sleep(1.0)
    assert len(list(tmp_path.iterdir())) == seen < 12


def test_work_that_nobody_waits_for_is_cancelled(cluster: Cluster, tmp_path: Path) -> None:
    results = iter(cluster.in_order(partial(slow, tmp_path), range(40)))
    next(results)
    results.close()  # type: ignore[attr-defined]  # of a generator
    time.sleep(1.0)
    seen = len(list(tmp_path.iterdir()))
    time.sleep(1.0)
    assert len(list(tmp_path.iterdir())) == seen < 12


def test_work_whose_asker_left_is_cancelled(cluster: Cluster, tmp_path: Path) -> None:
    asker = Asker()
    threading.Timer(1.0, setattr, (asker, "left", True)).start()

    def ask() -> None:
        attend(asker)
        with pytest.raises(AbandonedError):
            list(cluster.in_order(partial(slow, tmp_path), range(40)))

    begun = time.monotonic()
    copy_context().run(ask)
    assert time.monotonic() - begun < 5
    time.sleep(1.0)
    seen = len(list(tmp_path.iterdir()))
    time.sleep(1.0)
    assert len(list(tmp_path.iterdir())) == seen < 16


def test_ingest_of_a_cluster_survives_a_worker(
    cluster: Cluster, demo_store: Path, samples: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    items = [str(samples / name) for name in ("virginia/item.json", "romania/items.json")]
    part = partial(_places_there, Place.of(str(store)), IngestOptions(jobs=1))
    part = partial(dying, tmp_path / "marker", part)
    open_local(str(store)).catalog.close()
    asked = ClusterIngest(places=items, part=part, first_alone=False)
    summary = ingest_on(cluster, asked, Silent())
    # The dead worker had committed: the next one finds its scenes.
    assert summary.counts["failed"] == 0
    assert summary.counts["ingested"] > 0
    assert summary.counts["skipped"] > 0
    run_copernicube("verify", "--store", store)
    ours, theirs = (open_local(str(one), read_only=True).engine for one in (store, demo_store))
    sessions = [engine.session() for engine in (ours, theirs)]
    names = [sorted(session.view.coverage_ids()) for session in sessions]
    assert names[0] == names[1]
    for name in names[0]:
        text = f"for $c in ({name}) return avg($c)"
        (found,), (expected,) = (session.query(text) for session in sessions)
        assert found.body == expected.body
        assert found.scenes == expected.scenes


def test_the_command_sends_ingest_and_query(address: str, samples: Path, tmp_path: Path) -> None:
    store, alone = tmp_path / "store", tmp_path / "alone"
    item = samples / "virginia/item.json"
    cluster = {"COPERNICUBE_SCHEDULER": address, "COPERNICUBE_SCHEDULER_BYTES": "1"}
    done = run_copernicube("ingest", "--store", store, item, environment=cluster)
    assert "1 ingested" in done.stdout
    run_copernicube("ingest", "--store", alone, item)
    files = [
        sorted(
            (path.relative_to(folder), path.read_bytes())
            for path in folder.rglob("*")
            if path.is_file() and "catalog.sqlite" not in path.name and "_commits" not in str(path)
        )
        for folder in (store, alone)
    ]
    assert files[0] == files[1]
    told = run_copernicube("cubes", "list", "--store", store, "--json").stdout
    assert told == run_copernicube("cubes", "list", "--store", alone, "--json").stdout


def test_a_scheduler_that_does_not_answer_is_told_soon() -> None:
    begun = time.monotonic()
    with pytest.raises(SchedulerError, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        Cluster("tcp://127.0.0.1:9", worth_bytes=1).check()
    assert time.monotonic() - begun < CONNECT_SECONDS + 5


def test_a_server_without_its_cluster_asks_for_patience_and_keeps_the_address(
    land: Made, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = Settings(
        store=land.local.store.location.name, scheduler="tcp://127.0.0.1:9", scheduler_bytes=1
    )
    with TestClient(build(nowhere)) as client:
        begun = time.monotonic()
        asked = {"service": "WCS", "request": "ProcessCoverages", "query": QUERIES[2]}
        answers = [client.get("/rasdaman/ows", params=asked) for _ in range(3)]
        answers.append(client.get("/ogcapi/wcps", params={"query": QUERIES[2]}))
        took = time.monotonic() - begun
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"].isdigit()
        assert "127.0.0.1:9" not in answer.text
        assert "cluster" in answer.text
    assert "tcp://127.0.0.1:9 does not answer" in caplog.text
    # One that does not answer is not waited for by every request.
    assert took < 2 * CONNECT_SECONDS


@pytest.mark.parametrize("wrong", ["127.0.0.1:8786", "http://h:1", "tcp://", "tcp://h", "tcp://:1"])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidParameterError, match="tcp://HOST:PORT"):
        build(Settings(store="/nonexistent", scheduler=wrong))


def test_a_cluster_that_does_not_fit_is_told(tmp_path: Path) -> None:
    with dask_scheduler(tmp_path) as address:
        with pytest.raises(SchedulerError, match="has no worker"):
            Cluster(address, worth_bytes=1).check()
        # A worker that finds another copernicube than ours.
        other = tmp_path / "other" / "copernicube-99.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: copernicube\nVersion: 99\n")
        path = {"PYTHONPATH": str(other.parent)}
        with started("worker", address, *worker_options(tmp_path, 0), environment=path):
            deadline = time.monotonic() + 60
            told = ""
            while "99" not in told and time.monotonic() < deadline:
                with pytest.raises(SchedulerError) as raised:
                    Cluster(address, worth_bytes=1).check()
                told = str(raised.value)
            assert "has copernicube 99, here is" in told


def test_cells_travel_as_an_address(land: Made) -> None:
    cells = land.local.engine.cells
    sent = pickle.dumps(cells)
    assert land.local.store.location.name.encode() in sent
    assert len(sent) < 500
    first, second = (pickle.loads(sent) for _ in range(2))  # noqa: S301  # made two lines above
    assert first is second
