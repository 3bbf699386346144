"""Answers that need no work: those that the client has, and those that are kept."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from datacube.cells import Cells
from datacube.encode.answer import Answer
from datacube.errors import RequestError
from datacube.evaluate.place import PlaceAnswer
from datacube.explain.values import Explanation
from datacube.plan.bind import Bound
from datacube.plan.nodes import Picture, Plan
from datacube.plan.query import Encode, Place
from datacube.plan.style import StyleBook
from datacube.protocols import CatalogView
from datacube.wcps.bind.scope import Upload
from ogc.exchange import Session, Sessions
from ogc.spool import Spool


class WorkNeededError(RequestError):
    """An answer was only looked for, and has to be made; no client is told."""


@dataclass(slots=True, kw_only=True)
class Known:
    """What one request may take without work, and what came of it."""

    tags: frozenset[str] = frozenset()
    """ETags that the client has, with their quotes."""
    spool: Spool | None = None
    keep_all: bool = False
    """Keep answers in memory, too; else only files."""
    only: bool = False
    """Nothing is made: where work is needed, it is refused."""
    refused: bool = False
    """Work was needed, and the answer tells nothing."""
    left_out: bool = False
    """The client has the answer, whose body was left out."""

    def over(self, sessions: Sessions) -> Sessions:
        """Return sessions that take what is known."""
        return lambda as_of: KnowingSession(session=sessions(as_of), known=self)

    def holds(self, tag: str) -> bool:
        """Tell whether the client has an answer, in any form made from it."""
        return any(one in ("*", f'"{tag}"') or one.startswith(f'"{tag}-') for one in self.tags)

    def need_work(self) -> None:
        """Refuse work where nothing is to be made.

        Raises
        ------
        WorkNeededError
        """
        if self.only:
            self.refused = True
            raise WorkNeededError("the answer is not known")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowingSession:
    """A session that makes no answer which is known."""

    session: Session
    known: Known

    @property
    def view(self) -> CatalogView:
        """The catalogue at the pinned revision."""
        return self.session.view

    @property
    def styles(self) -> StyleBook:
        """The styles of map layers."""
        return self.session.styles

    def bind(self, asked: Encode) -> Bound:
        """Resolve every name, axis and slot of a query."""
        return self.session.bind(asked)

    def etag(self, bound: Bound) -> str:
        """Return what tells the answer to a bound query from others."""
        return self.session.etag(bound)

    def encode(self, bound: Bound) -> Answer:
        """Return the answer without its body where the client has it, the kept one, or make it.

        Pictures are not kept: they are small, and made at once.
        """
        known, tag = self.known, self.session.etag(bound)
        if known.holds(tag):
            known.left_out = True
            return Answer(
                body=b"",
                media_type=bound.encode.media_type,
                revision=bound.revision,
                etag=tag,
                notes=bound.notes,
            )
        spool = known.spool
        if spool is None or isinstance(bound.encode.source, Picture):
            known.need_work()
            return self.session.encode(bound)
        found = spool.find(tag)
        if found is None:
            known.need_work()
            with spool.alone(tag):
                found = spool.find(tag) or self._made(bound, spool)
        return replace(found, revision=bound.revision)

    def _made(self, bound: Bound, spool: Spool) -> Answer:
        made = self.session.encode(bound)
        worth = self.known.keep_all or not isinstance(made.body, bytes)
        return spool.keep(made) if worth else made

    def answer(self, query: Encode) -> Answer:
        """Bind, then answer as `encode` does."""
        return self.encode(self.session.bind(query))

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return a document that was made of `key` at this revision for this access, or make it."""
        return self.session.kept(key, make)

    def compute(self, plan: Plan) -> Cells:
        """Evaluate the whole of a bound plan."""
        self.known.need_work()
        return self.session.compute(plan)

    def place(self, asked: Place) -> PlaceAnswer:
        """Tell what layers hold at a place."""
        self.known.need_work()
        return self.session.place(asked)

    def query(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> tuple[Answer, ...]:
        """Answer a query of WCPS."""
        self.known.need_work()
        return self.session.query(text, compat=compat, uploads=uploads)

    def explain(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> Explanation:
        """Tell what a query of WCPS would do and cost."""
        self.known.need_work()
        return self.session.explain(text, compat=compat, uploads=uploads)
