"""Cubes, scenes and slots for tests of the catalogue and the store."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from pyproj import CRS

from datacube.catalog import SqlCatalog
from datacube.cube import VALID_BAND, Aggregate, Band, ClassValue, Collection, Cube
from datacube.grid import Window
from datacube.lattices import utm_group
from datacube.protocols import CatalogView, Committed, NewSlot, Principal
from datacube.slots import BandShards, SceneRecord, SlotWindow

COLLECTION = Collection(id="S2_TEST", title="Test scenes", style_family="sentinel-2")
EVERYONE = Principal(name="all", access=frozenset({"public", "secret"}))
type Place = Callable[[str], str]
"""From a name to where a catalogue of that name may be made."""

NOON = datetime(2023, 8, 15, 9, 50, 31, 24000, tzinfo=UTC)


def make_cube(name: str = "S2_TEST_32633", *, access: str = "public") -> Cube:
    """Return a UTM cube with bands at 10, 20 and 60 m."""
    crs = CRS.from_epsg(32633)
    classes = (ClassValue(value=4, name="vegetation", title="Vegetation", colour=(0, 160, 0)),)
    return Cube(
        name=name,
        collection=COLLECTION.id,
        title="Test cube",
        crs=crs,
        groups=tuple(utm_group(32633, crs, r) for r in (10.0, 20.0, 60.0)),
        bands=(
            Band(name="B01", title="Aerosol", dtype="int16", nodata=-32768, group="r60m"),
            Band(name="B02", title="Blue", dtype="int16", nodata=-32768, group="r10m", scale=1e-4),
            Band(name="B08", title="NIR", dtype="int16", nodata=-32768, group="r10m", scale=1e-4),
            Band(
                name="SCL",
                title="Classes",
                dtype="uint8",
                nodata=255,
                group="r20m",
                aggregate=Aggregate.MODE,
                classes=classes,
            ),
        ),
        access=access,
    )


def make_scene(
    scene_id: str = "A",
    *,
    baseline: str = "05.09",
    generation: int = 0,
    reference: datetime = NOON,
    product_id: str | None = None,
    footprint: str = "POLYGON ((15 47, 16 47, 16 48, 15 48, 15 47))",
) -> SceneRecord:
    """Return a scene whose first line is 12 s after the reference time."""
    generated = NOON + timedelta(days=1, seconds=generation)
    return SceneRecord(
        scene_id=scene_id,
        product_id=product_id or f"{scene_id}_N{baseline}_{generation:04d}",
        reference_time=reference,
        first_time=reference + timedelta(seconds=12),
        last_time=reference + timedelta(seconds=26),
        baseline=baseline,
        generation_time=generated,
        footprint=footprint,
        cloud_cover_percent=12.5,
        properties='{"orbit":79}',
    )


def make_windows(
    rows: tuple[int, int] = (600_000, 600_960), cols: tuple[int, int] = (96_000, 96_960)
) -> tuple[SlotWindow, ...]:
    """Return windows of all three groups for cells of the 10 m lattice; whole 60 m cells."""
    return tuple(
        SlotWindow(
            group=f"r{resolution}m",
            window=Window(
                (
                    (rows[0] * 10 // resolution, rows[1] * 10 // resolution),
                    (cols[0] * 10 // resolution, cols[1] * 10 // resolution),
                )
            ),
            levels=1,
        )
        for resolution in (10, 20, 60)
    )


def full_shards(
    cube: Cube, windows: Iterable[SlotWindow], bands: frozenset[str] | None = None
) -> tuple[BandShards, ...]:
    """Record every shard of every band, and of the masks."""
    shards = []
    for w in windows:
        group = cube.group(w.group)
        names = [b.name for b in cube.bands if b.group == w.group]
        for band in (*names, VALID_BAND):
            if bands is not None and band not in {*bands, VALID_BAND}:
                continue
            for level in range(w.levels):
                size = group.shard_window(w.window.coarser(level), level).size
                bits = np.packbits(np.ones(size, dtype=bool)).tobytes()
                shards.append(BandShards(group=w.group, level=level, band=band, bits=bits))
    return tuple(shards)


def commit_scene(
    catalog: SqlCatalog,
    scene: SceneRecord,
    *,
    cube: Cube | None = None,
    windows: tuple[SlotWindow, ...] | None = None,
    bands: frozenset[str] | None = None,
    skip: bool = True,
) -> Committed | None:
    """Do what ingest does: skip what is present or superseded, else claim and commit."""
    cube = catalog.ensure_cube(COLLECTION, cube or make_cube())
    windows = windows or make_windows()
    shards = full_shards(cube, windows, bands)
    present = frozenset(s.band for s in shards) - {VALID_BAND}
    standing = catalog.standing(cube.name, scene, windows=windows, bands=present)
    if skip and (standing.present or standing.superseded_by):
        return None
    number = catalog.claim(cube.name)[0]
    return catalog.commit(
        [NewSlot(cube=cube, number=number, scene=scene, windows=windows, shards=shards)]
    )


def state_of(view: CatalogView) -> dict[str, object]:
    """Return all that a view says, without slot numbers, which depend on the order of ingest."""
    state: dict[str, object] = {
        "ids": view.coverage_ids(),
        "collections": view.collections(),
        "counts": dict(view.counts()),
    }
    for coverage_id in view.coverage_ids():
        coverage = view.coverage(coverage_id)
        state[coverage_id] = (
            replace(coverage, revision=0, cube=replace(coverage.cube, crs=CRS.from_epsg(32633))),
        )
    for cube in view.cubes():
        state[f"slots {cube.name}"] = [
            (s.scene, s.windows, s.shards, s.bands) for s in view.slots(cube.name)
        ]
    return state
