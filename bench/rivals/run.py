"""All servers under the same load in one run. `python -m bench peers [mapserver ...]`."""

import os
import platform
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from bench import data
from bench.mercator import Tile, tiles
from bench.rivals import floor, from_index, mapserver, variety
from bench.rivals.lines import Line, measure, table
from bench.rivals.load import CONNECTIONS, client
from bench.rivals.places import NATIVE_ZOOMS, OVERVIEW_ZOOMS, Place, get_map, places
from bench.servers import copernicube_serving, free_port, serving
from copernicube.wiring import open_local
from datacube.grid import crs_from_text
from datacube.plan.nodes import scans
from datacube.plan.query import Encode, Map, MapLayer

PEERS = ("mapserver", "titiler", "xpublish")
IMAGES = ("png", "jpeg")
WORKERS = 2
SECONDS = float(os.environ.get("BENCH_PEERS_SECONDS", "2"))
"""How long a server is loaded each time."""
ROUNDS = 3
MANY, FEW = 3000, 100
"""Places of which none is asked for twice, and those that are asked for over and over."""
BARE, MAPSERVER, TITILER, XPUBLISH, PLAIN = (
    *("time / bare", "rate / MapServer", "rate / titiler", "rate / xpublish-tiles"),
    "rate / plain",
)
_COLD = {"COPERNICUBE_CHUNK_CACHE_BYTES": "1", "COPERNICUBE_PICTURE_CACHE_BYTES": "1"}
_CHUNKS = {"COPERNICUBE_PICTURE_CACHE_BYTES": "1"}
_LAYER, _STYLE = "S2_L1C", "true-colour"


def report(names: Sequence[str]) -> Iterator[str]:
    """Yield a report in Markdown of the peers of these names, of all and of more where none is.

    Our server and the bare work always run, for a ratio is of one run.
    """
    begun, load = time.monotonic(), os.getloadavg()[0]
    asked = names or PEERS
    missing = {
        name: mapserver.missing() if name == "mapserver" else from_index.missing(name)
        for name in asked
    }
    yield _conditions([name for name in asked if not missing[name]])
    with ExitStack() as stack:
        lines = [*_ours_and_bare(stack)]
        for name in asked:
            if missing[name]:
                yield f"Without {name}: {missing[name]}."
            else:
                lines += _STARTED[name](stack)
        yield from _measured(lines)
    if not names:
        with ExitStack() as stack:
            yield from _measured([*_kinds(stack)])
    loads = f"Load of the machine {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    yield f"\n{loads}; {time.monotonic() - begun:.0f} s."


def _measured(lines: list[Line]) -> Iterator[str]:
    lines.sort(key=lambda line: line.group)
    measure(lines, rounds=ROUNDS, seconds=SECONDS)
    yield ""
    yield from table(lines)


def _ours_and_bare(stack: ExitStack) -> Iterator[Line]:
    store = data.big_store()
    native, overview = places(NATIVE_ZOOMS, MANY), places(OVERVIEW_ZOOMS, MANY // 4)
    levels = _levels(store, [*native, *overview])
    floor.prepare(store, [*native, *overview], lambda place: levels[place.zoom])
    port = free_port()
    arguments = ["-m", "bench.rivals.floor_server", str(port)]
    bare = stack.enter_context(serving(arguments, port, {"OPENBLAS_NUM_THREADS": "1"}))
    cold, chunks, kept = (
        stack.enter_context(copernicube_serving(store, workers=WORKERS, settings=settings))
        for settings in (_COLD, _CHUNKS, {})
    )
    for image in IMAGES:
        numbers = range(MANY), range(MANY, MANY + len(overview))
        for group, first, some in (
            (image, numbers[0], native),
            (_over(image), numbers[1], overview),
        ):
            paths = [f"/{image}/{number}" for number in first]
            yield Line(what="bare work", group=group, server=bare, paths=paths, against=BARE)
            paths = [_map(place, image) for place in some]
            yield Line(what="ours, nothing kept", group=group, server=cold, paths=paths)
        paths = [_xyz(tile, image) for tile in _tiles()]
        yield Line(what="ours, XYZ, nothing kept", group=image, server=cold, paths=paths)
        paths = [_map(place, image) for place in native[:FEW]]
        yield Line(what="ours, chunks kept", group=image, server=chunks, paths=paths)
        yield Line(what="ours, seen before", group=image, server=kept, paths=paths)


def _over(image: str) -> str:
    return f"{image}, overviews"


def _map(place: Place, image: str) -> str:
    return get_map(_LAYER, _STYLE, image, place)


def _xyz(tile: Tile, image: str) -> str:
    ending = "jpg" if image == "jpeg" else image
    return f"/tiles/{_LAYER}/{tile.zoom}/{tile.col}/{tile.row}.{ending}?style={_STYLE}"


def _tiles() -> list[Tile]:
    found = [tile for zoom in NATIVE_ZOOMS for tile in tiles(zoom, MANY // len(NATIVE_ZOOMS))]
    random.Random(0).shuffle(found)
    return found


def _levels(store: Path, some: Sequence[Place]) -> dict[int, int]:
    """Return the pyramid's level that our server takes at each zoom."""
    session = open_local(str(store), read_only=True).engine.session()
    levels: dict[int, int] = {}
    for place in some:
        if place.zoom not in levels:
            source = Map(
                layers=(MapLayer(layer=_LAYER, style=_STYLE),),
                crs=crs_from_text("EPSG:3857"),
                bbox=place.bbox,
                width_px=256,
                height_px=256,
            )
            (scan,) = set(scans(session.bind(Encode(source=source, media_type="image/png")).encode))
            levels[place.zoom] = scan.level
    return levels


def _mapserver(stack: ExitStack) -> Iterator[Line]:
    gate, maps = stack.enter_context(mapserver.mapserver())
    native = places(NATIVE_ZOOMS, MANY)
    for image in IMAGES:
        for what, some in (("MapServer", native), ("MapServer, seen before", native[:FEW])):
            paths = [mapserver.address(place, image) for place in some]
            yield Line(
                what=what, group=image, server=gate, paths=paths, drawer=maps, against=MAPSERVER
            )


def _titiler(stack: ExitStack) -> Iterator[Line]:
    server = stack.enter_context(from_index.titiler())
    for image in IMAGES:
        paths = [from_index.titiler_tile(tile, image) for tile in _tiles()]
        yield Line(what="titiler", group=image, server=server, paths=paths, against=TITILER)


def _xpublish(stack: ExitStack) -> Iterator[Line]:
    """Draw PNG only: JPEG is answered with 500."""
    server = stack.enter_context(from_index.xpublish())
    paths = [from_index.xpublish_tile(tile, "png") for tile in _tiles()]
    yield Line(what="xpublish-tiles", group="png", server=server, paths=paths, against=XPUBLISH)


_STARTED: dict[str, Callable[[ExitStack], Iterator[Line]]] = {
    "mapserver": _mapserver,
    "titiler": _titiler,
    "xpublish": _xpublish,
}


def _kinds(stack: ExitStack) -> Iterator[Line]:
    """Draw other styles, and several scenes, beside plain true colour."""
    zooms, crs = variety.ZOOMS, data.CRS
    plain = places(zooms, FEW)
    ten = places(zooms, FEW, extent=variety.TEN_EXTENT, crs=crs)
    two = places(zooms, FEW, extent=variety.TWO_EXTENT, crs=crs)
    for group, settings in (("nothing kept", _COLD), ("chunks kept", _CHUNKS)):
        big, varied = (
            stack.enter_context(copernicube_serving(store, workers=WORKERS, settings=settings))
            for store in (data.big_store(), variety.store())
        )
        for what, server, layer, style, some in (
            ("true colour, one scene", big, _LAYER, _STYLE, plain),
            ("NDVI with a ramp", big, _LAYER, "ndvi", plain),
            ("SCL classes", varied, "S2_L2A", "scl", ten),
            ("two zones, each in every map", varied, _LAYER, _STYLE, two),
            ("ten scenes, most in every map", varied, _LAYER, _STYLE, ten),
        ):
            paths = [get_map(layer, style, "png", place) for place in some]
            against = PLAIN if server is big and style == _STYLE else ""
            yield Line(what=what, group=group, server=server, paths=paths, against=against)


def _conditions(peers: Sequence[str]) -> str:
    """Tell the machine, the versions and the load."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    machine = f"{os.cpu_count()} x {found[1] if found else 'unknown'}"
    told = [f"Copernicube {version('copernicube')}", f"Python {platform.python_version()}"]
    if "mapserver" in peers:
        told.append(f"MapServer {mapserver.version()}")
    told += [
        packages[0].replace("==", " ")
        for name, packages in from_index.PACKAGES.items()
        if name in peers
    ]
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    how = f"{WORKERS} processes each, {ROUNDS} x {SECONDS:.0f} s in turns, the middle one"
    return (
        f"{when} UTC, {machine}; {', '.join(told)}; {client()}, {CONNECTIONS} connections; {how}."
    )
