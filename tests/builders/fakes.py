"""A catalogue and a store in memory, for tests of plans and their evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from datacube.axes import TimeAxis
from datacube.cells import Values
from datacube.cube import (
    SHARD_PX,
    VALID_BAND,
    Aggregate,
    Band,
    ClassValue,
    Collection,
    Coverage,
    Cube,
    ResolutionGroup,
)
from datacube.deep import DeepBlock
from datacube.errors import UnknownNameError
from datacube.grid import Window
from datacube.lattices import utm_group
from datacube.overviews import Mosaics, Overview, Part, TimeRange
from datacube.plan.colour import ClassColour, Classes, Composite, Grey, Ramp, Stop, Stretch
from datacube.plan.query import Method
from datacube.plan.style import BandTerm, Call, Style
from datacube.protocols import ANONYMOUS, BandRead, Bbox, Principal, StoredStyle
from datacube.slots import BandShards, SceneRecord, Slot, SlotWindow
from datacube.times import Acquisition

LEVELS = 4
BASE_TIME = datetime(2023, 8, 15, 9, 50, 31, 24000, tzinfo=UTC)
ORIGIN_M = (499_980.0, 5_200_020.0)
"""Top left corner `(x, y)` of scenes at offset 0: on all three UTM lattices."""


def optical_bands() -> tuple[Band, ...]:
    """Return B02, B04, B08 at 10 m, B11 and SCL at 20 m, B01 at 60 m."""
    reflectance = {"dtype": "int16", "nodata": -32768.0, "scale": 0.0001}
    made = [
        Band(name=n, title=n, group=g, aliases=(n.replace("0", "", 1),), **reflectance)  # type: ignore[arg-type]  # mixed values
        for n, g in (("B01", "r60m"), ("B02", "r10m"), ("B04", "r10m"), ("B08", "r10m"))
    ]
    made.append(Band(name="B11", title="B11", group="r20m", **reflectance))  # type: ignore[arg-type]  # mixed values
    made.append(
        Band(
            name="SCL",
            title="SCL",
            group="r20m",
            dtype="uint8",
            nodata=0,
            aggregate=Aggregate.MODE,
            classes=(ClassValue(value=4, name="vegetation", title="Veg", colour=(0, 160, 0)),),
        )
    )
    return tuple(made)


def optical_cube(epsg: int = 32633, *, resolutions: tuple[float, ...] = (10.0, 20.0, 60.0)) -> Cube:
    """Return a cube like Sentinel-2 L2A."""
    crs = CRS.from_epsg(epsg)
    groups = tuple(utm_group(epsg, crs, r) for r in resolutions)
    names = {g.name for g in groups}
    return Cube(
        name=f"S2_L2A_{epsg}",
        collection="S2_L2A",
        title=f"Sentinel-2 L2A {epsg}",
        crs=crs,
        groups=groups,
        bands=tuple(b for b in optical_bands() if b.group in names),
    )


@dataclass(slots=True)
class World:
    """Scenes in memory: a Catalog and a ReadCells at once."""

    cubes: dict[str, Cube] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    arrays: dict[tuple[str, int, str, int, str], tuple[Window, Values, float]] = field(
        default_factory=dict
    )
    reads: list[tuple[int, str, int, Window]] = field(default_factory=list)
    """Slot number, band, level and window of every read, in order."""

    def add(
        self,
        cube: Cube,
        bands: Mapping[str, NDArray[np.generic]],
        *,
        when: datetime = BASE_TIME,
        corner: tuple[float, float] = ORIGIN_M,
        baseline: str = "05.09",
        tile: str = "T33UUP",
    ) -> Slot:
        """Add a scene whose bands begin at `corner` `(x, y)`; returns its slot."""
        self.cubes[cube.name] = cube
        number = len(self.slots)
        windows: dict[str, SlotWindow] = {}
        shards: list[BandShards] = []
        masks: dict[str, NDArray[np.bool_]] = {}
        for name, values in bands.items():
            band = cube.band(name)
            window = _window(cube.group(band.group), corner, values.shape)
            windows[band.group] = SlotWindow(group=band.group, window=window, levels=LEVELS)
            valid = _valid(values, band.nodata)
            masks[band.group] = masks.get(band.group, np.zeros_like(valid)) | valid
            shards += self._store(cube, number, band, window, values)
        for group, mask in masks.items():
            made = Band(name=VALID_BAND, title="", dtype="uint8", nodata=0, group=group)
            made = replace(made, aggregate=Aggregate.FLAGS)
            shards += self._store(cube, number, made, windows[group].window, mask.astype("uint8"))
        product = f"S2_{cube.name}_{tile}_{when:%Y%m%dT%H%M%S}_N{baseline}_{number}"
        slot = Slot(
            cube=cube.name,
            number=number,
            scene=SceneRecord(
                scene_id=f"{tile}-{when:%Y%m%dT%H%M%S}-{number}",
                product_id=product,
                reference_time=when,
                first_time=when + timedelta(seconds=5),
                last_time=when + timedelta(seconds=20),
                baseline=baseline,
                generation_time=when + timedelta(hours=4),
                footprint="POLYGON EMPTY",
            ),
            windows=tuple(windows.values()),
            shards=tuple(shards),
        )
        self.slots.append(slot)
        return slot

    def _store(
        self, cube: Cube, number: int, band: Band, window: Window, values: Values
    ) -> list[BandShards]:
        made = []
        group = cube.group(band.group)
        for level in range(LEVELS):
            at = window.coarser(level)
            if level:
                values = coarser(values, window.coarser(level - 1), at, band)
            self.arrays[cube.name, number, band.group, level, band.name] = at, values, band.nodata
            bits = _bits(group, at, level, _valid(values, band.nodata))
            made.append(BandShards(group=band.group, level=level, band=band.name, bits=bits))
        return made

    def read(self, slot: Slot, request: BandRead) -> Values:
        """Return stored numbers, nodata outside."""
        self.reads.append((slot.number, request.band, request.level, request.window))
        key = (slot.cube, slot.number, request.group.name, request.level, request.band)
        out = np.full(request.window.shape, request.nodata, dtype=request.dtype)
        at, values, _ = self.arrays[key]
        common = at.intersect(request.window)
        if common is not None:
            out[common.slices(request.window)] = values[common.slices(at)]
        return out

    def view(self, *, as_of: int | None = None, principal: Principal = ANONYMOUS) -> "WorldView":
        """Return all that is visible after `as_of` scenes."""
        del principal
        return WorldView(self, len(self.slots) if as_of is None else as_of)


@dataclass(frozen=True, slots=True)
class WorldView:
    """A CatalogView: the first `revision` scenes."""

    world: World
    revision: int

    def _visible(self, cube: str) -> list[Slot]:
        return [s for s in self.world.slots[: self.revision] if s.cube == cube]

    def collections(self) -> Sequence[Collection]:
        ids = dict.fromkeys(c.collection for c in self.cubes())
        return [Collection(id=i, title=i, style_family="sentinel-2") for i in ids]

    def collection(self, collection_id: str) -> Collection:
        for one in self.collections():
            if one.id == collection_id:
                return one
        raise UnknownNameError("collection", collection_id)

    def cubes(self, collection_id: str | None = None) -> Sequence[Cube]:
        return [
            cube
            for name, cube in sorted(self.world.cubes.items())
            if self._visible(name) and collection_id in (None, cube.collection)
        ]

    def stored_styles(self) -> Sequence[StoredStyle]:
        return ()

    @property
    def derived(self) -> int:
        return 0

    def mosaics(self, collection_id: str) -> None:
        del collection_id

    def overview(self, mosaics: Mosaics, shown: TimeRange | None) -> None:
        del mosaics, shown

    def overview_parts(self, overview: Overview, zoom: int, window: Window) -> Sequence[Part]:
        del overview, zoom, window
        return ()

    def coverage_ids(self) -> Sequence[str]:
        return sorted(cube.name for cube in self.cubes())

    def coverage(self, coverage_id: str) -> Coverage:
        for cube in self.cubes():
            for at, group in enumerate(cube.groups):
                if coverage_id in ((cube.name,) if at == 0 else ()) or coverage_id == (
                    f"{cube.name}_{group.name[1:]}"
                ):
                    return self._coverage(coverage_id, cube, group)
        raise UnknownNameError("coverage", coverage_id, tuple(self.coverage_ids()))

    def _coverage(self, coverage_id: str, cube: Cube, group: ResolutionGroup) -> Coverage:
        slots = self._visible(cube.name)
        boxes = [_slot_bbox(cube, slot) for slot in slots]
        hull = (
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        )
        seen = {name for slot in slots for name in slot.bands}
        times = sorted({slot.scene.reference_time for slot in slots})
        only = group.name if coverage_id != cube.name else None
        return Coverage(
            id=coverage_id,
            cube=cube,
            group=group.name,
            bands=tuple(b for b in cube.bands if b.name in seen and only in (None, b.group)),
            grid=group.grid.cover(hull),
            time=TimeAxis(
                acquisitions=tuple(
                    Acquisition(reference=t, first=t, last=t + timedelta(seconds=25)) for t in times
                )
            ),
            revision=self.revision,
        )

    def slots(
        self,
        cube: str,
        *,
        bbox: Bbox | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        most: int | None = None,
    ) -> Sequence[Slot]:
        found = []
        for slot in self._visible(cube):
            scene = slot.scene
            begin, end = min(scene.reference_time, scene.first_time), scene.last_time
            if (first is not None and end < first) or (last is not None and begin > last):
                continue
            box = _slot_bbox(self.world.cubes[cube], slot)
            if bbox is not None and (
                box[0] > bbox[2] or box[2] < bbox[0] or box[1] > bbox[3] or box[3] < bbox[1]
            ):
                continue
            found.append(slot)
        found.sort(key=lambda s: s.scene.precedence, reverse=True)
        return sorted(found, key=lambda s: s.scene.reference_time)[:most]

    def product_slots(self, cube: str, product_id: str) -> Sequence[Slot]:
        return [slot for slot in self.slots(cube) if slot.scene.product_id == product_id]

    def deep_blocks(self, *_: object) -> tuple[DeepBlock, ...]:
        """Return none: this view has no deep blocks."""
        return ()

    def newest(self, collection_id: str) -> datetime | None:
        times = [
            s.scene.reference_time
            for cube in self.cubes(collection_id)
            for s in self._visible(cube.name)
        ]
        return max(times, default=None)

    def counts(self) -> Mapping[str, int]:
        return {cube.name: len(self._visible(cube.name)) for cube in self.cubes()}


def _slot_bbox(cube: Cube, slot: Slot) -> Bbox:
    boxes = [cube.group(w.group).grid.at(w.window).bbox for w in slot.windows]
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


def _window(group: ResolutionGroup, corner: tuple[float, float], shape: tuple[int, ...]) -> Window:
    col = round((corner[0] - group.grid.x.start) / group.grid.x.step)
    row = round((corner[1] - group.grid.y.start) / group.grid.y.step)
    return Window(((row, row + shape[0]), (col, col + shape[1])))


def _valid(values: Values, nodata: float) -> NDArray[np.bool_]:
    return np.asarray(values != nodata)


def _bits(group: ResolutionGroup, window: Window, level: int, valid: NDArray[np.bool_]) -> bytes:
    (r0, r1), (c0, c1) = group.shard_window(window, level).ranges
    flags = []
    array = group.array_window(window, level)
    for row in range(r0, r1):
        for col in range(c0, c1):
            shard = Window(
                ((row * SHARD_PX, (row + 1) * SHARD_PX), (col * SHARD_PX, (col + 1) * SHARD_PX))
            )
            part = shard.intersect(array)
            flags.append(part is not None and bool(valid[part.slices(array)].any()))
    return np.packbits(np.array(flags, dtype=np.uint8)).tobytes()


def coarser(values: Values, window: Window, target: Window, band: Band) -> Values:
    """Return the next pyramid level: means rounded half to even, else the greatest value."""
    (r0, r1), (c0, c1) = window.ranges
    pads = ((r0 % 2, r1 % 2), (c0 % 2, c1 % 2))
    padded = np.pad(values, pads, constant_values=band.nodata)
    blocks = padded.reshape(target.shape[0], 2, target.shape[1], 2).transpose(0, 2, 1, 3)
    blocks = blocks.reshape(*target.shape, 4)
    valid = blocks != band.nodata
    if band.aggregate is Aggregate.MEAN:
        total = np.where(valid, blocks, 0).sum(axis=-1, dtype=np.float64)
        made = np.rint(total / np.maximum(valid.sum(axis=-1), 1))
    else:
        made = np.where(valid, blocks, 0).max(axis=-1)
    return np.where(valid.any(axis=-1), made, band.nodata).astype(values.dtype)


TRUE_COLOUR = Style(
    name="true-colour",
    title="True colour",
    abstract="",
    terms=(BandTerm(band="B04"), BandTerm(band="B08"), BandTerm(band="B02")),
    rule=Composite(stretches=(Stretch(low=0, high=3000),) * 3),
    method=Method.LINEAR,
)
NDVI = Style(
    name="ndvi",
    title="NDVI",
    abstract="",
    terms=(
        Call(
            function="/",
            args=(
                Call(function="-", args=(BandTerm(band="B08"), BandTerm(band="B04"))),
                Call(function="+", args=(BandTerm(band="B08"), BandTerm(band="B04"))),
            ),
        ),
    ),
    rule=Ramp(stops=(Stop(value=-1, rgb=(0, 0, 0)), Stop(value=1, rgb=(0, 255, 0)))),
    method=Method.LINEAR,
)
CLASSES = Style(
    name="scl",
    title="SCL",
    abstract="",
    terms=(BandTerm(band="SCL"),),
    rule=Classes(classes=(ClassColour(value=4, title="Veg", rgb=(0, 160, 0)),)),
    method=Method.NEAREST,
)
PLAIN = Style(
    name="B08",
    title="B08",
    abstract="",
    terms=(BandTerm(band="B08"),),
    rule=Grey(stretch=Stretch(low=0, high=5000)),
    method=Method.NEAREST,
)


@dataclass(frozen=True, slots=True)
class FakeStyles:
    """A StyleBook of four styles."""

    known: tuple[Style, ...] = (TRUE_COLOUR, NDVI, CLASSES, PLAIN)

    def style(self, collection: Collection, bands: tuple[Band, ...], name: str) -> Style:
        for one in self.styles(collection, bands):
            if name in ("", one.name):
                return one
        raise UnknownNameError("style", name, tuple(s.name for s in self.known))

    def styles(self, collection: Collection, bands: tuple[Band, ...]) -> tuple[Style, ...]:
        del collection, bands
        return self.known
