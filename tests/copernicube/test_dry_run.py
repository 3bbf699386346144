"""`copernicube ingest --dry-run` writes nothing."""

from collections.abc import Mapping
from pathlib import Path

from copernicube.ingest_command import ingest_places
from ingest.pipeline import IngestOptions
from ingest.summary import Status

SAMPLE = Path(__file__).parents[2] / "samples/virginia/item.json"


def tried(store: Path, *, dry_run: bool) -> Status:
    options = IngestOptions(dry_run=dry_run)
    (outcome,) = ingest_places((str(SAMPLE),), str(store), options).outcomes
    return outcome.status


def contents(folder: Path) -> Mapping[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".sqlite"}


def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    assert tried(tmp_path / "store", dry_run=True) is Status.PLANNED
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_holds_the_scene_is_read_only(tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert tried(store, dry_run=False) is Status.INGESTED
    before, catalogue = contents(store), (store / "catalog.sqlite").read_bytes()
    assert tried(store, dry_run=True) is Status.SKIPPED
    assert contents(store).keys() - before.keys() <= {store / "catalog.sqlite-shm"}
    assert (store / "catalog.sqlite").read_bytes() == catalogue
