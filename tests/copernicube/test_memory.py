"""What a process keeps of the arrays that it has freed, by the kernel's own count."""

import subprocess
import sys

import pytest

LARGE = """
import sys
import numpy as np
from copernicube.memory import return_freed_memory

def anonymous_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024

if sys.argv[1] == "returned":
    return_freed_memory()
del_first = np.ones(2**20)
del del_first  # So glibc learns how large an array may be that it keeps.
before = anonymous_mb()
arrays = [np.ones(2**20) for _ in range(20)]
last = arrays.pop()
arrays.clear()
print(anonymous_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc and /proc")
@pytest.mark.parametrize(("kind", "kept_mb"), [("returned", (0, 20)), ("usual", (100, 200))])
def test_large_arrays_are_given_back(kind: str, kept_mb: tuple[int, int]) -> None:
    """Of 160 MB all but the last 8 MB are freed; as glibc does it they would stay below it."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE, kind], capture_output=True, text=True, check=True
    )
    assert kept_mb[0] <= float(done.stdout) < kept_mb[1]
