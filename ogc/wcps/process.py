"""ProcessCoverages: a query's results (OGC 08-059r4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from datacube.encode.answer import Answer
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.explain.forms import to_json, to_text
from datacube.explain.values import Level
from datacube.plan.formats import TEXT
from datacube.wcps.bind.scope import Upload
from ogc.exchange import Reply, Session, Site, reply, revision_header, scenes_header, taken
from ogc.faults import UnsupportedError
from ogc.kvp import MAX_VALUE_CHARACTERS, Kvp, MissingParameterError, shown

BOUNDARY = "End"
MULTIPART = f"multipart/x-mixed-replace;boundary={BOUNDARY}"
"""What clients of rasdaman know for several results."""
VERSIONS = ("2.0", "2.0.0", "2.0.1", "2.1", "2.1.0", "1.0", "1.0.0", "1.1", "1.1.0")
"""Of WCS, as its extension has none of its own, and of the language."""
COMPAT = {"rasdaman": True, "copernicube": False}
JSON = "application/json"
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_PLACE = re.compile(r"\$([1-9][0-9]{0,2})(?![A-Za-z0-9_])")
FORMS = {"text": TEXT, "json": JSON}
"""What `f` may say of an explanation, with its media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCoverages:
    """A request to run a query."""

    query: str
    compat: bool = False
    """Nulls go by rasdaman's rules."""
    uploads: tuple[Upload, ...] = ()
    explain: Level | None = None
    """What is told of the query in the place of its results; None: the results."""
    form: str = TEXT
    """Media type of what is told."""


def parse(
    kvp: Kvp, uploads: tuple[Upload, ...] = (), *, compat: bool = False, accept: str = ""
) -> ProcessCoverages:
    """Read the parameters; `compat` is the endpoint's default.

    `accept` is the header of that name, which chooses the form of an explanation where `f`
    does not.

    Raises
    ------
    MissingParameterError
        If there is no query.
    UnsupportedError
        If the version is none that is known.
    InvalidParameterError
        If `compat`, `explain` or `f` is none that is known.
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
    query = _with_values(query, {key: value for key, value in kvp if _NUMBER.fullmatch(key)})
    rules = kvp.one("compat", default="rasdaman" if compat else "copernicube").casefold()
    if rules not in COMPAT:
        raise InvalidParameterError(
            f"compat {shown(rules)} is not allowed; allowed are {', '.join(COMPAT)}",
            parameter="COMPAT",
        )
    level = _level(kvp)
    return ProcessCoverages(
        query=query,
        compat=COMPAT[rules],
        uploads=uploads,
        explain=level,
        form=TEXT if level is None else _form(kvp, accept),
    )


def _with_values(query: str, values: Mapping[str, str]) -> str:
    """Put extra parameters in the place of `$1`, `$2`, ... (OGC 08-059r4, 6.5 and 6.7.1).

    Names of which there is no value stay: they may be files that came with the query.

    Raises
    ------
    InvalidParameterError
        If the query becomes longer than one may be.
    """
    size = len(query)

    def put(match: re.Match[str]) -> str:
        nonlocal size
        value = values.get(match[1])
        if value is None:
            return match[0]
        size += len(value)
        if size > MAX_VALUE_CHARACTERS:
            raise InvalidParameterError(
                f"with its parameters the query is longer than {MAX_VALUE_CHARACTERS} characters",
                parameter="QUERY",
            )
        return value

    return _PLACE.sub(put, query)


def _level(kvp: Kvp) -> Level | None:
    asked = kvp.present("explain")
    if asked is None:
        return None
    if asked.casefold() not in tuple(Level):
        raise InvalidParameterError(
            f"explain {shown(asked)} is not allowed; allowed are {', '.join(Level)}",
            parameter="EXPLAIN",
        )
    return Level(asked.casefold())


def _form(kvp: Kvp, accept: str) -> str:
    asked = kvp.one("f", default="").casefold()
    if not asked:
        wanted = re.match(r"[^,;\s]*", accept.strip())
        return JSON if wanted is not None and wanted[0].casefold() == JSON else TEXT
    if asked not in FORMS:
        raise InvalidParameterError(
            f"f {shown(asked)} is not allowed; allowed are {', '.join(FORMS)}", parameter="F"
        )
    return FORMS[asked]


def answer(
    kvp: Kvp,
    session: Session,
    site: Site,
    uploads: tuple[Upload, ...] = (),
    *,
    accept: str = "",
) -> Reply:
    """Answer the operation."""
    request = parse(kvp, uploads, compat=site.compat, accept=accept)
    if request.explain is not None:
        return _explained(request, request.explain, session)
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


def _explained(request: ProcessCoverages, level: Level, session: Session) -> Reply:
    told = session.explain(request.query, compat=request.compat, uploads=request.uploads)
    body = to_json(told, level) if request.form == JSON else to_text(told, level).encode()
    return Reply(
        status=200,
        media_type=request.form,
        body=body,
        headers=(revision_header(session.view.revision),),
    )


def _several(answers: Sequence[Answer], session: Session, site: Site) -> Reply:
    """Send several results as the parts of one body."""
    pieces: list[bytes] = []
    for one in answers:
        head = f"--{BOUNDARY}\r\nContent-Type: {one.media_type}\r\n\r\n"
        pieces += [head.encode(), taken(one.body), b"\r\n"]
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
