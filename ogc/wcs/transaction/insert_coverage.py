"""InsertCoverage (OGC 13-057r1): a new coverage."""

from dataclasses import dataclass

from datacube.errors import InvalidParameterError
from datacube.times import Period
from ogc.exchange import Reply, Session, Site
from ogc.kvp import Kvp, shown
from ogc.wcs.transaction.offers import offer_of, slice_time
from ogc.wcs.transaction.writing import NOBODY, NOTHING, Sent, Writing, done, writer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertCoverage:
    """A request to add a coverage."""

    coverage_id: str = ""
    """Of a coverage that does not say its id, as files do not."""
    new_id: bool = False
    """Whether the service chooses the id."""
    when: Period | None = None
    """When the cells are of, where the coverage does not say."""


def parse(kvp: Kvp) -> InsertCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError
    """
    use_id = kvp.one("useid", default="existing")
    if use_id not in ("existing", "new"):
        raise InvalidParameterError(
            f"USEID is {shown(use_id)}; allowed are existing and new", parameter="USEID"
        )
    extensible = kvp.one("isextensible", default="true").casefold()
    if extensible not in ("true", "1"):
        raise InvalidParameterError(
            f"ISEXTENSIBLE is {shown(extensible)}; allowed is true: every coverage can grow",
            parameter="ISEXTENSIBLE",
        )
    when, trims = slice_time(kvp)
    if trims:
        raise InvalidParameterError(
            "a new coverage is inserted whole; allowed is the time of its cells",
            parameter="SUBSET",
        )
    return InsertCoverage(
        coverage_id=kvp.one("coverageid", default=""), new_id=use_id == "new", when=when
    )


def answer(
    kvp: Kvp,
    session: Session,  # noqa: ARG001  operations share one signature
    site: Site,  # noqa: ARG001  as above
    *,
    sent: Sent = NOTHING,
    writing: Writing = NOBODY,
) -> Reply:
    """Answer the operation."""
    writer = writer_of(kvp, writing)
    request = parse(kvp)
    with offer_of("coverage", kvp, sent, writing.limits, when=request.when) as found:
        coverage_id = request.coverage_id or found.coverage_id
        if not coverage_id and not request.new_id:
            raise InvalidParameterError(
                "the coverage says no id; give COVERAGEID, or USEID=new", parameter="COVERAGEID"
            )
        written = writer.insert(
            coverage_id, found.offered, writing.principal, new_id=request.new_id
        )
    return done(written.revision, written.coverage_id)
