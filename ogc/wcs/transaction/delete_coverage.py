"""DeleteCoverage (OGC 13-057r1): coverages are no longer offered; older revisions show them."""

from dataclasses import dataclass

from ogc.exchange import Reply, Session, Site
from ogc.kvp import Kvp, MissingParameterError
from ogc.wcs.transaction.writing import NOBODY, NOTHING, Sent, Writing, done, writer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCoverage:
    """A request to delete coverages, all of them or none."""

    coverage_ids: tuple[str, ...]


def parse(kvp: Kvp) -> DeleteCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError
        If no id is named.
    """
    ids = tuple(part.strip() for part in kvp.one("coverageid").split(",") if part.strip())
    if not ids:
        raise MissingParameterError("coverageid")
    return DeleteCoverage(coverage_ids=ids)


def answer(
    kvp: Kvp,
    session: Session,  # noqa: ARG001  operations share one signature
    site: Site,  # noqa: ARG001  as above
    *,
    sent: Sent = NOTHING,  # noqa: ARG001  as above
    writing: Writing = NOBODY,
) -> Reply:
    """Answer the operation."""
    writer = writer_of(kvp, writing)
    request = parse(kvp)
    return done(writer.delete(request.coverage_ids, writing.principal).revision)
