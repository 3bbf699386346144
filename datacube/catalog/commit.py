"""One commit: slots become visible, what they supersede retires, and the description follows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
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
from datacube.catalog.precedence import Extent, supersedes
from datacube.catalog.sqlite import SqliteDatabase
from datacube.catalog.tables import (
    OPEN,
    acquisitions,
    aliases,
    band_presence,
    collections,
    counts,
    cubes,
    descriptions,
    from_micros,
    hulls,
    meta,
    revisions,
    slots,
    to_micros,
)
from datacube.cube import VALID_BAND, Cube
from datacube.errors import CommitConflictError
from datacube.grid import Window
from datacube.protocols import Bbox
from datacube.slots import SceneRecord, SlotWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A committed slot as far as commits look at it."""

    id: int
    number: int
    extent: Extent


def take_revision(connection: Connection) -> int:
    """Take the next revision; its row stays locked until the transaction ends."""
    connection.execute(update(meta).where(meta.c.name == "revision").values(value=meta.c.value + 1))
    return int(
        connection.execute(select(meta.c.value).where(meta.c.name == "revision")).scalar_one()
    )


def apply_record(
    database: SqliteDatabase, connection: Connection, record: Json
) -> list[tuple[str, int, str]]:
    """Write every row that `record` calls for; used by commits and by the rebuild alike.

    Returns `(cube, slot number, product id)` of the slots that retired. Raises
    `sqlalchemy.exc.IntegrityError` where a slot's key is taken.
    """
    revision = record["revision"]
    for value in record.get("collections", ()):
        add_collection(connection, value)
    for value in record.get("cubes", ()):
        add_cube(connection, value)
        connection.execute(
            update(cubes).where(cubes.c.name == value["name"]).values(recorded_in=revision)
        )
    by_cube: dict[str, list[Json]] = {}
    for slot in record.get("slots", ()):
        by_cube.setdefault(slot["cube"], []).append(slot)
    retired: list[tuple[str, int, str]] = []
    for name, added in sorted(by_cube.items()):
        cube_id, cube = load_cube(connection, name)
        gone = _add_slots(database, connection, revision, cube_id, cube, added)
        _follow(connection, revision, cube_id, added, gone)
        retired += [(name, row.number, row.extent.scene.product_id) for row in gone]
    for alias, coverage in record.get("aliases", {}).items():
        _set_alias(connection, revision, alias, coverage)
    return retired


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


def same_scene(connection: Connection, cube_id: int, scene_id: str) -> list[Row]:
    """Return the visible slots of a scene, of every processing."""
    found = connection.execute(
        select(slots).where(
            slots.c.cube_id == cube_id, slots.c.scene_id == scene_id, slots.c.valid_to == OPEN
        )
    )
    return [
        Row(
            id=row.id,
            number=row.number,
            extent=Extent(
                scene=scene_from_row(row),
                windows=windows_from_json(json.loads(row.windows)),
                bands=frozenset(s.band for s in unpack_shards(row.shards)) - {VALID_BAND},
            ),
        )
        for row in found
    ]


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
    database: SqliteDatabase,
    connection: Connection,
    revision: int,
    cube_id: int,
    cube: Cube,
    added: Sequence[Json],
) -> list[Row]:
    """Insert slots, lowest precedence first, so that one commit may hold two processings."""
    gone: list[Row] = []
    scenes = {slot["number"]: scene_from_json(slot["scene"]) for slot in added}
    for slot in sorted(added, key=lambda s: scenes[s["number"]].precedence):
        scene = scenes[slot["number"]]
        windows = windows_from_json(slot["windows"])
        bands = frozenset(s.band for s in shards_from_json(slot["shards"])) - {VALID_BAND}
        extent = Extent(scene=scene, windows=windows, bands=bands)
        for row in same_scene(connection, cube_id, scene.scene_id):
            if supersedes(row.extent, extent):
                raise CommitConflictError(
                    f"{scene.product_id} is superseded by {row.extent.scene.product_id}, "
                    "which another writer committed"
                )
            if supersedes(extent, row.extent):
                connection.execute(
                    update(slots).where(slots.c.id == row.id).values(valid_to=revision)
                )
                gone.append(row)
        _insert_slot(database, connection, revision, cube_id, cube, slot)
    return gone


def _insert_slot(
    database: SqliteDatabase,
    connection: Connection,
    revision: int,
    cube_id: int,
    cube: Cube,
    slot: Json,
) -> None:
    scene = scene_from_json(slot["scene"])
    box = windows_box(cube, windows_from_json(slot["windows"]))
    times = (scene.reference_time, scene.first_time, scene.last_time)
    earliest, latest = to_micros(min(times)), to_micros(max(times))
    result = connection.execute(
        insert(slots).values(
            cube_id=cube_id,
            number=slot["number"],
            scene_id=scene.scene_id,
            product_id=scene.product_id,
            reference_time=to_micros(scene.reference_time),
            first_time=to_micros(scene.first_time),
            last_time=to_micros(scene.last_time),
            baseline=scene.baseline,
            generation_time=to_micros(scene.generation_time),
            footprint=scene.footprint,
            cloud_cover_percent=scene.cloud_cover_percent,
            properties=scene.properties,
            min_x=box[0],
            min_y=box[1],
            max_x=box[2],
            max_y=box[3],
            earliest=earliest,
            latest=latest,
            windows=json.dumps(slot["windows"]),
            shards=pack_shards(slot["shards"]),
            valid_from=revision,
            valid_to=OPEN,
        )
    )
    (slot_id,) = result.inserted_primary_key or (0,)
    database.index_slot(connection, slot_id, cube_id, box, (earliest, latest))


def windows_box(cube: Cube, windows: Sequence[SlotWindow]) -> Bbox:
    """Return the bounding box of all windows in the CRS of the cube."""
    boxes = [cube.group(w.group).grid.at(w.window).bbox for w in windows]
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


def _follow(
    connection: Connection,
    revision: int,
    cube_id: int,
    added: Sequence[Json],
    gone: Sequence[Row],
) -> None:
    """Bring hull, bands, time list and count of a cube up to the new slots."""
    windows = [w for slot in added for w in windows_from_json(slot["windows"])]
    bands = {entry[2] for slot in added for entry in slot["shards"]} - {VALID_BAND}
    references = {to_micros(scene_from_json(slot["scene"]).reference_time) for slot in added} | {
        to_micros(row.extent.scene.reference_time) for row in gone
    }
    changed = [
        _grow_hulls(connection, revision, cube_id, windows),
        _add_bands(connection, revision, cube_id, bands),
        *(_follow_time(connection, revision, cube_id, r) for r in sorted(references)),
    ]
    known = connection.execute(
        select(descriptions.c.id).where(
            descriptions.c.cube_id == cube_id, descriptions.c.valid_to == OPEN
        )
    ).first()
    if any(changed) or known is None:
        _replace(connection, revision, descriptions, {"cube_id": cube_id}, {})
    scenes = connection.execute(
        select(func.count()).where(slots.c.cube_id == cube_id, slots.c.valid_to == OPEN)
    ).scalar_one()
    _replace(connection, revision, counts, {"cube_id": cube_id}, {"scenes": scenes})


def _replace(
    connection: Connection,
    revision: int,
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
) -> None:
    """End the row of `key` that holds, and begin one with `values`."""
    connection.execute(
        update(table)
        .where(table.c.valid_to == OPEN, *(table.c[name] == v for name, v in key.items()))
        .values(valid_to=revision)
    )
    connection.execute(insert(table).values(**key, **values, valid_from=revision, valid_to=OPEN))


def _grow_hulls(
    connection: Connection, revision: int, cube_id: int, windows: Sequence[SlotWindow]
) -> bool:
    held = {
        row.group_name: Window(((row.row_start, row.row_stop), (row.col_start, row.col_stop)))
        for row in connection.execute(
            select(hulls).where(hulls.c.cube_id == cube_id, hulls.c.valid_to == OPEN)
        )
    }
    grown = dict(held)
    for w in windows:
        plane = w.window.plane
        grown[w.group] = grown[w.group].hull(plane) if w.group in grown else plane
    for group, window in grown.items():
        if held.get(group) != window:
            (y0, y1), (x0, x1) = window.ranges
            _replace(
                connection,
                revision,
                hulls,
                {"cube_id": cube_id, "group_name": group},
                {"row_start": y0, "row_stop": y1, "col_start": x0, "col_stop": x1},
            )
    return grown != held


def _add_bands(connection: Connection, revision: int, cube_id: int, bands: set[str]) -> bool:
    known = set(
        connection.execute(
            select(band_presence.c.band).where(band_presence.c.cube_id == cube_id)
        ).scalars()
    )
    for band in sorted(bands - known):
        connection.execute(
            insert(band_presence).values(
                cube_id=cube_id, band=band, valid_from=revision, valid_to=OPEN
            )
        )
    return bool(bands - known)


def _follow_time(connection: Connection, revision: int, cube_id: int, reference: int) -> bool:
    """Make the time list's entry what the visible slots of that reference time say."""
    first, last = connection.execute(
        select(func.min(slots.c.earliest), func.max(slots.c.latest)).where(
            slots.c.cube_id == cube_id,
            slots.c.reference_time == reference,
            slots.c.valid_to == OPEN,
        )
    ).one()
    held = connection.execute(
        select(acquisitions).where(
            acquisitions.c.cube_id == cube_id,
            acquisitions.c.reference == reference,
            acquisitions.c.valid_to == OPEN,
        )
    ).one_or_none()
    if (held, first) == (None, None) or (held and (held.first, held.last) == (first, last)):
        return False
    if first is None and held is not None:
        connection.execute(
            update(acquisitions).where(acquisitions.c.id == held.id).values(valid_to=revision)
        )
    else:
        key = {"cube_id": cube_id, "reference": reference}
        _replace(connection, revision, acquisitions, key, {"first": first, "last": last})
    return True


def _set_alias(connection: Connection, revision: int, alias: str, coverage: str) -> None:
    _replace(connection, revision, aliases, {"alias": alias}, {"coverage": coverage})
