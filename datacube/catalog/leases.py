"""Leases on work that one process at a time does."""

import os
import socket
import uuid
from contextlib import AbstractContextManager
from time import time
from typing import Protocol

from sqlalchemy import BigInteger, Column, Connection, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from datacube.catalog.tables import metadata

LEASE_S = 60.0
"""How long a lease outlives the process that has it."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(255), nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)
"""`ends_at` is in microseconds since 1970, by the clock of the holder's machine."""


class Transactions(Protocol):
    """A database, as far as leases and overviews use it."""

    def read(self) -> AbstractContextManager[Connection]:
        """Give a connection for reading."""
        ...

    def write(self) -> AbstractContextManager[Connection]:
        """Give a connection that commits unless the body raises."""
        ...


class CatalogLease:
    """The leases of one process, rows of the catalogue; implements `copernicube.upkeep.Lease`."""

    def __init__(self, database: Transactions, *, seconds: float = LEASE_S) -> None:
        self._database = database
        self._seconds = seconds
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        self._ends: dict[str, float] = {}

    def take(self, name: str) -> bool:
        """Take or keep a lease; False while another process has it.

        Costs nothing in the first half of a lease that is held, one read while another has it.
        """
        now = time()
        if self._ends.get(name, 0.0) - now > self._seconds / 2:
            return True
        self._ends.pop(name, None)
        query = select(leases.c.holder, leases.c.ends_at).where(leases.c.name == name)
        with self._database.read() as connection:
            held = connection.execute(query).one_or_none()
        if held is not None and held.holder != self._holder and held.ends_at > now * 1e6:
            return False
        taken = self._renew(name, now) if held is not None else self._begin(name, now)
        if taken:
            self._ends[name] = now + self._seconds
        return taken

    def _renew(self, name: str, now: float) -> bool:
        free = (leases.c.holder == self._holder) | (leases.c.ends_at <= int(now * 1e6))
        with self._database.write() as connection:
            changed = connection.execute(
                update(leases)
                .where(leases.c.name == name, free)
                .values(holder=self._holder, ends_at=self._until(now))
            )
        return bool(changed.rowcount)

    def _begin(self, name: str, now: float) -> bool:
        values = {"name": name, "holder": self._holder, "ends_at": self._until(now)}
        try:
            with self._database.write() as connection:
                connection.execute(insert(leases).values(**values))
        except IntegrityError:
            return False
        return True

    def _until(self, now: float) -> int:
        return int((now + self._seconds) * 1e6)

    def give_back(self) -> None:
        """Let others take what this process holds."""
        if not self._ends:
            return
        with self._database.write() as connection:
            connection.execute(delete(leases).where(leases.c.holder == self._holder))
        self._ends.clear()
