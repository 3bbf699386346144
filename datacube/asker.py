"""Whether whoever asked still waits for the answer."""

from contextvars import ContextVar
from dataclasses import dataclass

from datacube.errors import AbandonedError


@dataclass(slots=True, eq=False)
class Asker:
    """Who waits for an answer; `left` is set from another thread, once."""

    left: bool = False

    def check(self) -> None:
        """Raise AbandonedError where nobody waits any more."""
        if self.left:
            raise AbandonedError


_NOW: ContextVar[Asker | None] = ContextVar("asker", default=None)


def attend(asker: Asker) -> None:
    """Work for `asker` from here on in this context, and in threads that run in it."""
    _NOW.set(asker)


def present_asker() -> Asker:
    """Return whom this context works for: who never leaves, where nobody was named."""
    return _NOW.get() or Asker()
