"""Maps of made-up archives: what they show, and what reading them takes."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from copernicube.overviews import OverviewChore
from datacube.catalog.overview_making import OverviewMaking
from datacube.cells import Cells, Values
from datacube.evaluate.schedule import compute
from datacube.overviews import (
    FOLDER,
    HALF_WORLD_M,
    MERCATOR,
    chunks_in,
)
from datacube.plan import nodes, query
from datacube.plan.bind import Bound
from datacube.plan.query import MapTime
from datacube.protocols import BandRead, Bbox, Limits
from datacube.slots import Slot
from tests.builders.archive import (
    Archive,
)

DAYS = 30
type Plane = NDArray[np.generic]


def making(archive: Archive) -> OverviewMaking:
    return OverviewMaking(archive.local.catalog.database, archive.local.catalog.load_cube)


def keep_up(archive: Archive, *, all_periods: bool = False) -> None:
    """Make overviews: all, or until no part is missing of those that are begun."""
    chore = OverviewChore(archive.local, map_days=DAYS)
    while chore.step():
        mosaics = archive.local.catalog.view().mosaics("S2_L2A")
        if not all_periods and mosaics and not making(archive).backlog(mosaics):
            begun = making(archive).newest_first(mosaics)
            if begun is not None:
                return


def tile(zoom: int, row: int, col: int) -> Bbox:
    side = 2 * HALF_WORLD_M / 2**zoom
    west, north = -HALF_WORLD_M + col * side, HALF_WORLD_M - row * side
    return west, north - side, west + side, north


def bind(  # noqa: PLR0913 - one argument for each thing that a map may differ in
    archive: Archive,
    bbox: Bbox,
    *,
    crs: CRS = MERCATOR,
    px: tuple[int, int] = (256, 256),
    when: MapTime | None = None,
    style: str = "B04",
    as_of: int | None = None,
) -> Bound:
    asked = query.Map(
        layers=(query.MapLayer(layer="S2_L2A", style=style),),
        crs=crs,
        bbox=bbox,
        width_px=px[0],
        height_px=px[1],
        time=when or MapTime(),
    )
    encode = query.Encode(source=asked, media_type="image/png")
    return archive.local.engine.session(as_of).bind(encode)


@dataclass(slots=True)
class Counting:
    """Reads cells, and counts the chunks of overviews and the scenes that are read."""

    archive: Archive
    chunks: dict[str, int] = field(default_factory=dict)
    scenes: set[int] = field(default_factory=set)

    def read(self, slot: Slot, request: BandRead) -> Values:
        if slot.cube.startswith(FOLDER):
            at = self.chunks.setdefault(request.band, 0)
            self.chunks[request.band] = at + chunks_in(request.window)
        else:
            self.scenes.add(slot.number)
        return self.archive.local.store.read(slot, request)


def shown(archive: Archive, bound: Bound) -> tuple[Cells, Counting]:
    """Return the channels of the last layer of a map, and what reading them took."""
    assert isinstance(bound.encode.source, nodes.Picture)
    reader = Counting(archive)
    layer = bound.encode.source.layers[-1]
    return compute(layer.source, reader, limits=Limits()), reader


def said(bound: Bound, word: str) -> str:
    return next((note for note in bound.notes if note.startswith(word)), "")
