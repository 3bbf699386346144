"""Connections to databases may not cross a fork."""

import os
import weakref
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.pool import Pool


class Connected(Protocol):
    """What holds connections."""

    def forget_connections(self) -> None:
        """Leave alone the connections inherited through a fork; open new ones."""
        ...


_INHERITED: list[Pool] = []
_CONNECTED: "weakref.WeakSet[Connected]" = weakref.WeakSet()


def forget_after_fork(connected: Connected) -> None:
    """Let a database forget its connections in every child, while it is in use."""
    _CONNECTED.add(connected)


def forget_pool(engine: Engine) -> None:
    """Give an engine new connections without touching the old ones."""
    # Even closing them would be a use, so they are kept.
    _INHERITED.append(engine.pool)
    engine.dispose(close=False)


def _forget_all() -> None:
    for connected in list(_CONNECTED):
        connected.forget_connections()


os.register_at_fork(after_in_child=_forget_all)
