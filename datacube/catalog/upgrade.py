"""Catalogues of earlier versions of the tables, brought up to this one."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, update

from datacube.catalog.tables import OPEN, acquisition_years, acquisitions, cubes, meta, slots

WITHOUT_YEARS = 1
"""The version that had no `acquisition_years`; other tables are the same."""

_MICROSECONDS_PER_DAY = 86_400_000_000

type _History = NDArray[np.int64]
"""From and to which revision a time was in the list, and the time, as there: `(n, 5)`."""


def upgrade(connection: Connection, found: int) -> None:
    """Fill tables that version `found` had not, and raise the version; unknown ones stay as is.

    Indices that are missing are made: with them no answer changes.
    """
    for index in slots.indexes:
        index.create(connection, checkfirst=True)
    if found != WITHOUT_YEARS:
        return
    for cube_id in connection.execute(select(cubes.c.id)).scalars().all():
        rows = connection.execute(
            select(
                acquisitions.c.valid_from,
                acquisitions.c.valid_to,
                acquisitions.c.reference,
                acquisitions.c.first,
                acquisitions.c.last,
            ).where(acquisitions.c.cube_id == cube_id)
        )
        history = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 5)
        years = history[:, 2].astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
        for year in np.unique(years).tolist():
            spans = _spans(history[years == year])
            if spans:
                connection.execute(
                    insert(acquisition_years),
                    [{"cube_id": cube_id, "year": year} | span for span in spans],
                )
    connection.execute(
        update(meta).where(meta.c.name == "schema_version").values(value=WITHOUT_YEARS + 1)
    )


def _spans(history: _History) -> list[dict[str, int]]:
    """Return what is told of a year, and from which revision to which."""
    begun, ended = history[:, 0], history[:, 1]
    turns = np.unique(np.concatenate([begun, ended[ended < OPEN]])).tolist()
    found: list[dict[str, int]] = []
    for start, stop in zip(turns, [*turns[1:], OPEN], strict=True):
        times = history[(begun <= start) & (ended > start), 2:]
        held = times[:, 0]
        if len(held):
            days = len(np.unique(held // _MICROSECONDS_PER_DAY))
            told = {"times": len(held), "days": days, "valid_from": start, "valid_to": stop}
            told |= {"first": int(held.min()), "last": int(held.max())}
            found.append(
                told | {"earliest": int(times[:, 1].min()), "latest": int(times[:, 2].max())}
            )
    return found
