"""Rows of deep blocks: which slots stand in which block, and what is left to be made."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, delete, insert, inspect, select, update

from datacube.catalog.database import Database
from datacube.catalog.tables import (
    ASKED_AT_ONCE,
    cubes,
    deep_blocks,
    deep_marks,
    slots,
)
from datacube.cube import ShardNumber
from datacube.deep import DeepBlock
from datacube.times import to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepNames:
    """The blocks of a cube by what they are for."""

    whole: frozenset[str]
    """Readable ones."""
    making: frozenset[str]
    """Those that somebody began to make not long ago."""
    stale: frozenset[str]
    """Those that were begun long ago and never finished."""


class DeepRows:
    """The tables of deep blocks. They belong to no revision: a block changes no cell."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._present = False

    @property
    def present(self) -> bool:
        """Whether the catalogue has the tables; an older one gets them when it is written."""
        if not self._present:
            with self._database.read() as connection:
                self._present = bool(inspect(connection).has_table(deep_blocks.name))
        return self._present

    def cubes(self) -> tuple[tuple[int, str], ...]:
        """Return row id and name of every registered cube, whoever may see it."""
        with self._database.read() as connection:
            rows = connection.execute(select(cubes.c.id, cubes.c.name).order_by(cubes.c.name))
            return tuple((row.id, row.name) for row in rows)

    def find(
        self, cube: tuple[int, str], group: str, columns: Sequence[ShardNumber]
    ) -> tuple[DeepBlock, ...]:
        """Return the readable blocks over some columns; `cube` is row id and name."""
        if not columns or not self.present:
            return ()
        query = select(deep_blocks).where(
            deep_blocks.c.cube_id == cube[0],
            deep_blocks.c.group_name == group,
            deep_blocks.c.place.in_([_text(column) for column in columns]),
            deep_blocks.c.files.is_not(None),
        )
        with self._database.read() as connection:
            return tuple(_block(cube[1], row) for row in connection.execute(query))

    def of_cube(self, cube: tuple[int, str]) -> tuple[DeepBlock, ...]:
        """Return the readable blocks of a cube."""
        if not self.present:
            return ()
        query = select(deep_blocks).where(
            deep_blocks.c.cube_id == cube[0], deep_blocks.c.files.is_not(None)
        )
        with self._database.read() as connection:
            return tuple(_block(cube[1], row) for row in connection.execute(query))

    def names(self, cube_id: int, begun_before: datetime) -> DeepNames:
        """Return the names of all blocks of a cube."""
        if not self.present:
            return DeepNames(whole=frozenset(), making=frozenset(), stale=frozenset())
        c = deep_blocks.c
        query = select(c.name, c.files.is_not(None), c.begun_at).where(c.cube_id == cube_id)
        limit = to_micros(begun_before)
        with self._database.read() as connection:
            rows = [(name, bool(whole), at) for name, whole, at in connection.execute(query)]
        return DeepNames(
            whole=frozenset(name for name, whole, _ in rows if whole),
            making=frozenset(name for name, whole, at in rows if not whole and at >= limit),
            stale=frozenset(name for name, whole, at in rows if not whole and at < limit),
        )

    def begin(self, cube_id: int, group: str, column: ShardNumber, name: str) -> None:
        """Note a block before its first file is written, so that no file lies there unknown."""
        values = {
            "cube_id": cube_id,
            "group_name": group,
            "place": _text(column),
            "name": name,
            "slots": b"",
            "begun_at": to_micros(datetime.now(UTC)),
        }
        with self._database.write() as connection:
            connection.execute(insert(deep_blocks).values(**values))

    def finish(self, block: DeepBlock, instead_of: Iterable[str] = ()) -> bool:
        """Let a begun block be read, in the place of others, whose rows go.

        False where its row is gone, because it was removed meanwhile, or where another has
        made a block of some of its slots; then its row goes.
        """
        instead = tuple(instead_of)
        others = select(deep_blocks.c.name, deep_blocks.c.slots).where(
            deep_blocks.c.group_name == block.group,
            deep_blocks.c.place == _text(block.column),
            deep_blocks.c.files.is_not(None),
        )
        values = {
            "slots": np.asarray(block.slots, dtype="<u4").tobytes(),
            "files": json.dumps(dict(block.sizes)),
        }
        with self._database.write() as connection:
            own = deep_blocks.c.name == block.name
            cube_id = connection.execute(select(deep_blocks.c.cube_id).where(own)).scalar()
            rows = connection.execute(others.where(deep_blocks.c.cube_id == cube_id)).all()
            taken = {n for name, held in rows if name not in instead for n in _numbers(held)}
            if cube_id is None or not taken.isdisjoint(block.slots):
                _delete(connection, (block.name,))
                return False
            connection.execute(update(deep_blocks).where(own).values(**values))
            _delete(connection, instead)
        return True

    def drop(self, names: Iterable[str]) -> None:
        """Delete the rows of blocks, whose files may go then."""
        if self.present:
            with self._database.write() as connection:
                _delete(connection, names)

    def mark(self, cube_id: int) -> int:
        """Return the revision up to which the columns of a cube were looked at; 0: never."""
        if not self.present:
            return 0
        query = select(deep_marks.c.revision).where(deep_marks.c.cube_id == cube_id)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def set_mark(self, cube_id: int, revision: int) -> None:
        """Note that the columns of a cube were looked at; 0: look again."""
        with self._database.write() as connection:
            connection.execute(delete(deep_marks).where(deep_marks.c.cube_id == cube_id))
            connection.execute(insert(deep_marks).values(cube_id=cube_id, revision=revision))

    def added(self, cube_id: int, since: int) -> tuple[int, ...]:
        """Return the numbers of slots that were committed after a revision.

        What retired since lies where they do.
        """
        c = slots.c
        query = select(c.number).where(c.cube_id == cube_id, c.valid_from > since)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())


def _delete(connection: Connection, names: Iterable[str]) -> None:
    for some in batched(names, ASKED_AT_ONCE):
        connection.execute(delete(deep_blocks).where(deep_blocks.c.name.in_(some)))


def _numbers(plain: bytes) -> tuple[int, ...]:
    return tuple(np.frombuffer(plain, dtype="<u4").tolist())


def _text(column: ShardNumber) -> str:
    return "/".join(map(str, column))


def _block(cube: str, row: Row[Any]) -> DeepBlock:
    return DeepBlock(
        cube=cube,
        group=row.group_name,
        column=tuple(map(int, row.place.split("/"))),
        name=row.name,
        slots=_numbers(row.slots),
        sizes=tuple(json.loads(row.files).items()),
    )
