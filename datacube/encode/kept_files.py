"""Finished maps on disk, which outlive the server and are shared by its processes."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from logging import getLogger
from pathlib import Path
from threading import Lock

from isal import isal_zlib

from datacube.encode.kept import KeptDocuments

_LOG = getLogger(__name__)
_CHECK_BYTES = 4
_ENDING = ".picture"
_SWEPT_AT = 1 / 20
"""Part of all bytes after whose writing the folder is looked through."""
_LEFT = 0.9
"""Part of all bytes that is left when some have to go."""


@dataclass(slots=True)
class KeptFiles:
    """Maps by ETag in memory, and behind it in the files of a folder.

    Equal ETags stand for equal bytes, of whatever process and time, so nothing grows old; the
    files that were not asked for longest are removed. A folder that cannot be read or written
    costs its use and no answer. Safe on threads and for several processes.
    """

    memory: KeptDocuments
    folder: Path
    most_bytes: int
    """Length of all files; each process may write a twentieth more before it removes some."""
    _since_sweep: int = 0
    _told: bool = False
    _lock: Lock = field(default_factory=Lock)

    def find(self, key: str) -> bytes | None:
        """Return the map of an ETag where it is kept."""
        found = self.memory.find(key)
        if found is not None:
            return found
        path = self._path(key)
        try:
            data = path.read_bytes()
            # Its age is that of its last use.
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        body = data[:-_CHECK_BYTES]
        if _checksum(body) != data[-_CHECK_BYTES:]:
            # Half a file is what a machine leaves that went down.
            self._remove(path)
            return None
        return self.memory.keep(key, body)

    def keep(self, key: str, made: bytes) -> bytes:
        """Keep a map; return it."""
        self.memory.keep(key, made)
        path = self._path(key)
        draft = path.with_name(f"{path.stem}-{secrets.token_hex(8)}.draft")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(made + _checksum(made))
            draft.replace(path)
        except OSError as error:
            self._tell(error)
            self._remove(draft)
            return made
        with self._lock:
            self._since_sweep += len(made)
            due = self._since_sweep > self.most_bytes * _SWEPT_AT
            if due:
                self._since_sweep = 0
        if due:
            self._sweep()
        return made

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{_ENDING}"

    def _sweep(self) -> None:
        """Remove the files that were not used longest, where all are too long."""
        found = []
        for path in self.folder.glob("??/*"):
            with suppress(OSError):
                told = path.stat()
                found.append((told.st_mtime_ns, told.st_size, path))
        held = sum(size for _, size, _ in found)
        if held <= self.most_bytes:
            return
        for _, size, path in sorted(found):
            self._remove(path)
            held -= size
            if held <= self.most_bytes * _LEFT:
                return

    def _remove(self, path: Path) -> None:
        with suppress(OSError):
            path.unlink()

    def _tell(self, error: OSError) -> None:
        """Log the first trouble: the next thousand say the same."""
        if not self._told:
            self._told = True
            _LOG.warning("maps are not kept in %s: %s", self.folder, error)


def _checksum(body: bytes) -> bytes:
    return int(isal_zlib.crc32(body)).to_bytes(_CHECK_BYTES, "little")
