"""The tables of a catalogue in PostgreSQL, made and checked."""

from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, String, Text, func, inspect, select, text
from sqlalchemy.schema import CreateSchema

from datacube.catalog.database import CUBE_SPACING, begin_meta
from datacube.catalog.tables import metadata
from datacube.catalog.upgrade import upgrade

# An index serves what repeats its expressions.
PLACE = (
    f"box(point(cube_id * {CUBE_SPACING:.0f}::float8 + min_x, min_y), "
    f"point(cube_id * {CUBE_SPACING:.0f}::float8 + max_x, max_y))"
)
"""The box of a slot, with those of each cube far from those of all others."""
TIMES = "int8range(earliest, latest, '[]')"

_LOCK = 0x436F7065
"""A number that no other program should lock."""

_FIND = text(
    """
    SELECT
        meta IS NOT NULL AS made,
        NOT pg_is_in_recovery() AND (meta IS NULL OR has_table_privilege(meta, 'UPDATE'))
            AS writable
    FROM to_regclass(:schema || '.meta') AS meta
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is of a catalogue."""

    made: bool
    complete: bool
    """Whether every table is there."""
    writable: bool
    """Whether this user may write, and the server is no standby."""


def find(connection: Connection, schema: str) -> Found:
    """Look for the catalogue in a schema."""
    row = connection.execute(_FIND, {"schema": schema}).one()
    tables = set(inspect(connection).get_table_names(schema)) if row.made else set()
    return Found(made=row.made, complete=tables >= set(metadata.tables), writable=row.writable)


def lock(connection: Connection, schema: str) -> None:
    """Let others who would make a catalogue wait until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(schema))))


def create(connection: Connection, schema: str) -> None:
    """Make the schema and the tables that are missing, and bring up those of earlier versions."""
    if schema not in inspect(connection).get_schema_names():
        connection.execute(CreateSchema(schema))
    _unbounded().create_all(connection)
    connection.exec_driver_sql(
        f"CREATE INDEX IF NOT EXISTS slots_by_place ON slots USING gist (({PLACE}), ({TIMES}))"
    )
    upgrade(connection, begin_meta(connection))


def _unbounded() -> MetaData:
    """Return the tables as SQLite has them: texts of any length, ordered by code points."""
    made = MetaData()
    for table in metadata.sorted_tables:
        for column in table.to_metadata(made).columns:
            if isinstance(column.type, String):
                column.type = Text(collation="C")
    return made
