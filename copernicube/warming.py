"""The first map of a server process, which loads what every map needs."""

from collections.abc import Callable
from logging import getLogger

from datacube.cube import Coverage
from datacube.engine import Session
from datacube.errors import CubeError
from datacube.grid import crs_from_text, transformer
from datacube.plan.formats import PNG
from datacube.plan.query import Encode, Map, MapLayer
from datacube.protocols import Bbox, CatalogView

_LOG = getLogger(__name__)
_CRS = "EPSG:3857"
_SIDE_PX = 256


def warm_up(opened: Callable[[], Session]) -> int:
    """Draw a tile of the first layer that can be drawn; return the length of its file, 0 of none.

    PROJ's grids, tables of shades, the catalogue's statements and codecs take about 0.15 s when
    they are first needed. What fails is logged: whoever asks for a map will be told.
    """
    try:
        session = opened()
        asked = _first_tile(session.view)
        body = b"" if asked is None else session.answer(asked).body
    except CubeError as error:
        _LOG.info("no map was drawn at the start: %s", error)
        return 0
    return len(body) if isinstance(body, bytes) else 0


def _first_tile(view: CatalogView) -> Encode | None:
    for collection in view.collections():
        for cube in view.cubes(collection.id):
            coverage = view.coverage(cube.name)
            if coverage.mappable:
                return _tile(collection.id, coverage)
    return None


def _tile(layer: str, coverage: Coverage) -> Encode:
    crs = crs_from_text(_CRS)
    asked = Map(
        layers=(MapLayer(layer=layer),),
        crs=crs,
        bbox=_middle(coverage),
        width_px=_SIDE_PX,
        height_px=_SIDE_PX,
    )
    return Encode(source=asked, media_type=PNG)


def _middle(coverage: Coverage) -> Bbox:
    """Return a box in the middle of a coverage, about as large as its cells under the tile."""
    grid = coverage.grid
    x0, y0, x1, y1 = grid.bbox
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    dx, dy = _SIDE_PX / 2 * abs(grid.x.step), _SIDE_PX / 2 * abs(grid.y.step)
    return transformer(grid.crs, crs_from_text(_CRS)).transform_bounds(
        x - dx, y - dy, x + dx, y + dy
    )
