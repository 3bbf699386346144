"""Archives of many small scenes, committed as ingest commits them, but made up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from copernicube.wiring import Local, open_local
from datacube.axes import RegularAxis
from datacube.cube import VALID_BAND, Aggregate, Band, ClassValue, Collection, Cube, ResolutionGroup
from datacube.encode.kept import KeptDocuments
from datacube.grid import Grid, Window
from datacube.lattices import utm_group
from datacube.protocols import BandRead, NewSlot
from datacube.slots import BandShards, SceneRecord, SlotWindow

type Cells = NDArray[np.int16]

COLLECTION = Collection(
    id="S2_L2A",
    title="Made up",
    style_family="sentinel-2",
    attribution="Contains made up data [year]",
)
START = datetime(2023, 5, 20, 10, 0, tzinfo=UTC)
NODATA = -32768
BANDS = ("B04", "SCL")


def archive_cube(group: ResolutionGroup, *, name: str, access: str = "public") -> Cube:
    """Return a cube with a measured band and a classified one on one lattice."""
    classes = tuple(
        ClassValue(value=n, name=f"class_{n}", title=f"Class {n}", colour=(20 * n, 100, 40))
        for n in range(1, 12)
    )
    return Cube(
        name=name,
        collection=COLLECTION.id,
        title=name,
        crs=group.grid.crs,
        groups=(group,),
        bands=(
            Band(name="B04", title="Red", dtype="int16", nodata=NODATA, group=group.name),
            Band(
                name="SCL",
                title="Classes",
                dtype="uint8",
                nodata=255,
                group=group.name,
                aggregate=Aggregate.MODE,
                classes=classes,
            ),
        ),
        access=access,
    )


def world_cube(step_deg: float) -> Cube:
    """Return a cube of the whole world in longitude and latitude."""
    grid = Grid(
        crs=CRS.from_epsg(4326),
        x=RegularAxis(name="Lon", uom="deg", start=-180, step=step_deg, size=round(360 / step_deg)),
        y=RegularAxis(name="Lat", uom="deg", start=90, step=-step_deg, size=round(180 / step_deg)),
    )
    return archive_cube(ResolutionGroup(name="r", grid=grid), name="S2_L2A_4326")


def zone_cube(epsg: int, resolution_m: float, *, access: str = "public") -> Cube:
    """Return a cube of a UTM zone."""
    group = utm_group(epsg, CRS.from_epsg(epsg), resolution_m)
    return archive_cube(group, name=f"S2_L2A_{epsg}", access=access)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeScene:
    """A scene on one lattice, without further levels."""

    cube: Cube
    window: Window
    values: Cells
    """Of B04; NODATA where there is none. SCL is `values % 11 + 1` where there is data."""
    when: datetime = START
    tile: str
    baseline: str = "05.09"


@dataclass(slots=True)
class Archive:
    """A store that scenes are added to."""

    place: Path
    local: Local = field(init=False)
    scenes: list[MadeScene] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.local = open_local(str(self.place), chunk_cache_bytes=0, pictures=KeptDocuments(0))

    def add(self, *scenes: MadeScene) -> int:
        """Commit scenes at once; returns the revision."""
        by_cube: dict[str, list[MadeScene]] = {}
        for scene in scenes:
            by_cube.setdefault(scene.cube.name, []).append(scene)
        catalog, offered = self.local.catalog, []
        for some in by_cube.values():
            cube = catalog.ensure_cube(COLLECTION, some[0].cube)
            for number, scene in zip(catalog.claim(cube.name, len(some)), some, strict=True):
                offered.append(self._written(cube, number, scene))
        self.scenes += scenes
        return catalog.commit(offered).revision

    def _written(self, cube: Cube, number: int, scene: MadeScene) -> NewSlot:
        group, window = cube.groups[0], scene.window
        (r0, r1), (c0, c1) = group.shard_window(window, 0).ranges
        shards = []
        for name, (values, nodata) in planes(scene.values).items():
            dtype = str(values.dtype)
            request = BandRead(
                group=group, level=0, band=name, dtype=dtype, nodata=nodata, window=window
            )
            written = self.local.store.write(cube, number, request, values)
            bits = np.array([(r, c) in written for r in range(r0, r1) for c in range(c0, c1)])
            packed = np.packbits(bits).tobytes()
            shards.append(BandShards(group=group.name, level=0, band=name, bits=packed))
        record = SceneRecord(
            scene_id=f"{scene.tile}_{scene.when:%Y%m%dT%H%M%S}",
            product_id=f"{scene.tile}_{scene.when:%Y%m%dT%H%M%S}_N{scene.baseline}",
            reference_time=scene.when,
            first_time=scene.when,
            last_time=scene.when + timedelta(seconds=15),
            baseline=scene.baseline,
            generation_time=scene.when + timedelta(hours=3),
            footprint="POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))",
        )
        windows = (SlotWindow(group=group.name, window=window, levels=1),)
        return NewSlot(
            cube=cube, number=number, scene=record, windows=windows, shards=tuple(shards)
        )


def planes(values: Cells) -> Mapping[str, tuple[NDArray[np.generic], float]]:
    """Return what is stored of a scene, with each band's nodata."""
    data = values != NODATA
    classes = np.where(data, values % 11 + 1, 255).astype("uint8")
    return {"B04": (values, NODATA), "SCL": (classes, 255), VALID_BAND: (data.astype("uint8"), 0)}


def tiles_of(
    cube: Cube, *, first: tuple[int, int], count: tuple[int, int], side: int
) -> Iterable[tuple[str, Window]]:
    """Yield name and window of equal tiles beside each other, from a cell on."""
    for row in range(count[0]):
        for col in range(count[1]):
            y, x = first[0] + row * side, first[1] + col * side
            yield f"{cube.name}_{row}_{col}", Window(((y, y + side), (x, x + side)))


def ramp(window: Window, offset: int) -> Cells:
    """Return cells that rise slowly, so that a place half a cell off is told from noise."""
    (y0, y1), (x0, x1) = window.ranges
    rows, cols = np.ogrid[y0:y1, x0:x1]
    made: Cells = (offset + (rows % 500) + (cols % 700)).astype("int16")
    return made


def scenes_in(scenes: Sequence[MadeScene], cube: Cube) -> list[MadeScene]:
    """Return the scenes of a cube, the one that goes first in a mosaic first."""
    mine = [scene for scene in scenes if scene.cube.name == cube.name]
    return sorted(mine, key=lambda scene: (scene.when, scene.baseline), reverse=True)
