"""GetCapabilities: what the coverage service offers (OGC 09-110r4, 8.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from datacube.cube import Coverage
from datacube.protocols import CatalogView
from ogc.capabilities import is_current, listed, parse_sections, parse_update_sequence
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.records.inspire import language
from ogc.wcs.capabilities_document import CONTENTS, Capabilities, encode
from ogc.wcs.names import (
    OFFERED_VERSIONS,
    OLD_VERSIONS,
    VERSION,
    VERSION_1_0,
    VERSION_1_1,
    VERSIONS,
)
from ogc.wcs.v1_0 import capabilities_document as v1_0
from ogc.wcs.v1_1 import documents as v1_1
from ogc.xml import MEDIA_TYPE

SECTIONS = (
    "ServiceIdentification",
    "ServiceProvider",
    "OperationsMetadata",
    "ServiceMetadata",
    "Contents",
    "CoverageSummary",
    "DatasetSeriesSummary",
)
"""The parts of the document; `All` is every one."""
_CHOOSING = frozenset({"acceptversions", "version", "sections"})
_PLAIN_SECTIONS = tuple(one for one in SECTIONS if one not in {"Contents", "DatasetSeriesSummary"})
"""What a request that chooses nothing gets: rasdaman's client fails at extensions of contents."""
FORMATS = ("text/xml", "application/xml")
"""What ACCEPTFORMATS may choose; of others the first is sent."""
_WRITERS: Mapping[str, Callable[[tuple[Coverage, ...], int, Site], bytes]] = MappingProxyType(
    {VERSION_1_0: v1_0.encode, VERSION_1_1: v1_1.encode_capabilities}
)
"""Of versions whose capabilities are not those of WCS 2; they are sent whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapabilities:
    """A request for the capabilities."""

    version: str = VERSION
    sections: tuple[str, ...] = SECTIONS
    media_type: str = MEDIA_TYPE
    update_sequence: int | None = None
    """The revision of the document that the client has."""


def parse(kvp: Kvp) -> GetCapabilities:
    """Read the parameters.

    Without ACCEPTVERSIONS 2.0.1 is meant, or a version before 2.0 that VERSION names, as clients
    of those ask.

    Raises
    ------
    InvalidParameterError, UnknownNameError
        If UPDATESEQUENCE is no integer, or there is no such section.
    UnsupportedError
        If no accepted version is offered.
    """
    keys = {key for key, _ in kvp}
    formats = listed(kvp.one("acceptformats", default=""))
    return GetCapabilities(
        version=_version(kvp),
        sections=parse_sections(kvp, SECTIONS) if _CHOOSING & keys else _PLAIN_SECTIONS,
        media_type=next((one for one in formats if one in FORMATS), MEDIA_TYPE),
        update_sequence=parse_update_sequence(kvp),
    )


def handle(request: GetCapabilities, view: CatalogView) -> Capabilities:
    """Describe what the view's principal may see.

    Raises
    ------
    InvalidParameterError
        If the client's document is newer than any.
    """
    sections = () if is_current(request.update_sequence, view.revision) else request.sections
    # The service's metadata names the CRSs of the coverages, INSPIRE's their ids.
    listed = {*CONTENTS, "OperationsMetadata", "ServiceMetadata"} & set(sections)
    ids = view.coverage_ids() if listed else ()
    coverages = tuple(view.coverage(coverage_id) for coverage_id in ids)
    if request.version in OLD_VERSIONS:
        coverages = tuple(coverage for coverage in coverages if coverage.mappable)
    return Capabilities(
        version=request.version,
        revision=view.revision,
        sections=sections,
        coverages=coverages,
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation. The document is made once a revision."""
    request, spoken = parse(kvp), language(kvp)

    def make() -> bytes:
        capabilities = handle(request, session.view)
        write = _WRITERS.get(capabilities.version)
        if write is None:
            return encode(capabilities, site, spoken)
        return write(capabilities.coverages, capabilities.revision, site)

    body = session.kept(("WCS", request, spoken, site), make)
    return reply_document(body, request.media_type, session.view.revision)


def _version(kvp: Kvp) -> str:
    """Return the first of the accepted versions that is offered, else an old one of VERSION."""
    old = VERSIONS.get(kvp.one("version", default=""))
    usual = old if old in OLD_VERSIONS else VERSION
    accepted = kvp.one("acceptversions", default=usual)
    found = next((VERSIONS[one] for one in listed(accepted) if one in VERSIONS), None)
    if found is None:
        raise UnsupportedError(
            f"WCS versions {shown(accepted)} are not offered; "
            f"offered are {', '.join(OFFERED_VERSIONS)}",
            parameter="VERSION",
        )
    return found
