"""Every service over two million made-up scenes, and over ten of them, side by side.

Each asks both servers for the same, over HTTP, and never twice for the same map.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import quote

from pyproj import Transformer

from bench import archive_store
from bench.archive_store import CLOSE, CYCLES, SIDE_M, corner, cube_of, new_slot, scene_time
from bench.measure import Row, race
from bench.mercator import TILE_PX
from bench.servers import Server, copernicube_serving
from datacube.catalog import open_catalog
from datacube.times import iso_text

ROUNDS = int(os.environ.get("BENCH_ARCHIVE_ROUNDS", "60"))
LAYER, CUBE = "S2_L2A", "S2_L2A_32633"
_WAIT_S = 600.0
_WORLD_M = 40_075_016.685578488
CAPABILITIES = {
    "WMS": "/ows?service=WMS&version=1.3.0&request=GetCapabilities",
    "WMTS": "/wmts?service=WMTS&version=1.0.0&request=GetCapabilities",
    "WCS": "/ows?service=WCS&acceptversions=2.0.1&request=GetCapabilities",
    "WCS 1.0.0": "/ows?service=WCS&version=1.0.0&request=GetCapabilities",
    "WCS DescribeCoverage, 2,780 times": (
        f"/ows?service=WCS&version=2.0.1&request=DescribeCoverage&coverageId={CUBE}"
    ),
    "scenes of a month at a place, of the whole series (EO-WCS)": (
        "/ows?service=WCS&version=2.0.1&request=DescribeEOCoverageSet&eoId=S2_L2A&count=20"
        "&subset=phenomenonTime(%222025-11-05%22,%222025-12-05%22)&subset=Lat(45.5,45.6)"
        "&subset=Long(15.5,15.6)&sections=CoverageDescriptions"
    ),
    "OGC API collections": "/ogcapi/collections?f=json",
    "OGC API collection": f"/ogcapi/collections/{CUBE}?f=json",
    "record (ISO 19139)": f"/records/{LAYER}",
    "TileJSON": f"/tiles/{LAYER}.json",
}
"""Documents, by name."""

type Ask = Callable[[int], str]
"""Returns the address of a round."""


def rows() -> Iterator[Row]:
    """Yield starts, maps by zoom, other requests, documents, and a new scene."""
    stores = archive_store.stores()
    few, many = stores
    _into_cache(archive_store.CELLS)
    yield Row(
        what="start of a server until it answers",
        ours_s=_start_s(many),
        peer_s=_start_s(few),
        note=f"{(many / 'catalog.sqlite').stat().st_size / 1e9:.1f} GB of catalogue",
    )
    with (
        copernicube_serving(many) as large,
        copernicube_serving(few) as small,
    ):
        for name, ask in _requests().items():
            yield _raced(name, ask, large, small)
        for name, address in _series().items():
            yield Row(what=name, ours_s=_median_of(large, address))
        for name, address in CAPABILITIES.items():
            yield _document(name, address, large, small)
        yield _visible(many, large)
        for what, server in (("2,001,600 scenes", large), ("10 scenes", small)):
            print(f"memory of the server of {what}: {server.memory_mb():.0f} MB at the peak")


def _into_cache(folder: Path) -> None:
    """Read all files once: both servers read the same ones, and the first would wait for disks."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(2**24):
                    pass


def _raced(name: str, ask: Ask, large: Server, small: Server) -> Row:
    took = race(
        {"large": lambda n: fetch(large, ask(n)), "small": lambda n: fetch(small, ask(n))},
        rounds=ROUNDS,
    )
    return Row(what=name, ours_s=took["large"], peer_s=took["small"])


def _median_of(server: Server, address: str) -> float:
    return race({"one": lambda _: fetch(server, address)}, rounds=5)["one"]


def _document(name: str, address: str, large: Server, small: Server) -> Row:
    start = time.perf_counter()
    body = fetch(large, address)
    first_s = time.perf_counter() - start
    row = _raced(name, lambda _: address, large, small)
    note = f"{len(body) / 1e3:.0f} kB, the first time {first_s * 1e3:.0f} ms"
    return Row(what=name, ours_s=row.ours_s, peer_s=row.peer_s, note=note)


def fetch(server: Server, address: str) -> bytes:
    """Return the body of an answer.

    Raises
    ------
    RuntimeError
        If it is none.
    """
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_WAIT_S)
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200 or b"ExceptionReport" in body[:2000]:
        raise RuntimeError(f"{address}: {answer.status} {body[:500]!r}")
    return body


def _requests() -> dict[str, Ask]:
    day = scene_time(CYCLES - 1, CLOSE)
    made: dict[str, Ask] = {f"GetMap, zoom {zoom}": _maps(zoom) for zoom in range(15)}
    made["GetMap of a day, zoom 12"] = _maps(12, f"&time={day:%Y-%m-%d}")
    made["GetMap of a month, zoom 9"] = _maps(9, f"&time={day:%Y-%m}")
    made["WMTS tile, zoom 12"] = _wmts(12)
    made["GetFeatureInfo"] = lambda n: (
        _maps(13)(n).replace("request=GetMap", "request=GetFeatureInfo")
        + f"&query_layers={LAYER}&i={n % TILE_PX}&j=128&info_format=application/json"
    )
    made["GetCoverage, 256 x 256 cells, GeoTIFF"] = _coverages(256, day)
    made["WCPS, mean NDVI of a square kilometre"] = _ndvi(day)
    made["EDR position of a day"] = _positions(f"{day:%Y-%m-%d}")
    return made


def _series() -> dict[str, str]:
    x, y = _place(1, 2000.0)
    trims = f"E({x}:{x + 5}), N({y - 5}:{y})"
    ndvi = "($c.B08 - $c.B04) / ($c.B08 + $c.B04)"
    lon, lat = _lonlat(x, y)
    return {
        "WCPS, a pixel over 695 dates, CSV": "/ows?query="
        + quote(f'for $c in ({CUBE}_10m) return encode($c.B08[E({x}), N({y})], "csv")'),
        "WCPS, NDVI of a pixel over 73 dates": "/ows?query="
        + quote(
            f"for $c in ({CUBE}_10m) return encode(avg(({ndvi})[{trims}, "
            'ansi("2025-01-01":"2025-12-31")]), "json")'
        ),
        "EDR position, 73 dates": (
            f"/ogcapi/collections/{CUBE}_10m/position?coords=POINT({lon:.6f}%20{lat:.6f})"
            "&datetime=2025-01-01/2025-12-31&parameter-name=B08&f=covjson"
        ),
    }


def _place(seed: int, margin_m: float) -> tuple[float, float]:
    """Return a place well inside the close scene, in its CRS, at an edge of cells."""
    rng = random.Random(seed)
    west, north = corner(cube_of(CUBE), CLOSE)
    # Neighbours overlap at the edges: there more scenes meet.
    low, high = 16_000.0, SIDE_M - 16_000.0 - margin_m
    x, y = (10 * round(rng.uniform(low, high) / 10) for _ in range(2))
    return west + x, north - y


def _lonlat(x: float, y: float) -> tuple[float, float]:
    lon, lat = Transformer.from_crs(32633, 4326, always_xy=True).transform(x, y)
    return float(lon), float(lat)


def _maps(zoom: int, further: str = "") -> Ask:
    change = Transformer.from_crs(32633, 3857, always_xy=True)
    side = _WORLD_M / 2**zoom

    def ask(number: int) -> str:
        rng = random.Random(zoom * 1000 + number)
        x, y = change.transform(*_place(zoom * 1000 + number, 0.0))
        # Not on the lattice of tiles, else at low zooms there would be one tile only.
        left = max(-_WORLD_M / 2, x - side * rng.uniform(0.4, 0.6))
        bottom = max(-_WORLD_M / 2, y - side * rng.uniform(0.4, 0.6))
        return (
            f"/ows?service=WMS&version=1.3.0&request=GetMap&layers={LAYER}&styles=true-colour"
            f"&crs=EPSG:3857&bbox={left},{bottom},{left + side},{bottom + side}&width={TILE_PX}"
            f"&height={TILE_PX}&format=image/png&transparent=true{further}"
        )

    return ask


def _wmts(zoom: int) -> Ask:
    change = Transformer.from_crs(32633, 3857, always_xy=True)
    side = _WORLD_M / 2**zoom

    def ask(number: int) -> str:
        x, y = change.transform(*_place(7000 + number, 0.0))
        column, row = int((x + _WORLD_M / 2) // side), int((_WORLD_M / 2 - y) // side)
        return (
            f"/wmts/1.0.0/{LAYER}/true-colour/current/WebMercatorQuad/{zoom}/{row}/{column}.png"
            f"?n={number}"
        )

    return ask


def _coverages(side_px: int, day: datetime) -> Ask:
    def ask(number: int) -> str:
        x, y = _place(8000 + number, side_px * 10.0)
        return (
            f"/ows?service=WCS&version=2.0.1&request=GetCoverage&coverageId={CUBE}_10m"
            f"&subset=E({x},{x + side_px * 10})&subset=N({y - side_px * 10},{y})"
            f"&subset=ansi(%22{iso_text(day)}%22)&format=image/tiff"
        )

    return ask


def _ndvi(day: datetime) -> Ask:
    def ask(number: int) -> str:
        x, y = _place(9000 + number, 1000.0)
        cut = f'$c[E({x}:{x + 1000}), N({y - 1000}:{y}), ansi("{iso_text(day)}")]'
        return "/ows?query=" + quote(
            f"for $c in ({CUBE}_10m) let $d := {cut} "
            'return encode(avg(($d.B08 - $d.B04) / ($d.B08 + $d.B04)), "json")'
        )

    return ask


def _positions(when: str) -> Ask:
    def ask(number: int) -> str:
        lon, lat = _lonlat(*_place(10_000 + number, 0.0))
        return (
            f"/ogcapi/collections/{CUBE}_10m/position?coords=POINT({lon:.6f}%20{lat:.6f})"
            f"&datetime={when}&f=covjson"
        )

    return ask


def _start_s(store: Path) -> float:
    """Return the time from the command to the first answer, the median of three."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        with copernicube_serving(store) as server:
            fetch(
                server, f"/ows?service=WCS&version=2.0.1&request=DescribeCoverage&coverageId={CUBE}"
            )
            taken.append(time.perf_counter() - start)
    return median(taken)


def _visible(store: Path, server: Server) -> Row:
    """Commit a scene by another process; measure until a described coverage has it."""
    before = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=int(time.time()) % 10**8)
    script = f"import bench.archive; bench.archive.add_scene({str(store)!r}, {iso_text(before)!r})"
    address = f"/ows?service=WCS&version=1.1.1&request=DescribeCoverage&identifiers={CUBE}"
    fetch(server, address)
    writer = subprocess.Popen(  # noqa: S603  # fixed arguments
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    )
    told = writer.stdout.readline() if writer.stdout is not None else ""
    start = float(told)
    while iso_text(before).encode() not in fetch(server, address):
        if time.time() - start > _WAIT_S:
            raise RuntimeError("the new scene does not become visible")
    taken = time.time() - start
    writer.wait()
    return Row(what="a new scene, from its commit until it is described", ours_s=taken)


def add_scene(store: str, when: str) -> None:
    """Commit a scene without cells; print when it was done, in seconds since 1970."""
    catalog = open_catalog(store)
    cube, time_ = cube_of(CUBE), datetime.fromisoformat(when)
    (number,) = catalog.claim(CUBE)
    slot = new_slot(cube, 0, 0)
    scene = replace(
        slot.scene,
        scene_id=f"NEW_{when}",
        product_id=f"NEW_{when}",
        reference_time=time_,
        first_time=time_,
        last_time=time_,
    )
    catalog.commit([replace(slot, number=number, scene=scene)])
    print(time.time(), flush=True)
