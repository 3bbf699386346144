"""Who is worked on, who waits, and who is told to come again."""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest

from datacube.asker import present_asker
from datacube.errors import AbandonedError
from ogc.turns import BusyError, GoneError, Lane, QueueLimits, Turns

SOON_S = 5.0

type Task = asyncio.Task[str]


@dataclass
class Work:
    """Work in threads that ends when told to; notes who was worked on, and how many at once."""

    done: threading.Event = field(default_factory=threading.Event)
    order: list[str] = field(default_factory=list)
    now: int = 0
    most: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def of(self, name: str) -> Callable[[], str]:
        def run() -> str:
            with self.guard:
                self.order.append(name)
                self.now += 1
                self.most = max(self.most, self.now)
            assert self.done.wait(SOON_S)
            with self.guard:
                self.now -= 1
            return name

        return run


def ran(story: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 4 * SOON_S))


async def queued(turns: Turns, work: Work, *names: str, lane: Lane = Lane.DATA) -> list[Task]:
    """Ask for each name in order, as the client of its first letter."""
    tasks = []
    for name in names:
        tasks.append(asyncio.create_task(turns.run(work.of(name), client=name[0], lane=lane)))
        await asyncio.sleep(0.01)
    return tasks


def test_so_many_at_once_and_clients_in_turn() -> None:
    async def story() -> None:
        turns, work = Turns(QueueLimits(running=1)), Work()
        tasks = await queued(turns, work, "a1", "a2", "a3", "a4", "b1", "b2", "c1")
        assert work.order == ["a1"]
        work.done.set()
        assert await asyncio.gather(*tasks) == ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]
        assert work.order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]
        assert work.most == 1

    ran(story())


def test_more_begins_beside_work_that_is_not_done_soon() -> None:
    async def story() -> None:
        turns, work = Turns(QueueLimits(running=2, alone_seconds=0.2)), Work()
        tasks = await queued(turns, work, "a1", "a2", "a3")
        assert work.order == ["a1"]
        # The second is slow too, and there are two places.
        await asyncio.sleep(0.7)
        assert work.order == ["a1", "a2"]
        work.done.set()
        await asyncio.gather(*tasks)
        assert work.most == 2

    ran(story())


def test_lanes_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        turns, work, ready = Turns(QueueLimits(running=1)), Work(), Work()
        ready.done.set()
        tasks = await queued(turns, work, "a1", "a2")
        for lane in (Lane.DOCUMENT, Lane.PICTURE):
            assert await turns.run(ready.of("a3"), client="a", lane=lane) == "a3"
        work.done.set()
        await asyncio.gather(*tasks)

    ran(story())


@pytest.mark.parametrize(
    ("limits", "asker", "setting"),
    [
        (QueueLimits(running=1, waiting=2), "b", "QUEUE_WAITING is 2"),
        (QueueLimits(running=1, per_client=3), "a", "QUEUE_PER_CLIENT is 3"),
        (QueueLimits(running=1, seconds=0.05), "b", "QUEUE_SECONDS of 0.05 s"),
    ],
)
def test_what_is_beyond_is_told_when_to_come_again(
    limits: QueueLimits, asker: str, setting: str
) -> None:
    async def story() -> None:
        turns, work, ready = Turns(limits), Work(), Work()
        ready.done.set()
        tasks = await queued(turns, work, "a1", "a2", "a3")
        with pytest.raises(BusyError, match=setting) as told:
            await turns.run(ready.of("x"), client=asker, lane=Lane.DATA)
        assert 1 <= told.value.retry_after_s <= 60
        work.done.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        # All places are free again.
        assert await turns.run(ready.of("x"), client=asker, lane=Lane.DATA) == "x"

    ran(story())


def test_retry_after_follows_how_long_answers_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = chain([0.0, 8.0], repeat(10.0))
    monkeypatch.setattr("ogc.turns.monotonic", lambda: next(clock))

    async def story() -> None:
        turns, work = Turns(QueueLimits(running=1, waiting=1)), Work()
        await turns.run(lambda: None, client="a", lane=Lane.DATA)
        tasks = await queued(turns, work, "b1", "b2")
        with pytest.raises(BusyError) as told:
            await turns.run(work.of("x"), client="c", lane=Lane.DATA)
        # One answer took 8 s; one waits, and this would be the second.
        assert told.value.retry_after_s == 16
        work.done.set()
        await asyncio.gather(*tasks)

    ran(story())


def test_who_goes_away_leaves_the_queue() -> None:
    async def story() -> None:
        turns, work, left = Turns(QueueLimits(running=1, waiting=1)), Work(), asyncio.Event()

        async def gone() -> None:
            await left.wait()

        tasks = await queued(turns, work, "a1")
        waits = asyncio.create_task(turns.run(work.of("b1"), client="b", lane=Lane.DATA, gone=gone))
        await asyncio.sleep(0.01)
        left.set()
        with pytest.raises(GoneError):
            await waits
        tasks += await queued(turns, work, "c1")
        work.done.set()
        await asyncio.gather(*tasks)
        assert work.order == ["a1", "c1"]

    ran(story())


def test_work_ends_soon_after_its_client_left() -> None:
    async def story() -> None:
        turns, left = Turns(QueueLimits(running=1, alone_seconds=0.05)), asyncio.Event()
        ready = Work()
        ready.done.set()

        async def gone() -> None:
            await left.wait()

        def work() -> str:
            asker = present_asker()
            for _ in range(1000):
                asker.check()
                threading.Event().wait(0.01)
            return "nobody looked"

        made = asyncio.create_task(turns.run(work, client="a", lane=Lane.DATA, gone=gone))
        await asyncio.sleep(0.2)
        assert not made.done()
        left.set()
        with pytest.raises(AbandonedError):
            await asyncio.wait_for(made, SOON_S)
        # Its place is free, and the next is not told what the one before was.
        assert await turns.run(ready.of("b1"), client="b", lane=Lane.DATA) == "b1"
        assert await turns.run(lambda: present_asker().left, client="b", lane=Lane.DATA) is False

    ran(story())


def test_no_place_is_lost_whatever_ends_a_request() -> None:
    """Failures, cancelled tasks and clients that leave, in random order, from a fixed seed."""
    chosen = random.Random(7)

    async def story() -> None:
        turns = Turns(
            QueueLimits(running=3, alone_seconds=0.001, waiting=30, per_client=12, seconds=0.02)
        )

        def fails() -> str:
            raise ValueError("as asked")

        async def one(number: int) -> None:
            async def gone() -> None:
                await asyncio.sleep(chosen.random() / 10)

            work = chosen.choice([fails, lambda: threading.Event().wait(0.002)])
            lane, client = chosen.choice(list(Lane)), str(number % 5)
            await turns.run(work, client=client, lane=lane, gone=gone)

        tasks = []
        for number in range(400):
            tasks.append(asyncio.create_task(one(number)))
            if chosen.random() < 0.2:
                chosen.choice(tasks).cancel()
            if number % 20 == 0:
                await asyncio.sleep(0.005)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = {type(end) for end in ends}
        assert kinds >= {ValueError, BusyError, GoneError, asyncio.CancelledError}
        for lane in Lane:
            # As many as may still run at once, and no more.
            work = Work()
            again = await queued(turns, work, "a1", "b1", "c1", "d1", lane=lane)
            assert work.now == 3
            work.done.set()
            await asyncio.gather(*again, return_exceptions=True)

    ran(story())


def test_loops_of_several_threads_share_the_places() -> None:
    turns, work = Turns(QueueLimits(running=2, alone_seconds=0.001)), Work()

    def loop(name: str) -> None:
        asyncio.run(turns.run(work.of(name), client=name, lane=Lane.PICTURE))

    threads = [threading.Thread(target=loop, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    threading.Timer(0.1, work.done.set).start()
    for thread in threads:
        thread.join(SOON_S)
    assert (sorted(work.order), work.most) == (list("abcdef"), 2)
