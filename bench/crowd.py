"""Many connections at once, each of which asks, waits for the answer and asks again."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

CLIENTS = 50
"""Clients that the connections say they are of, as a proxy would tell."""
_ANSWER_S = 120.0


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a crowd was answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    """Number of answers by status."""
    unexplained: int = 0
    """Answers with 503 that do not say when to ask again."""
    failures: Counter[str] = field(default_factory=Counter)
    """Requests without an answer, by what went wrong."""
    waits_s: list[float] = field(default_factory=list)
    """How long each answer with 200 took."""
    seconds: float = 0.0
    """From the first request to the last answer."""

    def add(self, more: "Outcome") -> None:
        """Count what another run was answered, too."""
        self.statuses += more.statuses
        self.unexplained += more.unexplained
        self.failures += more.failures
        self.waits_s += more.waits_s
        self.seconds += more.seconds

    @property
    def a_second(self) -> float:
        """Answers with 200 in a second."""
        return self.statuses[200] / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Connections to a server on loopback."""

    port: int
    paths: Sequence[str]
    """Asked for in turn, each connection beginning with another."""
    connections: int
    seconds: float = float("inf")
    """Nothing is asked any more after so long."""
    requests: int = 2**31
    """Most that one connection asks."""
    patience_s: float = 2.0
    """Longest that a connection waits before it asks again, whatever a 503 says."""

    def run(self) -> Outcome:
        """Ask, until the time is over or every connection has asked enough."""
        return asyncio.run(self._run())

    async def _run(self) -> Outcome:
        told, begun = Outcome(), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(self.connections):
                group.create_task(self._connection(number, begun + self.seconds, told))
        told.seconds = time.monotonic() - begun
        return told

    async def _connection(self, number: int, until: float, told: Outcome) -> None:
        streams = None
        for asked in range(self.requests):
            if time.monotonic() >= until:
                break
            path = self.paths[(number * 7 + asked) % len(self.paths)]
            begun = time.monotonic()
            try:
                if streams is None:
                    streams = await asyncio.open_connection("127.0.0.1", self.port)
                async with asyncio.timeout(_ANSWER_S):
                    status, headers = await _ask(*streams, path, number % CLIENTS)
            except (OSError, EOFError, TimeoutError) as error:
                told.failures[type(error).__name__] += 1
                streams = None
                continue
            told.statuses[status] += 1
            if status == 200:
                told.waits_s.append(time.monotonic() - begun)
            if status == 503:
                told.unexplained += not headers.get("retry-after", "").isdigit()
                await asyncio.sleep(min(float(headers.get("retry-after", 1)), self.patience_s))
        if streams is not None:
            streams[1].close()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, client: int
) -> tuple[int, dict[str, str]]:
    """Send a request and read the whole answer; return its status and headers."""
    head = f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"X-Forwarded-For: 192.0.2.{client}", "", ""
    writer.write("\r\n".join(head).encode())
    await writer.drain()
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = {
        name.casefold(): value.strip() for name, _, value in (x.partition(":") for x in lines)
    }
    await reader.readexactly(int(headers["content-length"]))
    return int(first.split(" ", 2)[1]), headers
