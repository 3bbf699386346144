"""The event loop of one server process of several, which leaves new connections to the idlest.

All processes listen on one socket. Work is done in threads, so every loop is free to accept,
and the first to wake would take all connections of a client while the other cores idle.
"""

import asyncio
import socket
from asyncio import AbstractEventLoop, BaseTransport
from collections.abc import Callable
from itertools import islice
from typing import override
from weakref import WeakSet

import uvloop

STEP_S = 0.001
"""How much later a process accepts for each connection that it has; uvloop counts in these."""
MOST_STEPS = 5
CROWD = 16
"""Connections that a process accepts at once which has more than `MOST_STEPS` already."""

type ProtocolFactory = Callable[[], asyncio.BaseProtocol]


class SharingLoop(uvloop.Loop):
    """Accepts at a socket that it is given later the more connections are open."""

    @override
    async def create_server(  # type: ignore[override]  # what uvicorn calls, and it only closes
        self, protocol_factory: ProtocolFactory, *, sock: socket.socket, backlog: int, ssl: None
    ) -> "SharedListener":
        del ssl
        return SharedListener(self, protocol_factory, sock, backlog)


class SharedListener:
    """Accepts one connection at a time, as soon as the number of those that are open allows."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        protocol_factory: ProtocolFactory,
        sock: socket.socket,
        backlog: int,
    ) -> None:
        self._loop = loop
        self._factory = protocol_factory
        self._sock = sock
        self._open: WeakSet[BaseTransport] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        sock.settimeout(0)
        sock.listen(backlog)
        loop.add_reader(sock, self._called)

    def close(self) -> None:
        """Accept nothing more; connections stay."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock)
        if self._timer is not None:
            self._timer.cancel()

    async def wait_closed(self) -> None:
        """Return once every connection that was accepted has its protocol."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _called(self) -> None:
        self._loop.remove_reader(self._sock)
        alive = (one for one in self._open if not one.is_closing())
        steps = sum(1 for _ in islice(alive, MOST_STEPS))
        most = CROWD if steps == MOST_STEPS else 1
        self._timer = self._loop.call_later(steps * STEP_S, self._accept, most)

    def _accept(self, most: int) -> None:
        for _ in range(most):
            try:
                connection, _address = self._sock.accept()
            except OSError:
                # Another process was faster, the client left, or no file descriptor is free.
                break
            connection.settimeout(0)
            task = self._loop.create_task(self._connect(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._loop.add_reader(self._sock, self._called)

    async def _connect(self, connection: socket.socket) -> None:
        transport, _ = await self._loop.connect_accepted_socket(self._factory, connection)
        self._open.add(transport)
