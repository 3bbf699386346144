"""Bound plans over arrays in memory, and a `compute` that answers them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.cells import Cells, Valid, Values
from datacube.cube import Band, ClassValue, ResolutionGroup
from datacube.encode.answer import EncodeJob
from datacube.grid import Grid, Window
from datacube.plan.nodes import Bands, Domain, Encode, Picture, Plan, Scan
from datacube.protocols import Limits
from datacube.times import Acquisition

UTM_33 = CRS.from_epsg(32633)
TIMES = (
    datetime(2023, 8, 10, 10, 0, 31, 24000, tzinfo=UTC),
    datetime(2023, 8, 15, 9, 50, 31, 123456, tzinfo=UTC),
)


def reflectance(name: str) -> Band:
    """Return a band like those of Sentinel-2 L2A."""
    return Band(
        name=name,
        title=f"Reflectance {name}",
        dtype="int16",
        nodata=-32768,
        group="r10m",
        scale=0.0001,
        wavelength_nm=665.0,
        standard_name="surface_bidirectional_reflectance",
    )


def scene_classes() -> Band:
    """Return a small SCL, nodata 0."""
    return Band(
        name="SCL",
        title="Scene classification",
        dtype="uint8",
        nodata=0,
        group="r10m",
        classes=(
            ClassValue(value=4, name="vegetation", title="Vegetation", colour=(0, 160, 0)),
            ClassValue(value=6, name="water", title="Water", colour=(0, 0, 200)),
            ClassValue(value=9, name="cloud", title="Cloud, high", colour=(255, 255, 255)),
        ),
    )


def utm_grid(
    rows: int, columns: int, *, step: float = 10.0, first: tuple[int, int] = (200, 300)
) -> Grid:
    """Return a grid whose first cell has the indices `first`, `(y, x)`."""
    return Grid(
        crs=UTM_33,
        x=RegularAxis(name="E", uom="m", start=300_000, step=step, first=first[1], size=columns),
        y=RegularAxis(name="N", uom="m", start=5_400_000, step=-step, first=first[0], size=rows),
    )


def geographic_grid(rows: int, columns: int) -> Grid:
    """Return a grid in EPSG:4326."""
    return Grid(
        crs=CRS.from_epsg(4326),
        x=RegularAxis(name="Lon", uom="deg", start=10.0, step=0.01, size=columns),
        y=RegularAxis(name="Lat", uom="deg", start=50.0, step=-0.01, size=rows),
    )


def time_axis(times: tuple[datetime, ...] = TIMES) -> TimeAxis:
    """Return acquisitions at moments."""
    return TimeAxis(acquisitions=tuple(Acquisition(reference=t, first=t, last=t) for t in times))


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A plan whose cells are held in memory."""

    plan: Scan
    values: Mapping[str, Values]
    valid: Mapping[str, Valid]

    def compute(self, plan: Plan, window: Window) -> Cells:
        """Answer the plan itself, or a choice of its bands, over its whole domain."""
        if isinstance(plan, Bands):
            names = {pick.name: pick.field for pick in plan.picks}
        else:
            names = {field.name: field.name for field in plan.fields}
        assert plan.domain == self.plan.domain
        assert window.intersect(self.plan.domain.window) == window
        at = window.slices(self.plan.domain.window)
        return Cells(
            tuple(names),
            tuple(self.values[name][at] for name in names.values()),
            tuple(self.valid[name][at] for name in names.values()),
        )

    def expected(self, name: str, nodata: float) -> NDArray[np.float64]:
        """Return a band with `nodata` where it is not valid."""
        return np.where(self.valid[name], self.values[name].astype(np.float64), nodata)

    def job(
        self, media_type: str, *, scenes: tuple[str, ...] = (), source: Picture | None = None
    ) -> EncodeJob:
        """Return the job of encoding the plan, or a picture of it."""
        node = Encode(source=source or self.plan, media_type=media_type, title="S2_L2A_32633")
        return EncodeJob(node=node, compute=self.compute, scenes=scenes, limits=Limits())


def held(
    bands: tuple[Band, ...], grid: Grid, *, outer: tuple[Axis, ...] = (), seed: int = 7
) -> Held:
    """Return a plan over random cells, a fifth of them not valid.

    What stands in a cell that is not valid is random too, as nothing may read it.
    """
    rng = np.random.default_rng(seed)
    domain = Domain(outer=outer, grid=grid)
    values: dict[str, Values] = {}
    for band in bands:
        if band.classes:
            codes = np.array([c.value for c in band.classes], band.dtype)
            values[band.name] = rng.choice(codes, domain.shape)
        elif band.numpy_dtype.kind == "f":
            values[band.name] = rng.normal(0, 1, domain.shape).astype(band.dtype)
        else:
            values[band.name] = rng.integers(1, 4000, domain.shape).astype(band.dtype)
    valid = {band.name: rng.random(domain.shape) > 0.2 for band in bands}
    plan = Scan(
        cube="S2_L2A_32633",
        group=ResolutionGroup(name="r10m", grid=grid),
        level=0,
        bands=bands,
        stacks=(),
        domain=domain,
    )
    return Held(plan, values, valid)
