"""Named styles: rows that stand in `[from, to)`, like all that the catalogue tells."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, insert, inspect, select, update

from datacube.catalog.codec import Json
from datacube.catalog.tables import OPEN, styles, valid_at
from datacube.errors import UnknownNameError
from datacube.protocols import StoredStyle


def style_changes(add: Sequence[StoredStyle], remove: Sequence[tuple[str, str]]) -> Json:
    """Return the part of a commit record that `apply_styles` reads."""
    return {
        "styles": [
            *({"target": target, "name": name, "style": None} for target, name in remove),
            *(
                {"target": one.target, "name": one.name, "style": json.loads(one.definition)}
                for one in add
            ),
        ]
    }


def apply_styles(connection: Connection, revision: int, changes: Sequence[Json]) -> None:
    """Write the rows that a commit record calls for; what is added ends what stood there.

    Raises
    ------
    UnknownNameError
        If a style to be removed does not stand.
    """
    for change in changes:
        key = {"target": change["target"], "name": change["name"]}
        ended = connection.execute(
            update(styles)
            .where(styles.c.valid_to == OPEN, *(styles.c[k] == v for k, v in key.items()))
            .values(valid_to=revision)
        )
        if change["style"] is None:
            if not ended.rowcount:
                raise UnknownNameError("style", change["name"])
            continue
        text = json.dumps(
            change["style"], sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        connection.execute(
            insert(styles).values(**key, definition=text, valid_from=revision, valid_to=OPEN)
        )


def load_styles(connection: Connection, revision: int) -> tuple[StoredStyle, ...]:
    """Return the styles that stand at a revision, by target and name."""
    # A catalogue that was made before there were styles, and may only be read, has no table.
    if not inspect(connection).has_table(styles.name):
        return ()
    rows = connection.execute(
        select(styles.c.target, styles.c.name, styles.c.definition)
        .where(valid_at(styles, revision))
        .order_by(styles.c.target, styles.c.name)
    )
    return tuple(
        StoredStyle(name=row.name, target=row.target, definition=row.definition) for row in rows
    )
