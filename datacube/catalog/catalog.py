"""The catalogue on an SQL database: implements `protocols.CatalogWriter`."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from datacube.catalog.codec import (
    Json,
    collection_to_json,
    cube_to_json,
    dump,
    scene_to_json,
    shards_to_json,
    windows_to_json,
)
from datacube.catalog.commit import (
    add_collection,
    add_cube,
    add_revision,
    apply_record,
    same_scenes,
    take_revision,
)
from datacube.catalog.opening import open_database
from datacube.catalog.precedence import Extent, supersedes
from datacube.catalog.reading import SqlReader
from datacube.catalog.styles import style_changes
from datacube.catalog.tables import (
    ASKED_AT_ONCE,
    claims,
    collections,
    cubes,
    revisions,
    slots,
)
from datacube.cube import SLOT_AXIS_SIZE, Collection, Cube
from datacube.errors import (
    CommitConflictError,
    InvalidParameterError,
    StoreFullError,
    UnknownNameError,
)
from datacube.offers import NO_OFFERS, Offers
from datacube.protocols import Committed, NewSlot, Standing, StoredStyle
from datacube.slots import SceneRecord, Slot, SlotWindow
from datacube.times import from_micros, iso_text, to_micros

CLAIMED, BURNED = "claimed", "burned"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class SqlCatalog(SqlReader):
    """What exists and what is visible. Safe to use from threads and after a fork; pickles."""

    def __reduce__(self) -> tuple[object, ...]:
        return _reopen, (self._database.address, self._database.read_only, self.offers)

    def ensure_cube(self, collection: Collection, cube: Cube) -> Cube:
        """Register a cube's definition where it is new; return the one that stands."""
        for kind, name in (("cube", cube.name), ("collection", collection.id)):
            if not _NAME.fullmatch(name):
                raise InvalidParameterError(
                    f"{name!r} is not allowed as a {kind}'s name: "
                    "letters, digits, '.', '_' and '-', beginning with a letter or digit",
                    parameter=kind,
                )
        if cube.collection != collection.id:
            raise ValueError(f"{cube.name} belongs to {cube.collection}, not {collection.id}")
        known = self.find_cube(cube.name)
        if known is not None:
            return known
        with self._database.write() as connection:
            add_collection(connection, collection_to_json(collection))
            add_cube(connection, cube_to_json(cube))
        standing = self.find_cube(cube.name)
        return cube if standing is None else standing

    def find_cube(self, name: str) -> Cube | None:
        """Return the registered definition of a cube, whether it has scenes or not."""
        with self._database.read() as connection:
            cube_id = connection.execute(select(cubes.c.id).where(cubes.c.name == name)).scalar()
        return None if cube_id is None else self.load_cube(cube_id)

    def _cube_id(self, connection: Connection, name: str) -> int:
        found = connection.execute(select(cubes.c.id).where(cubes.c.name == name)).scalar()
        if found is None:
            raise UnknownNameError("cube", name)
        return int(found)

    def standing(
        self,
        cube: str,
        scene: SceneRecord,
        *,
        windows: Sequence[SlotWindow] | None = None,
        bands: frozenset[str] | None = None,
    ) -> Standing:
        """Tell whether a scene is present or superseded; see `protocols.CatalogWriter`."""
        with self._database.read() as connection:
            cube_id = connection.execute(select(cubes.c.id).where(cubes.c.name == cube)).scalar()
            if cube_id is None:
                return Standing(present=False, superseded_by=None)
            present = connection.execute(
                select(slots.c.id).where(
                    slots.c.cube_id == cube_id,
                    slots.c.scene_id == scene.scene_id,
                    slots.c.baseline == scene.baseline,
                    slots.c.generation_time == to_micros(scene.generation_time),
                )
            ).first()
            rows = list(same_scenes(connection, cube_id, [scene.scene_id]))
        better = [
            row.extent.scene
            for row in rows
            if supersedes(
                row.extent,
                Extent(
                    scene=scene,
                    windows=row.extent.windows if windows is None else tuple(windows),
                    bands=row.extent.bands if bands is None else bands,
                ),
            )
        ]
        best = max(better, key=lambda s: s.precedence, default=None)
        return Standing(
            present=present is not None, superseded_by=None if best is None else best.product_id
        )

    def known_scenes(self, cube: str, scene_ids: Sequence[str]) -> frozenset[str]:
        """Return those of `scene_ids` of which any processing was ever committed."""
        query = (
            select(slots.c.scene_id)
            .join(cubes, cubes.c.id == slots.c.cube_id)
            .where(cubes.c.name == cube)
        )
        known: set[str] = set()
        with self._database.read() as connection:
            for some in batched(scene_ids, ASKED_AT_ONCE):
                known.update(connection.execute(query.where(slots.c.scene_id.in_(some))).scalars())
        return frozenset(known)

    def claim(self, cube: str, count: int = 1) -> tuple[int, ...]:
        """Return slot numbers that were never used before."""
        with self._database.write() as connection:
            cube_id = self._cube_id(connection, cube)
            first = int(
                connection.execute(
                    select(cubes.c.next_slot).where(cubes.c.id == cube_id).with_for_update()
                ).scalar_one()
            )
            numbers = tuple(range(first, first + count))
            if first + count > SLOT_AXIS_SIZE:
                raise StoreFullError(
                    f"cube {cube} has {SLOT_AXIS_SIZE - first} of its {SLOT_AXIS_SIZE} slots left, "
                    f"{count} are needed"
                )
            connection.execute(
                update(cubes).where(cubes.c.id == cube_id).values(next_slot=first + count)
            )
            now = _now()
            held = {"cube_id": cube_id, "state": CLAIMED, "claimed_at": now, "heartbeat_at": now}
            connection.execute(insert(claims), [held | {"number": number} for number in numbers])
        return numbers

    def heartbeat(self, cube: str, slot: int) -> None:
        """Note that a claimed slot is still being written.

        Raises
        ------
        CommitConflictError
            If the claim was given up: writing on is useless.
        """
        if not self._change_claim(cube, slot, {"heartbeat_at": _now()}):
            raise CommitConflictError(f"the claim of slot {slot} of {cube} was given up")

    def burn(self, cube: str, slot: int) -> None:
        """Give up a claimed slot; its number is never used again."""
        self._change_claim(cube, slot, {"state": BURNED})

    def _change_claim(self, cube: str, slot: int, values: Mapping[str, object]) -> bool:
        with self._database.write() as connection:
            result = connection.execute(
                update(claims)
                .where(
                    claims.c.cube_id == self._cube_id(connection, cube),
                    claims.c.number == slot,
                    claims.c.state == CLAIMED,
                )
                .values(**values)
            )
        return bool(result.rowcount)

    def commit(self, slots: Sequence[NewSlot]) -> Committed:
        """Make slots visible in one transaction and retire what they supersede.

        A slot that loses is burned; the others of the call stay claimed and may be
        committed again without it.

        Raises
        ------
        CommitConflictError
            If another writer committed the same scene, or one that supersedes it, first,
            or the claim was given up.
        ValueError
            If `slots` is empty, or a slot's shards do not fit its windows.
        """
        if not slots:
            raise ValueError("a commit needs at least one slot")
        for slot in slots:
            _check_shards(slot)
        try:
            with self._database.write() as connection:
                self._release_claims(connection, slots)
                return self._commit(connection, slots)
        except IntegrityError as error:
            loser = self._burn_losers(slots) or slots[-1].scene.product_id
            raise CommitConflictError(f"another writer committed {loser} first") from error
        except CommitConflictError:
            self._burn_losers(slots)
            raise

    def _commit(self, connection: Connection, new: Sequence[NewSlot]) -> Committed:
        revision, now = take_revision(connection), _now()
        record: Json = {
            "revision": revision,
            "committed_at": iso_text(from_micros(now)),
            **self._unrecorded(connection, sorted({slot.cube.name for slot in new})),
            "slots": [
                {
                    "cube": slot.cube.name,
                    "number": slot.number,
                    "scene": scene_to_json(slot.scene),
                    "windows": windows_to_json(slot.windows),
                    "shards": shards_to_json(slot.shards),
                }
                for slot in new
            ],
        }
        retired = apply_record(self._database, connection, record)
        record["retired"] = [{"cube": row.cube, "number": row.number} for row in retired]
        text = dump(record)
        add_revision(connection, revision, now, text)
        scenes = tuple(sorted((row.scene_id, row.product_id) for row in retired))
        return Committed(revision=revision, record=text, retired=scenes)

    def name_coverage(self, alias: str, coverage_id: str) -> Committed:
        """Let `alias` name a coverage from a new revision on."""
        if not _NAME.fullmatch(alias):
            raise InvalidParameterError(f"{alias!r} is not allowed as an alias", parameter="alias")
        return self._commit_changes({"aliases": {alias: coverage_id}})

    def change_styles(
        self, add: Sequence[StoredStyle], remove: Sequence[tuple[str, str]] = ()
    ) -> Committed:
        """Add and remove styles in one commit; see `protocols.CatalogWriter`."""
        if not (add or remove):
            raise ValueError("a commit needs at least one style")
        return self._commit_changes(style_changes(add, remove))

    def delete_cubes(self, names: Sequence[str]) -> Committed:
        """Retire every scene of cubes in one commit; see `protocols.CatalogWriter`."""
        if not names:
            raise ValueError("a commit needs at least one cube")
        return self._commit_changes({"deleted": sorted(set(names))})

    def _commit_changes(self, changes: Json) -> Committed:
        with self._database.write() as connection:
            revision, now = take_revision(connection), _now()
            record: Json = {
                "revision": revision,
                "committed_at": iso_text(from_micros(now)),
                **changes,
            }
            apply_record(self._database, connection, record)
            add_revision(connection, revision, now, dump(record))
        return Committed(revision=revision, record=dump(record), retired=())

    def _unrecorded(self, connection: Connection, names: Sequence[str]) -> Json:
        """Return the definitions that no record holds yet."""
        rows = connection.execute(
            select(cubes.c.definition, collections.c.definition)
            .join(collections, collections.c.id == cubes.c.collection_id)
            .where(cubes.c.name.in_(names), cubes.c.recorded_in.is_(None))
            .order_by(cubes.c.name)
        )
        found = [(json.loads(cube), json.loads(collection)) for cube, collection in rows]
        by_id = {collection["id"]: collection for _, collection in found}
        return {
            "cubes": [cube for cube, _ in found],
            "collections": [by_id[key] for key in sorted(by_id)],
        }

    def _release_claims(self, connection: Connection, new: Sequence[NewSlot]) -> None:
        for name in sorted({slot.cube.name for slot in new}):
            cube_id = self._cube_id(connection, name)
            numbers = [slot.number for slot in new if slot.cube.name == name]
            for some in batched(numbers, ASKED_AT_ONCE):
                claimed = (
                    claims.c.cube_id == cube_id,
                    claims.c.number.in_(some),
                    claims.c.state == CLAIMED,
                )
                held = connection.execute(select(claims.c.number).where(*claimed)).scalars().all()
                for number in sorted(set(some).difference(held)):
                    raise CommitConflictError(
                        f"slot {number} of {name} is not claimed: "
                        "its claim was given up or committed"
                    )
                connection.execute(delete(claims).where(*claimed))

    def _burn_losers(self, new: Sequence[NewSlot]) -> str:
        """Burn the slots that cannot be committed any more; return their product ids."""
        losers = []
        for slot in new:
            bands = Slot(
                cube=slot.cube.name,
                number=slot.number,
                scene=slot.scene,
                windows=slot.windows,
                shards=slot.shards,
            ).bands
            standing = self.standing(slot.cube.name, slot.scene, windows=slot.windows, bands=bands)
            if standing.present or standing.superseded_by is not None:
                self.burn(slot.cube.name, slot.number)
                losers.append(slot.scene.product_id)
        return ", ".join(losers)

    # Records and revisions

    def unwritten_records(self, present: frozenset[int]) -> Iterator[tuple[int, str]]:
        """Yield `(revision, record)` of commits whose record file is missing."""
        with self._database.read() as connection:
            numbers = set(connection.execute(select(revisions.c.number)).scalars())
        for number in sorted(numbers - present):
            yield (
                number,
                self._scalar(select(revisions.c.record).where(revisions.c.number == number)),
            )


def _check_shards(slot: NewSlot) -> None:
    windows = {w.group: w for w in slot.windows}
    if not windows:
        raise ValueError(f"slot {slot.number} covers no cells")
    for entry in slot.shards:
        covered = windows.get(entry.group)
        if covered is None or not 0 <= entry.level < covered.levels:
            raise ValueError(f"shards of {entry.band} lie outside the slot's windows")
        group = slot.cube.group(entry.group)
        size = group.shard_window(covered.window.coarser(entry.level), entry.level).size
        if len(entry.bits) != (size + 7) // 8:
            raise ValueError(
                f"the bitmap of {entry.band} at level {entry.level} has {len(entry.bits)} bytes "
                f"for {size} shards"
            )


def _now() -> int:
    return to_micros(datetime.now(UTC))


def open_catalog(
    location: str | Path, *, read_only: bool = False, offers: Offers = NO_OFFERS
) -> SqlCatalog:
    """Open the catalogue of a store, made where it is missing and may be written.

    `location` is a store's folder, a file ending in `.sqlite`, `sqlite:///PATH`, or
    `postgresql://USER@HOST/DATABASE`.
    A catalogue that cannot be opened for writing is read; of a file that is a copy, which
    follows the original within a second. Then, as with `read_only`, writing raises
    StoreReadOnlyError. `offers` are what products offer beside their stored bands.

    Raises
    ------
    InvalidParameterError
        If `location` names another kind of database, or an object store, which has
        no room for a catalogue.
    StoreError
        If it is missing and may not be made, or was made by another version.
    """
    return SqlCatalog(open_database(location, read_only=read_only), offers)


def _reopen(address: str, read_only: bool, offers: Offers) -> SqlCatalog:  # noqa: FBT001 - called by pickle
    return open_catalog(address, read_only=read_only, offers=offers)
