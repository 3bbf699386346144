"""GetCoverage of WCS 1.1.1: parameters to the request that every version shares."""

import re
from math import ceil, floor

from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.grid import northing_first
from datacube.plan.formats import media_type
from datacube.plan.query import Method
from datacube.plan.warping import box_in
from datacube.protocols import Bbox
from ogc.crs import CRS84, parse_crs
from ogc.kvp import Kvp, shown
from ogc.wcs.coverage_request import GetCoverage
from ogc.wcs.subsets import parse_bands
from ogc.wcs.targets import MAX_CELLS, Target
from ogc.wcs.v1_0.get_coverage import parse_number, parse_times
from ogc.wcs.v1_1.names import AXIS, FIELD, FORMATS, METHODS

_SNAP = 1e-6
"""Parts of a cell by which a centre may lie outside of the box, as numbers are rounded."""
_RANGE = re.compile(rf"{FIELD}(?::([a-z-]+))?(?:\[{AXIS}\[([^\[\]]+)\]\])?", re.IGNORECASE)


def parse(kvp: Kvp) -> GetCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnknownNameError, OutOfDomainError
    """
    if kvp.one("store", default="false").casefold() != "false":
        raise InvalidParameterError("STORE is not offered; allowed is false", parameter="STORE")
    bands, method = _range(kvp.one("rangesubset", default=""))
    return GetCoverage(
        coverage_id=kvp.one("identifier"),
        times=parse_times(kvp.one("timesequence", default=""), "TIMESEQUENCE"),
        bands=bands,
        method=method,
        media_type=media_type(kvp.one("format"), FORMATS),
        target=_target(kvp),
        defaults=True,
        files=True,
    )


def _range(text: str) -> tuple[tuple[str, ...], Method]:
    if not text:
        return (), Method.NEAREST
    match = _RANGE.fullmatch("".join(text.split()))
    method = METHODS.get((match[1] or "nearest").casefold()) if match else None
    if match is None or method is None:
        raise InvalidParameterError(
            f"RANGESUBSET {shown(text)} is not allowed; allowed is "
            f"{FIELD}:method[{AXIS}[name,name]], the method being {', '.join(METHODS)}",
            parameter="RANGESUBSET",
        )
    return parse_bands(match[2] or ""), method


def _target(kvp: Kvp) -> Target:
    bbox, bbox_crs = _bbox(kvp.one("boundingbox"))
    base = kvp.one("gridbasecrs", default="")
    crs = parse_crs(base) if base else bbox_crs
    offsets = kvp.one("gridoffsets", default="")
    if not offsets:
        return Target(crs=parse_crs(base) if base else None, bbox=bbox, bbox_crs=bbox_crs)
    steps = _steps(offsets, crs)
    origin = kvp.one("gridorigin", default="")
    if not origin:
        return Target(crs=crs, bbox=bbox, bbox_crs=bbox_crs, steps=steps)
    if crs != bbox_crs:
        bbox = box_in(bbox, bbox_crs, crs)
    centre = _numbers(origin, "GRIDORIGIN", (2,))
    if northing_first(crs):
        centre.reverse()
    x = _along(bbox[0], bbox[2], centre[0], steps[0])
    y = _along(bbox[1], bbox[3], centre[1], steps[1])
    return Target(
        crs=crs, bbox=(x[0], y[0], x[1], y[1]), bbox_crs=crs, size=(x[2], y[2]), steps=steps
    )


def _along(low: float, high: float, centre: float, step: float) -> tuple[float, float, int]:
    """Return the edges and the number of the cells whose centres lie within two bounds."""
    first, last = (low - centre) / step, (high - centre) / step
    if not last - first <= MAX_CELLS:
        raise InvalidParameterError(
            f"GRIDOFFSETS make {last - first:g} cells; allowed are {MAX_CELLS} along an axis",
            parameter="GRIDOFFSETS",
        )
    begin, end = ceil(first - _SNAP), floor(last + _SNAP)
    if end < begin:
        raise InvalidParameterError(
            f"no cell of the grid has its centre between {low:g} and {high:g}",
            parameter="BOUNDINGBOX",
        )
    return centre + (begin - 0.5) * step, centre + (end + 0.5) * step, end - begin + 1


def _bbox(text: str) -> tuple[Bbox, CRS]:
    """Read four numbers in the order of the CRS' axes, and its name; CRS84 where there is none."""
    *numbers, name = text.split(",") if text.count(",") == 4 else (*text.split(","), "")
    crs = parse_crs(name) if name.strip() else CRS84
    corners = _numbers(",".join(numbers), "BOUNDINGBOX", (4,))
    x0, y0, x1, y1 = corners
    if northing_first(crs):
        x0, y0, x1, y1 = y0, x0, y1, x1
    if x0 >= x1 or y0 >= y1:
        raise InvalidParameterError(
            f"BOUNDINGBOX {shown(text)} is not allowed; allowed is the lower corner, the upper "
            "corner, and the URN of a CRS",
            parameter="BOUNDINGBOX",
        )
    return (x0, y0, x1, y1), crs


def _steps(text: str, crs: CRS) -> tuple[float, float]:
    """Read the sizes of a cell along x and y: two numbers, or two vectors along the axes."""
    parts = _numbers(text, "GRIDOFFSETS", (2, 4))
    first, second = (parts[0], parts[1]) if len(parts) == 2 else (0.0, 0.0)
    if len(parts) == 4:
        # Columns may run along either axis of the CRS, rows along the other.
        straight = parts[1] == parts[2] == 0
        first, second = (parts[0], parts[3]) if straight else (parts[2], parts[1])
        if not straight and (parts[0] or parts[3]):
            first = second = 0.0
    x, y = (abs(second), abs(first)) if northing_first(crs) else (abs(first), abs(second))
    if not (x and y):
        raise InvalidParameterError(
            f"GRIDOFFSETS {shown(text)} is not allowed; allowed are sizes of cells that lie along "
            "the axes",
            parameter="GRIDOFFSETS",
        )
    return x, y


def _numbers(text: str, name: str, counts: tuple[int, ...]) -> list[float]:
    parts = text.replace(" ", ",").split(",")
    if len(parts) not in counts:
        raise InvalidParameterError(
            f"{name} {shown(text)} has {len(parts)} parts; allowed are "
            f"{' or '.join(map(str, counts))} numbers",
            parameter=name,
        )
    return [parse_number(part, name) for part in parts]
