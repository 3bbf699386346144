"""GetCapabilities: which tiles are offered (OGC 07-057r7, 7.1)."""

from dataclasses import dataclass

from datacube.plan.style import StyleBook
from datacube.protocols import CatalogView
from ogc.capabilities import is_current, listed, parse_sections, parse_update_sequence
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.tiles.layers import find_layers
from ogc.wmts.capabilities_document import Capabilities, OfferedLayer, encode
from ogc.wmts.kept import KeptDocuments
from ogc.wmts.names import VERSION

SECTIONS = (
    "ServiceIdentification",
    "ServiceProvider",
    "OperationsMetadata",
    "Contents",
    "Themes",
)
"""The parts of the document; `All` is every one."""
FORMATS = ("application/xml", "text/xml")
"""What AcceptFormats may choose; of others the first is sent (OGC 07-057r7, table 17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapabilities:
    """A request for the capabilities."""

    sections: tuple[str, ...] = SECTIONS
    update_sequence: int | None = None
    """The revision of the document that the client has."""
    media_type: str = FORMATS[0]


def parse(kvp: Kvp) -> GetCapabilities:
    """Read the parameters.

    Raises
    ------
    UnsupportedError
        If no accepted version is offered.
    InvalidParameterError, UnknownNameError
        If UPDATESEQUENCE is no integer, or there is no such section.
    """
    accepted = kvp.one("acceptversions", default=VERSION)
    if VERSION not in listed(accepted):
        raise UnsupportedError(
            f"WMTS versions {shown(accepted)} are not offered; offered is {VERSION}",
            parameter="AcceptVersions",
        )
    formats = listed(kvp.one("acceptformats", default=""))
    return GetCapabilities(
        sections=parse_sections(kvp, SECTIONS),
        update_sequence=parse_update_sequence(kvp),
        media_type=next((one for one in formats if one in FORMATS), FORMATS[0]),
    )


def handle(request: GetCapabilities, view: CatalogView, styles: StyleBook) -> Capabilities:
    """Describe what the view's principal may see.

    Raises
    ------
    InvalidParameterError
        If the client's document is newer than any.
    """
    sections = () if is_current(request.update_sequence, view.revision) else request.sections
    layers = find_layers(view) if "Contents" in sections else ()
    return Capabilities(
        revision=view.revision,
        sections=sections,
        layers=tuple(
            OfferedLayer(
                layer=layer,
                styles=layer.styles(styles),
                tiles=tuple((tiles, layer.limits(tiles)) for tiles in layer.sets),
            )
            for layer in layers
        ),
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation. The document is made once a revision."""
    request = parse(kvp)

    def make() -> bytes:
        return encode(handle(request, session.view, session.styles), site)

    body = session.kept(("WMTS", request, site), make)
    return reply_document(body, request.media_type, session.view.revision)


def answer_kept(kept: KeptDocuments, kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation, where it can be with a document that was written before."""
    request = parse(kvp)
    found = kept.find(session.view, (request, site))
    if found is not None:
        return found
    return kept.keep(session.view, (request, site), _written(request, session, site))


def _written(request: GetCapabilities, session: Session, site: Site) -> Reply:
    capabilities = handle(request, session.view, session.styles)
    return reply_document(encode(capabilities, site), request.media_type, capabilities.revision)
