"""GetCapabilities: what the map service offers (OGC 06-042, 7.2)."""

from dataclasses import dataclass

from datacube.errors import InvalidParameterError, RequestError
from datacube.plan.style import StyleBook
from datacube.protocols import CatalogView
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.kvp import Kvp, integer
from ogc.records.inspire import language
from ogc.wms.capabilities_document import MEDIA_TYPES, Capabilities, encode
from ogc.wms.layers import find_layers
from ogc.wms.versions import Version, negotiated


class CurrentUpdateSequenceError(RequestError):
    """The client has the newest document."""

    code = "current-update-sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapabilities:
    """A request for the capabilities."""

    version: Version = Version.V1_3_0
    """The one that the request's was negotiated to."""
    update_sequence: int | None = None
    """The revision of the document that the client has."""


def parse(kvp: Kvp) -> GetCapabilities:
    """Read the parameters. FORMAT is ignored: the document is always XML (7.2.3.1).

    Raises
    ------
    InvalidParameterError
        If UPDATESEQUENCE is no integer.
    """
    text = kvp.one("updatesequence", default="")
    sequence = integer(text, "UPDATESEQUENCE", low=-(2**53), high=2**53) if text else None
    return GetCapabilities(version=negotiated(kvp), update_sequence=sequence)


def check(request: GetCapabilities, view: CatalogView) -> None:
    """Refuse a client whose document is current, or newer than any (7.2.3.5).

    Raises
    ------
    CurrentUpdateSequenceError, InvalidParameterError
    """
    if request.update_sequence is None:
        return
    if request.update_sequence == view.revision:
        raise CurrentUpdateSequenceError(f"revision {view.revision} is current")
    if request.update_sequence > view.revision:
        raise InvalidParameterError(
            f"UPDATESEQUENCE {request.update_sequence} lies ahead of "
            f"the current revision {view.revision}",
            parameter="UPDATESEQUENCE",
        )


def handle(view: CatalogView, styles: StyleBook, *, map_days: int) -> Capabilities:
    """Describe what the view's principal may see."""
    return Capabilities(revision=view.revision, layers=find_layers(view, styles, map_days))


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation; LANGUAGE is INSPIRE's. The document is made once a revision."""
    request, spoken = parse(kvp), language(kvp)
    check(request, session.view)

    def make() -> bytes:
        found = handle(session.view, session.styles, map_days=site.default_map_days)
        return encode(found, site, request.version, spoken)

    body = session.kept(("WMS", request.version, spoken, site), make)
    return reply_document(body, MEDIA_TYPES[request.version], session.view.revision)
