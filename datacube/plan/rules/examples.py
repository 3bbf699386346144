"""Small plans for the doctests of the rules."""

from datetime import UTC, datetime

from pyproj import CRS

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.cube import Band, ResolutionGroup
from datacube.grid import Grid
from datacube.plan.nodes import Domain, Literal, Scan, Source, Stack
from datacube.times import Acquisition

_TIMES = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))


def part(first: int, stop: int, step: float = 10.0) -> Domain:
    """Return the square of cells `first` to `stop` (exclusive) of one lattice."""
    x = RegularAxis(name="E", uom="m", start=0.0, step=step, first=first, size=stop - first)
    y = RegularAxis(name="N", uom="m", start=0.0, step=-step, first=first, size=stop - first)
    return Domain(grid=Grid(crs=CRS.from_epsg(32633), x=x, y=y))


def literal(domain: Domain | None = None) -> Literal:
    """Return the number 1 everywhere."""
    return Literal(value=1, domain=domain or part(0, 8))


def scan(*names: str) -> Scan:
    """Return a scan of bands without slots."""
    return _scan(names or ("B02",), ())


def timed_scan() -> Scan:
    """Return a scan with a time axis of two acquisitions."""
    made = tuple(Acquisition(reference=t, first=t, last=t) for t in _TIMES)
    return _scan(("B02",), (TimeAxis(acquisitions=made),))


def timed_source() -> Source:
    """Return a coverage with a time axis of two acquisitions."""
    scan = timed_scan()
    return Source(coverage_id="C", bands=scan.bands, domain=scan.domain)


def _scan(names: tuple[str, ...], outer: tuple[Axis, ...]) -> Scan:
    whole = part(0, 8).plane
    times = _TIMES if outer else (None,)
    return Scan(
        cube="C",
        group=ResolutionGroup(name="r10m", grid=whole),
        level=0,
        bands=tuple(
            Band(name=n, title=n, dtype="int16", nodata=-32768, group="r10m") for n in names
        ),
        stacks=tuple(Stack(time=t, slots=()) for t in times),
        domain=Domain(outer=outer, grid=whole),
    )
