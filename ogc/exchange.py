"""What a service is given and what it gives back; no web server is known here."""

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from datacube.cells import Cells
from datacube.encode.answer import Answer
from datacube.evaluate.place import PlaceAnswer
from datacube.explain.values import Explanation
from datacube.plan.bind import DEFAULT_MAP_DAYS, Bound
from datacube.plan.nodes import Plan
from datacube.plan.query import Encode, Place
from datacube.plan.style import StyleBook
from datacube.protocols import CatalogView, Limits
from datacube.service_provider import ServiceProvider
from datacube.wcps.bind.scope import Upload
from ogc.kvp import Kvp

SCENES_HEADER_CHARACTERS = 4000
"""Scene ids that a header holds; web servers refuse heads above 8 to 16 KiB."""


class Session(Protocol):
    """The engine at one revision, for one principal."""

    @property
    def view(self) -> CatalogView:
        """The catalogue at the pinned revision."""
        ...

    @property
    def styles(self) -> StyleBook:
        """The styles of map layers."""
        ...

    def bind(self, asked: Encode) -> Bound:
        """Resolve every name, axis and slot of a query; reads no cells.

        Raises
        ------
        CubeError
        """
        ...

    def etag(self, bound: Bound) -> str:
        """Return the digest of a plan, its slots and the asker's access, which tags its answer."""
        ...

    def encode(self, bound: Bound) -> Answer:
        """Check, evaluate and encode what is bound, as `answer` does.

        Raises
        ------
        CubeError
        """
        ...

    def answer(self, query: Encode) -> Answer:
        """Bind, check, evaluate and encode; what returns is complete.

        Raises
        ------
        CubeError
        """
        ...

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return a document that was made of `key` at this revision for this access, or make it."""
        ...

    def compute(self, plan: Plan) -> Cells:
        """Evaluate the whole of a bound plan, within the limits.

        Raises
        ------
        CubeError
        """
        ...

    def place(self, asked: Place) -> PlaceAnswer:
        """Tell what layers hold at a place.

        Raises
        ------
        CubeError
        """
        ...

    def query(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> tuple[Answer, ...]:
        """Answer a query of WCPS, one answer a result.

        Raises
        ------
        CubeError
        """
        ...

    def explain(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> Explanation:
        """Tell what a query of WCPS would do and cost.

        Raises
        ------
        CubeError
        """
        ...


type Sessions = Callable[[int | None], Session]
"""Opens a session `as_of` a revision, None for the newest; may raise RevisionError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the services say about themselves, and the bounds they advertise."""

    url: str
    """Address of this endpoint as clients reach it, without a query: `http://host/ows`."""
    root: str = ""
    """Address of the server, below which all services lie, without a slash at its end."""
    title: str = "Copernicube"
    abstract: str = "Earth-observation datacubes through open standards."
    provider: ServiceProvider = field(default_factory=ServiceProvider)
    keywords: tuple[str, ...] = ("Earth observation", "datacube")
    default_map_days: int = DEFAULT_MAP_DAYS
    """Days before a layer's newest acquisition that a map without TIME may show."""
    limits: Limits = field(default_factory=Limits)
    transactions: bool = False
    """Whether some may write coverages, which capabilities then say."""
    compat: bool = False
    """As clients of rasdaman expect: its rules for nulls, and time the first axis described."""

    @property
    def prefix(self) -> str:
        """The address as a URL prefix, which ends in `?`."""
        return f"{self.url}?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete HTTP answer."""

    status: int
    media_type: str
    body: bytes | Path
    """The bytes, or a temporary file that the sender deletes."""
    headers: tuple[tuple[str, str], ...] = ()
    """Beside content type and length; a name may come more than once."""


type Operation = Callable[[Kvp, Session, Site], Reply]
"""Answers one operation of one service; failures are CubeErrors."""


def reply(answer: Answer) -> Reply:
    """Send an answer of the engine."""
    tag = (("ETag", f'"{answer.etag}"'),) if answer.etag else ()
    return Reply(
        status=200,
        media_type=answer.media_type,
        body=answer.body,
        headers=(
            revision_header(answer.revision),
            *tag,
            *(scenes_header(answer.scenes)),
            *warning_headers(answer.notes),
        ),
    )


def headed(reply: Reply, headers: tuple[tuple[str, str], ...]) -> Reply:
    """Put further headers before those of a reply."""
    return replace(reply, headers=(*headers, *reply.headers))


def taken(body: bytes | Path) -> bytes:
    """Return the bytes of a body that is sent as a part of another; a file of it is deleted."""
    if isinstance(body, bytes):
        return body
    try:
        return body.read_bytes()
    finally:
        body.unlink(missing_ok=True)


def warning_headers(notes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the headers that tell what was chosen for the asker (OGC 06-042, C.4.2)."""
    return tuple(("Warning", f"99 {_header_text(note)}") for note in notes)


def reply_document(
    body: bytes, media_type: str, revision: int, *, further: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Send a document, tagged by what it says, with further headers."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    return Reply(
        status=200,
        media_type=media_type,
        body=body,
        headers=(revision_header(revision), ("ETag", f'"{tag}"'), *further),
    )


def revision_header(revision: int) -> tuple[str, str]:
    """Return the header that tells the revision an answer, or a refusal, was made from."""
    return "Copernicube-Revision", str(revision)


def scenes_header(scenes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the header that names the contributing scenes, or counts them where they are many.

    >>> scenes_header(("A", "B"))
    (('Copernicube-Scenes', 'A, B'),)
    """
    if not scenes:
        return ()
    text = _header_text(", ".join(scenes))
    if len(text) > SCENES_HEADER_CHARACTERS:
        text = f"{len(scenes)} scenes"
    return (("Copernicube-Scenes", text),)


def _header_text(text: str) -> str:
    printable = "".join(c if " " <= c <= "~" else " " for c in text)
    return " ".join(printable.split())
