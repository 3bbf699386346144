"""Scenes read from their source files: pyramids and the choice by time, by NumPy alone."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
"""NaN where there is no data."""

TILE_PX = 256
"""A pyramid ends where a scene fits into so many cells a side."""
NEAREST = timedelta(hours=12)
DEFAULT_DAYS = timedelta(days=30)
CLASSES = "SCL"
UTM_CORNER = (-600_000.0, 10_800_000.0)
"""Where the lattices of UTM cubes of the north begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene as its STAC item tells it."""

    name: str
    reference: datetime
    first: datetime
    last: datetime
    rank: tuple[str, ...]
    """The higher goes first where scenes of one time overlap."""
    files: Mapping[str, Path]
    """By band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """Bands on one lattice."""

    values: Mapping[str, Floats]
    transform: Affine

    @property
    def cell(self) -> float:
        return float(self.transform.a)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The scenes of one layer, on one CRS."""

    layer: str
    crs: str
    anchor: tuple[float, float]
    """x and y of a corner at which cells of every pyramid level meet."""
    scenes: tuple[Scene, ...]
    box: tuple[float, float, float, float]
    """The hull of the scenes."""
    dark: bool = False
    """DN 0 in one band is dark, and no data only where all bands of a resolution are 0."""
    times: int = 1
    """How often a cell of the files is repeated along x and y in the cube."""
    _kept: dict[tuple[str, float, int], tuple[Planes, tuple[int, int]]] = field(
        default_factory=dict
    )

    _known: dict[tuple[str, float, int], NDArray[np.bool_]] = field(default_factory=dict)
    """Where any band of a resolution is valid."""

    def resolution(self, band: str) -> float:
        """Return the side of a stored cell in m."""
        file = next(s.files[band] for s in self.scenes if band in s.files)
        return _resolution(file) / self.times

    def at(self, time: str | None) -> list[Scene]:
        """Return the scenes that a map at `time` may show, the first to count first."""
        shown: dict[str, Scene] = {}
        parts = [self._part(value) for value in (time or "current").split(",")]
        for _, scenes in sorted(parts, key=lambda part: part[0], reverse=True):
            shown.update((s.name, s) for s in scenes if s.name not in shown)
        return list(shown.values())

    def _part(self, value: str) -> tuple[datetime, list[Scene]]:
        newest = max(scene.reference for scene in self.scenes)
        ranked = sorted(self.scenes, key=lambda s: s.rank, reverse=True)
        ranked.sort(key=lambda s: s.reference, reverse=True)
        if value == "current":
            return newest, [s for s in ranked if newest - s.reference <= DEFAULT_DAYS]
        if value.endswith("Z"):
            moment = datetime.fromisoformat(value)
            near = [
                s
                for s in ranked
                if abs(s.reference - moment) <= NEAREST or s.first <= moment <= s.last
            ]
            near.sort(key=lambda s: abs(s.reference - moment))
            return moment, near
        low, _, high = value.partition("/")
        start, end = _start(low), _end(high or low)
        return end, [s for s in ranked if s.first < end and s.last >= start]

    def level(self, resolution: float, most: float) -> int:
        """Return the coarsest level that all scenes have whose cells are no larger than `most`."""
        level = 0
        while resolution * 2 ** (level + 1) <= most * (1 + 1e-9):
            level += 1
        longest = min(self._longest(scene, resolution) for scene in self.scenes)
        written = 0
        while longest > TILE_PX:
            longest = -(-longest // 2)
            written += 1
        return min(level, written)

    def _longest(self, scene: Scene, resolution: float) -> int:
        _, shape = self._read(scene, resolution, 0)
        return max(shape)

    def mosaic(
        self, scenes: Sequence[Scene], resolution: float, level: int, names: Sequence[str]
    ) -> Planes:
        """Lay bands of scenes over each other, the first on top.

        Where any of its bands is valid a scene shows all bands that it has; each band keeps its
        own validity.
        """
        found = [self._read(scene, resolution, level) for scene in scenes]
        if len(found) == 1:
            return found[0][0]
        shown = [self._known[scene.name, resolution, level] for scene in scenes]
        cell = resolution * 2**level
        left = min(planes.transform.c for planes, _ in found)
        top = max(planes.transform.f for planes, _ in found)
        offsets = [
            (round((top - p.transform.f) / cell), round((p.transform.c - left) / cell))
            for p, _ in found
        ]
        rows = max(r + shape[0] for (r, _), (_, shape) in zip(offsets, found, strict=True))
        cols = max(c + shape[1] for (_, c), (_, shape) in zip(offsets, found, strict=True))
        made = {name: np.full((rows, cols), np.nan) for name in names}
        layers = list(zip(offsets, found, shown, strict=True))
        for (row, col), (planes, shape), known in reversed(layers):
            part = np.s_[row : row + shape[0], col : col + shape[1]]
            for name in names:
                if name in planes.values:
                    np.copyto(made[name][part], planes.values[name], where=known)
        return Planes(values=made, transform=Affine(cell, 0, left, 0, -cell, top))

    def _read(self, scene: Scene, resolution: float, level: int) -> tuple[Planes, tuple[int, int]]:
        key = (scene.name, resolution, level)
        if key not in self._kept:
            planes = self._stored(scene, resolution) if level == 0 else self._halved(*key, scene)
            known = np.isfinite(list(planes.values.values())).any(axis=0)
            self._kept[key], self._known[key] = (planes, known.shape), known
        return self._kept[key]

    def _stored(self, scene: Scene, resolution: float) -> Planes:
        numbers, transform = {}, Affine.identity()
        for band, file in scene.files.items():
            if _resolution(file) == resolution * self.times:
                with rasterio.open(file) as data:
                    numbers[band], transform = data.read(1).astype(np.float64), data.transform
        if not numbers:
            raise AssertionError(f"{scene.name} has nothing of {resolution} m")
        empty = np.all([plane == 0 for plane in numbers.values()], axis=0)
        if not self.dark:
            classes = scene.files[CLASSES]
            with rasterio.open(classes) as data:
                unknown = data.read(1) == 0
            finer = round(_resolution(classes) / (resolution * self.times))
            if finer >= 1:
                empty = repeated(unknown, finer)
        values = {
            band: repeated(np.where(empty, np.nan, plane), self.times)
            for band, plane in numbers.items()
        }
        return Planes(values=values, transform=_finer(transform, self.times))

    def _halved(self, name: str, resolution: float, level: int, scene: Scene) -> Planes:
        del name
        below, _ = self._read(scene, resolution, level - 1)
        cell, old = below.cell * 2, below.transform
        col = round((old.c - self.anchor[0]) / below.cell)
        row = round((self.anchor[1] - old.f) / below.cell)
        odd = row % 2, col % 2
        values = {band: _half(plane, odd, band) for band, plane in below.values.items()}
        left, top = old.c - odd[1] * below.cell, old.f + odd[0] * below.cell
        return Planes(values=values, transform=Affine(cell, 0, left, 0, -cell, top))


def repeated[T: np.generic](plane: NDArray[T], times: int) -> NDArray[T]:
    """Return cells so many times as fine."""
    return plane.repeat(times, axis=0).repeat(times, axis=1)


def _finer(transform: Affine, times: int) -> Affine:
    cell = transform.a / times
    return Affine(cell, 0, transform.c, 0, -cell, transform.f)


def _hull(scenes: Iterable[Scene]) -> tuple[float, float, float, float]:
    boxes = []
    for scene in scenes:
        with rasterio.open(next(iter(scene.files.values()))) as data:
            boxes.append(data.bounds)
    lows, highs = np.min(boxes, axis=0), np.max(boxes, axis=0)
    return float(lows[0]), float(lows[1]), float(highs[2]), float(highs[3])


@lru_cache(maxsize=4096)
def _resolution(file: Path) -> float:
    with rasterio.open(file) as data:
        return float(data.transform.a)


def _half(plane: Floats, odd: tuple[int, int], band: str) -> Floats:
    """Make one cell of four: the mean of those with data, half to even; of classes the mode."""
    pads = [(first, (size + first) % 2) for first, size in zip(odd, plane.shape, strict=True)]
    padded = np.pad(plane, pads, constant_values=np.nan)
    four = np.stack([padded[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    known = np.isfinite(four)
    if band != CLASSES:
        total = np.where(known, four, 0).sum(axis=0)
        count = known.sum(axis=0)
        return np.where(count > 0, np.rint(total / np.maximum(count, 1)), np.nan)
    four.sort(axis=0)
    votes = np.sum(four[:, None] == four[None, :], axis=1)
    best = votes.argmax(axis=0)
    mode: Floats = np.take_along_axis(four, best[None], axis=0)[0]
    return mode


def _start(text: str) -> datetime:
    year, month, day, *_ = [*map(int, text.split("-")), 1, 1]
    return datetime(year, month, day, tzinfo=UTC)


def _end(text: str) -> datetime:
    """Return the first instant after a day, month or year."""
    start = _start(text)
    match text.count("-"):
        case 0:
            return start.replace(year=start.year + 1)
        case 1:
            return (start + timedelta(days=32)).replace(day=1)
        case _:
            return start + timedelta(days=1)


def demo_archives(samples: Path) -> tuple[Archive, Archive]:
    """Return the bundled samples: Virginia, then Romania."""
    virginia = json.loads((samples / "virginia/item.json").read_text())
    romania = json.loads((samples / "romania/items.json").read_text())["features"]
    scene = _scene(virginia, samples / "virginia")
    days = tuple(_scene(item, samples / "romania") for item in romania)
    with rasterio.open(next(iter(days[0].files.values()))) as data:
        corner = data.transform.c, data.transform.f
    return (
        Archive(
            layer="S2_L1C",
            crs="EPSG:32618",
            anchor=UTM_CORNER,
            scenes=(scene,),
            box=_hull((scene,)),
            dark=True,
        ),
        Archive(layer="S2_L2A", crs="EPSG:3035", anchor=corner, scenes=days, box=_hull(days)),
    )


def alps_archive(folders: Iterable[Path]) -> Archive:
    """Return the scenes of the Alps: files of 120 m in a cube of 60 m."""
    scenes = [
        _scene(json.loads((folder / f"{folder.name}.json").read_text()), folder)
        for folder in folders
    ]
    return Archive(
        layer="S2_L2A",
        crs="EPSG:32633",
        anchor=UTM_CORNER,
        scenes=tuple(scenes),
        box=_hull(scenes),
        times=2,
    )


def _folder(item: dict[str, Any], folder: Path) -> Path:
    """Return where the files of an item lie: where its first local one does."""
    paths: Iterator[Path] = (folder / asset["href"] for asset in item["assets"].values())
    return next(path.parent for path in paths if path.suffix == ".tif" and path.exists())


def _scene(item: dict[str, Any], folder: Path) -> Scene:
    told = item["properties"]
    files = {file.stem: file for file in sorted(_folder(item, folder).glob("*.tif"))}
    times = [told.get(key) or told["datetime"] for key in ("start_datetime", "end_datetime")]
    first, last = map(datetime.fromisoformat, times)
    reference = first
    datatake = str(told.get("s2:datatake_id", ""))
    if datatake:
        reference = datetime.strptime(datatake.split("_")[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    rank = tuple(
        str(told.get(key, ""))
        for key in ("s2:processing_baseline", "s2:generation_time", "s2:product_uri")
    )
    name = str(item["id"])
    return Scene(
        name=name,
        reference=reference,
        first=min(first, reference),
        last=max(last, reference),
        rank=(*rank, name),
        files=files,
    )
