"""Styles in the catalogue: visible from a revision to a revision, and rebuilt from records."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from datacube.catalog import SqlCatalog, open_catalog, rebuild_catalog
from datacube.errors import StoreReadOnlyError, UnknownNameError
from datacube.protocols import StoredStyle
from tests.datacube.catalog.making import Place


def style(name: str, *, title: str = "", target: str = "") -> StoredStyle:
    value = {"band": "B08", "name": name, "title": title or name}
    text_ = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return StoredStyle(name=name, target=target, definition=text_)


@pytest.fixture
def catalog(place: Place) -> SqlCatalog:
    return open_catalog(place("store"))


def test_styles_stand_from_a_revision_to_a_revision(catalog: SqlCatalog) -> None:
    a, b, better = style("a"), style("b", target="collection:X"), style("a", title="better")
    assert catalog.change_styles([a, b]).revision == 1
    assert catalog.change_styles([better]).revision == 2
    assert catalog.change_styles([], [("", "a")]).revision == 3
    seen = [tuple(catalog.view(as_of=revision).stored_styles()) for revision in range(4)]
    assert seen == [(), (a, b), (better, b), (b,)]


def test_one_name_may_be_for_several_targets(catalog: SqlCatalog) -> None:
    two = [style("a"), style("a", target="collection:X")]
    catalog.change_styles(two)
    catalog.change_styles([], [("collection:X", "a")])
    assert list(catalog.view().stored_styles()) == two[:1]


def test_removing_what_does_not_stand_changes_nothing(catalog: SqlCatalog) -> None:
    catalog.change_styles([style("a")])
    with pytest.raises(UnknownNameError):
        catalog.change_styles([style("b")], [("", "nothing")])
    assert catalog.view().revision == 1
    assert list(catalog.view().stored_styles()) == [style("a")]


def test_a_rebuilt_catalogue_has_the_styles_of_every_revision(
    catalog: SqlCatalog, place: Place
) -> None:
    made = [
        catalog.change_styles([style("a"), style("b")]),
        catalog.change_styles([style("a", title="Höhe")]),
        catalog.change_styles([], [("", "b")]),
    ]
    records = [(commit.revision, commit.record) for commit in made]
    rebuilt = rebuild_catalog(records, {}, place("again"))
    for revision in range(4):
        expected = catalog.view(as_of=revision).stored_styles()
        assert rebuilt.view(as_of=revision).stored_styles() == expected


def test_a_catalogue_made_before_there_were_styles(tmp_path: Path) -> None:
    """One that may only be read has none; one that is written gets the table."""
    old = open_catalog(tmp_path)
    with old.database.write() as connection:
        connection.execute(text("DROP TABLE styles"))
    old.close()
    readable = open_catalog(tmp_path, read_only=True)
    assert readable.view().stored_styles() == ()
    with pytest.raises(StoreReadOnlyError):
        readable.change_styles([style("a")])
    readable.close()
    writable = open_catalog(tmp_path)
    writable.change_styles([style("a")])
    assert list(writable.view().stored_styles()) == [style("a")]
