"""UpdateCoverage (OGC 13-057r1): other cells in a coverage, or more of them."""

from contextlib import ExitStack
from dataclasses import dataclass

from datacube.errors import InvalidParameterError
from datacube.times import Period
from datacube.writing import Change, Trimmed
from ogc.exchange import Reply, Session, Site
from ogc.kvp import Kvp, shown
from ogc.wcs.transaction.offers import is_offered, offer_of, slice_time
from ogc.wcs.transaction.writing import NOBODY, NOTHING, Sent, Writing, done, writer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCoverage:
    """A request to change a coverage."""

    coverage_id: str
    when: Period | None = None
    """When the cells are of, where the coverage that is sent does not say."""
    trims: tuple[Trimmed, ...] = ()
    """What of the plane is changed; none: all that is sent."""
    bands: tuple[tuple[str, str], ...] = ()
    """`(component that is sent, component of the coverage)`."""


def parse(kvp: Kvp) -> UpdateCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError
    """
    when, trims = slice_time(kvp)
    return UpdateCoverage(
        coverage_id=kvp.one("coverageid"),
        when=when,
        trims=trims,
        bands=tuple(_pair(text) for text in kvp.many("rangecomponent")),
    )


def _pair(text: str) -> tuple[str, str]:
    given, comma, target = (part.strip() for part in text.partition(","))
    if not (given and comma and target) or "," in target:
        raise InvalidParameterError(
            f"RANGECOMPONENT is {shown(text)}; allowed is the component that is sent, a comma, and "
            "that of the coverage",
            parameter="RANGECOMPONENT",
        )
    return given, target


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
    with ExitStack() as stack:
        offer = offer_of("inputCoverage", kvp, sent, writing.limits, when=request.when)
        found = stack.enter_context(offer)
        mask = None
        if is_offered("mask", kvp, sent):
            mask = stack.enter_context(offer_of("mask", kvp, sent, writing.limits)).offered
        change = Change(
            coverage_id=request.coverage_id,
            offered=found.offered,
            trims=request.trims,
            bands=request.bands,
            mask=mask,
        )
        return done(writer.update(change, writing.principal).revision)
