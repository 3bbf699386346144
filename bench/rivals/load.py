"""The same load for every server: wrk, or threads where it is not installed."""

import itertools
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

from bench.data import CACHE

CONNECTIONS = 4
CLIENT_CORE = "1"
"""The core that the client is held to, whatever it loads."""
_ANSWER_S = 60.0
_LUA = Path(__file__).with_name("paths.lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a server did under load."""

    a_second: float
    median_s: float
    p99_s: float
    answer_bytes: float
    """Mean size of an answer with its headers."""


def client() -> str:
    """Name what drives the servers."""
    return "wrk" if shutil.which("wrk") else "threads of Python"


def drive(port: int, paths: Sequence[str], seconds: float, *, first: int = 0) -> Rate:
    """Ask for paths in turn, over and over from number `first`, on four connections.

    Raises
    ------
    RuntimeError
        If an answer is not 200, or does not come.
    """
    if shutil.which("wrk"):
        return _wrk(port, paths, seconds, first)
    return _threads(port, paths, seconds, first)


def wake(port: int, paths: Sequence[str]) -> None:
    """Wait for one answer to each path, asked for at once: some servers compile at their first.

    Raises
    ------
    RuntimeError
        If an answer is not 200.
    """

    def ask(path: str) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")

    with ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(ask, paths))


def _wrk(port: int, paths: Sequence[str], seconds: float, first: int) -> Rate:
    listed = CACHE.parent / "peers" / "paths.txt"
    listed.write_text("\n".join(paths) + "\n")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", f"--timeout={_ANSWER_S:.0f}"]
    if shutil.which("taskset"):
        command = ["taskset", "-c", CLIENT_CORE, *command]
    command += ["-s", str(_LUA), f"http://127.0.0.1:{port}", "--", str(listed), str(first)]
    done = subprocess.run(  # noqa: S603  # fixed arguments
        command, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    if told["errors"] or not told["requests"]:
        raise RuntimeError(f"{paths[0]} and others at port {port}: {told}")
    return Rate(
        a_second=told["requests"] / told["seconds"],
        median_s=told["median_us"] / 1e6,
        p99_s=told["p99_us"] / 1e6,
        answer_bytes=told["bytes"] / told["requests"],
    )


def _threads(port: int, paths: Sequence[str], seconds: float, first: int) -> Rate:
    numbers = itertools.count(first)
    begun = time.monotonic()
    waits: list[float] = []
    sizes: list[int] = []
    failures: list[str] = []

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
        while time.monotonic() < begun + seconds and not failures:
            start = time.monotonic()
            path = paths[next(numbers) % len(paths)]
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                failures.append(f"{path}: {answer.status} {body[:200]!r}")
            waits.append(time.monotonic() - start)
            sizes.append(len(body))
        connection.close()

    clients = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    if failures or len(waits) < 2:
        raise RuntimeError(f"port {port}: {failures or 'no answer'}")
    cuts = quantiles(waits, n=100)
    return Rate(
        a_second=len(waits) / (time.monotonic() - begun),
        median_s=cuts[49],
        p99_s=cuts[98],
        answer_bytes=sum(sizes) / len(sizes),
    )
