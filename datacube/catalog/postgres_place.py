"""Addresses of catalogues in PostgreSQL."""

import re
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from datacube.errors import InvalidParameterError

SCHEMES = ("postgresql://", "postgres://")
SCHEMA = "copernicube"
"""Schema of a catalogue whose address names none."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPlace:
    """Where a catalogue lies: a schema of a database."""

    url: URL = field(repr=False)
    """For SQLAlchemy, without the schema."""
    schema: str

    @classmethod
    def parse(cls, address: str) -> Self:
        """Read `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME`.

        What else stands behind `?` goes to libpq, such as `sslmode` or the `host` of a socket.

        Raises
        ------
        InvalidParameterError
            If it cannot be read; the message does not repeat it, as it may hold a password.
        """
        _, _, rest = address.partition("://")
        try:
            url = make_url(f"postgresql+psycopg://{rest}")
        except (ArgumentError, ValueError):
            raise InvalidParameterError(
                "the address of the catalogue cannot be read; "
                "it is written postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
                parameter="catalog",
            ) from None
        schema = url.query.get("schema", SCHEMA)
        if not isinstance(schema, str) or not _NAME.fullmatch(schema):
            raise InvalidParameterError(
                f"schema={schema!r} in the address of the catalogue must be one name of "
                "lower-case letters, digits and '_'",
                parameter="catalog",
            )
        return cls(url=url.difference_update_query(["schema"]), schema=schema)

    @property
    def address(self) -> str:
        """What `parse` reads; it may hold a password."""
        url = self.url.set(drivername="postgresql").update_query_dict({"schema": self.schema})
        return url.render_as_string(hide_password=False)

    @property
    def shown(self) -> str:
        """What messages may say: neither user nor password nor options."""
        port = f":{self.url.port}" if self.url.port else ""
        return f"postgresql://{self.url.host or ''}{port}/{self.url.database or ''}"

    @property
    def options(self) -> str:
        """Options of each session: names of tables mean those of the schema."""
        given = self.url.query.get("options", ())
        said = (given,) if isinstance(given, str) else given
        return " ".join((*said, f"-c search_path={self.schema}"))
