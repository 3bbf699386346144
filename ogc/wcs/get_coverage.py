"""GetCoverage: cells of one coverage (OGC 09-110r4, 8.4, and its extensions).

11-053r1 CRS, 12-039 scaling, 12-040 range subsetting, 12-049 interpolation.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from pyproj import CRS

from datacube.cube import Coverage as Stored
from datacube.encode.answer import Answer
from datacube.encode.described import ncname
from datacube.encode.documents import reference_document
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.bind import Bound
from datacube.plan.encoding import GENERAL_GRID
from datacube.plan.formats import GML
from datacube.plan.nodes import Picture
from datacube.plan.query import (
    Coverage,
    Encode,
    Method,
    PickTimes,
    Query,
    Scale,
    SelectBands,
    Subset,
    Trim,
    Warp,
)
from datacube.wcps.bind.methods import method_named
from ogc.crs import lonlat_bbox, parse_crs
from ogc.exchange import Reply, Session, Site, reply, warning_headers
from ogc.kvp import Kvp, shown
from ogc.related import MULTIPART, Attachment, RelatedReply
from ogc.wcs.coverage_request import GetCoverage
from ogc.wcs.defaults import default_subsets
from ogc.wcs.eo.documents import observation
from ogc.wcs.eo.scenes import Scene, find_scene
from ogc.wcs.names import (
    NATIVE_FORMAT,
    VERSION_1_0,
    VERSION_1_1,
    native_format,
    parse_format,
    parse_output_type,
    parse_version,
)
from ogc.wcs.subsets import AXIS, parse_bands, parse_scaling, parse_subsets
from ogc.wcs.targets import completed
from ogc.wcs.v1_0 import get_coverage as v1_0
from ogc.wcs.v1_1 import get_coverage as v1_1
from ogc.wcs.v1_1.documents import encode_files
from ogc.xml import MEDIA_TYPE

__all__ = ["GetCoverage", "answer", "handle", "parse"]

_AXIS_METHOD = re.compile(rf"\s*(?!https?:|urn:)({AXIS.pattern}):(\S+)\s*", re.IGNORECASE)
_FILE = "coverage"
"""How the document of a multipart answer calls the file beside it."""
_READERS: Mapping[str, Callable[[Kvp], GetCoverage]] = MappingProxyType(
    {VERSION_1_0: v1_0.parse, VERSION_1_1: v1_1.parse}
)
"""Of versions whose parameters are not those of WCS 2."""


def parse(kvp: Kvp) -> GetCoverage:
    """Read the parameters, as the version of the request has them.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    read = _READERS.get(parse_version(kvp))
    return _parse(kvp) if read is None else read(kvp)


def _parse(kvp: Kvp) -> GetCoverage:
    """Read the parameters of WCS 2."""
    output_type = parse_output_type(kvp)
    coverage_id = kvp.one("coverageid")
    subsetting_crs = kvp.one("subsettingcrs", default="")
    media_type = kvp.one("format", default="")
    method, methods = _parse_methods(kvp)
    return GetCoverage(
        coverage_id=coverage_id,
        subsets=parse_subsets(kvp.many("subset")),
        subsetting_crs=parse_crs(subsetting_crs) if subsetting_crs else None,
        output_crs=_parse_output_crs(kvp.one("outputcrs", default="")),
        bands=parse_bands(kvp.one("rangesubset", default="")),
        scaling=parse_scaling(kvp),
        method=method,
        methods=methods,
        media_type=parse_format(media_type) if media_type else "",
        multipart=_parse_multipart(kvp),
        general=output_type == GENERAL_GRID,
    )


def handle(request: GetCoverage) -> Encode:
    """Cut, choose bands, warp or scale, encode."""
    source: Query = Coverage(coverage_id=request.coverage_id)
    if request.within:
        source = Subset(source=source, subsets=request.within)
    if request.methods:
        # An open trim keeps every cell, and knows whether there is such an axis.
        named = tuple(Trim(axis=name, low=None, high=None) for name, _ in request.methods)
        source = Subset(source=source, subsets=named)
    several = len(request.times) > 1
    subsets = request.subsets if several else (*request.subsets, *request.times)
    if subsets:
        source = Subset(source=source, subsets=subsets, crs=request.subsetting_crs)
    if several:
        source = PickTimes(source=source, times=request.times)
    if request.bands:
        source = SelectBands(source=source, bands=request.bands)
    crs = request.output_crs or request.subsetting_crs
    if request.target is not None:
        grid = request.target.grid
        source = Warp(source=source, crs=grid.crs, onto=grid, method=request.method)
    elif crs is not None:
        source = Warp(
            source=source,
            crs=crs,
            by=request.scaling,
            method=request.method,
            methods=request.methods,
        )
    elif request.scaling:
        source = Scale(
            source=source, by=request.scaling, method=request.method, methods=request.methods
        )
    return Encode(
        source=source,
        media_type=request.media_type or NATIVE_FORMAT,
        output_type=GENERAL_GRID if request.general else "",
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    request = parse(kvp)
    scene = find_scene(request.coverage_id, session.view) if not request.defaults else None
    if scene is not None:
        request = replace(request, coverage_id=scene.coverage.id, within=scene.subsets)
    notes: tuple[str, ...] = ()
    if not request.media_type or request.defaults or request.target is not None:
        request, notes = _completed(request, session.view.coverage(request.coverage_id))
    asked = handle(request)
    bound = session.bind(asked)
    if scene is not None and (request.multipart or bound.encode.media_type == GML):
        bound = _observed(bound, scene)
    if request.files:
        made: Reply = _listed(request.coverage_id, session.encode(bound))
    else:
        made = _related(bound, session) if request.multipart else reply(session.encode(bound))
    return replace(made, headers=(*made.headers, *warning_headers(notes)))


def _completed(request: GetCoverage, coverage: Stored) -> tuple[GetCoverage, tuple[str, ...]]:
    """Return a request with what it leaves to the coverage, and what was chosen for the asker."""
    given = (*request.subsets, *request.times)
    subsets, notes = default_subsets(given, coverage) if request.defaults else ((), ())
    target = request.target
    return replace(
        request,
        media_type=request.media_type or native_format(coverage),
        subsets=(*request.subsets, *subsets),
        target=None if target is None else completed(target, coverage.grid),
    ), notes


def _listed(coverage_id: str, made: Answer) -> RelatedReply:
    """Answer with a list of the one file beside it, as WCS 1.1 does."""
    whole = reply(made)
    headers = tuple(
        (key, _own_tag(value) if key == "ETag" else value) for key, value in whole.headers
    )
    return RelatedReply(
        status=whole.status,
        media_type=MEDIA_TYPE,
        body=encode_files(coverage_id, f"cid:{_FILE}"),
        headers=headers,
        attachment=Attachment(content_id=_FILE, media_type=made.media_type, body=made.body),
    )


def _observed(bound: Bound, scene: Scene) -> Bound:
    """Return a query of a scene whose GML has the metadata of its observation."""
    encode, source = bound.encode, bound.encode.source
    if isinstance(source, Picture):
        raise TypeError("a coverage was bound to a picture")
    bbox = lonlat_bbox(source.domain.plane)
    extension = observation(scene, ncname(f"{scene.id}-cells"), bbox)
    parameters = replace(encode.parameters, extension=extension)
    return replace(bound, encode=replace(encode, parameters=parameters))


def _related(bound: Bound, session: Session) -> RelatedReply:
    """Answer with a coverage in GML whose range set is the file beside it."""
    made = session.encode(bound)
    whole = reply(made)
    headers = tuple(
        (key, _own_tag(value) if key == "ETag" else value) for key, value in whole.headers
    )
    if made.media_type == GML:
        return RelatedReply(
            status=whole.status, media_type=GML, body=whole.body, headers=headers, attachment=None
        )
    source = bound.encode.source
    if isinstance(source, Picture):
        raise TypeError("a coverage was bound to a picture")
    return RelatedReply(
        status=whole.status,
        media_type=GML,
        body=reference_document(
            source.domain,
            source.fields,
            bound.encode.title,
            f"cid:{_FILE}",
            made.media_type,
            bound.encode.parameters,
        ),
        headers=headers,
        attachment=Attachment(content_id=_FILE, media_type=made.media_type, body=made.body),
    )


def _own_tag(tag: str) -> str:
    return f'{tag.removesuffix('"')}-related"'


def _parse_multipart(kvp: Kvp) -> bool:
    text = kvp.one("mediatype", default="")
    if text and text.casefold() != MULTIPART:
        raise InvalidParameterError(
            f"MEDIATYPE is {shown(text)}; allowed is {MULTIPART}, or none to get the file itself",
            parameter="MEDIATYPE",
        )
    return bool(text)


def _parse_output_crs(text: str) -> CRS | None:
    try:
        return parse_crs(text) if text else None
    except UnknownNameError as error:
        raise InvalidParameterError(str(error), parameter="OUTPUTCRS") from error


def _parse_methods(kvp: Kvp) -> tuple[Method, tuple[tuple[str, Method], ...]]:
    """Read INTERPOLATION, and INTERPOLATIONPERAXIS of axes that have their own.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    text = kvp.present("interpolation")
    listed = [] if text is None else [_AXIS_METHOD.fullmatch(part) for part in text.split(",")]
    pairs = [(match[1], match[2]) for match in listed if match is not None]
    # The OGC's suite lists axis:method in INTERPOLATION itself.
    whole = None if pairs and len(pairs) == len(listed) else text
    if whole is not None:
        pairs = []
    pairs += [_axis_method(one) for one in kvp.many("interpolationperaxis")]
    methods = tuple((axis, method_named(name)) for axis, name in pairs)
    if len({axis.casefold() for axis, _ in methods}) < len(pairs):
        raise InvalidParameterError(
            f"an axis has more than one interpolation: {', '.join(axis for axis, _ in pairs)}",
            parameter="INTERPOLATION",
        )
    return Method.NEAREST if whole is None else method_named(whole), methods


def _axis_method(text: str) -> tuple[str, str]:
    axis, comma, name = text.partition(",")
    if not comma or not AXIS.fullmatch(axis.strip()):
        raise InvalidParameterError(
            f"INTERPOLATIONPERAXIS {shown(text)} is not allowed; allowed is axis,method",
            parameter="INTERPOLATIONPERAXIS",
        )
    return axis.strip(), name
