"""A store and its catalogue: what is lost, what dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from datacube.catalog import open_catalog, rebuild_catalog
from datacube.store import ZarrStore, verify
from tests.datacube.catalog.making import COLLECTION
from tests.datacube.store.making import CUBE, WINDOW, noise, offer, request, write_slot


def test_a_lost_catalogue_is_rebuilt_from_what_the_store_holds(store: ZarrStore) -> None:
    folder = Path(store.location.name)
    catalog = open_catalog(folder)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    for scene_id in ("A", "B"):
        done = catalog.commit([offer(store, cube, catalog.claim(cube.name)[0], scene_id)])
        store.record_commit(done.revision, done.record)
    dead = catalog.claim(cube.name)[0] + 5
    write_slot(store, noise(WINDOW), WINDOW, number=dead)
    before = catalog.view().slots(cube.name)
    catalog.close()
    for file in folder.glob("catalog.sqlite*"):
        file.unlink()
    made = rebuild_catalog(store.commit_records(), store.slots_found(), folder)
    assert made.view().slots(cube.name) == before
    assert made.claim(cube.name)[0] == dead + 1
    assert verify(made.view(), store).intact


KILLED = """
import sys, time
from tests.datacube.store.making import CUBE, offer
from tests.datacube.catalog.making import COLLECTION
from datacube.catalog import open_catalog
from datacube.store import open_store
store, catalog = open_store(sys.argv[1]), open_catalog(sys.argv[1])
cube = catalog.ensure_cube(COLLECTION, CUBE)
number = catalog.claim(cube.name)[0]
new = offer(store, cube, number, "KILLED")
print("written", flush=True)
time.sleep(60)
"""


def test_a_writer_killed_before_its_commit_leaves_nothing_visible(store: ZarrStore) -> None:
    folder = store.location.name
    catalog = open_catalog(folder)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        os.kill(writer.pid, signal.SIGKILL)
    assert catalog.view().revision == 0
    assert catalog.view().cubes() == ()
    number = catalog.claim(cube.name)[0]
    assert number == 1
    catalog.commit([offer(store, cube, number, "KILLED")])
    (slot,) = catalog.view().slots(cube.name)
    assert (store.read(slot, request(WINDOW)) == noise(WINDOW, seed=1)).all()
