"""Answers of large downloads, kept for a while: who resumes gets the rest of the same bytes."""

import os
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import monotonic

from datacube.encode.answer import Answer
from datacube.encode.files import temporary_path


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """Bounds on the answers that one server process keeps."""

    bytes: int = 4 * 2**30
    """All files together; a longer answer is not kept."""
    seconds: float = 600.0
    """How long an answer is kept after it was last asked for."""


@dataclass(slots=True, kw_only=True)
class _Kept:
    answer: Answer
    """Its body is the file in the folder."""
    path: Path
    size_bytes: int
    until_s: float


@dataclass(slots=True)
class _Making:
    lock: Lock
    users: int = 0


class Spool:
    """Files by the ETag of their answers, in a temporary folder of the process.

    An ETag stands for a plan, its slots, the format and the access of who asks, so what is
    found under it is the answer. Safe for use by many threads.
    """

    def __init__(
        self, limits: SpoolLimits | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.limits = limits or SpoolLimits()
        self._clock = clock
        self._guard = Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._making: dict[str, _Making] = {}
        self._folder: Path | None = None

    def find(self, tag: str) -> Answer | None:
        """Return the answer, its body a file of the caller's own, or None."""
        with self._guard:
            self._drop_old()
            kept = self._kept.get(tag)
            if kept is None:
                return None
            kept.until_s = self._clock() + self.limits.seconds
            self._kept.move_to_end(tag)
            return replace(kept.answer, body=_linked(kept.path))

    def keep(self, answer: Answer) -> Answer:
        """Keep an answer and return it, its body the caller's as before.

        One that is too long is returned and not kept; those that were not asked for longest go.
        """
        body = answer.body
        size = len(body) if isinstance(body, bytes) else body.stat().st_size
        if not answer.etag or size > self.limits.bytes:
            return answer
        with self._guard:
            self._drop_old()
            while self._kept and self._size + size > self.limits.bytes:
                self._drop(next(iter(self._kept)))
            if answer.etag in self._kept:
                return answer
            path = self._place() / answer.etag
            if isinstance(body, bytes):
                path.write_bytes(body)
            else:
                _link(body, path)
            self._kept[answer.etag] = _Kept(
                answer=replace(answer, body=path),
                path=path,
                size_bytes=size,
                until_s=self._clock() + self.limits.seconds,
            )
        return answer

    @contextmanager
    def alone(self, tag: str) -> Iterator[None]:
        """Make others wait who want to make the same answer."""
        with self._guard:
            making = self._making.setdefault(tag, _Making(Lock()))
            making.users += 1
        try:
            with making.lock:
                yield
        finally:
            with self._guard:
                making.users -= 1
                if not making.users:
                    del self._making[tag]

    def drop_old(self) -> None:
        """Remove the answers whose time is over."""
        with self._guard:
            self._drop_old()

    def close(self) -> None:
        """Remove every answer; what is being sent is sent to its end."""
        with self._guard:
            for tag in list(self._kept):
                self._drop(tag)

    @property
    def _size(self) -> int:
        return sum(kept.size_bytes for kept in self._kept.values())

    def _drop_old(self) -> None:
        now = self._clock()
        for tag in [tag for tag, kept in self._kept.items() if kept.until_s <= now]:
            self._drop(tag)

    def _drop(self, tag: str) -> None:
        self._kept.pop(tag).path.unlink(missing_ok=True)
        if not self._kept and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="copernicube-spool-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


def _linked(path: Path) -> Path:
    """Return another name of a file, so that either may be deleted."""
    with temporary_path(path.suffix) as name:
        name.unlink()
        _link(path, name)
    return name


def _link(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError:
        # A file system without links, or another one.
        shutil.copyfile(path, name)
