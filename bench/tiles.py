"""True-colour map tiles in one process: the engine, rasterio, and the bare work."""

from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np

from bench import data
from bench.measure import Row, race
from bench.mercator import TILE_PX, ZOOMS, Tile, tiles
from bench.peers import gdal_tile
from copernicube.wiring import open_local
from datacube.cells import Values
from datacube.encode.answer import Answer
from datacube.encode.kept import KeptDocuments
from datacube.engine import Engine
from datacube.grid import crs_from_text
from datacube.plan.nodes import scans
from datacube.plan.places import slot_cells
from datacube.plan.query import Encode, Map, MapLayer
from datacube.protocols import BandRead
from datacube.render.png import encode_png

ROUNDS = 20


def rows() -> Iterator[Row]:
    """Yield a row for each zoom."""
    engine = open_local(str(data.big_store()), read_only=True, pictures=KeptDocuments(0)).engine
    for zoom in ZOOMS:
        chosen = tiles(zoom, ROUNDS + 1)
        bare = [_bare(engine, tile) for tile in chosen]
        took = race(
            {
                "ours": partial(_ours, engine, chosen),
                "peer": partial(_peer, chosen),
                "bare": partial(_run, bare),
            },
            rounds=ROUNDS,
        )
        yield Row(
            what=f"tile, zoom {zoom}",
            ours_s=took["ours"],
            peer_s=took["peer"],
            bare_s=took["bare"],
        )


def _ours(engine: Engine, chosen: list[Tile], number: int) -> Answer:
    return engine.session().answer(asked(chosen[number]))


def _peer(chosen: list[Tile], number: int) -> bytes:
    return gdal_tile(chosen[number])


def _run(bare: list[Callable[[], bytes]], number: int) -> bytes:
    return bare[number]()


def asked(tile: Tile) -> Encode:
    """Return the query for a tile."""
    return Encode(
        source=Map(
            layers=(MapLayer(layer="S2_L1C", style="true-colour"),),
            crs=crs_from_text("EPSG:3857"),
            bbox=tile.bbox,
            width_px=TILE_PX,
            height_px=TILE_PX,
            transparent=True,
        ),
        media_type="image/png",
    )


def _bare(engine: Engine, tile: Tile) -> Callable[[], bytes]:
    """Prepare the work that remains where everything is known: read, remap, tables, PNG."""
    (scan,) = set(scans(engine.session().bind(asked(tile)).encode))
    (slot,) = scan.stacks[0].slots
    window = slot_cells(scan, slot, scan.domain.window)
    if window is None:
        raise ValueError(f"{tile} shows nothing")
    reads = [
        BandRead(
            group=scan.group,
            level=scan.level,
            band=band.name,
            dtype=band.dtype,
            nodata=band.nodata,
            window=window,
        )
        for band in scan.bands
    ]
    height, width = window.shape
    cols, rows_ = np.meshgrid(
        np.linspace(0, width - 1, TILE_PX, dtype=np.float32),
        np.linspace(0, height - 1, TILE_PX, dtype=np.float32),
    )
    shades = (np.linspace(0, 255, 65536)).astype(np.uint8)

    def read(request: BandRead) -> Values:
        return engine.cells.read(slot, request)

    return partial(_work, [partial(read, request) for request in reads], cols, rows_, shades)


def _work(reads: list[Callable[[], Values]], cols: Values, rows_: Values, shades: Values) -> bytes:
    picture = np.empty((TILE_PX, TILE_PX, 4), np.uint8)
    picture[..., 3] = 255
    for channel, read in enumerate(reads):
        values = cv2.remap(read().astype(np.float32), cols, rows_, cv2.INTER_LINEAR)
        picture[..., channel] = shades[np.clip(values * 10, 0, 65535).astype(np.uint16)]
    return encode_png(picture)
