"""The coverage of a collection (OGC API - Coverages, draft 19-087, with `bbox`, `datetime`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.plan import query
from datacube.plan.formats import GEOTIFF, NETCDF
from datacube.protocols import Bbox
from ogc.api.maps_parameters import parse_bbox
from ogc.api.negotiation import choose_format
from ogc.crs import CRS84, parse_crs
from ogc.exchange import Reply, Session, reply
from ogc.kvp import Kvp, shown
from ogc.zarr.address import TimeCut

ALLOWED = ("bbox", "bbox-crs", "datetime", "properties", "f", "as_of")
FORMATS: Mapping[str, str] = MappingProxyType({"tiff": GEOTIFF, "netcdf": NETCDF})
"""Values of `f`, the usual one first, and the media types that they mean."""
_ACCEPTED = MappingProxyType({**FORMATS, "image/geotiff": GEOTIFF, "application/x-netcdf": NETCDF})
"""Other names of the same, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCoverage:
    """A request for cells of one coverage."""

    coverage_id: str
    bbox: Bbox | None = None
    """In `bbox_crs`, x first, whatever the axis order of the request was."""
    bbox_crs: CRS = CRS84
    times: TimeCut | None = None
    bands: tuple[str, ...] = ()
    """Empty means all."""
    media_type: str = GEOTIFF


def parse(coverage_id: str, kvp: Kvp, accept: str) -> GetCoverage:
    """Read the parameters and the header `Accept`, over which `f` goes.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, ALLOWED)
    bbox_crs = parse_crs(kvp.one("bbox-crs", default="CRS:84"))
    bbox, times = kvp.one("bbox", default=""), kvp.one("datetime", default="")
    names = kvp.one("properties", default="").split(",")
    return GetCoverage(
        coverage_id=coverage_id,
        bbox=parse_bbox(bbox, bbox_crs) if bbox else None,
        bbox_crs=bbox_crs,
        times=TimeCut.parse(times) if times else None,
        bands=tuple(name.strip() for name in names if name.strip()),
        media_type=choose_format(kvp.one("f", default=""), accept, _ACCEPTED),
    )


def handle(request: GetCoverage) -> query.Encode:
    """Cells that touch the box, of the acquisitions that the time touches.

    An interval keeps the axis of time. A single time is a slice: it selects the one
    acquisition that touches the box, and the axis vanishes.
    """
    source: query.Query = query.Coverage(coverage_id=request.coverage_id)
    if request.bbox is not None:
        source = query.CutBox(source=source, bbox=request.bbox, crs=request.bbox_crs)
    if request.times is not None:
        start, end = request.times.start, request.times.end
        subset: query.Trim | query.Slice = query.Trim(axis="time", low=start, high=end)
        if start is not None and start == end:
            subset = query.Slice(axis="time", at=start)
        source = query.Subset(source=source, subsets=(subset,))
    if request.bands:
        source = query.SelectBands(source=source, bands=request.bands)
    return query.Encode(source=source, media_type=request.media_type)


def answer(coverage_id: str, kvp: Kvp, accept: str, session: Session) -> Reply:
    """Answer a request for a coverage."""
    request = parse(coverage_id, kvp, accept)
    return reply(session.answer(handle(request)))


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
