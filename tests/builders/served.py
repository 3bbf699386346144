"""A real server on loopback, over a real store."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 60.0


def run_copernicube(
    *arguments: str | Path, check: bool = True, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "copernicube", *map(str, arguments)],
        cwd=REPOSITORY,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"{arguments} failed with {done.returncode}:\n{done.stderr}")
    return done


@contextmanager
def served(store: Path | str, *, workers: int = 1, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve `store` on a free port of loopback; gives the address without a slash at its end."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    url = f"http://{host}:{port}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "copernicube", "serve", "--store", str(store)),
            *("--host", host, "--port", str(port), "--workers", str(workers)),
        ],
        cwd=REPOSITORY,
        # The upkeep writes, and stores that tests share are never written to.
        env={"COPERNICUBE_UPKEEP": "off"} | os.environ,
        start_new_session=True,
    )
    try:
        _wait(url, process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}")
        try:
            if httpx2.get(f"{url}/", timeout=2).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {url} within {START_S:g} s")
