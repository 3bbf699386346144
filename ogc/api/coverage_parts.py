"""The domain set and the range type of a coverage, as CIS 1.1 writes them in JSON."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from datacube.encode.documents import describe
from datacube.errors import UnknownNameError
from datacube.plan import query
from datacube.plan.encoding import EncodeParameters
from datacube.plan.formats import GEOTIFF, JSON
from datacube.plan.nodes import Picture
from ogc.api.get_coverage import check_names
from ogc.exchange import Reply, Session, reply_document
from ogc.kvp import Kvp
from ogc.tiles.get_tile import cached

if TYPE_CHECKING:
    from datacube.plan.bind import Bound

PARTS: Mapping[str, str] = MappingProxyType({"domainset": "domainSet", "rangetype": "rangeType"})
"""Parts by the ends of their paths, and the members of the coverage that they are."""
ALLOWED = ("f", "as_of")


def answer(name: str, part: str, kvp: Kvp, session: Session) -> Reply:
    """Answer a request for a part of the coverage `name`; no cells are read.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, ALLOWED)
    wanted = kvp.one("f", default="json")
    if wanted.casefold() not in {"json", JSON}:
        raise UnknownNameError("format", wanted[:80], ("json",))
    whole = query.Encode(source=query.Coverage(coverage_id=name), media_type=GEOTIFF)
    bound: Bound = session.bind(whole)
    source = bound.encode.source
    if isinstance(source, Picture):
        raise TypeError("a coverage was bound to a picture")
    told, _ = describe(source.domain, source.fields, name, JSON, EncodeParameters())
    member = PARTS[part]
    body = json.dumps(json.loads(told)[member]).encode()
    return cached(reply_document(body, JSON, session.view.revision), fixed="as_of" in kvp)
