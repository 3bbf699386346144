"""A Dask cluster of real processes on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.builders.served import REPOSITORY

START_S = 60.0


@contextmanager
def started(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a `dask` command in a process group of its own, killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | dict(environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def dask_scheduler(folder: Path) -> Iterator[str]:
    """Run a scheduler without workers; gives its address."""
    told = folder / "scheduler.json"
    arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with started("scheduler", *arguments, "--scheduler-file", str(told)):
        deadline = time.monotonic() + START_S
        while not told.exists() or not told.read_text():
            if time.monotonic() > deadline:
                raise AssertionError("the scheduler does not start")
            time.sleep(0.1)
        yield str(json.loads(told.read_text())["address"])


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Run a scheduler and workers of one thread each; gives the scheduler's address."""
    with ExitStack() as stack:
        address = stack.enter_context(dask_scheduler(folder))
        for number in range(workers):
            stack.enter_context(started("worker", address, *worker_options(folder, number)))
        yield address


def worker_options(folder: Path, number: int) -> Sequence[str]:
    """Return how a worker of the tests is started."""
    place = folder / f"worker-{number}"
    return (
        *("--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard"),
        *("--local-directory", str(place), "--death-timeout", "60"),
    )
