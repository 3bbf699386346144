"""The catalogue's tables, for any SQL database.

Rows of versioned tables are valid in `[valid_from, valid_to)`; a row that still holds
has `valid_to = OPEN`. Instants are microseconds since 1970 in UTC.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
)

SCHEMA_VERSION = 2
OPEN = 2**62
"""`valid_to` of a row that still holds; greater than any revision."""

ASKED_AT_ONCE = 500
"""Values listed in one statement; SQLite takes 999 in its oldest form."""

metadata = MetaData()


def _versions() -> tuple[Column[int], Column[int]]:
    return (
        Column("valid_from", BigInteger, nullable=False),
        Column("valid_to", BigInteger, nullable=False, default=OPEN),
    )


def _cube_id() -> Column[int]:
    return Column("cube_id", Integer, ForeignKey("cubes.id"), nullable=False)


meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""`schema_version`, `revision` (the newest), `oldest_readable`."""

revisions = Table(
    "revisions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("committed_at", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("definition", Text, nullable=False),
)

cubes = Table(
    "cubes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("collection_id", String(255), ForeignKey("collections.id"), nullable=False),
    Column("access", String(64), nullable=False),
    Column("definition", Text, nullable=False),
    Column("next_slot", Integer, nullable=False, default=0),
    # The commit whose record carries the definition; null before the first commit.
    Column("recorded_in", BigInteger),
)

claims = Table(
    "claims",
    metadata,
    Column("cube_id", Integer, ForeignKey("cubes.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
)
"""Slot numbers in writing or burned; a committed slot's claim is deleted."""

slots = Table(
    "slots",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    Column("number", Integer, nullable=False),
    Column("scene_id", String(255), nullable=False),
    Column("product_id", String(255), nullable=False),
    Column("reference_time", BigInteger, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("baseline", String(32), nullable=False),
    Column("generation_time", BigInteger, nullable=False),
    Column("footprint", Text, nullable=False),
    Column("cloud_cover_percent", Float),
    Column("properties", Text, nullable=False),
    # Bounding box of all windows, in the cube's CRS.
    Column("min_x", Float, nullable=False),
    Column("min_y", Float, nullable=False),
    Column("max_x", Float, nullable=False),
    Column("max_y", Float, nullable=False),
    # Hull of first, last and reference time.
    Column("earliest", BigInteger, nullable=False),
    Column("latest", BigInteger, nullable=False),
    Column("windows", Text, nullable=False),
    Column("shards", LargeBinary, nullable=False),
    *_versions(),
    UniqueConstraint("cube_id", "number"),
    UniqueConstraint("cube_id", "scene_id", "baseline", "generation_time"),
    Index("slots_by_time", "cube_id", "reference_time"),
    Index("slots_by_product", "cube_id", "product_id"),
    Index("slots_by_revision", "cube_id", "valid_from"),
)

hulls = Table(
    "hulls",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    Column("group_name", String(64), nullable=False),
    Column("row_start", Integer, nullable=False),
    Column("row_stop", Integer, nullable=False),
    Column("col_start", Integer, nullable=False),
    Column("col_stop", Integer, nullable=False),
    *_versions(),
    Index("hulls_by_cube", "cube_id", "group_name", "valid_to"),
)
"""Plane of a group in which anything was ever ingested; a hull never shrinks."""

acquisitions = Table(
    "acquisitions",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    Column("reference", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    *_versions(),
    Index("acquisitions_by_cube", "cube_id", "reference", "valid_to"),
)

acquisition_years = Table(
    "acquisition_years",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    Column("year", Integer, nullable=False),
    Column("times", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("earliest", BigInteger, nullable=False),
    Column("latest", BigInteger, nullable=False),
    *_versions(),
    Index("acquisition_years_by_cube", "cube_id", "valid_to"),
)
"""Of the time list of a cube, by UTC year of the reference times: how many they are, on how
many days, the first and the last, and the hull of the moments in which they are valid."""

band_presence = Table(
    "band_presence",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    Column("band", String(64), nullable=False),
    *_versions(),
    Index("band_presence_by_cube", "cube_id", "band"),
)

counts = Table(
    "counts",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    Column("scenes", Integer, nullable=False),
    *_versions(),
    Index("counts_by_cube", "cube_id", "valid_to"),
)

descriptions = Table(
    "descriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    _cube_id(),
    *_versions(),
    Index("descriptions_by_cube", "cube_id", "valid_to"),
)
"""Since when a cube's hull, bands and time list are what they are."""

aliases = Table(
    "aliases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alias", String(255), nullable=False),
    Column("coverage", String(255), nullable=False),
    *_versions(),
    Index("aliases_by_name", "alias", "valid_to"),
)

styles = Table(
    "styles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("definition", Text, nullable=False),
    *_versions(),
    Index("styles_by_name", "target", "name", "valid_to"),
)


deep_blocks = Table(
    "deep_blocks",
    metadata,
    Column("name", String(64), primary_key=True),
    _cube_id(),
    Column("group_name", String(64), nullable=False),
    # Numbers of the shard over which the block lies, `row/column` at the end.
    Column("place", String(255), nullable=False),
    # Numbers in the order of ranks, four bytes each, little-endian.
    Column("slots", LargeBinary, nullable=False),
    # JSON: bytes by band; null while the block is being made.
    Column("files", Text),
    Column("begun_at", BigInteger, nullable=False),
    Index("deep_blocks_by_place", "cube_id", "group_name", "place"),
)
"""Copies of cells, in an order that suits series: derived, so of no revision."""

deep_marks = Table(
    "deep_marks",
    metadata,
    Column("cube_id", Integer, ForeignKey("cubes.id"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""Up to which revision deep blocks were made of a cube's slots."""


def valid_at(table: Table, revision: int) -> ColumnElement[bool]:
    """Return the condition that a row of `table` holds at `revision`."""
    return and_(table.c.valid_from <= revision, table.c.valid_to > revision)
