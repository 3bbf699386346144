"""When a map begins, while other clients keep the server busy with coverages and queries."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from statistics import median, quantiles
from urllib.parse import quote

from bench import data
from bench.coverages import BANDS, COVERAGE, Asked
from bench.measure import Row
from bench.mercator import tiles
from bench.servers import Server, copernicube_serving

CONNECTIONS = 8
"""Busy with coverages and, every second one, a query."""
MAPS = 40
ZOOM = 12
WIDTH_PX, HEIGHT_PX = 800, 600
SIDE_PX = 4096
_WAIT_S = 300.0


@dataclass(slots=True)
class _Others:
    """What the busy connections did."""

    stopped: threading.Event = field(default_factory=threading.Event)
    answers: list[int] = field(default_factory=list)
    """Status of each."""


def rows() -> Iterator[Row]:
    """Yield one row: the median until the first byte of a map; the bare work is the idle server."""
    addresses = list(_maps(2 * MAPS))
    with copernicube_serving(data.big_store()) as server:
        _first_byte_s(server, addresses[0])
        idle = [_first_byte_s(server, address) for address in addresses[:MAPS]]
        others = _Others()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for number in range(CONNECTIONS):
                pool.submit(_keep_busy, server, number, others)
            time.sleep(2)
            busy = [_first_byte_s(server, address) for address in addresses[MAPS:]]
            others.stopped.set()
        peak = server.memory_mb()
    served = others.answers.count(200)
    yield Row(
        what=f"first byte of a map of {WIDTH_PX} x {HEIGHT_PX}, {CONNECTIONS} connections busy "
        "with coverages and queries; bare is the idle server",
        ours_s=median(busy),
        bare_s=median(idle),
        note=f"95 of 100 within {quantiles(busy, n=20)[-1] * 1e3:.0f} ms, all within "
        f"{max(busy) * 1e3:.0f} ms; meanwhile {served} of {len(others.answers)} others answered; "
        f"{peak:.0f} MB at the peak",
    )


def _maps(count: int) -> Iterator[str]:
    """Yield addresses of maps, no two alike, about tiles of one zoom."""
    for number, tile in enumerate(tiles(ZOOM, count)):
        left, bottom, right, top = tile.bbox
        x, y = (left + right) / 2 + number, (bottom + top) / 2
        half_x = (right - left) * WIDTH_PX / 512
        half_y = half_x * HEIGHT_PX / WIDTH_PX
        box = ",".join(repr(v) for v in (x - half_x, y - half_y, x + half_x, y + half_y))
        yield (
            "/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=true-colour"
            f"&crs=EPSG:3857&bbox={box}&width={WIDTH_PX}&height={HEIGHT_PX}&format=image/png"
        )


def _first_byte_s(server: Server, address: str) -> float:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_WAIT_S)
    start = time.perf_counter()
    connection.request("GET", address)
    answer = connection.getresponse()
    head = answer.read(1)
    taken = time.perf_counter() - start
    body = head + answer.read()
    connection.close()
    if answer.status != 200 or not body.startswith(b"\x89PNG"):
        raise RuntimeError(f"{address}: {answer.status} {body[:300]!r}")
    return taken


def _keep_busy(server: Server, number: int, others: _Others) -> None:
    """Ask for other cells each time, as a client of its own, until it is told to stop."""
    corner = 100 + 37 * number
    while not others.stopped.is_set():
        corner += 11
        asked = Asked(side_px=SIDE_PX, bands=BANDS[: 1 + number % 3], crs="", corner_px=corner)
        query = (
            f'for $c in ({COVERAGE}) return avg($c.B08[ansi("2016"), '
            f"E({asked.box[0]}:{asked.box[2]}), N({asked.box[1]}:{asked.box[3]})])"
        )
        address = f"/ows?query={quote(query)}" if number % 2 else asked.address
        # Every address of the loopback network is this machine: each is another client.
        connection = HTTPConnection(
            "127.0.0.1", server.port, timeout=_WAIT_S, source_address=(f"127.0.0.{number + 2}", 0)
        )
        connection.request("GET", address)
        answer = connection.getresponse()
        while answer.read(1 << 20):
            pass
        connection.close()
        others.answers.append(answer.status)
