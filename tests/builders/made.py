"""Small cubes of any axes in a real store with a real catalogue, from NumPy arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from copernicube.wiring import Local, open_local
from datacube.axes import PLACEHOLDER, IrregularAxis, PlaceAxis, RegularAxis
from datacube.cells import Valid, Values
from datacube.cube import (
    VALID_BAND,
    Aggregate,
    Band,
    Collection,
    Coverage,
    Cube,
    ResolutionGroup,
    ShardNumber,
)
from datacube.engine import Session
from datacube.evaluate.scan import is_valid
from datacube.grid import Grid, Window, index_crs
from datacube.lattices import free_group
from datacube.protocols import BandRead, NewSlot
from datacube.slots import BandShards, SceneRecord, SlotWindow
from datacube.store import level_count, reduce_level
from datacube.times import Acquisition, parse_period

GROUP = "r1"
"""The one resolution group of every made cube."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Time of the scene of a cube that has no time axis."""
WGS84 = CRS.from_epsg(4326)

type Arrays = Mapping[str, NDArray[Any]]
"""Stored numbers by band, each `(time?, *axes)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the cells of a cube lie."""

    axes: tuple[PlaceAxis, ...] = ()
    """Without time. The last two are the plane; one makes a line, none a point."""
    crs: CRS | None = None
    """Of the plane; None: that of index axes."""
    times: tuple[str | Acquisition, ...] = ()
    """A text stands for the start of its period. None: the cube has no time axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Where and when one scene lies."""

    plane: Grid
    when: Acquisition = field(
        default_factory=lambda: Acquisition(reference=EPOCH, first=EPOCH, last=EPOCH)
    )
    places: tuple[tuple[int, int], ...] | None = None
    """Index ranges of the further axes that the scene fills; None: all."""
    name: str = ""
    """Scene and product id; by default made from cube, time and slot."""
    baseline: str = "01"


@dataclass(slots=True, kw_only=True)
class Made:
    """A store with what was put into it."""

    local: Local
    arrays: dict[str, dict[str, NDArray[Any]]]
    """By coverage and band: the oracle of the tests."""

    @property
    def session(self) -> Session:
        """A request's view of the newest revision."""
        return self.local.engine.session()

    def coverage(self, name: str) -> Coverage:
        """Return a coverage as it stands now."""
        return self.session.view.coverage(name)


def make_store(path: Path) -> Made:
    """Make an empty store in the folder `path`."""
    return Made(local=open_local(str(path)), arrays={})


def regular(name: str, low: float, high: float, cells: int, uom: str = "degree") -> RegularAxis:
    """Return an axis of `cells` cells from edge `low` to edge `high`; downwards if high < low."""
    return RegularAxis(name=name, uom=uom, start=low, step=(high - low) / cells, size=cells)


def indices(name: str, cells: int, first: int = 0) -> RegularAxis:
    """Return an index axis `first ... first + cells - 1`."""
    return RegularAxis(name=name, uom="1", start=0, step=1, first=first, size=cells, index=True)


def listed(name: str, *coefficients: float, uom: str = "m") -> IrregularAxis:
    """Return an irregular axis."""
    return IrregularAxis(name=name, uom=uom, coefficients=coefficients)


def add_cube(
    made: Made,
    name: str,
    arrays: Arrays,
    frame: Frame,
    *,
    nodata: float | Mapping[str, float] | None = None,
    band: Mapping[str, Any] | None = None,
) -> Coverage:
    """Write a cube, one slot a time, commit each, and return its coverage.

    `arrays` are `(time?, *axes)`; time is there if the frame has times. `nodata` is by
    default the lowest number of signed types, the highest of unsigned ones, NaN of
    floats. `band` holds further fields of every band (`unit`, `scale`, `classes`, ...).
    """
    plane = _plane(frame)
    cube = Cube(
        name=name,
        collection=name,
        title=f"Made cube {name}",
        crs=plane.crs,
        groups=(free_group(plane, GROUP, axes=frame.axes[:-2]),),
        bands=tuple(
            Band(
                **{
                    "name": key,
                    "title": key,
                    "dtype": values.dtype.name,
                    "nodata": _nodata(values.dtype, key, nodata),
                    "group": GROUP,
                    **(band or {}),
                }
            )
            for key, values in arrays.items()
        ),
        timed=bool(frame.times),
    )
    shape = (*(axis.size for axis in cube.axes), *plane.shape)
    if not frame.times:
        whole = {k: v.reshape(shape) for k, v in arrays.items()}
        add_scene(made, cube, whole, Shot(plane=plane))
    for number, when in enumerate(frame.times):
        at = {k: v[number].reshape(shape) for k, v in arrays.items()}
        add_scene(made, cube, at, Shot(plane=plane, when=_acquisition(when)))
    made.arrays[name] = dict(arrays)
    return made.coverage(name)


def add_scene(made: Made, cube: Cube, arrays: Arrays, shot: Shot) -> None:
    """Write one scene `(*places, y, x)` on cells of the cube's lattice and commit it."""
    catalog, store = made.local.catalog, made.local.store
    cube = catalog.ensure_cube(Collection(id=cube.collection, title=cube.title), cube)
    store.prepare(cube)
    group = cube.groups[0]
    outer = group.window.ranges[:-2] if shot.places is None else shot.places
    window = Window((*outer, *_cells(group, shot.plane).ranges))
    covered = SlotWindow(group=GROUP, window=window, levels=level_count(window))
    number = catalog.claim(cube.name)[0]
    writing = _Writing(local=made.local, cube=cube, number=number, covered=covered)
    shards: list[BandShards] = []
    mask = np.zeros(window.shape, dtype=bool)
    for key, values in arrays.items():
        band = cube.band(key)
        valid = np.ones(values.shape, bool) if band.gapless else is_valid(values, band.nodata)
        mask |= valid
        shards += writing.write(band, values, valid)
    scene_mask = Band(
        name=VALID_BAND, title="", dtype="uint8", nodata=0, group=GROUP, aggregate=Aggregate.FLAGS
    )
    shards += writing.write(scene_mask, mask.astype("uint8"), mask)
    store.flush(cube, number)
    name = shot.name or f"{cube.name}_{shot.when.reference:%Y%m%dT%H%M%S}_{number}"
    record = SceneRecord(
        scene_id=name,
        product_id=name,
        reference_time=shot.when.reference,
        first_time=shot.when.first,
        last_time=shot.when.last,
        baseline=shot.baseline,
        generation_time=shot.when.last,
        footprint="",
    )
    slot = NewSlot(cube=cube, number=number, scene=record, windows=(covered,), shards=tuple(shards))
    committed = catalog.commit([slot])
    store.record_commit(committed.revision, committed.record)


def _plane(frame: Frame) -> Grid:
    ends = frame.axes[-2:]
    none = RegularAxis(name=PLACEHOLDER, uom="1", start=0, step=1, size=1, index=True)
    padded: tuple[PlaceAxis, ...] = (none,) * (2 - len(ends)) + ends
    y, x = padded
    if not isinstance(y, RegularAxis) or not isinstance(x, RegularAxis):
        raise TypeError("the last two axes are the plane and must be regular")
    crs = index_crs(*(axis.name for axis in ends)) if frame.crs is None else frame.crs
    return Grid(crs=crs, x=x, y=y)


def _cells(group: ResolutionGroup, plane: Grid) -> Window:
    """Return the plane's cells in the indices of the group's lattice."""
    ranges = []
    for own, axis in ((group.grid.y, plane.y), (group.grid.x, plane.x)):
        first = round((axis.start + axis.first * axis.step - own.start) / own.step)
        ranges.append((first, first + axis.size))
    return Window(tuple(ranges))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writing:
    """A slot under way."""

    local: Local
    cube: Cube
    number: int
    covered: SlotWindow

    def write(self, band: Band, values: Values, valid: Valid) -> list[BandShards]:
        """Write a band at every level."""
        shards: list[BandShards] = []
        group, window = self.cube.groups[0], self.covered.window
        for level in range(self.covered.levels):
            if level:
                parity = (window.rows[0] % 2, window.cols[0] % 2)
                window = window.coarser(1)
                values, valid = reduce_level(values, valid, band.aggregate, band.nodata, parity)
            request = BandRead(
                group=group,
                level=level,
                band=band.name,
                dtype=band.dtype,
                nodata=band.nodata,
                window=window,
            )
            written = self.local.store.write(self.cube, self.number, request, values)
            bits = _bits(group.shard_window(window, level), written)
            shards.append(BandShards(group=GROUP, level=level, band=band.name, bits=bits))
        return shards


def _bits(window: Window, written: Sequence[ShardNumber]) -> bytes:
    present = np.zeros(window.shape, dtype=bool)
    for shard in written:
        present[tuple(n - start for n, (start, _) in zip(shard, window.ranges, strict=True))] = True
    return np.packbits(present, axis=None).tobytes()


def _nodata(dtype: np.dtype[Any], band: str, asked: float | Mapping[str, float] | None) -> float:
    if isinstance(asked, Mapping):
        asked = asked.get(band)
    if asked is not None:
        return asked
    if dtype.kind == "f":
        return float("nan")
    limits = np.iinfo(dtype)
    return float(limits.min if dtype.kind == "i" else limits.max)


def _acquisition(when: str | Acquisition) -> Acquisition:
    if isinstance(when, Acquisition):
        return when
    start = parse_period(when).start
    return Acquisition(reference=start, first=start, last=start)


T_TIMES = (
    "2020-01-01",
    "2020-02-01",
    "2020-05-01",
    "2020-06-01",
    "2021-03-10",
    "2022-07-04",
    "2023-01-15",
)
HEIGHTS_M = (2.0, 10.0, 50.0, 100.0)


def add_examples(made: Made) -> Made:
    """Add the cubes that the example queries of WCPS ask for, and one of every other kind.

    - `A` and `B`: (Lat, Lon), int16 band `v`, 60 x 60 cells of 0..30 degrees, no time.
    - `T`: (ansi, Lat, Lon), uint16 bands `b4` and `b8`, the same cells, seven dates.
    - `G`: index grid (i, j) of 11 x 13, int32 band `v`; `L`: line (x) of 40 metres, float64.
    - `P`: a point with time only, float32; `W`: (ansi, height, Lat, Lon), float32 bands
      `u` and `v`, irregular heights; `U`: (ansi, N, E) in UTM 33N, int16 band `B04`.

    Numbers are random with a fixed seed; a few cells of T, W and U are nodata.
    """
    rng = np.random.default_rng(7)
    earth = (regular("Lat", 30, 0, 60), regular("Lon", 0, 30, 60))
    for name in ("A", "B"):
        values = rng.integers(1, 300, (60, 60)).astype("int16")
        add_cube(made, name, {"v": values}, Frame(axes=earth, crs=WGS84))
    shape = (len(T_TIMES), 60, 60)
    bands = {b: rng.integers(1, 10_000, shape).astype("uint16") for b in ("b4", "b8")}
    bands["b4"][rng.random(shape) < 0.05] = 65535
    add_cube(made, "T", bands, Frame(axes=earth, crs=WGS84, times=T_TIMES))
    grid = rng.integers(-50, 50, (11, 13)).astype("int32")
    add_cube(made, "G", {"v": grid}, Frame(axes=(indices("i", 11), indices("j", 13))))
    line = Frame(axes=(regular("x", 0, 40, 40, "m"),))
    add_cube(made, "L", {"v": rng.normal(size=40)}, line)
    series = rng.normal(size=len(T_TIMES)).astype("float32")
    add_cube(made, "P", {"v": series}, Frame(times=T_TIMES))
    _add_wind(made, rng)
    _add_utm(made, rng)
    return made


def _add_wind(made: Made, rng: np.random.Generator) -> None:
    wind = {b: rng.normal(size=(3, 4, 20, 30)).astype("float32") for b in ("u", "v")}
    wind["u"][rng.random(wind["u"].shape) < 0.05] = np.nan
    axes = (listed("height", *HEIGHTS_M), regular("Lat", 60, 50, 20), regular("Lon", 0, 15, 30))
    frame = Frame(axes=axes, crs=WGS84, times=T_TIMES[:3])
    add_cube(made, "W", wind, frame, band={"unit": "m/s"})


def _add_utm(made: Made, rng: np.random.Generator) -> None:
    land = rng.integers(1, 9000, (2, 300, 280)).astype("int16")
    land[rng.random(land.shape) < 0.1] = -32768
    axes = (
        regular("N", 5_200_020, 5_197_020, 300, "m"),
        regular("E", 499_980, 502_780, 280, "m"),
    )
    first = datetime(2023, 8, 15, 9, 50, 31, 24000, tzinfo=UTC)
    passes = tuple(
        Acquisition(reference=t, first=t, last=t.replace(second=55))
        for t in (first, first.replace(day=20))
    )
    frame = Frame(axes=axes, crs=CRS.from_epsg(32633), times=passes)
    add_cube(made, "U", {"B04": land}, frame, band={"scale": 1e-4})
