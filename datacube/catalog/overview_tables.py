"""The tables of overviews, which are derived: what they tell is made of slots, and made again."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from datacube.catalog.tables import OPEN, metadata

overviews = Table(
    "overviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", String(255), ForeignKey("collections.id"), nullable=False, unique=True),
    Column("folder", String(255), nullable=False, unique=True),
    Column("zoom", Integer, nullable=False),
    # Whose definitions the bands have, and their names, parted by commas.
    Column("cube_id", Integer, ForeignKey("cubes.id"), nullable=False),
    Column("bands", Text, nullable=False),
    Column("next_number", BigInteger, nullable=False, default=0),
)
"""Of which collections there are overviews."""

overview_periods = Table(
    "overview_periods",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("overview_id", Integer, ForeignKey("overviews.id"), nullable=False),
    Column("span", String(16), nullable=False),
    # Of a window that slides the earliest start that may be asked for.
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Index("overview_periods_by_time", "overview_id", "span", "first", unique=True),
)
"""Periods whose parts are told of, since the revision `valid_from`."""

overview_parts = Table(
    "overview_parts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("period_id", Integer, ForeignKey("overview_periods.id"), nullable=False),
    Column("zoom", Integer, nullable=False),
    Column("row_at", Integer, nullable=False),
    Column("col_at", Integer, nullable=False),
    # Null where the part has to be made.
    Column("number", BigInteger),
    Column("bands", Text, nullable=False, default=""),
    # Where the window slides: the start that the cells were made for.
    Column("since", BigInteger),
    # Reference times of the scenes.
    Column("oldest", BigInteger),
    Column("newest", BigInteger),
    # The last revision that changed what a part to be made holds.
    Column("changed", BigInteger, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger, nullable=False, default=OPEN),
    Index("overview_parts_by_place", "period_id", "zoom", "row_at", "col_at", "valid_to"),
    Index("overview_parts_to_make", "valid_to", "number"),
)
"""Parts by revision: a place without a row has no scene; one without a number is to be made."""

overview_numbers = Table(
    "overview_numbers",
    metadata,
    Column("overview_id", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("zoom", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
)
"""Parts whose cells are being written, or are no longer told of, since when."""
