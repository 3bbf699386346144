import asyncio
import socket
import threading
from collections import Counter
from contextlib import ExitStack, closing
from typing import cast, override

import pytest

pytest.importorskip("uvloop")
from copernicube.accepting import SharingLoop

SOON_S = 20


class Greeting(asyncio.Protocol):
    """Says who accepted."""

    def __init__(self, name: bytes, over: asyncio.Event) -> None:
        self._name, self._over = name, over

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._name)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._over.set()


async def accept(name: bytes, sock: socket.socket, ready: threading.Event) -> None:
    """Accept until a client leaves."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Greeting(name, over), sock=sock, backlog=64, ssl=None)
    ready.set()
    await over.wait()
    server.close()
    await server.wait_closed()
    # The other clients leave too.
    await asyncio.sleep(0.2)


def listen(name: bytes, sock: socket.socket, ready: threading.Event) -> None:
    with closing(SharingLoop()) as loop, sock:
        loop.run_until_complete(accept(name, sock, ready))


def test_connections_are_shared_by_those_who_listen_at_one_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        threads = []
        for name in (b"a", b"b"):
            ready = threading.Event()
            thread = threading.Thread(target=listen, args=(name, sock.dup(), ready), daemon=True)
            thread.start()
            assert ready.wait(SOON_S)
            threads.append(thread)
        with ExitStack() as stack:
            clients = [
                stack.enter_context(socket.create_connection(sock.getsockname(), SOON_S))
                for _ in range(12)
            ]
            counted = Counter(client.recv(1) for client in clients)
        assert set(counted) == {b"a", b"b"}
        assert min(counted.values()) > 2
        for thread in threads:
            thread.join(SOON_S)
            assert not thread.is_alive()
