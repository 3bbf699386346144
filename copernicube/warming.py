"""The first map of a server process, which loads what every map needs."""

from logging import getLogger
from urllib.parse import urlencode

from datacube.cube import Coverage
from datacube.errors import CubeError
from datacube.grid import crs_from_text, transformer
from datacube.protocols import Bbox, CatalogView
from ogc.exchange import Reply, Sessions, Site
from ogc.service import dispatch

_LOG = getLogger(__name__)
_CRS = "EPSG:3857"
_SIDE_PX = 256


def warm_up(sessions: Sessions, site: Site) -> Reply | None:
    """Ask for a tile of the first layer that can be drawn; return the answer, None of no layer.

    PROJ's grids, tables of shades, the catalogue's statements and codecs take about 0.15 s when
    they are first needed. What fails is logged: whoever asks for a map will be told.
    """
    try:
        asked = _first_map(sessions(None).view)
    except CubeError as error:
        _LOG.info("no map was drawn at the start: %s", error)
        return None
    return None if asked is None else dispatch(urlencode(asked), sessions, site)


def _first_map(view: CatalogView) -> dict[str, str] | None:
    for collection in view.collections():
        for cube in view.cubes(collection.id):
            coverage = view.coverage(cube.name)
            if coverage.mappable:
                return _map(collection.id, coverage)
    return None


def _map(layer: str, coverage: Coverage) -> dict[str, str]:
    return {
        "service": "WMS",
        "version": "1.3.0",
        "request": "GetMap",
        "layers": layer,
        "styles": "",
        "crs": _CRS,
        "bbox": ",".join(map(str, _middle(coverage))),
        "width": str(_SIDE_PX),
        "height": str(_SIDE_PX),
        "format": "image/png",
    }


def _middle(coverage: Coverage) -> Bbox:
    """Return a box in the middle of a coverage, about as large as its cells under the tile."""
    grid = coverage.grid
    x0, y0, x1, y1 = grid.bbox
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    dx, dy = _SIDE_PX / 2 * abs(grid.x.step), _SIDE_PX / 2 * abs(grid.y.step)
    return transformer(grid.crs, crs_from_text(_CRS)).transform_bounds(
        x - dx, y - dy, x + dx, y + dy
    )
