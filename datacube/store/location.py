"""Where the bytes of a store lie: a folder; `objects` has those in an object store.

Keys are relative and use `/`. What is written once is never written again.
"""

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from zarr.abc.store import Store
from zarr.storage import LocalStore

from datacube.errors import StoreError, StoreFullError, StoreReadOnlyError

_SYNC_THREADS = 8
_PARTIAL = ".partial"
"""Ending of files that are being written; no reader knows them."""


class Location(Protocol):
    """The few things a store does with bytes."""

    name: str
    """As the user wrote it; of a folder its absolute path."""
    local: bool

    def zarr_store(self) -> Store:
        """Return a read-only Zarr store of all keys."""
        ...

    def exists(self, key: str) -> bool:
        """Tell whether `key` was written."""
        ...

    def get(self, key: str) -> bytes:
        """Return what was written; FileNotFoundError where it is missing."""
        ...

    def read_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return parts of what was written, each `(offset, length)`.

        FileNotFoundError where `key` is missing.
        """
        ...

    def read_end(self, key: str, length: int) -> bytes:
        """Return the last `length` bytes of what was written, or all where it has fewer.

        FileNotFoundError where `key` is missing.
        """
        ...

    def put_new(self, key: str, data: bytes) -> bool:
        """Write `key` whole where it is missing; False where it exists. Not yet durable."""
        ...

    def put_parts(self, key: str, parts: Iterable[bytes]) -> int:
        """Write or replace `key` from parts one after another; return its bytes. Not yet durable.

        Nothing is written where making the parts fails.
        """
        ...

    def put(self, key: str, data: bytes) -> None:
        """Write or replace `key` whole and durably."""
        ...

    def children(self, prefix: str) -> Iterable[str]:
        """Names directly below `prefix`: folders and objects; empty where it is missing."""
        ...

    def sync(self, prefixes: Iterable[str]) -> None:
        """Make everything below `prefixes`, and the way to it, durable."""
        ...

    def remove(self, prefix: str) -> None:
        """Delete everything below `prefix`, which may be missing: derived data only."""
        ...


class Folder:
    """A store in a folder of a file system."""

    local = True

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.name = str(self.path)

    def zarr_store(self) -> Store:
        """Return a read-only Zarr store of all keys."""
        return LocalStore(self.path, read_only=True)

    def exists(self, key: str) -> bool:
        """Tell whether `key` was written."""
        try:
            os.stat(f"{self.path}/{key}")  # noqa: PTH116 - a Path costs as much as the call
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def get(self, key: str) -> bytes:
        """Return what was written; FileNotFoundError where it is missing."""
        return (self.path / key).read_bytes()

    def read_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return parts of what was written, each `(offset, length)`."""
        descriptor = os.open(f"{self.path}/{key}", os.O_RDONLY)
        try:
            return [os.pread(descriptor, length, offset) for offset, length in ranges]
        finally:
            os.close(descriptor)

    def read_end(self, key: str, length: int) -> bytes:
        """Return the last `length` bytes of what was written, or all where it has fewer."""
        size = (self.path / key).stat().st_size
        first = max(0, size - length)
        return self.read_ranges(key, [(first, size - first)])[0]

    def put_new(self, key: str, data: bytes) -> bool:
        """Write `key` whole where it is missing; False where it exists. Not yet durable."""
        target = self.path / key
        with mapped_errors(key):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}{_PARTIAL}")
            try:
                draft.write_bytes(data)
                # Unlike a rename, a link never replaces.
                os.link(draft, target)
            except FileExistsError:
                return False
            finally:
                draft.unlink(missing_ok=True)
        return True

    def put_parts(self, key: str, parts: Iterable[bytes]) -> int:
        """Write or replace `key` from parts; return its bytes. Not yet durable."""
        target = self.path / key
        with mapped_errors(key):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}{_PARTIAL}")
            try:
                with draft.open("wb") as file:
                    size = sum(map(file.write, parts))
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
        return size

    def put(self, key: str, data: bytes) -> None:
        """Write or replace `key` whole and durably."""
        target = self.path / key
        with mapped_errors(key):
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}{_PARTIAL}")
            try:
                with draft.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(target)
                for folder in self._way(target.parent):
                    _fsync(folder)
            finally:
                draft.unlink(missing_ok=True)

    def children(self, prefix: str) -> Iterable[str]:
        """Names directly below `prefix`; empty where it is missing."""
        try:
            return sorted(
                entry.name
                for entry in os.scandir(self.path / prefix)
                if not entry.name.endswith(_PARTIAL)
            )
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def sync(self, prefixes: Iterable[str]) -> None:
        """Make everything below `prefixes`, and the way to it, durable."""
        files: list[str] = []
        folders = {self.name}
        for prefix in prefixes:
            root = f"{self.name}/{prefix}"
            above = root.rpartition("/")[0]
            while above not in folders:
                folders.add(above)
                above = above.rpartition("/")[0]
            # Texts: a Path costs as much as bringing its file to disk.
            for folder, _, names in os.walk(root):
                folders.add(folder)
                files += [f"{folder}/{name}" for name in names]
        with mapped_errors(self.name), ThreadPoolExecutor(_SYNC_THREADS) as pool:
            for _ in pool.map(_fsync, files):
                pass
            # Names after contents: a name must never outlive a crash that its bytes do not.
            for _ in pool.map(_fsync, folders):
                pass

    def remove(self, prefix: str) -> None:
        """Delete everything below `prefix`, which may be missing: derived data only."""
        with mapped_errors(prefix), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.path / prefix)

    def _way(self, folder: Path) -> Iterator[Path]:
        """Yield `folder` and what leads to it from the store's own folder."""
        while folder != self.path and self.path in folder.parents:
            yield folder
            folder = folder.parent
        yield self.path


@contextlib.contextmanager
def mapped_errors(what: str) -> Iterator[None]:
    """Turn failures of writing into errors of the store."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFullError(f"no space is left to write {what}") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StoreReadOnlyError(f"{what} cannot be written: {error}") from error
        raise StoreError(f"writing {what} failed: {error}") from error


def _fsync(path: Path | str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
