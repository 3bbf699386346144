"""Work for the workers of a test, which import it by name."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def where(piece: int) -> int:
    """Return the process that does a piece of work, which takes a moment."""
    time.sleep(0.05 + 0 * piece)
    return os.getpid()


def dying[T, R](marker: Path, work: Callable[[T], R], piece: T) -> R:
    """Do a piece of work; the process that does the first one dies after it, unheard."""
    made = work(piece)
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return made
    os.kill(os.getpid(), signal.SIGKILL)
    return made


def slow(folder: Path, piece: int) -> int:
    """Tell that a piece was begun, and take a while."""
    (folder / str(piece)).touch()
    time.sleep(0.5)
    return piece
