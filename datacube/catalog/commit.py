"""One commit: slots become visible, what they supersede retires, and what is told follows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import Row as SqlRow

from datacube.catalog.codec import (
    Json,
    cube_from_json,
    pack_shards,
    scene_from_json,
    shards_from_json,
    unpack_shards,
    windows_from_json,
)
from datacube.catalog.database import Database
from datacube.catalog.following import follow, forget, replace_row
from datacube.catalog.overview_marking import Changed, mark_changed
from datacube.catalog.precedence import Extent, supersedes
from datacube.catalog.styles import apply_styles
from datacube.catalog.tables import (
    ASKED_AT_ONCE,
    OPEN,
    aliases,
    collections,
    cubes,
    meta,
    revisions,
    slots,
)
from datacube.cube import VALID_BAND, Cube
from datacube.errors import CommitConflictError, UnknownNameError
from datacube.protocols import Bbox
from datacube.slots import SceneRecord, SlotWindow
from datacube.times import from_micros, to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A committed slot as far as commits look at it."""

    number: int
    extent: Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A slot that a commit adds, read from its record."""

    number: int
    extent: Extent
    record: Json

    @property
    def times(self) -> tuple[int, int]:
        """Hull of first, last and reference time, in microseconds since 1970."""
        scene = self.extent.scene
        times = (scene.reference_time, scene.first_time, scene.last_time)
        return to_micros(min(times)), to_micros(max(times))


def read_added(record: Json) -> Added:
    """Read a slot of a commit record."""
    bands = frozenset(s.band for s in shards_from_json(record["shards"])) - {VALID_BAND}
    extent = Extent(
        scene=scene_from_json(record["scene"]),
        windows=windows_from_json(record["windows"]),
        bands=bands,
    )
    return Added(number=record["number"], extent=extent, record=record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A slot that a commit retired."""

    cube: str
    number: int
    scene_id: str
    product_id: str


def take_revision(connection: Connection) -> int:
    """Take the next revision; its row stays locked until the transaction ends."""
    connection.execute(update(meta).where(meta.c.name == "revision").values(value=meta.c.value + 1))
    return int(
        connection.execute(select(meta.c.value).where(meta.c.name == "revision")).scalar_one()
    )


def apply_record(database: Database, connection: Connection, record: Json) -> list[Retired]:
    """Write every row that `record` calls for; used by commits and by the rebuild alike.

    Raises `sqlalchemy.exc.IntegrityError` where a slot's key is taken.
    """
    revision = record["revision"]
    for value in record.get("collections", ()):
        add_collection(connection, value)
    for value in record.get("cubes", ()):
        add_cube(connection, value)
        connection.execute(
            update(cubes).where(cubes.c.name == value["name"]).values(recorded_in=revision)
        )
    by_cube: dict[str, list[Added]] = {}
    for slot in record.get("slots", ()):
        by_cube.setdefault(slot["cube"], []).append(read_added(slot))
    retired: list[Retired] = []
    for name, added in sorted(by_cube.items()):
        held = load_cube(connection, name)
        gone = _add_slots(database, connection, revision, held, added)
        extents = [new.extent for new in added]
        follow(connection, revision, held[0], added=extents, gone=[row.extent for row in gone])
        changed = [_changed(held[1], each) for each in (*extents, *(row.extent for row in gone))]
        mark_changed(connection, revision, held[1], changed)
        retired += [
            Retired(
                cube=name,
                number=row.number,
                scene_id=row.extent.scene.scene_id,
                product_id=row.extent.scene.product_id,
            )
            for row in gone
        ]
    for name in record.get("deleted", ()):
        _delete_cube(connection, revision, name)
    for alias, coverage in record.get("aliases", {}).items():
        _set_alias(connection, revision, alias, coverage)
    apply_styles(connection, revision, record.get("styles", ()))
    return retired


def _delete_cube(connection: Connection, revision: int, name: str) -> None:
    """Retire every slot of a cube, and end what is told of it."""
    found = connection.execute(select(cubes.c.id).where(cubes.c.name == name)).scalar()
    if found is None or not forget(connection, revision, found):
        raise UnknownNameError("cube", name)
    standing = (slots.c.cube_id == found, slots.c.valid_to == OPEN)
    rows = connection.execute(
        select(
            slots.c.min_x,
            slots.c.min_y,
            slots.c.max_x,
            slots.c.max_y,
            slots.c.reference_time,
            slots.c.earliest,
            slots.c.latest,
        ).where(*standing)
    ).all()
    changed = [
        Changed(
            box=(row.min_x, row.min_y, row.max_x, row.max_y),
            reference=row.reference_time,
            earliest=row.earliest,
            latest=row.latest,
        )
        for row in rows
    ]
    connection.execute(update(slots).where(*standing).values(valid_to=revision))
    mark_changed(connection, revision, load_cube(connection, name)[1], changed)


def _changed(cube: Cube, extent: Extent) -> Changed:
    scene = extent.scene
    times = (scene.reference_time, scene.first_time, scene.last_time)
    return Changed(
        box=windows_box(cube, extent.windows),
        reference=to_micros(scene.reference_time),
        earliest=to_micros(min(times)),
        latest=to_micros(max(times)),
    )


def load_cube(connection: Connection, name: str) -> tuple[int, Cube]:
    """Return the row id and the definition of a registered cube."""
    row = connection.execute(
        select(cubes.c.id, cubes.c.definition).where(cubes.c.name == name)
    ).one_or_none()
    if row is None:
        raise ValueError(f"cube {name!r} is not registered")
    return int(row.id), cube_from_json(json.loads(row.definition))


def add_collection(connection: Connection, value: Json) -> None:
    """Register a collection where it is new."""
    known = connection.execute(
        select(collections.c.id).where(collections.c.id == value["id"])
    ).first()
    if known is None:
        connection.execute(insert(collections).values(id=value["id"], definition=json.dumps(value)))


def add_cube(connection: Connection, value: Json) -> None:
    """Register a cube where it is new."""
    known = connection.execute(select(cubes.c.id).where(cubes.c.name == value["name"])).first()
    if known is None:
        connection.execute(
            insert(cubes).values(
                name=value["name"],
                collection_id=value["collection"],
                access=value["access"],
                definition=json.dumps(value),
            )
        )


def add_revision(connection: Connection, revision: int, committed_at: int, record: str) -> None:
    """Keep the record of a commit."""
    connection.execute(
        insert(revisions).values(number=revision, committed_at=committed_at, record=record)
    )


def same_scenes(connection: Connection, cube_id: int, scene_ids: Sequence[str]) -> Iterator[Row]:
    """Yield the visible slots of scenes, of every processing."""
    for some in batched(scene_ids, ASKED_AT_ONCE):
        found = connection.execute(
            select(slots).where(
                slots.c.cube_id == cube_id, slots.c.scene_id.in_(some), slots.c.valid_to == OPEN
            )
        )
        for row in found:
            yield Row(
                number=row.number,
                extent=Extent(
                    scene=scene_from_row(row),
                    windows=windows_from_json(json.loads(row.windows)),
                    bands=frozenset(s.band for s in unpack_shards(row.shards)) - {VALID_BAND},
                ),
            )


def scene_from_row(row: SqlRow[Any]) -> SceneRecord:
    """Return the scene of a row of `slots`."""
    return SceneRecord(
        scene_id=row.scene_id,
        product_id=row.product_id,
        reference_time=from_micros(row.reference_time),
        first_time=from_micros(row.first_time),
        last_time=from_micros(row.last_time),
        baseline=row.baseline,
        generation_time=from_micros(row.generation_time),
        footprint=row.footprint,
        cloud_cover_percent=row.cloud_cover_percent,
        properties=row.properties,
    )


def _add_slots(
    database: Database,
    connection: Connection,
    revision: int,
    held: tuple[int, Cube],
    added: Sequence[Added],
) -> list[Row]:
    """Insert slots, lowest precedence first, so that one commit may hold two processings.

    Returns the slots that retire, which may be among those inserted.
    """
    cube_id, cube = held
    ordered = sorted(added, key=lambda a: a.extent.scene.precedence)
    visible: dict[str, list[Row]] = {}
    for row in same_scenes(connection, cube_id, [a.extent.scene.scene_id for a in ordered]):
        visible.setdefault(row.extent.scene.scene_id, []).append(row)
    gone: list[Row] = []
    for new in ordered:
        scene = new.extent.scene
        rows = visible.setdefault(scene.scene_id, [])
        for row in tuple(rows):
            if supersedes(row.extent, new.extent):
                raise CommitConflictError(
                    f"{scene.product_id} is superseded by {row.extent.scene.product_id}, "
                    "which another writer committed"
                )
            if supersedes(new.extent, row.extent):
                gone.append(row)
                rows.remove(row)
        rows.append(Row(number=new.number, extent=new.extent))
    boxes = {new.number: windows_box(cube, new.extent.windows) for new in ordered}
    connection.execute(
        insert(slots), [_slot_values(new, cube_id, revision, boxes[new.number]) for new in ordered]
    )
    _index(database, connection, cube_id, ordered, boxes)
    for some in batched([row.number for row in gone], ASKED_AT_ONCE):
        connection.execute(
            update(slots)
            .where(slots.c.cube_id == cube_id, slots.c.number.in_(some))
            .values(valid_to=revision)
        )
    return gone


def _slot_values(new: Added, cube_id: int, revision: int, box: Bbox) -> dict[str, object]:
    """Return the row of a slot in `slots`."""
    scene = new.extent.scene
    return {
        "cube_id": cube_id,
        "number": new.number,
        "scene_id": scene.scene_id,
        "product_id": scene.product_id,
        "reference_time": to_micros(scene.reference_time),
        "first_time": to_micros(scene.first_time),
        "last_time": to_micros(scene.last_time),
        "baseline": scene.baseline,
        "generation_time": to_micros(scene.generation_time),
        "footprint": scene.footprint,
        "cloud_cover_percent": scene.cloud_cover_percent,
        "properties": scene.properties,
        "min_x": box[0],
        "min_y": box[1],
        "max_x": box[2],
        "max_y": box[3],
        "earliest": new.times[0],
        "latest": new.times[1],
        "windows": json.dumps(new.record["windows"]),
        "shards": pack_shards(new.record["shards"]),
        "valid_from": revision,
        "valid_to": OPEN,
    }


def _index(
    database: Database,
    connection: Connection,
    cube_id: int,
    added: Sequence[Added],
    boxes: Mapping[int, Bbox],
) -> None:
    """Enter inserted slots into the index of places and times."""
    ids: dict[int, int] = {}
    for some in batched([new.number for new in added], ASKED_AT_ONCE):
        found = connection.execute(
            select(slots.c.number, slots.c.id).where(
                slots.c.cube_id == cube_id, slots.c.number.in_(some)
            )
        )
        ids.update((number, slot_id) for number, slot_id in found)
    database.index_slots(
        connection, cube_id, [(ids[new.number], boxes[new.number], new.times) for new in added]
    )


def windows_box(cube: Cube, windows: Sequence[SlotWindow]) -> Bbox:
    """Return the bounding box of all windows in the CRS of the cube."""
    boxes = [cube.group(w.group).grid.at(w.window).bbox for w in windows]
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


def _set_alias(connection: Connection, revision: int, alias: str, coverage: str) -> None:
    replace_row(connection, revision, aliases, {"alias": alias}, {"coverage": coverage})
