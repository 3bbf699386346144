"""A query of OGC API - EDR, and how its parameters are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from types import MappingProxyType

import shapely
from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.plan.formats import COVERAGE_JSON, CSV, NETCDF
from ogc.api.edr.shapes import Vertex, parse_area, parse_vertices
from ogc.api.get_coverage import check_names
from ogc.api.maps_parameters import parse_bbox, parse_positive
from ogc.api.negotiation import choose_format
from ogc.crs import CRS84, parse_crs
from ogc.kvp import Kvp, MissingParameterError, integer, shown
from ogc.zarr.address import TimeCut

GEOJSON = "application/geo+json"
METRES = MappingProxyType(
    {"m": 1.0, "km": 1000.0, "ft": 0.3048, "mi": 1609.344, "nmi": 1852.0, "yd": 0.9144}
)
"""Units of lengths, in metres."""
MAX_LENGTH_M = 500_000.0
"""Radius, or half the width of a corridor."""
MAX_LEVELS = 1000
_MAX_RESOLUTION = 2**31 - 1
_SPELLED = MappingProxyType(
    {
        "metre": "m",
        "metres": "m",
        "meter": "m",
        "meters": "m",
        "kilometre": "km",
        "kilometres": "km",
        "kilometer": "km",
        "kilometers": "km",
        "feet": "ft",
        "foot": "ft",
        "miles": "mi",
        "mile": "mi",
        "yards": "yd",
        "nm": "nmi",
    }
)


class Kind(StrEnum):
    """A query type; its path below the collection."""

    POSITION = "position"
    AREA = "area"
    CUBE = "cube"
    TRAJECTORY = "trajectory"
    RADIUS = "radius"
    CORRIDOR = "corridor"


PLACES = frozenset({Kind.POSITION, Kind.TRAJECTORY})
"""Queries whose answers list places; those of the others are grids."""
_COMMON = ("datetime", "parameter-name", "crs", "z", "f", "as_of")
_WIDTHS = ("corridor-width", "width-units", "corridor-height", "height-units")
OWN: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.POSITION: ("coords",),
        Kind.AREA: ("coords",),
        Kind.CUBE: ("bbox", "resolution-x", "resolution-y"),
        Kind.TRAJECTORY: ("coords",),
        Kind.RADIUS: ("coords", "within", "within-units"),
        Kind.CORRIDOR: ("coords", *_WIDTHS),
    }
)
"""Parameters that each query has beside the common ones."""
REQUIRED = frozenset({"coords", "bbox", "within", "within-units", "corridor-width", "width-units"})


def allowed(kind: Kind) -> tuple[str, ...]:
    """Return the parameters of a query."""
    return (*OWN[kind], *_COMMON)


def format_names(kind: Kind) -> Mapping[str, str]:
    """Return what a query is answered in, by the names that documents list, the usual first."""
    last = {"GeoJSON": GEOJSON} if kind in PLACES else {"netCDF": NETCDF}
    return {"CoverageJSON": COVERAGE_JSON, "CSV": CSV, **last}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Places asked for on the vertical axis."""

    values: tuple[float, ...] = ()
    """None where an interval is asked for."""
    low: float | None = None
    """Ends of the closed interval; None is open."""
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdrQuery:
    """A query of one collection."""

    kind: Kind
    coverage_id: str
    vertices: tuple[Vertex, ...] = ()
    """Points, or the line of a trajectory or corridor; in `crs`."""
    area: shapely.Geometry | None = None
    """Of an area or a cube, whose box it is; in `crs`, x first."""
    reach_m: float = 0.0
    """Radius, or half the width of a corridor."""
    depth: float | None = None
    """Whole height of a corridor, in metres as vertical axes are."""
    crs: CRS = CRS84
    """Of the places asked for, and of the answer where `crs_asked`."""
    crs_asked: bool = False
    times: TimeCut | None = None
    heights: Heights | None = None
    bands: tuple[str, ...] = ()
    """Empty means all."""
    columns: int | None = None
    """Cells along x and y of a cube, where they are not the stored ones."""
    rows: int | None = None
    media_type: str = COVERAGE_JSON


def parse(kind: Kind, coverage_id: str, kvp: Kvp, accept: str) -> EdrQuery:
    """Read the parameters and the header `Accept`, over which `f` goes.

    Raises
    ------
    InvalidParameterError, LimitExceededError, UnknownNameError
    """
    check_names(kvp, allowed(kind))
    named, times = kvp.one("crs", default=""), kvp.one("datetime", default="")
    # EDR and its clients write the name without a colon, too.
    crs = parse_crs(named) if named and named.upper() != "CRS84" else CRS84
    names = (name.strip() for name in kvp.one("parameter-name", default="").split(","))
    heights = kvp.one("z", default="")
    vertices, area = _places(kind, kvp, crs)
    if heights and any(vertex.z is not None for vertex in vertices):
        raise InvalidParameterError(
            "z and coords with Z are given; allowed is one of them", parameter="z"
        )
    if times and any(vertex.seconds is not None for vertex in vertices):
        raise InvalidParameterError(
            "datetime and coords with M are given; allowed is one of them", parameter="datetime"
        )
    formats = {name.casefold(): kind_ for name, kind_ in format_names(kind).items()}
    formats |= {"covjson": COVERAGE_JSON, "application/vnd.cov+json": COVERAGE_JSON}
    return EdrQuery(
        kind=kind,
        coverage_id=coverage_id,
        vertices=vertices,
        area=area,
        reach_m=_reach(kind, kvp),
        depth=_depth(kind, kvp),
        crs=crs,
        crs_asked=bool(named),
        times=TimeCut.parse(times) if times else None,
        heights=parse_heights(heights) if heights else None,
        bands=tuple(name for name in names if name),
        columns=_resolution(kvp, "resolution-x"),
        rows=_resolution(kvp, "resolution-y"),
        media_type=choose_format(kvp.one("f", default=""), accept, formats),
    )


def parse_heights(text: str) -> Heights:
    """Read a level, a list of levels, `min/max`, or `Rn/min/step`.

    >>> parse_heights("R3/100/50").values, parse_heights("2/..").low
    ((100.0, 150.0, 200.0), 2.0)

    Raises
    ------
    InvalidParameterError
    """
    repeated = re.fullmatch(r"[Rr]([0-9]{1,4})/([^/]+)/([^/]+)", text)
    try:
        if repeated:
            count, low, step = int(repeated[1]), float(repeated[2]), float(repeated[3])
            made = Heights(values=tuple(low + k * step for k in range(count)))
        elif "/" in text:
            ends = [None if end.strip() == ".." else float(end) for end in text.split("/")]
            low_end, high_end = ends
            made = Heights(low=low_end, high=high_end)
        else:
            made = Heights(values=tuple(float(part) for part in text.split(",")))
    except ValueError as error:
        raise _bad_heights(text) from error
    given = [*made.values, *(end for end in (made.low, made.high) if end is not None)]
    backwards = made.low is not None and made.high is not None and made.low > made.high
    if not given or len(given) > MAX_LEVELS or backwards or not all(map(isfinite, given)):
        raise _bad_heights(text)
    return made


def _bad_heights(text: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"z {shown(text)} is not allowed; allowed are a level, levels with commas between, "
        f"min/max, or Rn/min/step, at most {MAX_LEVELS} levels",
        parameter="z",
    )


def _places(kind: Kind, kvp: Kvp, crs: CRS) -> tuple[tuple[Vertex, ...], shapely.Geometry | None]:
    if kind is Kind.CUBE:
        return (), shapely.box(*parse_bbox(_required(kvp, "bbox"), crs))
    text = _required(kvp, "coords")
    match kind:
        case Kind.AREA:
            return (), parse_area(text, crs)
        case Kind.POSITION | Kind.RADIUS:
            return parse_vertices(text, crs, kinds=("Point", "MultiPoint")), None
        case _:
            measured = kind is Kind.TRAJECTORY
            return parse_vertices(text, crs, kinds=("LineString",), measured=measured), None


def _required(kvp: Kvp, name: str) -> str:
    text = kvp.one(name, default="")
    if not text:
        raise MissingParameterError(name, f"parameter {name} is missing or empty")
    return text


def _reach(kind: Kind, kvp: Kvp) -> float:
    match kind:
        case Kind.RADIUS:
            name, length = "within", _length(kvp, "within", "within-units")
        case Kind.CORRIDOR:
            name, length = "corridor-width", _length(kvp, "corridor-width", "width-units") / 2
        case _:
            return 0.0
    if length > MAX_LENGTH_M:
        raise InvalidParameterError(
            f"{name} reaches {length:,.0f} m; allowed are {MAX_LENGTH_M:,.0f} m to each side",
            parameter=name,
        )
    return length


def _length(kvp: Kvp, name: str, units: str) -> float:
    number = parse_positive(_required(kvp, name), name)
    unit = _required(kvp, units).casefold()
    unit = _SPELLED.get(unit, unit)
    if unit not in METRES:
        raise InvalidParameterError(
            f"{units} {shown(unit)} is not allowed; allowed: {', '.join(METRES)}", parameter=units
        )
    return number * METRES[unit]


def _depth(kind: Kind, kvp: Kvp) -> float | None:
    """Return the height of a corridor in metres, where one is given."""
    given = kind is Kind.CORRIDOR and kvp.one("corridor-height", default="")
    return _length(kvp, "corridor-height", "height-units") if given else None


def _resolution(kvp: Kvp, name: str) -> int | None:
    """Return a number of cells; 0 is the stored one."""
    text = kvp.one(name, default="")
    return (integer(text, name, low=0, high=_MAX_RESOLUTION) if text else 0) or None
