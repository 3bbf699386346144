"""The coverage of a collection (OGC API - Coverages, draft 19-087, version 0.0.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pyproj import CRS

from datacube.cube import Coverage
from datacube.errors import InvalidParameterError
from datacube.grid import crs_url, northing_first
from datacube.plan import query
from datacube.plan.bind import Bound
from datacube.plan.formats import (
    COVERAGE_JSON,
    CSV,
    GEOTIFF,
    GML,
    JPEG,
    JPEG2000,
    JSON,
    NETCDF,
    PNG,
    ZARR,
)
from datacube.plan.names import is_time
from datacube.plan.nodes import Domain, Picture
from datacube.protocols import Bbox, CatalogView
from datacube.wcps.bind.methods import method_named
from ogc.api.coverage_parameters import SCALING, parse_scaling, parse_subset
from ogc.api.maps_parameters import parse_bbox, project_box
from ogc.api.negotiation import choose_format
from ogc.api.zones import Wanted, find_coverage
from ogc.crs import CRS84, parse_crs
from ogc.exchange import Reply, Session, reply
from ogc.kvp import Kvp, shown
from ogc.tiles.get_tile import cached
from ogc.xml import number
from ogc.zarr.address import TimeCut

ALLOWED = (
    "bbox",
    "bbox-crs",
    "datetime",
    "subset",
    "subset-crs",
    "crs",
    "properties",
    *SCALING,
    "width",
    "height",
    "interpolation",
    "f",
    "as_of",
)
FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "tiff": GEOTIFF,
        "netcdf": NETCDF,
        "zarr": ZARR,
        "covjson": COVERAGE_JSON,
        "png": PNG,
        "jpeg": JPEG,
        "jp2": JPEG2000,
        "csv": CSV,
        "json": JSON,
        "gml": GML,
    }
)
"""Values of `f`, the usual one first, and the media types that they mean."""
_ACCEPTED = MappingProxyType(
    {
        **FORMATS,
        "geotiff": GEOTIFF,
        "zip": ZARR,
        "jpg": JPEG,
        "coveragejson": COVERAGE_JSON,
        "image/geotiff": GEOTIFF,
        "application/x-netcdf": NETCDF,
        "application/vnd.cov+json": COVERAGE_JSON,
    }
)
"""Other names of the same, too."""

_PLANE = frozenset({"x", "y", "e", "n", "lat", "lon", "long", "latitude", "longitude"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCoverage:
    """A request for cells of one coverage."""

    coverage_id: str
    """Or a collection, of which one coverage answers."""
    bbox: Bbox | None = None
    """In `bbox_crs`, x first, whatever the axis order of the request was."""
    bbox_crs: CRS = CRS84
    times: TimeCut | None = None
    subsets: tuple[query.Trim | query.Slice, ...] = ()
    subset_crs: CRS | None = None
    """Of bounds of x and y that name none; None: the coverage's."""
    crs: CRS | None = None
    """Of the answer; None: the coverage's."""
    bands: tuple[str, ...] = ()
    """Empty means all."""
    scaling: tuple[query.ScaleFactor | query.ScaleSize, ...] = ()
    square: bool = False
    """Only one side was given; the other follows, so that cells keep their shape."""
    method: query.Method = query.Method.NEAREST
    media_type: str = GEOTIFF


def parse(coverage_id: str, kvp: Kvp, accept: str) -> GetCoverage:
    """Read the parameters and the header `Accept`, over which `f` goes.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, ALLOWED)
    bbox_crs = _crs(kvp, "bbox-crs") or CRS84
    bbox, times = kvp.one("bbox", default=""), kvp.one("datetime", default="")
    subset_crs = _crs(kvp, "subset-crs")
    subsets = parse_subset(kvp.many("subset"), named_crs=subset_crs is not None)
    if times and any(is_time(subset.axis) for subset in subsets):
        raise InvalidParameterError(
            "datetime and a subset of time are given; allowed is one of them", parameter="datetime"
        )
    if bbox and any(subset.axis.casefold() in _PLANE for subset in subsets):
        raise InvalidParameterError(
            "bbox and a subset of the plane are given; allowed is one of them", parameter="bbox"
        )
    names = kvp.one("properties", default="").split(",")
    method = kvp.one("interpolation", default="")
    scaling = parse_scaling(kvp)
    sides = [name for name in ("width", "height") if kvp.one(name, default="")]
    return GetCoverage(
        coverage_id=coverage_id,
        bbox=parse_bbox(bbox, bbox_crs) if bbox else None,
        bbox_crs=bbox_crs,
        times=TimeCut.parse(times) if times else None,
        subsets=subsets,
        subset_crs=subset_crs,
        crs=_crs(kvp, "crs"),
        bands=tuple(name.strip() for name in names if name.strip()),
        scaling=scaling,
        square=len(sides) == 1,
        method=method_named(method) if method else query.Method.NEAREST,
        media_type=choose_format(kvp.one("f", default=""), accept, _ACCEPTED),
    )


def _crs(kvp: Kvp, name: str) -> CRS | None:
    text = kvp.one(name, default="")
    if text.startswith("[") and text.endswith("]"):
        # A safe CURIE: `[EPSG:3857]`.
        text = text[1:-1]
    return parse_crs(text) if text else None


def handle(request: GetCoverage) -> query.Encode:
    """Cells that touch the box or lie in the subset, of the acquisitions that the time touches.

    An interval keeps the axis of time. A single time is a slice: it selects the one
    acquisition that touches the box, and the axis vanishes.
    """
    source: query.Query = query.Coverage(coverage_id=request.coverage_id)
    if request.bbox is not None:
        source = query.CutBox(source=source, bbox=request.bbox, crs=request.bbox_crs)
    subsets = request.subsets
    if request.times is not None:
        start, end = request.times.start, request.times.end
        subset: query.Trim | query.Slice = query.Trim(axis="time", low=start, high=end)
        if start is not None and start == end:
            subset = query.Slice(axis="time", at=start)
        subsets = (*subsets, subset)
    if subsets:
        source = query.Subset(source=source, subsets=subsets, crs=request.subset_crs)
    if request.bands:
        source = query.SelectBands(source=source, bands=request.bands)
    if request.crs is not None:
        source = query.Warp(
            source=source, crs=request.crs, by=request.scaling, method=request.method
        )
    elif request.scaling:
        source = query.Scale(source=source, by=request.scaling, method=request.method)
    return query.Encode(source=source, media_type=request.media_type)


def answer(coverage_id: str, kvp: Kvp, accept: str, session: Session) -> Reply:
    """Answer a request for a coverage."""
    request = parse(coverage_id, kvp, accept)
    request = replace(request, coverage_id=chosen(request, session.view).id)
    if request.square:
        request = _completed(request, session)
    bound = session.bind(handle(request))
    made = reply(session.encode(bound))
    further = (*place_headers(_domain(bound)), ("Vary", "Accept"))
    fixed = "as_of" in kvp and request.times is not None
    return cached(replace(made, headers=(*made.headers, *further)), fixed=fixed)


def chosen(request: GetCoverage, view: CatalogView) -> Coverage:
    """Return the coverage that answers a request, which may name a collection.

    Raises
    ------
    UnknownNameError, InvalidParameterError
    """
    area = None
    if request.bbox is not None:
        area = project_box(request.bbox, request.bbox_crs, CRS84)
    else:
        area = _degrees(request)
    return find_coverage(request.coverage_id, view, Wanted(area=area, crs=request.crs))


def _degrees(request: GetCoverage) -> Bbox | None:
    """Return the box that subsets of latitude and longitude make."""
    sides: dict[bool, tuple[float, float]] = {}
    for subset in request.subsets:
        numbers = (
            (subset.low, subset.high) if isinstance(subset, query.Trim) else (subset.at, subset.at)
        )
        low, high = numbers
        if subset.crs == CRS84 and isinstance(low, float) and isinstance(high, float):
            sides[subset.axis.casefold().startswith("lat")] = (low, high)
    if len(sides) < 2:
        return None
    (west, east), (south, north) = sides[False], sides[True]
    return west, south, east, north


def _completed(request: GetCoverage, session: Session) -> GetCoverage:
    """Add the side that was not given; cells keep their shape."""
    whole = _domain(session.bind(handle(replace(request, scaling=()))))
    plane = whole.plane
    (given,) = (one for one in request.scaling if isinstance(one, query.ScaleSize))
    along, other = (plane.x, plane.y) if given.axis == "x" else (plane.y, plane.x)
    size = max(1, round(other.size * given.size / along.size))
    further = query.ScaleSize(axis="y" if given.axis == "x" else "x", size=size)
    return replace(request, scaling=(given, further))


def _domain(bound: Bound) -> Domain:
    source = bound.encode.source
    if isinstance(source, Picture):
        raise TypeError("a coverage was bound to a picture")
    return source.domain


def place_headers(domain: Domain) -> tuple[tuple[str, str], ...]:
    """Say where the cells lie, in the axis order of their CRS; nothing without a plane."""
    if domain.grid is None:
        return ()
    min_x, min_y, max_x, max_y = domain.grid.bbox
    box = (min_x, min_y, max_x, max_y)
    if northing_first(domain.grid.crs):
        box = (min_y, min_x, max_y, max_x)
    return (
        ("Content-Crs", f"<{crs_url(domain.grid.crs)}>"),
        ("Content-Bbox", ",".join(map(number, box))),
    )


def check_names(kvp: Kvp, allowed: tuple[str, ...]) -> None:
    """Refuse parameters that are not known (OGC API - Common, requirement 8).

    Raises
    ------
    InvalidParameterError
        If there is one; the message lists those that are allowed.
    """
    unknown = sorted({name for name, _ in kvp} - set(allowed))
    if unknown:
        named = ", ".join(map(shown, unknown[:5]))
        raise InvalidParameterError(
            f"unknown parameter {named}; allowed: {', '.join(allowed)}", parameter=unknown[0]
        )
