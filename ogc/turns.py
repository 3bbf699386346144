"""Whose turn it is: a bounded queue before the work, fair between clients."""

import asyncio
import os
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from threading import Lock
from time import monotonic

from anyio import CapacityLimiter, to_thread

from datacube.asker import Asker, attend
from datacube.errors import UnavailableError

LONGEST_RETRY_S = 60
_WEIGHT = 0.1
"""Of the last answer in the mean of seconds that answers take."""

type Client = str
"""Who asks, as far as turns are concerned."""


class BusyError(UnavailableError):
    """More is asked for at once than is worked on or may wait; later it may be answered."""

    code = "busy"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(f"{message}; ask again in {retry_after_s} s")
        self.retry_after_s = retry_after_s
        """When a place should be free, by how long answers took."""


class GoneError(Exception):
    """The client went away before its turn came."""


class Lane(StrEnum):
    """Work that waits for work of its own kind only, so that no long work holds up short work."""

    DOCUMENT = "document"
    """What reads no cells: capabilities, descriptions, pages, whether an answer is unchanged."""
    PICTURE = "picture"
    """Maps, tiles, what is at a place, chunks."""
    DATA = "data"
    """Coverages and queries, which may take minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Bounds on the requests of one server process."""

    running: int = 0
    """Requests worked on at once in each lane; 0: as many as there are cores."""
    alone_seconds: float = 0.1
    """How long work of a lane is alone before more is begun beside it."""
    waiting: int = 1024
    """Requests that wait, of all clients together."""
    per_client: int = 128
    """Requests of one client that are worked on or wait."""
    seconds: float = 30.0
    """How long a request waits."""
    body_bytes: int = 512 * 2**20
    """Bodies of all requests together, from the first byte to the answer."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request in the queue. Loops of several threads may share one queue."""

    loop: asyncio.AbstractEventLoop
    called: asyncio.Future[None]

    def call(self) -> None:
        self.loop.call_soon_threadsafe(self._call)

    def _call(self) -> None:
        if not self.called.done():
            self.called.set_result(None)


@dataclass(slots=True, kw_only=True)
class _Turn:
    """Work that has begun."""

    lane: Lane
    quick: bool = True
    """It counts among the quick ones of its lane."""
    gone: Callable[[], Awaitable[None]] | None = None
    """Returns once the client went away."""
    asker: Asker = field(default_factory=Asker)
    """Whom it is done for."""
    _watch: asyncio.Future[None] | None = None

    def watch(self) -> None:
        """Tell the work when its client leaves; in the thread of the loop."""
        if self.gone is not None:
            self._watch = asyncio.ensure_future(self.gone())
            self._watch.add_done_callback(self._leave)

    def end(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.cancel()

    def _leave(self, watch: asyncio.Future[None]) -> None:
        if not watch.cancelled() and watch.exception() is None:
            self.asker.left = True


@dataclass(slots=True)
class _LaneState:
    running: int = 0
    quick: int = 0
    """Of those that run, how many are alone yet: one or none."""
    seconds: float = 0.0
    """Mean of what the last answers took."""
    queues: OrderedDict[Client, deque[_Waiting]] = field(default_factory=OrderedDict)
    """Who waits, the client whose turn is next first; no queue is empty."""

    @property
    def waiting(self) -> int:
        return sum(map(len, self.queues.values()))

    def join(self, client: Client, entry: _Waiting) -> None:
        self.queues.setdefault(client, deque()).append(entry)

    def leave(self, client: Client, entry: _Waiting) -> bool:
        """Take an entry out; False where it was called already."""
        queue = self.queues.get(client)
        if queue is None or entry not in queue:
            return False
        queue.remove(entry)
        if not queue:
            del self.queues[client]
        return True

    def begin(self, places: int) -> bool:
        """Take a place where one is free."""
        if self.quick or self.running >= places:
            return False
        self.running += 1
        self.quick = 1
        return True

    def next(self, places: int) -> _Waiting | None:
        """Take out the first entry of the next client, who then goes behind all others.

        It has a place then.
        """
        if not self.queues or not self.begin(places):
            return None
        client, queue = self.queues.popitem(last=False)
        entry = queue.popleft()
        if queue:
            self.queues[client] = queue
        return entry


class Turns:
    """Runs work in threads, so many at once, and clients in turn where more is asked for."""

    def __init__(self, limits: QueueLimits | None = None) -> None:
        self.limits = limits or QueueLimits()
        self._places = self.limits.running or os.cpu_count() or 1
        self._guard = Lock()
        self._lanes = {lane: _LaneState() for lane in Lane}
        self._held: Counter[Client] = Counter()
        self._body_bytes = 0

    async def run[R](
        self,
        work: Callable[[], R],
        *,
        client: Client,
        lane: Lane,
        gone: Callable[[], Awaitable[None]] | None = None,
    ) -> R:
        """Return what `work` returns, which is done in a thread at the client's turn.

        `gone` returns once the client went away; it is asked while the client waits, and of
        work that is not done soon, which then ends at its next step (`datacube.asker`).

        Raises
        ------
        BusyError
            If too many wait, the client has too many requests, or none ended in time.
        GoneError
            If the client went away while it waited.
        """
        entry = self._enter(client, lane)
        try:
            if entry is not None:
                await self._wait(entry, client, lane, gone)
            begun = monotonic()
            turn = _Turn(lane=lane, gone=gone)
            attend(turn.asker)
            timer = asyncio.get_running_loop().call_later(
                self.limits.alone_seconds, self._make_slow, turn
            )
            try:
                # The place was given here; anyio's own bound would be a second queue.
                return await to_thread.run_sync(work, limiter=CapacityLimiter(1))
            finally:
                timer.cancel()
                turn.end()
                self._pass_on(turn, monotonic() - begun)
        finally:
            self._forget(client)

    def hold(self, more_bytes: int) -> None:
        """Count bytes of a body that is being read; a negative number gives them back.

        Raises
        ------
        BusyError
            If all bodies together would be too long; these bytes are not counted.
        """
        with self._guard:
            held, most = self._body_bytes + more_bytes, self.limits.body_bytes
            if more_bytes > 0 and held > most:
                raise self._busy(
                    f"the bodies of all requests under way have {held} bytes, and the limit "
                    f"QUEUE_BODY_BYTES is {most}",
                    self._lanes[Lane.DATA],
                )
            self._body_bytes = held

    def _enter(self, client: Client, lane: Lane) -> _Waiting | None:
        """Take a place, or one in the queue, which is returned."""
        state, limits = self._lanes[lane], self.limits
        with self._guard:
            if self._held[client] >= limits.per_client:
                raise self._busy(
                    f"{limits.per_client} requests of this client are under way, and "
                    f"the limit QUEUE_PER_CLIENT is {limits.per_client}",
                    state,
                )
            if state.begin(self._places):
                entry = None
            else:
                waiting = sum(one.waiting for one in self._lanes.values())
                if waiting >= limits.waiting:
                    raise self._busy(
                        f"{waiting} requests wait, and the limit QUEUE_WAITING is {limits.waiting}",
                        state,
                    )
                loop = asyncio.get_running_loop()
                entry = _Waiting(loop, loop.create_future())
                state.join(client, entry)
            self._held[client] += 1
        return entry

    async def _wait(
        self,
        entry: _Waiting,
        client: Client,
        lane: Lane,
        gone: Callable[[], Awaitable[None]] | None,
    ) -> None:
        """Wait to be called; whoever stops waiting leaves the queue, or passes the place on."""
        state, limits = self._lanes[lane], self.limits
        left = None if gone is None else asyncio.ensure_future(gone())
        watched = {entry.called} if left is None else {entry.called, left}
        mine = away = False
        try:
            await asyncio.wait(watched, timeout=limits.seconds, return_when="FIRST_COMPLETED")
            mine, away = entry.called.done(), left is not None and left.done()
        finally:
            if left is not None:
                left.cancel()
            if not mine:
                with self._guard:
                    called = not state.leave(client, entry)
                if called:
                    self._pass_on(_Turn(lane=lane), None)
        if away and not mine:
            raise GoneError
        if not mine:
            raise self._busy(
                f"no place was free within the limit QUEUE_SECONDS of {limits.seconds:g} s", state
            )

    def _make_slow(self, turn: _Turn) -> None:
        """Let another begin beside work that is not done soon, and watch its client."""
        turn.watch()
        state = self._lanes[turn.lane]
        with self._guard:
            if not turn.quick:
                return
            turn.quick = False
            state.quick -= 1
            following = state.next(self._places)
        if following is not None:
            following.call()

    def _pass_on(self, turn: _Turn, took_s: float | None) -> None:
        """Give a place to the next, or free it."""
        state = self._lanes[turn.lane]
        with self._guard:
            if took_s is not None:
                state.seconds += (took_s - state.seconds) * (_WEIGHT if state.seconds else 1)
            state.running -= 1
            state.quick -= turn.quick
            turn.quick = False
            following = state.next(self._places)
        if following is not None:
            following.call()

    def _forget(self, client: Client) -> None:
        with self._guard:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]

    def _busy(self, message: str, state: _LaneState) -> BusyError:
        waited_s = ceil((state.waiting + 1) * state.seconds / self._places)
        return BusyError(message, retry_after_s=min(max(waited_s, 1), LONGEST_RETRY_S))
