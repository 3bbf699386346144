"""A PostgreSQL server of its own, with the programs that the system has."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest

PASSWORD = "not-to-be-told"  # noqa: S105 - of a server that lives as long as a test
START_S = 60.0


def programs() -> Path:
    """Return the folder of the server's programs; skip where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if on_path is None and not found:
        pytest.skip("needs PostgreSQL: Debian has it as postgresql")
    return Path(on_path).parent if on_path else found[-1].parent


class PostgresServer:
    """A cluster on a free port of loopback, which may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = programs()
        # The server refuses to run as root.
        self._user = None if os.geteuid() else _other_user()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, schema: str, *, password: str = PASSWORD) -> str:
        """Return the address of a catalogue."""
        return f"postgresql://owner:{password}@127.0.0.1:{self.port}/postgres?schema={schema}"

    def create(self) -> None:
        """Make the files of the cluster."""
        (self._folder / "password").write_text(PASSWORD)
        if self._user is not None:
            for path in (self._folder, self._folder / "password"):
                shutil.chown(path, self._user)
        subprocess.run(
            [
                *(self._bin / "initdb", "--pgdata", self._folder / "data", "--username", "owner"),
                *("--auth", "scram-sha-256", "--pwfile", self._folder / "password"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self._folder,
        )

    def start(self) -> None:
        """Start, and wait until the server answers."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
        }
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._bin / "postgres", "-D", self._folder / "data"),
                    *(part for k, v in settings.items() for part in ("-c", f"{k}={v}")),
                ],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._folder,
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.ask("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, by a connection of its own."""
        address = self.address("public").partition("?")[0]
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def _other_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def postgres_running() -> Iterator[PostgresServer]:
    """Give a running server, whose files are deleted at the end."""
    programs()
    folder = Path(mkdtemp(prefix="copernicube-postgres-"))
    server = PostgresServer(folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
