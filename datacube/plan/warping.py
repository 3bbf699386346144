"""Reprojection of bound plans: which grid they are warped to."""

from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from pyproj import CRS
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import calculate_default_transform

from datacube.axes import SNAP_DECIMALS, RegularAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import Grid, crs_name, same_crs
from datacube.plan.boxes import reproject_box
from datacube.plan.geometry import TOLERANCE_CELLS, CoarseMap, reach_window
from datacube.plan.nodes import Plan, Resample
from datacube.plan.query import KERNEL_RADII_PX, Method
from datacube.plan.scaling import check_method
from datacube.protocols import Bbox

EXACT_CELLS = 4_000_000
"""Grids of up to this many cells have each cell's place transformed, at about 1 us each."""
_SAMPLES = 48
_WORLD = 1e9
"""No CRS has coordinates beyond."""
_STEPS_PX = (64, 32, 16, 8, 4)
_SIDE_CELLS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a request fixes of the target grid; the rest follows from the source."""

    crs: CRS
    x_step: float | None = None
    """Cell sizes in the unit of the CRS, above 0."""
    y_step: float | None = None
    x: tuple[float, float] | None = None
    """Outer edges `(low, high)` in the CRS."""
    y: tuple[float, float] | None = None
    like: Grid | None = None
    """A grid in the CRS and of the extent, which is taken where it has the asked cell sizes."""


def warp(plan: Plan, frame: Frame, method: Method) -> Plan:
    """Warp the plane of a plan to another CRS or lattice; outer axes stay.

    Places are exact in grids of up to `EXACT_CELLS`, true to an eighth of a cell in larger ones.

    Raises
    ------
    InvalidParameterError
        If there is no plane on the Earth, the frame has no cells, or the method is not for
        cells of this type.
    LimitExceededError
        If a kernel would weigh too many cells.
    OutOfDomainError
        If the source has no place in the CRS.
    """
    source = plan.domain.plane
    if not source.on_earth:
        raise InvalidParameterError(
            f"axes {source.y.name!r} and {source.x.name!r} have no CRS of the Earth to warp from"
        )
    grid = target_grid(source, frame)
    if grid == source:
        return plan
    ratio = _ratio(source, grid) if method in KERNEL_RADII_PX else None
    made = Resample(
        source=plan, grid=grid, method=method, step_px=_step_px(source, grid), ratio=ratio
    )
    check_method(made)
    return made


def shown(plan: Plan, grid: Grid, method: Method) -> Resample:
    """Bring a plan to the grid of a map; kernels but the linear one widen with the pixels.

    Levels are chosen so that a pixel is short of two cells, where a scene has so many of them.
    """
    widened = method in KERNEL_RADII_PX and method is not Method.LINEAR
    ratio = _ratio(plan.domain.plane, grid) if widened else None
    return Resample(source=plan, grid=grid, method=method, ratio=ratio, to_see=True)


def _ratio(source: Grid, grid: Grid) -> tuple[float, float] | None:
    """Return how many source cells a target cell is long along the source's y and x.

    The middle value of places spread over what the target shows of the source.
    """
    if same_crs(source.crs, grid.crs):
        return abs(grid.y.step / source.y.step), abs(grid.x.step / source.x.step)
    reach = reach_window(source, grid)
    if reach is None:
        return None
    exact = CoarseMap(source, grid, 1, reach).exact
    rows, cols = (np.linspace(*span, 5) for span in reach.plane.ranges)
    here, down, right = exact(rows, cols), exact(rows + 1, cols), exact(rows, cols + 1)
    lengths = []
    for axis in (0, 1):
        length = np.hypot(down[axis] - here[axis], right[axis] - here[axis])
        if not np.isfinite(length).any():
            return None
        lengths.append(float(np.nanmedian(length)))
    return lengths[0], lengths[1]


def _step_px(source: Grid, grid: Grid) -> int | None:
    """Return how densely places are transformed: each cell's, unless there are many.

    The widest step whose error halfway between four nodes is small at `_SAMPLES` squared
    places; 1 where any of them has no place.
    """
    if same_crs(source.crs, grid.crs):
        return None
    reach = reach_window(source, grid)
    if reach is None or reach.size <= EXACT_CELLS:
        return 1
    exact = CoarseMap(source, grid, 1, reach).exact
    rows, cols = (np.linspace(*span, _SAMPLES) for span in reach.plane.ranges)
    for step in _STEPS_PX:
        corners = [exact(rows + dr, cols + dc) for dr in (0, step) for dc in (0, step)]
        middle = exact(rows + step / 2, cols + step / 2)
        errors = [
            np.abs(np.mean([corner[axis] for corner in corners], axis=0) - middle[axis]).max()
            for axis in (0, 1)
        ]
        # NaN is not below the tolerance either.
        if all(error < TOLERANCE_CELLS for error in errors):
            return step
    return 1


def target_grid(source: Grid, frame: Frame) -> Grid:
    """Return the grid that a frame and a source make.

    Extent and cell size are by default those that GDAL suggests; where one of them is
    given, the other is GDAL's still. Rows run from north to south.

    Raises
    ------
    InvalidParameterError
        If a cell size or extent leaves no cells, or too many.
    OutOfDomainError
        If the source has no place in the CRS.
    """
    like = frame.like
    if like is not None and _steps_equal(like, frame):
        return like
    given = (frame.x_step, frame.y_step, frame.x, frame.y)
    if same_crs(frame.crs, source.crs) and all(one is None for one in given):
        return source
    suggested = source if same_crs(frame.crs, source.crs) else suggested_grid(source, frame.crs)
    left, bottom, right, top = suggested.bbox
    x, y = frame.x or (left, right), frame.y or (bottom, top)
    x_step = frame.x_step or abs(suggested.x.step)
    y_step = frame.y_step or abs(suggested.y.step)
    return Grid(
        crs=frame.crs,
        x=_axis(suggested.x.name, x, x_step, uom=suggested.x.uom, downwards=False),
        y=_axis(suggested.y.name, y, y_step, uom=suggested.y.uom, downwards=True),
    )


def suggested_grid(source: Grid, crs: CRS) -> Grid:
    """Return the grid that GDAL suggests for warping: square cells, as many along the diagonal.

    Raises
    ------
    OutOfDomainError
        If the source has no place in the CRS.
    """
    rows, columns = source.shape
    if max(map(abs, source.bbox)) > _WORLD:
        raise OutOfDomainError(f"{source.bbox} has no place in {crs_name(crs)}")
    try:
        transform, width, height = calculate_default_transform(
            source.crs.to_wkt(), crs.to_wkt(), columns, rows, *source.bbox
        )
    except (CPLE_BaseError, RasterioError, CRSError) as error:
        raise OutOfDomainError(f"the coverage has no place in {crs_name(crs)}: {error}") from error
    if min(width, height) < 1:
        raise OutOfDomainError(f"the coverage has no extent in {crs_name(crs)}")
    x_name, y_name, uom = axis_names(crs)
    return Grid(
        crs=crs,
        x=RegularAxis(name=x_name, uom=uom, start=transform.c, step=transform.a, size=width),
        y=RegularAxis(name=y_name, uom=uom, start=transform.f, step=transform.e, size=height),
    )


def axis_names(crs: CRS) -> tuple[str, str, str]:
    """Return the names of x and y, and their unit.

    >>> axis_names(CRS.from_epsg(4326)), axis_names(CRS.from_epsg(32633))
    (('Lon', 'Lat', 'degree'), ('E', 'N', 'm'))
    """
    if crs.is_geographic:
        return "Lon", "Lat", "degree"
    unit = crs.axis_info[0].unit_name
    return "E", "N", "m" if unit == "metre" else unit


def box_in(box: Bbox, source: CRS, target: CRS) -> Bbox:
    """Return the box of a box in another CRS.

    Raises
    ------
    OutOfDomainError
        If it has no place there.
    """
    made = reproject_box(box, source, target, widen=0.0)
    if made is None or not all(map(isfinite, made)):
        raise OutOfDomainError(f"{box} of {crs_name(source)} has no place in {crs_name(target)}")
    return made


def _axis(
    name: str, ends: tuple[float, float], step: float, *, uom: str, downwards: bool
) -> RegularAxis:
    low, high = ends
    # GDAL does not return from grids that are larger than any world.
    if not (isfinite(high - low) and 0 < step <= high - low):
        raise InvalidParameterError(
            f"axis {name!r} from {low:g} to {high:g} in cells of {step:g} has no whole cell",
            parameter="crsTransform",
        )
    cells = max(1, ceil(round(min((high - low) / step, 2.0 * _SIDE_CELLS), SNAP_DECIMALS)))
    if cells > _SIDE_CELLS:
        raise InvalidParameterError(
            f"axis {name!r} from {low:g} to {high:g} in cells of {step:g} has too many cells; "
            f"allowed: {_SIDE_CELLS}",
            parameter="crsTransform",
        )
    start = high if downwards else low
    return RegularAxis(
        name=name, uom=uom, start=start, step=-step if downwards else step, size=cells
    )


def _steps_equal(like: Grid, frame: Frame) -> bool:
    return all(
        asked is None or abs(asked - abs(own)) <= abs(own) * 10**-SNAP_DECIMALS
        for asked, own in ((frame.x_step, like.x.step), (frame.y_step, like.y.step))
    )
