"""How the C library's allocator treats large arrays."""

import ctypes
from collections.abc import Mapping

_ARENA_MAX, _MMAP_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -4, -3, -1
"""Numbers of glibc's <malloc.h>."""
_KEPT_BYTES = 2**30
_RETURNED_BYTES = 2**22
_TOP_BYTES = 2**24


def keep_freed_memory() -> None:
    """Keep up to 1 GB that arrays free for those that are made next, in this process.

    glibc maps each large array anew, and the kernel clears its pages: that is half of the
    system time of an ingest. Of no effect with other C libraries.
    """
    _set({_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: _KEPT_BYTES})


def return_freed_memory() -> None:
    """Give arrays above 4 MB back to the system as soon as they are freed, in this process.

    glibc learns from the first large array that is freed to keep up to 32 MB, for each
    thread anew: twice what a large answer holds at once. Smaller arrays, of which tiles are
    made, are kept, so they take no longer. Of no effect with other C libraries.
    """
    _set({_MMAP_THRESHOLD: _RETURNED_BYTES, _TRIM_THRESHOLD: _TOP_BYTES})


def _set(options: Mapping[int, int]) -> None:
    try:
        allocator = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for option, value in options.items():
        allocator(option, value)
