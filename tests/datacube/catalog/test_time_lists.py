"""What is told of time lists by year is what the lists hold, at every revision."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from datacube.acquisitions import Acquisitions
from datacube.catalog import SqlCatalog, open_catalog
from datacube.catalog.opening import catalog_path
from tests.datacube.catalog.making import commit_scene, make_cube, make_scene

TIMES = (
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2019, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2020, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, 12, tzinfo=UTC),
    datetime(2019, 3, 1, 12, tzinfo=UTC),
    datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC),
)


def check(catalog: SqlCatalog) -> None:
    """Compare the summary with one that is made from the list itself."""
    for revision in range(1, catalog.view().revision + 1):
        view = catalog.view(as_of=revision)
        for name in view.counts():
            axis = view.coverage(name).time
            assert axis is not None
            told = axis.times.summary
            assert told == Acquisitions(axis.times.table).summary
            assert view.newest(view.coverage(name).cube.collection) == told.last


def filled(folder: Path) -> SqlCatalog:
    """Return a catalogue in which times come, change and go."""
    catalog = open_catalog(folder)
    for number, time in enumerate(TIMES):
        commit_scene(catalog, make_scene(f"S{number}", reference=time))
    # Another processing of a scene took place at another time: the old one's goes.
    moved = make_scene("S5", reference=TIMES[5] + timedelta(days=2), baseline="05.10")
    commit_scene(catalog, moved)
    commit_scene(catalog, make_scene("S6", reference=TIMES[2]))
    return catalog


def test_years_tell_what_the_lists_hold(tmp_path: Path) -> None:
    catalog = filled(tmp_path)
    check(catalog)
    assert len(catalog.view().coverage(make_cube().name).acquisitions) == len(TIMES)


def test_counts_follow_what_comes_and_goes(tmp_path: Path) -> None:
    catalog = filled(tmp_path)
    for revision in range(1, catalog.view().revision + 1):
        view = catalog.view(as_of=revision)
        for name, scenes in view.counts().items():
            assert scenes == len(view.slots(name))


def test_an_older_catalogue_is_told_of_its_years(tmp_path: Path) -> None:
    filled(tmp_path).close()
    with closing(sqlite3.connect(catalog_path(tmp_path))) as connection, connection:
        connection.execute("DROP TABLE acquisition_years")
        connection.execute("UPDATE meta SET value = 1 WHERE name = 'schema_version'")
    check(open_catalog(tmp_path))
