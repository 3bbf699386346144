"""Servers on loopback, alone in their processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.data import ROOT

START_S = 60.0
END_S = 10.0


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

    def worker_memory_mb(self) -> float:
        """Return the resident memory at its peak of the process that took most."""
        return max(_status_kb(pid, "VmHWM") for pid in self._pids()) / 1024

    def forget_peak(self) -> None:
        """Begin to measure the peak anew."""
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@contextmanager
def running(
    command: Sequence[str], port: int, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a command until the block ends, with settings in its environment.

    The server is given once something accepts at the port.

    Raises
    ------
    RuntimeError
        If it does not start.
    """
    process = subprocess.Popen(  # noqa: S603  # fixed arguments
        command,
        cwd=ROOT,
        env=os.environ | (settings or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process, port)
        yield Server(port=port, pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            # Its children, too: MapServer's wait for a request before they end.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=START_S)


@contextmanager
def serving(
    arguments: list[str], port: int, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run Python as `running` runs a command; it may import from the checkout."""
    found = {"PYTHONPATH": str(ROOT), **(settings or {})}
    with running([sys.executable, *arguments], port, found) as server:
        yield server


@contextmanager
def copernicube_serving(
    store: Path, *, workers: int = 1, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve a store until the block ends, with settings in the environment.

    Nothing is derived beside it, unless they say so: what is measured stays as it was made, and
    of most slots of the made-up archive there are no cells to derive from.
    """
    settings = {"COPERNICUBE_UPKEEP": "off"} | dict(settings or {})
    port = free_port()
    arguments = ["-m", "copernicube", "serve", "--store", str(store), "--port", str(port)]
    with serving([*arguments, "--workers", str(workers)], port, settings) as server:
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
