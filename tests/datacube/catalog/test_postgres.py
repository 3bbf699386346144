"""What only PostgreSQL has: connections that break, users, locks, and an index that serves."""

import multiprocessing
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.connection import Connection

import psycopg
import pytest

from datacube.catalog import catalog_exists, open_catalog
from datacube.catalog import postgres as postgres_module
from datacube.catalog.commit import take_revision
from datacube.catalog.postgres_place import PostgresPlace
from datacube.errors import (
    InvalidParameterError,
    StoreError,
    StoreReadOnlyError,
    StoreUnreachableError,
)
from tests.builders.catalogue_rows import claimed
from tests.builders.postgres import PASSWORD, PostgresServer, postgres_running
from tests.datacube.catalog.making import COLLECTION, NOON, commit_scene, make_cube, make_scene

CUBE = "S2_TEST_32633"


def _commit_many(address: str, worker: int, count: int) -> None:
    catalog = open_catalog(address)
    for number in range(count):
        commit_scene(catalog, make_scene(f"W{worker}_{number}"))


def test_revisions_become_visible_in_order_while_processes_commit(postgres_address: str) -> None:
    catalog = open_catalog(postgres_address)
    catalog.ensure_cube(COLLECTION, make_cube())
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_commit_many, args=(postgres_address, n, 10)) for n in range(3)
    ]
    for worker in workers:
        worker.start()
    seen: list[tuple[int, int]] = []
    while any(worker.is_alive() for worker in workers):
        view = catalog.view()
        seen.append((view.revision, view.counts().get(CUBE, 0)))
        assert len(view.slots(CUBE) if view.revision else ()) == view.revision
        time.sleep(0.01)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    # Each commit adds one scene: a revision that is seen has all of those before it.
    assert seen == sorted(seen)
    assert all(revision == scenes for revision, scenes in seen)
    assert catalog.view().counts() == {CUBE: 30}


def test_threads_never_claim_the_same_slot(postgres_address: str) -> None:
    catalog = open_catalog(postgres_address)
    catalog.ensure_cube(COLLECTION, make_cube())
    with ThreadPoolExecutor(8) as pool:
        numbers = [
            n for some in pool.map(lambda _: catalog.claim(CUBE, 3), range(16)) for n in some
        ]
    assert sorted(numbers) == list(range(48))


def _claim_and_hang(address: str, told: Connection) -> None:
    catalog = open_catalog(address)
    catalog.claim(CUBE)
    with catalog.database.write() as connection:
        told.send(take_revision(connection))
        time.sleep(60)


def test_a_writer_killed_before_its_commit_stops_nobody(postgres_address: str) -> None:
    catalog = open_catalog(postgres_address)
    commit_scene(catalog, make_scene("A"))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    writer = context.Process(target=_claim_and_hang, args=(postgres_address, there))
    writer.start()
    assert here.poll(30)
    assert here.recv() == 2
    assert catalog.view().revision == 1
    assert writer.pid is not None
    writer.kill()
    writer.join(10)
    assert writer.exitcode == -signal.SIGKILL
    commit_scene(catalog, make_scene("B"))
    assert catalog.view().revision == 2
    # Its slot is claimed until it is purged, and never used again.
    assert claimed(catalog) == [(CUBE, 1)]
    assert {slot.number for slot in catalog.view().slots(CUBE)} == {0, 2}


def test_a_new_scene_is_seen_by_another_process_at_once(postgres_address: str) -> None:
    writer, reader = open_catalog(postgres_address), open_catalog(postgres_address, read_only=True)
    for number in range(3):
        commit_scene(writer, make_scene(f"S{number}"))
        assert reader.view().counts() == {CUBE: number + 1}
    with pytest.raises(StoreReadOnlyError):
        reader.claim(CUBE)


def test_a_catalogue_travels_to_another_process(postgres_address: str) -> None:
    catalog = open_catalog(postgres_address)
    commit_scene(catalog, make_scene("A"))
    assert pickle.loads(pickle.dumps(catalog)).view().counts() == {CUBE: 1}  # noqa: S301 - our own


def test_who_may_only_read_reads(postgres_server: PostgresServer, postgres_address: str) -> None:
    writer = open_catalog(postgres_address)
    commit_scene(writer, make_scene("A"))
    schema = PostgresPlace.parse(postgres_address).schema
    postgres_server.ask(
        f"CREATE ROLE {schema} LOGIN PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA {schema} "
        f"TO {schema}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {schema}"
    )
    reader = open_catalog(postgres_address.replace("//owner:", f"//{schema}:"))
    assert reader.read_only
    assert reader.view().counts() == {CUBE: 1}
    with pytest.raises(StoreReadOnlyError, match="cannot be written"):
        reader.claim(CUBE)
    commit_scene(writer, make_scene("B"))
    assert reader.view().counts() == {CUBE: 2}


def test_reading_makes_nothing(postgres_address: str) -> None:
    with pytest.raises(StoreError, match="no catalogue"):
        open_catalog(postgres_address, read_only=True)
    assert not catalog_exists(postgres_address)
    open_catalog(postgres_address)
    assert catalog_exists(postgres_address)


def test_a_writer_waits_for_a_lock_and_gives_up_in_bounded_time(
    postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "BUSY_TIMEOUT_S", 0.2)
    catalog = open_catalog(postgres_address)
    commit_scene(catalog, make_scene("A"))
    address, _, schema = postgres_address.partition("?schema=")
    with psycopg.connect(address) as holder:
        holder.execute(f"LOCK TABLE {schema}.meta IN EXCLUSIVE MODE".encode())
        with pytest.raises(StoreError, match=r"locked by another writer for 0.2 s"):
            catalog.claim(CUBE)
        # Readers do not wait.
        assert catalog.view().revision == 1
        release = threading.Timer(0.1, holder.rollback)
        release.start()
        assert catalog.claim(CUBE) == (1,)
        release.join()


def test_places_and_times_are_found_by_their_index(
    postgres_server: PostgresServer, postgres_address: str
) -> None:
    catalog = open_catalog(f"{postgres_address}&options=-c%20enable_seqscan%3Doff")
    for number in range(40):
        commit_scene(catalog, make_scene(f"S{number}", reference=NOON + timedelta(days=number)))
    view = catalog.view()
    box = next(iter(view.coverage(CUBE).grid.bbox for _ in "a"))
    found = view.slots(
        CUBE, bbox=box, first=NOON + timedelta(days=3), last=NOON + timedelta(days=4)
    )
    assert sorted(slot.scene.scene_id for slot in found) == ["S3", "S4"]
    # Numbers of use are told when a session ends.
    catalog.close()
    schema = PostgresPlace.parse(postgres_address).schema
    query = (
        "SELECT schemaname, idx_scan FROM pg_stat_all_indexes WHERE indexrelname = 'slots_by_place'"
    )
    deadline = time.monotonic() + 10
    while dict(postgres_server.ask(query))[schema] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_is_away_is_told_of_and_found_again() -> None:
    with postgres_running() as server:
        catalog = open_catalog(server.address("away"))
        commit_scene(catalog, make_scene("A"))
        server.stop()
        for _ in range(2):
            with pytest.raises(StoreUnreachableError, match="cannot be reached") as caught:
                catalog.view()
            assert PASSWORD not in str(caught.value)
        with pytest.raises(StoreUnreachableError):
            catalog.claim(CUBE)
        server.start()
        assert catalog.view().counts() == {CUBE: 1}
        commit_scene(catalog, make_scene("B"))
        # Connections that rested while the server was started anew are not used.
        server.stop()
        server.start()
        time.sleep(postgres_module.IDLE_CHECK_S)
        assert catalog.view().counts() == {CUBE: 2}


def test_no_message_holds_a_password(
    postgres_server: PostgresServer, postgres_address: str
) -> None:
    secret = "sesame-open"  # noqa: S105 - not one
    wrong = postgres_server.address("public", password=secret)
    with pytest.raises(StoreUnreachableError) as caught:
        open_catalog(wrong)
    assert secret not in str(caught.value)
    with pytest.raises(InvalidParameterError) as refused:
        open_catalog(f"postgresql://me:{secret}@host:port/db")
    assert secret not in str(refused.value)
    with pytest.raises(InvalidParameterError, match="mysql://host/db") as other:
        open_catalog(f"mysql://me:{secret}@host/db")
    assert secret not in str(other.value)
    with pytest.raises(InvalidParameterError, match="one name") as named:
        open_catalog(f"postgresql://me:{secret}@host/db?schema=A;B")
    assert secret not in str(named.value)
    place = PostgresPlace.parse(f"postgres://me:{secret}@db.example:6000/scenes?sslmode=require")
    assert secret not in repr(place)
    assert place.shown == "postgresql://db.example:6000/scenes"
    assert PostgresPlace.parse(place.address) == place
    assert PASSWORD not in repr(open_catalog(postgres_address).database)
