"""ProcessCoverages: a query's results (OGC 08-059r4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from datacube.encode.answer import Answer
from datacube.errors import LimitExceededError
from datacube.plan.formats import TEXT
from datacube.wcps.bind.scope import Upload
from ogc.exchange import Reply, Session, Site, reply, revision_header, scenes_header
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, MissingParameterError, shown

BOUNDARY = "End"
MULTIPART = f"multipart/x-mixed-replace;boundary={BOUNDARY}"
"""What clients of rasdaman know for several results."""
VERSIONS = ("2.0.0", "2.0.1", "2.1.0", "1.0", "1.0.0", "1.1", "1.1.0")
"""Of WCS, as its extension has none of its own, and of the language."""
COMPAT = {"rasdaman": True, "copernicube": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCoverages:
    """A request to run a query."""

    query: str
    compat: bool = False
    """Nulls go by rasdaman's rules."""
    uploads: tuple[Upload, ...] = ()


def parse(kvp: Kvp, uploads: tuple[Upload, ...] = (), *, compat: bool = False) -> ProcessCoverages:
    """Read the parameters; `compat` is the endpoint's default.

    Raises
    ------
    MissingParameterError
        If there is no query.
    UnsupportedError
        If the version or `compat` is none that is known.
    """
    version = kvp.one("version", default=VERSIONS[0])
    if version not in VERSIONS:
        raise UnsupportedError(
            f"version {shown(version)} is not offered; allowed are {', '.join(VERSIONS)}",
            parameter="VERSION",
        )
    query = kvp.one("query", default="") or kvp.one("q", default="")
    if not query:
        raise MissingParameterError("query")
    rules = kvp.one("compat", default="rasdaman" if compat else "copernicube").casefold()
    if rules not in COMPAT:
        raise UnsupportedError(
            f"compat {shown(rules)} is not offered; allowed are {', '.join(COMPAT)}",
            parameter="COMPAT",
        )
    return ProcessCoverages(query=query, compat=COMPAT[rules], uploads=uploads)


def answer(kvp: Kvp, session: Session, site: Site, uploads: tuple[Upload, ...] = ()) -> Reply:
    """Answer the operation."""
    request = parse(kvp, uploads, compat=site.compat)
    answers = session.query(request.query, compat=request.compat, uploads=request.uploads)
    if len(answers) == 1:
        return reply(answers[0])
    if not answers:
        # No combination of the query's coverages met its `where`.
        return Reply(
            status=200,
            media_type=TEXT,
            body=b"",
            headers=(revision_header(session.view.revision),),
        )
    return _several(answers, session, site)


def _several(answers: Sequence[Answer], session: Session, site: Site) -> Reply:
    """Send several results as the parts of one body."""
    pieces: list[bytes] = []
    for one in answers:
        head = f"--{BOUNDARY}\r\nContent-Type: {one.media_type}\r\n\r\n"
        pieces += [head.encode(), _taken(one.body), b"\r\n"]
        if sum(map(len, pieces)) > site.limits.output_bytes:
            raise LimitExceededError(
                f"the results together are longer than the {site.limits.output_bytes} bytes allowed"
            )
    body = b"".join([*pieces, f"--{BOUNDARY}--\r\n".encode()])
    scenes = tuple(sorted({scene for one in answers for scene in one.scenes}))
    return Reply(
        status=200,
        media_type=MULTIPART,
        body=body,
        headers=(
            revision_header(session.view.revision),
            ("ETag", f'"{sha256(body).hexdigest()[:32]}"'),
            *scenes_header(scenes),
        ),
    )


def _taken(body: bytes | Path) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return body.read_bytes()
    finally:
        body.unlink(missing_ok=True)
