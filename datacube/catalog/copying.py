"""A temporary copy of a SQLite file that cannot be opened where it lies."""

import contextlib
import shutil
import tempfile
import time
import weakref
from pathlib import Path

from datacube.errors import StoreError

COPY_CHECK_S = 0.25
"""How often the original is compared with its copy."""
COPY_ATTEMPTS = 20

type _Signature = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of change of each part; None where a part is missing."""


class FileCopy:
    """A copy, with its `-wal`, of a catalogue that cannot be opened in place."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._folder = Path(tempfile.mkdtemp(prefix="copernicube-catalog-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._turn = 0
        self._checked = time.monotonic()
        self._signature = self._copy()

    @property
    def path(self) -> Path:
        """The newest copy."""
        return self._folder / f"{self._turn}.sqlite"

    def renewed(self) -> Path | None:
        """Copy again where the source changed; return the new copy, or None."""
        now = time.monotonic()
        if now - self._checked < COPY_CHECK_S:
            return None
        self._checked = now
        if self._signed() == self._signature:
            return None
        for old in self._folder.glob(f"{self._turn - 1}.sqlite*"):
            old.unlink(missing_ok=True)
        self._turn += 1
        self._signature = self._copy()
        return self.path

    def close(self) -> None:
        """Remove the temporary folder."""
        self._finalizer()

    def _parts(self) -> tuple[Path, Path]:
        return self._source, self._source.with_name(self._source.name + "-wal")

    def _signed(self) -> _Signature:
        signature: list[tuple[int, int, int] | None] = []
        for part in self._parts():
            try:
                state = part.stat()
            except FileNotFoundError:
                signature.append(None)
            else:
                signature.append((state.st_ino, state.st_size, state.st_mtime_ns))
        return tuple(signature)

    def _copy(self) -> _Signature:
        for _ in range(COPY_ATTEMPTS):
            before = self._signed()
            for part, suffix in zip(self._parts(), ("", "-wal"), strict=True):
                target = Path(f"{self.path}{suffix}")
                target.unlink(missing_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(part, target)
            if before == self._signed():
                return before
            time.sleep(0.05)
        raise StoreError(f"{self._source} changed during each of {COPY_ATTEMPTS} copies of it")
