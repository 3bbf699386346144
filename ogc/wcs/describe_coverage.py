"""DescribeCoverage: domain and range of coverages (OGC 09-110r4, 8.3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from datacube.cube import Coverage
from datacube.encode import gml
from datacube.encode.described import Described, ncname
from datacube.encode.xml import parse as parse_element
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.encoding import GENERAL_GRID
from datacube.plan.nodes import Domain, band_field
from datacube.protocols import CatalogView
from ogc.capabilities import listed
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.kvp import Kvp, MissingParameterError
from ogc.wcs.eo.documents import add_scene, observation
from ogc.wcs.eo.names import XML as EO_XML
from ogc.wcs.eo.scenes import Scene, find_scene
from ogc.wcs.names import (
    OLD_VERSIONS,
    VERSION,
    VERSION_1_0,
    VERSION_1_1,
    WCS,
    WCS_2_1,
    native_format,
    parse_output_type,
    parse_version,
)
from ogc.wcs.v1_0 import description_document as v1_0
from ogc.wcs.v1_1 import documents as v1_1
from ogc.xml import MEDIA_TYPE, Vocabulary, document

MAX_IDS = 100
"""Coverages of one request."""
_XML = Vocabulary(
    namespaces={
        "wcs": WCS,
        **{k: v for k, v in gml.NAMESPACES.items() if k not in {"cis11", "meta"}},
    }
)
_XML_2_1 = Vocabulary(
    namespaces={
        "wcs": WCS_2_1,
        **{k: gml.NAMESPACES[k] for k in ("cis11", "gml", "swe", "xlink")},
    }
)
_WRITERS: Mapping[str, Callable[[tuple[Coverage, ...], int, Site], bytes]] = MappingProxyType(
    {VERSION_1_0: v1_0.encode, VERSION_1_1: v1_1.encode_descriptions}
)
"""Of versions whose descriptions are not those of WCS 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeCoverage:
    """A request for descriptions."""

    coverage_ids: tuple[str, ...]
    """Empty: every one, which versions before 2.0 allow."""
    version: str = VERSION
    """One of `OFFERED_VERSIONS`."""
    general: bool = False
    """The answer is in CIS 1.1, which WCS 2.1 has, else in CIS 1.0."""


class NoCoverageIdsError(MissingParameterError):
    """None of the identifiers of a request for descriptions names anything."""

    code = "empty-coverage-ids"


def parse(kvp: Kvp) -> DescribeCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnsupportedError
    """
    version = parse_version(kvp)
    old = version in OLD_VERSIONS
    name = OLD_VERSIONS.get(version, "COVERAGEID")
    ids = listed(kvp.one(name, default=""))
    if not ids and not old:
        raise NoCoverageIdsError(name)
    if len(ids) > MAX_IDS:
        raise InvalidParameterError(
            f"{name} names {len(ids)} coverages; allowed are {MAX_IDS}", parameter=name
        )
    general = not old and parse_output_type(kvp) == GENERAL_GRID
    return DescribeCoverage(coverage_ids=ids, version=version, general=general)


def handle(request: DescribeCoverage, view: CatalogView) -> tuple[Coverage | Scene, ...]:
    """Find coverages and scenes, in the order asked.

    Raises
    ------
    UnknownNameError
        If one is not offered.
    """
    return tuple(find_scene(name, view) or view.coverage(name) for name in request.coverage_ids)


def planes(request: DescribeCoverage, view: CatalogView) -> tuple[Coverage, ...]:
    """Find the coverages that maps can show, which are all that versions before 2.0 know.

    Raises
    ------
    InvalidParameterError
        If none is named and there are too many to describe all.
    UnknownNameError
        If one is not offered, or not to these versions.
    """
    found = [view.coverage(name) for name in request.coverage_ids or view.coverage_ids()]
    shown = tuple(coverage for coverage in found if coverage.mappable)
    if request.coverage_ids:
        for coverage in found:
            if not coverage.mappable:
                ids = tuple(one.id for one in shown)
                raise UnknownNameError("coverage", coverage.id, ids)
    elif len(shown) > MAX_IDS:
        name = OLD_VERSIONS[request.version]
        raise InvalidParameterError(
            f"{len(shown)} coverages are offered; {name} may name up to {MAX_IDS} of them",
            parameter=name,
        )
    return shown


def encode(
    coverages: tuple[Coverage | Scene, ...], *, general: bool = False, time_first: bool = False
) -> bytes:
    """Write a CoverageDescriptions document: of WCS 2.1 where `general`, else of WCS 2.0.

    `time_first` is of the axes in WCS 2.0, as `Described.time_first` says.
    """
    scenes = any(isinstance(one, Scene) for one in coverages)
    xml = _XML_2_1 if general else EO_XML if scenes else _XML
    root = xml.root("wcs:CoverageDescriptions")
    if not general:
        # WCS 2.1 has no published schema.
        xml.attribute(
            root, "xsi:schemaLocation", f"{WCS} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"
        )
    for number, coverage in enumerate(coverages):
        # Ids are unique within the document even where a coverage is asked for twice.
        name = ncname(coverage.id if number == 0 else f"{coverage.id}-{number}")
        if isinstance(coverage, Scene) and not general:
            add_scene(root, coverage, name)
            continue
        if isinstance(coverage, Scene):
            described, stored = coverage.described, coverage.coverage
        else:
            described = described_coverage(coverage, time_first=time_first and not general)
            stored = coverage
        gml.add_description(
            xml,
            root,
            described,
            name=name,
            native_format=native_format(stored),
            general=general,
        )
        if isinstance(coverage, Scene):
            metadata = xml.add(root[-1], "cis11:Metadata")
            metadata.append(parse_element(observation(coverage, name)))
            root[-1][-2].addprevious(metadata)
    return document(root)


def described_coverage(coverage: Coverage, *, time_first: bool = False) -> Described:
    """Return what a description states of a stored coverage."""
    times = "" if coverage.time is None else f", acquisitions: {coverage.time.size}"
    return Described(
        id=coverage.id,
        title=coverage.cube.title,
        domain=Domain(outer=coverage.outer_axes, grid=coverage.grid),
        fields=tuple(map(band_field, coverage.bands)),
        about=(
            f"{coverage.cube.title}; bands: {len(coverage.bands)}{times}. Values are stored "
            "numbers; the description of each field states scale and unit."
        ),
        time_first=time_first,
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation."""
    request, view = parse(kvp), session.view
    write = _WRITERS.get(request.version)
    if write is None:
        found = handle(request, view)
        body = encode(found, general=request.general, time_first=site.compat)
    else:
        body = write(planes(request, view), view.revision, site)
    return reply_document(body, MEDIA_TYPE, view.revision)
