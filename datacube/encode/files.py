"""Temporary files of answers."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_path(suffix: str) -> Iterator[Path]:
    """Give the path of a new empty file in `TMPDIR`; it is deleted if the block fails."""
    handle, name = tempfile.mkstemp(prefix="copernicube-", suffix=suffix)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    except BaseException:
        path.unlink(missing_ok=True)
        raise
