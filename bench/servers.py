"""Servers on loopback, alone in their processes."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.data import ROOT

START_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers at a port."""

    port: int
    pid: int

    def memory_mb(self) -> float:
        """Return the resident memory at its peak since `forget_peak`, of all its processes."""
        return sum(_status_kb(pid, "VmHWM") for pid in self._pids()) / 1024

    def cpu_s(self) -> float:
        """Return the processor time that was taken since the start."""
        ticks = 0
        for pid in self._pids():
            # Behind the name, which may hold blanks: user and system time, proc(5).
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        """Begin to measure the peak anew."""
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@contextmanager
def serving(arguments: list[str], port: int) -> Iterator[Server]:
    """Run Python with arguments until the block ends; give the server once it accepts.

    Raises
    ------
    RuntimeError
        If it does not start.
    """
    process = subprocess.Popen(  # noqa: S603  # fixed arguments
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        yield Server(port=port, pid=process.pid)
    finally:
        process.terminate()
        process.wait(timeout=START_S)


@contextmanager
def copernicube_serving(store: Path, *, workers: int = 1) -> Iterator[Server]:
    """Serve a store until the block ends."""
    port = free_port()
    arguments = ["-m", "copernicube", "serve", "--store", str(store), "--port", str(port)]
    with serving([*arguments, "--workers", str(workers)], port) as server:
        yield server


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server on port {port} did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _status_kb(pid: int, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
