"""Background work beside the server: one bounded piece after the other, at low priority.

It runs in a process of its own, so that it never holds the interpreter of one that answers. Of
all processes over one catalogue one at a time does a chore, under a lease that it renews;
a lease guards against double work only, never against wrong results.
"""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Protocol

from datacube.errors import CubeError

IDLE_S = 1.0
"""Pause after a round in which no chore had work left."""
FAILED_S = 30.0
"""Pause of a chore that failed."""
STOP_S = 20.0
"""How long a stopping server waits for the piece of work that is under way."""
_NICENESS = 15
_LOG = logging.getLogger(__name__)


class Chore(Protocol):
    """Work that is never finished for good, such as what is derived from scenes."""

    @property
    def name(self) -> str:
        """What it is called in leases and logs: lower case, unique."""
        ...

    def step(self) -> bool:
        """Do one piece of work, some seconds long at most; return whether more is left.

        It may be stopped between two steps, and another process may take the next one.
        Where there is nothing to do it costs next to nothing: it is asked every second.
        """
        ...


class Lease(Protocol):
    """Says which process does a chore."""

    def take(self, name: str) -> bool:
        """Take or keep the lease of a chore; False while another process has it."""
        ...

    def give_back(self) -> None:
        """Let others take what this process holds."""
        ...


class Upkeep:
    """Does chores in turn until it is stopped."""

    def __init__(self, chores: Sequence[Chore], lease: Lease, *, idle_s: float = IDLE_S) -> None:
        self._chores = tuple(chores)
        self._lease = lease
        self._idle_s = idle_s
        self._resting: dict[str, float] = {}
        """Until when a chore that failed is left alone, by the monotonic clock."""

    def round(self) -> bool:
        """Do one step of each chore whose lease is free; return whether any has more to do.

        A chore that fails is logged and left alone for `FAILED_S`.
        """
        more = False
        for chore in self._chores:
            if monotonic() < self._resting.get(chore.name, 0.0):
                continue
            try:
                more |= self._lease.take(chore.name) and chore.step()
            except CubeError as error:
                _LOG.warning("upkeep of %s failed: %s", chore.name, error)
                self._resting[chore.name] = monotonic() + FAILED_S
        return more

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set; then give the leases back."""
        try:
            while not stop.is_set():
                if not self.round():
                    stop.wait(self._idle_s)
        finally:
            with contextlib.suppress(CubeError):
                self._lease.give_back()


@contextlib.contextmanager
def beside(*, enabled: bool) -> Iterator[None]:
    """Keep a process that does the upkeep, with the settings in the environment, while inside.

    It ends with this process, however that ends: its standard input closes then.
    """
    if not enabled:
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "copernicube.upkeep"], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            # Whatever it was making was not committed, and is made again.
            process.kill()
            process.wait()


def main() -> None:
    """Do the chores of the store in the settings until standard input closes."""
    from copernicube.chores import make_upkeep  # noqa: PLC0415 - chores need this module's names
    from copernicube.config import load_settings  # noqa: PLC0415 - as above

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    stop = threading.Event()

    def wait_for_end() -> None:
        with contextlib.suppress(OSError):
            sys.stdin.buffer.read()
        stop.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    _leave_interrupts_to_the_server()
    try:
        upkeep = make_upkeep(load_settings())
    except CubeError as error:
        _LOG.warning("no upkeep: %s", error)
        return
    upkeep.run(stop)


def _leave_interrupts_to_the_server() -> None:
    """Ctrl-C reaches every process of a terminal; this one ends when its server does."""
    import signal  # noqa: PLC0415 - only this process changes signals

    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
