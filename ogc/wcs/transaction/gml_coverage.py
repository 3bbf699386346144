"""GML coverages (OGC 09-146r2) that are sent: what they call themselves, and their cells."""

import re
from dataclasses import dataclass
from math import prod

import numpy as np
from pyproj import CRS

from datacube.encode.xml import Element
from datacube.errors import CubeError
from datacube.grid import northing_first
from datacube.times import Period, parse_period
from datacube.writing import CoverageTypeError, InlineCells
from ogc.crs import parse_crs
from ogc.kvp import shown
from ogc.wcs.transaction.names import CARRIED
from ogc.xml_body import local, text

_ID = "{http://www.opengis.net/gml/3.2}id"
_EPSG = re.compile(r"EPSG(?:/[^/&]*/|::?)(\d{1,6})")
_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_TIME_CRS = re.compile(r"AnsiDate|UnixTime", re.IGNORECASE)
_TYPES = {
    "unsignedByte": "uint8",
    "signedByte": "int8",
    "unsignedShort": "uint16",
    "signedShort": "int16",
    "unsignedInt": "uint32",
    "signedInt": "int32",
    "float32": "float32",
    "float64": "float64",
}
"""Last parts of the addresses that define the numbers of a field."""
MAX_CELLS = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GmlCoverage:
    """What a GML coverage says."""

    coverage_id: str
    bands: tuple[str, ...]
    times: tuple[Period, ...]
    """None where it has no time axis, or the grid is left to the file."""
    cells: InlineCells | None
    file: str
    """Reference to the file with the cells; empty where they are inline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A grid of a plane and perhaps of times; axes are numbered as the grid lists them."""

    crs: CRS
    sizes: tuple[int, ...]
    coordinate: tuple[int, ...]
    """By axis, of the CRS's coordinates the one that it runs along: 0 x, 1 y, 2 time."""
    origin: tuple[float, float]
    """`(x, y)` of the centre of the first cell."""
    steps: tuple[float, float]
    times: tuple[Period, ...]


def read_gml(root: Element) -> GmlCoverage:
    """Read a coverage.

    Raises
    ------
    CoverageTypeError
        If it is none, or of a kind that is not read.
    """
    name = local(root)
    if name not in CARRIED and not name.endswith(("Coverage", "Dataset")):
        raise CoverageTypeError(
            f"{shown(name)} is no coverage; allowed: RectifiedGridCoverage, "
            "ReferenceableGridCoverage"
        )
    fields = _all(_first(root, "rangeType"), "field")
    bands = tuple(field.get("name", "") for field in fields)
    file = text(_first(root, "fileReference"))
    if not file:
        # Some write the reference as a link.
        linked = _first(_first(root, "rangeSet"), "rangeParameters")
        file = "" if linked is None else linked.get("{http://www.w3.org/1999/xlink}href", "")
    identifier = root.get(_ID, "")
    try:
        if file:
            times = _file_times(root)
            return GmlCoverage(
                coverage_id=identifier, bands=bands, times=times, cells=None, file=file
            )
        grid = _grid(root)
        cells = _cells(root, grid, fields)
    except (ValueError, OverflowError) as error:
        raise CoverageTypeError(f"the GML cannot be read: {str(error)[:200]}") from error
    return GmlCoverage(coverage_id=identifier, bands=bands, times=grid.times, cells=cells, file="")


def _file_times(root: Element) -> tuple[Period, ...]:
    """Return the times of a grid whose cells are in a file; the file tells the plane."""
    for axis in _all(root, "GeneralGridAxis"):
        written = _tokens(text(_first(axis, "coefficients")))
        if written and any(quoted for _, quoted in written):
            return tuple(parse_period(value) for value, _ in written)
    return ()


def _grid(root: Element) -> _Grid:
    domain = _first(root, "domainSet")
    limits = _first(domain, "GridEnvelope")
    low, high = ([int(n) for n in text(_first(limits, end)).split()] for end in ("low", "high"))
    vectors = [text(each) for each in _all(domain, "offsetVector")]
    if not low or not len(low) == len(high) == len(vectors) <= 3:
        raise CoverageTypeError(
            f"the grid has {len(low)} axes and {len(vectors)} vectors; allowed inline are a plane, "
            "and times: send other grids as netCDF"
        )
    srs = _srs_name(domain)
    found = _EPSG.search(srs)
    if found is None:
        raise CoverageTypeError(f"the grid has the CRS {shown(srs)}; allowed are those of EPSG")
    crs = parse_crs(f"EPSG:{found[1]}")
    time = _TIME_CRS.search(srs)
    # Coordinates in the order of the CRS: x 0, y 1, time 2.
    order = [1, 0] if northing_first(crs) else [0, 1]
    if time is not None:
        order = [2, *order] if time.start() < found.start() else [*order, 2]
    return _placed(domain, crs, order, [h - n + 1 for n, h in zip(low, high, strict=True)])


def _placed(domain: Element | None, crs: CRS, order: list[int], sizes: list[int]) -> _Grid:
    position = _tokens(text(_first(_first(domain, "origin"), "pos")))
    vectors = [_tokens(text(each)) for each in _all(domain, "offsetVector")]
    general = _all(domain, "GeneralGridAxis")
    if len(position) != len(order) or any(len(each) != len(order) for each in vectors):
        raise CoverageTypeError(
            f"origin and vectors of the grid need {len(order)} coordinates each, as the CRS has"
        )
    coordinate: list[int] = []
    steps = {0: 1.0, 1: 1.0}
    times: tuple[Period, ...] = ()
    for at, vector in enumerate(vectors):
        along = [n for n, (value, _) in enumerate(vector) if float(value) != 0]
        if len(along) != 1:
            raise CoverageTypeError("an axis of the grid does not run along one of the CRS")
        axis = order[along[0]]
        coordinate.append(axis)
        coefficients = _tokens(text(_first(general[at], "coefficients"))) if general else []
        if axis == 2:
            times = _times(position[along[0]], coefficients, sizes[at])
        elif coefficients:
            raise CoverageTypeError("the plane of a coverage is regular; send others as netCDF")
        else:
            steps[axis] = float(vector[along[0]][0])
    if len(set(coordinate)) != len(coordinate) or not {0, 1} <= set(coordinate):
        raise CoverageTypeError("the grid has no plane of two axes")
    spatial = {order[n]: value for n, (value, _) in enumerate(position) if order[n] != 2}
    return _Grid(
        crs=crs,
        sizes=tuple(sizes),
        coordinate=tuple(coordinate),
        origin=(float(spatial[0]), float(spatial[1])),
        steps=(steps[0], steps[1]),
        times=times,
    )


def _times(
    origin: tuple[str, bool], coefficients: list[tuple[str, bool]], size: int
) -> tuple[Period, ...]:
    written = coefficients or ([origin] if size == 1 else [])
    if len(written) != size or not all("-" in value for value, _ in written):
        raise CoverageTypeError(
            f"the time axis has {len(written)} dates for {size} places; allowed is one each"
        )
    try:
        return tuple(parse_period(value) for value, _ in written)
    except CubeError as error:
        raise CoverageTypeError(str(error)) from error


def _cells(root: Element, grid: _Grid, fields: list[Element]) -> InlineCells:
    listed = _first(root, "tupleList")
    if listed is None or not fields:
        raise CoverageTypeError("the coverage has no cells, inline or in a file, or no fields")
    between, blank = listed.get("cs", ","), listed.get("ts", " ")
    written = text(listed).replace(between, " ").replace(blank, " ").split()
    shape = _run_order(root, grid)
    count = prod(grid.sizes) * len(fields)
    if min(grid.sizes) < 1 or len(written) != count or count > MAX_CELLS:
        raise CoverageTypeError(
            f"the coverage lists {len(written)} values for {count} cells of all bands; "
            f"{MAX_CELLS} are allowed inline"
        )
    definitions = [_TYPES.get(_definition(field), "float64") for field in fields]
    dtype = np.result_type(*(np.dtype(each) for each in definitions))
    numbers = np.array(written, dtype=np.float64)
    if dtype.kind != "f" and not np.array_equal(numbers.astype(dtype), numbers):
        dtype = np.dtype(np.float64)
    values = numbers.astype(dtype).reshape([grid.sizes[at] for at in shape] + [len(fields)])
    # To (time, band, y, x), whatever the cells run along first.
    wanted = {grid.coordinate[at]: place for place, at in enumerate(shape)}
    if 2 not in wanted:
        values, wanted = values[np.newaxis], {key: at + 1 for key, at in wanted.items()} | {2: 0}
    values = values.transpose(wanted[2], values.ndim - 1, wanted[1], wanted[0])
    (x, y), (dx, dy) = grid.origin, grid.steps
    if dx < 0:
        x, dx, values = x + dx * (values.shape[3] - 1), -dx, values[..., ::-1]
    if dy > 0:
        y, dy, values = y + dy * (values.shape[2] - 1), -dy, values[..., ::-1, :]
    return InlineCells(
        crs=grid.crs,
        corner=(x - dx / 2, y - dy / 2),
        step=(dx, dy),
        values=np.ascontiguousarray(values),
        nodata=_nodata(fields, dtype),
    )


def _run_order(root: Element, grid: _Grid) -> list[int]:
    """Return the axes of the grid, the one that cells run along first at the end."""
    rule = _first(_first(root, "coverageFunction"), "sequenceRule")
    written = "" if rule is None else rule.get("axisOrder", "")
    order = [int(each) - 1 for each in written.split()] or list(range(len(grid.sizes)))
    if sorted(order) != list(range(len(grid.sizes))):
        raise CoverageTypeError(
            f"the cells run in the order {shown(written)}; allowed is each axis once, upwards"
        )
    return order[::-1]


def _nodata(fields: list[Element], dtype: np.dtype[np.generic]) -> float | None:
    for value in (float(text(nil)) for field in fields for nil in _all(field, "nilValue")):
        fits = dtype.kind == "f" or (value.is_integer() and _holds(dtype, value))
        if value == value and fits:  # noqa: PLR0124  # NaN is told by itself
            return value
    return None


def _holds(dtype: np.dtype[np.generic], value: float) -> bool:
    limits = np.iinfo(dtype.name)
    return limits.min <= value <= limits.max


def _definition(field: Element) -> str:
    quantity = _first(field, "Quantity")
    return "" if quantity is None else quantity.get("definition", "").rpartition("/")[2]


def _srs_name(domain: Element | None) -> str:
    for element in () if domain is None else domain.iter():
        if local(element) and element.get("srsName"):
            return str(element.get("srsName"))
    return ""


def _tokens(written: str) -> list[tuple[str, bool]]:
    """Return words, and whether they were quoted."""
    return [(quoted or bare, bool(quoted)) for quoted, bare in _TOKEN.findall(written)]


def _all(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else [each for each in element.iter() if local(each) == name]


def _first(element: Element | None, name: str) -> Element | None:
    return next(iter(_all(element, name)), None)
