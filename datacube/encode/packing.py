"""Work that packs cells on threads while others are evaluated."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from datacube.plan.blocks import PARALLEL_BLOCKS


class Packing[T]:
    """Threads whose results are taken in the order in which the work was given.

    Used in a `with` block; what has not begun when it ends is left.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=PARALLEL_BLOCKS, thread_name_prefix="pack")
        self._pending: deque[Future[T]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, work: Callable[[], T]) -> None:
        """Give work to the threads."""
        self._pending.append(self._pool.submit(work))

    def results(self, *, waiting: int) -> Iterator[T]:
        """Yield results until only so many are waited for; more work may be given meanwhile."""
        while len(self._pending) > waiting:
            yield self._pending.popleft().result()
