"""Map tiles over HTTP on loopback: the server beside a small one around rasterio."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from bench import data
from bench.measure import Row
from bench.mercator import TILE_PX, Tile, tiles
from bench.servers import START_S, copernicube_serving, free_port, serving

ZOOMS = (13, 11)
CLIENTS = 4
TILES = 160


_NO_PICTURES = {"COPERNICUBE_PICTURE_CACHE_BYTES": "1"}
"""Both keep decoded cells; neither keeps pictures."""


def rows() -> Iterator[Row]:
    """Yield a row for each number of workers; the time is wall time by tiles answered."""
    store = data.big_store()
    chosen = [tile for zoom in ZOOMS for tile in tiles(zoom, TILES // len(ZOOMS))]
    for workers in (1, 2):
        peer_port = free_port()
        peer = ["-m", "bench.peer_server", str(peer_port), str(workers)]
        with (
            copernicube_serving(store, workers=workers, settings=_NO_PICTURES) as ours,
            serving(peer, peer_port),
        ):
            took = [_load(chosen, ours.port, get_map), _load(chosen, peer_port, plain)]
            took = [
                min(took[0], _load(chosen, ours.port, get_map)),
                min(took[1], _load(chosen, peer_port, plain)),
            ]
        yield Row(
            what=f"tile over HTTP, {workers} workers, {CLIENTS} clients",
            ours_s=took[0],
            peer_s=took[1],
            note=f"{1 / took[0]:.0f} tiles/s, peer {1 / took[1]:.0f}",
        )


def get_map(tile: Tile) -> str:
    """Return the address of a tile in our server."""
    box = ",".join(repr(v) for v in tile.bbox)
    return (
        "/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=true-colour"
        f"&crs=EPSG:3857&bbox={box}&width={TILE_PX}&height={TILE_PX}"
        "&format=image/png&transparent=true"
    )


def plain(tile: Tile) -> str:
    """Return the address of a tile in the peer."""
    return f"/{tile.zoom}/{tile.col}/{tile.row}"


def _load(chosen: list[Tile], port: int, address: Callable[[Tile], str]) -> float:
    """Fetch all tiles with several clients; return seconds a tile."""

    def fetch(part: list[Tile]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=START_S)
        for tile in part:
            connection.request("GET", address(tile))
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 or not body.startswith(b"\x89PNG"):
                raise RuntimeError(f"{address(tile)}: {answer.status} {body[:300]!r}")
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(fetch, [chosen[i::CLIENTS] for i in range(CLIENTS)]))
    return (time.perf_counter() - start) / len(chosen)
