"""What a server loads before it answers, counted and not timed."""

import subprocess
import sys

from tests.conftest import REPOSITORY

HEAVY = ("pandas", "xarray", "dask.array", "distributed", "matplotlib", "scipy.sparse")
"""Each takes a good part of a second; a server needs them for rare requests only."""


def test_a_server_loads_nothing_heavy_that_it_rarely_needs() -> None:
    script = f"import copernicube.app, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(  # fixed arguments
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.stdout.strip() == "[]"
