"""How far an ingest is: a bar on a terminal, log lines elsewhere."""

import logging
import threading
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LOG_EVERY_S = 10.0

_log = logging.getLogger(__name__)


class IngestProgress(Protocol):
    """Told what happens; called from several threads."""

    def plan(self, *, scenes: int, bands: int, nbytes: int) -> None:
        """Say what will be written in all, in decoded bytes."""
        ...

    def wrote(self, nbytes: int) -> None:
        """Note decoded bytes of a band that were written."""
        ...

    def band_done(self) -> None:
        """Note a finished band."""
        ...

    def scene_done(self, line: str, *, bands_left: int, nbytes_left: int) -> None:
        """Note a finished scene, and what of it was planned and will not be written."""
        ...


class Silent:
    """Says nothing."""

    def plan(self, *, scenes: int, bands: int, nbytes: int) -> None:
        """Ignore."""

    def wrote(self, nbytes: int) -> None:
        """Ignore."""

    def band_done(self) -> None:
        """Ignore."""

    def scene_done(self, line: str, *, bands_left: int, nbytes_left: int) -> None:
        """Ignore."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed or 0.0
        return Text(f"{speed / 1e6:.1f} MB/s")


class _Bands(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['bands']}/{task.fields['all_bands']} bands")


class Bar:
    """One bar with scenes, bands, MB/s and time left, drawn on `console`."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[scenes]}/{task.fields[all_scenes]} scenes"),
            _Bands(),
            BarColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
        )
        self._lock = threading.Lock()
        self._task = self._progress.add_task(
            "ingest", total=None, scenes=0, all_scenes="?", bands=0, all_bands="?"
        )
        self._scenes = self._bands = self._total = self._all_bands = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def plan(self, *, scenes: int, bands: int, nbytes: int) -> None:
        """Set the totals."""
        self._total, self._all_bands = nbytes, bands
        self._progress.update(self._task, total=nbytes, all_scenes=scenes, all_bands=bands)

    def wrote(self, nbytes: int) -> None:
        """Advance the bar."""
        self._progress.advance(self._task, nbytes)

    def band_done(self) -> None:
        """Count a band."""
        with self._lock:
            self._bands += 1
            self._progress.update(self._task, bands=self._bands)

    def scene_done(self, line: str, *, bands_left: int, nbytes_left: int) -> None:
        """Count a scene and print its line above the bar."""
        with self._lock:
            self._scenes += 1
            self._total -= nbytes_left
            self._all_bands -= bands_left
            self._progress.update(
                self._task, scenes=self._scenes, total=self._total, all_bands=self._all_bands
            )
        self._progress.console.print(line, markup=False, highlight=False)


class Lines:
    """Log lines: one a scene, and the rate at most every ten seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start = self._said = time.monotonic()
        self._scenes = self._all_scenes = self._bytes = self._total = 0

    def plan(self, *, scenes: int, bands: int, nbytes: int) -> None:
        """Log the totals."""
        self._all_scenes, self._total = scenes, nbytes
        self._start = self._said = time.monotonic()
        _log.info("%d scenes, %d bands, %.1f MB", scenes, bands, nbytes / 1e6)

    def wrote(self, nbytes: int) -> None:
        """Log the rate, if it is time."""
        with self._lock:
            self._bytes += nbytes
            now = time.monotonic()
            if now - self._said < LOG_EVERY_S:
                return
            self._said = now
            rate = self._bytes / (now - self._start)
            left = max(0, self._total - self._bytes) / rate
        _log.info(
            "%d/%d scenes, %.1f MB/s, %.0f s left", self._scenes, self._all_scenes, rate / 1e6, left
        )

    def band_done(self) -> None:
        """Ignore: bands are in the rate."""

    def scene_done(self, line: str, *, bands_left: int, nbytes_left: int) -> None:
        """Log the scene's line."""
        del bands_left
        with self._lock:
            self._scenes += 1
            self._total -= nbytes_left
            scenes = self._scenes
        _log.info("%d/%d %s", scenes, self._all_scenes, line)
