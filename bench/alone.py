"""One query alone in its process: how long it takes, and its memory above the idle process."""

import subprocess
import sys
from pathlib import Path

from bench.data import ROOT

_CHILD = """
import re, sys, time
from pathlib import Path
from copernicube.wiring import open_local
from datacube.protocols import Limits

def status(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

store, before, text = sys.argv[1:]
local = open_local(store, read_only=True, limits=Limits(decoded_bytes=2**40, seconds=3600))
ask = local.engine.session().query
list(ask(before))
idle = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
start = time.monotonic()
list(ask(text))
print(time.monotonic() - start, status("VmHWM") - idle)
"""


def alone(store: Path, query: str, *, before: str) -> tuple[float, int]:
    """Return seconds and bytes at the peak; `before` is a small query of the idle process.

    Raises
    ------
    RuntimeError
        If the query fails.
    """
    done = subprocess.run(  # noqa: S603  # fixed arguments
        [sys.executable, "-c", _CHILD, str(store), before, query],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{query} failed:\n{done.stderr}")
    took, peak = done.stdout.split()
    return float(took), int(peak)
