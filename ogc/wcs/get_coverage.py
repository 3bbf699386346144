"""GetCoverage: cells of one coverage (OGC 09-110r4, 8.4; 12-039 scaling; 12-040 bands)."""

from dataclasses import dataclass

from datacube.errors import UnknownNameError
from datacube.plan.query import (
    Coverage,
    Encode,
    Method,
    Query,
    Scale,
    ScaleFactor,
    ScaleSize,
    SelectBands,
    Slice,
    Subset,
    Trim,
)
from ogc.crs import parse_crs
from ogc.exchange import Reply, Session, Site, reply
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.wcs.names import NATIVE_FORMAT, check_version, parse_format
from ogc.wcs.subsets import parse_bands, parse_scaling, parse_subsets

_INTERPOLATION = "http://www.opengis.net/def/interpolation/OGC/1/"
METHODS = {
    "nearest": Method.NEAREST,
    "nearest-neighbor": Method.NEAREST,
    "average": Method.AVERAGE,
    "mode": Method.MODE,
}
"""Values of INTERPOLATION, with or without the OGC's address before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCoverage:
    """A request for cells."""

    coverage_id: str
    subsets: tuple[Trim | Slice, ...] = ()
    bands: tuple[str, ...] = ()
    """Names and `from:to` intervals; empty means all."""
    scaling: tuple[ScaleFactor | ScaleSize, ...] = ()
    method: Method = Method.NEAREST
    """How scaled cells are made."""
    media_type: str = NATIVE_FORMAT


def parse(kvp: Kvp) -> GetCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    check_version(kvp)
    coverage_id = kvp.one("coverageid")
    if "mediatype" in kvp:
        raise UnsupportedError(
            f"MEDIATYPE {shown(kvp.one('mediatype', default=''))} is not offered; "
            "leave it out to get the file itself",
            parameter="MEDIATYPE",
        )
    if "outputcrs" in kvp:
        raise UnsupportedError(
            "OUTPUTCRS is not offered; a coverage comes in its own CRS", parameter="OUTPUTCRS"
        )
    subsetting_crs = kvp.one("subsettingcrs", default="")
    return GetCoverage(
        coverage_id=coverage_id,
        subsets=parse_subsets(
            kvp.many("subset"), parse_crs(subsetting_crs) if subsetting_crs else None
        ),
        bands=parse_bands(kvp.one("rangesubset", default="")),
        scaling=parse_scaling(kvp),
        method=_method(kvp.one("interpolation", default="nearest")),
        media_type=parse_format(kvp.one("format", default=NATIVE_FORMAT)),
    )


def handle(request: GetCoverage) -> Encode:
    """Cut, choose bands, scale, encode."""
    source: Query = Coverage(coverage_id=request.coverage_id)
    if request.subsets:
        source = Subset(source=source, subsets=request.subsets)
    if request.bands:
        source = SelectBands(source=source, bands=request.bands)
    if request.scaling:
        source = Scale(source=source, by=request.scaling, method=request.method)
    return Encode(source=source, media_type=request.media_type)


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    return reply(session.answer(handle(parse(kvp))))


def _method(text: str) -> Method:
    method = METHODS.get(text.removeprefix(_INTERPOLATION).casefold())
    if method is None:
        raise UnknownNameError("interpolation", text[:120], tuple(METHODS))
    return method
