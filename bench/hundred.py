"""Maps in styles over a hundred acquisitions, beside reading and decoding what they cover."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench import data, hundred_store
from bench.measure import Row, race
from bench.mercator import TILE_PX
from bench.rivals.places import Place, places
from copernicube.wiring import open_local
from datacube.encode.answer import Answer
from datacube.encode.kept import KeptDocuments
from datacube.engine import Engine
from datacube.grid import crs_from_text
from datacube.plan.nodes import Scan, scans
from datacube.plan.places import slot_cells, stored_window
from datacube.plan.query import Encode, Map, MapLayer, MapTime
from datacube.protocols import BandRead
from datacube.render.definition import parse_style
from datacube.render.make_style import RequestedStyle
from datacube.times import parse_period

LAYER = "S2_L2A"
ZOOMS = (14, 13, 12)
ROUNDS = 3
_COLOURS = {"bands": ["B04", "B03", "B02"], "stretch": {"low": 0, "high": 2500}}
_MASK = {"mask": {"band": "SCL", "keep": [2, 4, 5, 6, 7, 11]}}
STYLES: dict[str, dict[str, Any]] = {
    "newest without clouds": _COLOURS | _MASK | {"time": "newest"},
    "mean without clouds": _COLOURS | _MASK | {"time": "mean"},
    "median without clouds": _COLOURS | _MASK | {"time": "median"},
}


def rows() -> Iterator[Row]:
    """Yield a row for each style and zoom; no chunk and no picture is kept between them."""
    path = str(hundred_store.store())
    local = open_local(path, read_only=True, chunk_cache_bytes=1, pictures=KeptDocuments(1))
    for zoom in ZOOMS:
        some = places((zoom,), ROUNDS + 1, extent=hundred_store.EXTENT, crs=data.CRS)
        for name, style in STYLES.items():
            asked = [_asked(place, style) for place in some]
            bare = [_bare(local.engine, one) for one in asked]
            took = race(
                {
                    "ours": partial(_ours, local.engine, asked),
                    "bare": partial(_decoded, bare),
                },
                rounds=ROUNDS,
            )
            yield Row(
                what=f"{name}, {hundred_store.SCENES} scenes, zoom {zoom}",
                ours_s=took["ours"],
                bare_s=took["bare"],
            )


def _asked(place: Place, style: dict[str, Any]) -> Encode:
    made = RequestedStyle(definition=parse_style({"name": "hundred"} | style))
    first, last = map(parse_period, hundred_store.TIMES.split("/"))
    source = Map(
        layers=(MapLayer(layer=LAYER, style=made),),
        crs=crs_from_text("EPSG:3857"),
        bbox=place.bbox,
        width_px=TILE_PX,
        height_px=TILE_PX,
        time=MapTime(start=first, end=last),
    )
    return Encode(source=source, media_type="image/png")


def _ours(engine: Engine, asked: list[Encode], number: int) -> Answer:
    return engine.session().answer(asked[number])


def _decoded(bare: list[Callable[[], None]], number: int) -> None:
    bare[number]()


def _bare(engine: Engine, asked: Encode) -> Callable[[], None]:
    """Return what reads and decodes all bands of all scenes in the map's area."""
    found = set(scans(engine.session().bind(asked).encode))
    return partial(_read, engine, tuple(found))


def _read(engine: Engine, found: tuple[Scan, ...]) -> None:
    for scan in found:
        stored = stored_window(scan, scan.domain.window)
        for slot in (slot for stack in scan.stacks for slot in stack.slots):
            window = slot_cells(scan, slot, stored)
            if window is None:
                continue
            for band in scan.bands:
                request = BandRead(
                    group=scan.group,
                    level=scan.level,
                    band=band.name,
                    dtype=band.dtype,
                    nodata=band.nodata,
                    window=window,
                )
                engine.cells.read(slot, request)
