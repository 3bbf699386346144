"""Where a request waits for its turn, is worked on, and is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from datacube.errors import CubeError, LimitExceededError
from datacube.protocols import Limits
from ogc.exchange import Reply, Sessions
from ogc.known import Known
from ogc.responses import held_tags, holds, respond
from ogc.spool import Spool
from ogc.turns import BusyError, Client, GoneError, Lane, Turns

CLOSED_REQUEST = 499
"""nginx's word for a client that went away; nobody reads it but logs."""


def peer(request: Request) -> Client:
    """Return the address that a request came from."""
    return request.client.host if request.client else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all routes of a server share."""

    turns: Turns = field(default_factory=Turns)
    client_of: Callable[[Request], Client] = peer
    """Whose turn a request takes."""
    spool: Spool | None = None
    """Keeps downloads where given."""

    async def answer(
        self,
        request: Request,
        work: Callable[[Sessions], Reply],
        sessions: Sessions,
        *,
        lane: Lane,
        refuse: Callable[[CubeError], Reply],
    ) -> Response:
        """Answer with what `work` makes in a thread, once it is its turn.

        What the client has, or what is kept, is found among the documents and waits for no
        work. `refuse` tells why a request was not even begun.
        """
        try:
            found = None
            if lane is not Lane.DOCUMENT and self._may_be_known(request):
                found = await self._known(request, work, sessions)
            if found is None:
                known = Known(spool=self.spool, keep_all=_is_partial(request))
                wanted = lane is Lane.DATA and self.spool is not None
                given = known.over(sessions) if wanted else sessions
                found = await self._run(request, partial(work, given), lane)
        except BusyError as error:
            found = refuse(error)
        except GoneError:
            return Response(status_code=CLOSED_REQUEST)
        return respond(found, request)

    async def run(
        self,
        request: Request,
        work: Callable[[], Reply],
        *,
        lane: Lane,
        refuse: Callable[[CubeError], Reply],
    ) -> Response:
        """Answer with what `work` makes in a thread, which needs no session."""
        try:
            return respond(await self._run(request, work, lane), request)
        except BusyError as error:
            return respond(refuse(error), request)
        except GoneError:
            return Response(status_code=CLOSED_REQUEST)

    async def body(self, request: Request, limits: Limits) -> bytes | CubeError:
        """Read the body of a request; or tell why it is not read: it is too long, or all are.

        Until the request is answered it counts among the bodies that are held.
        """
        body = bytearray()
        try:
            async for chunk in request.stream():
                self.turns.hold(len(chunk))
                body += chunk
                _check_length(len(body), request, limits)
        except BaseException as error:
            self.turns.hold(-len(body))
            if isinstance(error, CubeError):
                return error
            raise
        request.state.body_bytes = len(body)
        return bytes(body)

    async def _run(self, request: Request, work: Callable[[], Reply], lane: Lane) -> Reply:
        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        try:
            return await self.turns.run(work, client=self.client_of(request), lane=lane, gone=gone)
        finally:
            self.turns.hold(-getattr(request.state, "body_bytes", 0))
            request.state.body_bytes = 0

    def _may_be_known(self, request: Request) -> bool:
        if request.method not in ("GET", "HEAD"):
            return False
        return bool(held_tags(request.headers)) or (self.spool is not None and _is_partial(request))

    async def _known(
        self, request: Request, work: Callable[[Sessions], Reply], sessions: Sessions
    ) -> Reply | None:
        """Return the answer where none has to be made, else None."""
        known = Known(tags=held_tags(request.headers), spool=self.spool, only=True)
        made = await self._run(request, partial(work, known.over(sessions)), Lane.DOCUMENT)
        if known.refused:
            return None
        if known.left_out and not (made.status == HTTPStatus.OK and holds(request.headers, made)):
            # The body was left out, but the client has another form of it.
            return None
        return made


def _check_length(length: int, request: Request, limits: Limits) -> None:
    bound = limits.body_bytes
    if length > bound:
        told = request.headers.get("content-length", f"more than {bound}")
        raise LimitExceededError(
            f"the request is longer than the {bound} bytes allowed (LIMIT_BODY_BYTES): "
            f"its body has {told[:20]}"
        )


def _is_partial(request: Request) -> bool:
    """Tell whether more requests for the same bytes are likely to follow."""
    return request.method == "HEAD" or "range" in request.headers
