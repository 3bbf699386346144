"""How the C library's allocator treats large arrays."""

import ctypes

_ARENA_MAX, _MMAP_MAX, _TRIM_THRESHOLD = -8, -4, -1
"""Numbers of glibc's <malloc.h>."""
_KEPT_BYTES = 2**30


def keep_freed_memory() -> None:
    """Keep up to 1 GB that arrays free for those that are made next, in this process.

    glibc maps each large array anew, and the kernel clears its pages: that is half of the
    system time of an ingest. Of no effect with other C libraries.
    """
    try:
        allocator = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for option, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEPT_BYTES)):
        allocator(option, value)
