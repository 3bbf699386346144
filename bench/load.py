"""Tiles for 1,000 connections at once: how many, who is told to come again, and the memory."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from bench import data
from bench.crowd import Crowd, Outcome
from bench.http import get_map
from bench.measure import Row
from bench.mercator import tiles
from bench.servers import copernicube_serving

CONNECTIONS = 1000
FEW = 16
"""Connections of the run that those of 1,000 are compared with."""
SECONDS = float(os.environ.get("BENCH_LOAD_SECONDS", "60"))
"""How long the 1,000 ask; the few ask a sixth of it before, and a sixth after."""
ZOOMS = (14, 13, 12, 11)
TILES = 100
"""Of each zoom."""
_SAMPLE_S = 1.0


@dataclass(slots=True)
class _Memory:
    """Resident memory of a process, sampled."""

    mb: list[float] = field(default_factory=list)

    def told(self) -> str:
        """Return the mean of the second quarter, of the last, and the greatest of all."""
        quarter = max(1, len(self.mb) // 4)
        early, late = self.mb[quarter : 2 * quarter] or self.mb, self.mb[-quarter:]
        return (
            f"memory {sum(early) / len(early):.0f} MB in the second quarter, "
            f"{sum(late) / len(late):.0f} MB in the last, {max(self.mb):.0f} MB at most"
        )


def rows() -> Iterator[Row]:
    """Yield one row: wall time by tiles answered; the bare work is that of few connections."""
    paths = [get_map(tile) for zoom in ZOOMS for tile in tiles(zoom, TILES)]
    with copernicube_serving(data.big_store()) as server:

        def run(connections: int, seconds: float) -> Outcome:
            crowd = Crowd(port=server.port, paths=paths, connections=connections, seconds=seconds)
            return crowd.run()

        run(FEW, min(SECONDS / 3, 10))
        # A virtual machine's cores are not as fast in one minute as in the next.
        few = run(FEW, SECONDS / 6)
        with _sampled(server.pid) as memory:
            many = run(CONNECTIONS, SECONDS)
        few.add(run(FEW, SECONDS / 6))
    yield Row(
        what=f"tile for {CONNECTIONS:,} connections in {many.seconds:.0f} s; bare: {FEW}",
        ours_s=1 / many.a_second,
        bare_s=1 / few.a_second,
        note=f"{_statuses(many)}, {_waits(many)}; {FEW}: {_waits(few)}; {memory.told()}",
    )


def _statuses(told: Outcome) -> str:
    parts = [f"{number:,} with {status}" for status, number in sorted(told.statuses.items())]
    if told.unexplained:
        parts.append(f"{told.unexplained} of them without Retry-After")
    return ", ".join([*parts, *(f"{number} {name}" for name, number in told.failures.items())])


def _waits(told: Outcome) -> str:
    cuts = quantiles(told.waits_s, n=100)
    return f"{told.a_second:.0f} tiles/s, median {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s"


@contextmanager
def _sampled(pid: int) -> Iterator[_Memory]:
    memory, ended = _Memory(), threading.Event()

    def sample() -> None:
        while True:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            memory.mb.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
            if ended.wait(_SAMPLE_S):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()
