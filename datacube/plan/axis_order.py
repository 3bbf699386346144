"""The order in which texts list the axes of a coverage."""

from datacube.axes import PLACEHOLDER
from datacube.grid import y_first
from datacube.plan.nodes import Domain


def crs_order(domain: Domain) -> tuple[int, ...]:
    """Return the positions of the domain's axes in the order of its CRSs: outer ones first.

    So cells are listed in text: `ansi, E, N` in UTM, `ansi, Lat, Lon` in EPSG:4326.
    Placeholders of planes that have fewer axes are left out.
    """
    outer = list(range(len(domain.outer)))
    if domain.grid is None:
        return tuple(outer)
    y, x = len(outer), len(outer) + 1
    plane = (y, x) if y_first(domain.grid) else (x, y)
    axes = domain.axes
    return (*outer, *(at for at in plane if axes[at].name != PLACEHOLDER))


def index_labels(count: int) -> tuple[str, ...]:
    """Return names of grid axes.

    >>> index_labels(4)
    ('i', 'j', 'k', 'l')
    """
    return tuple(f"{'ijklmnopqrstuvwxyz'[at % 18]}{at // 18 or ''}" for at in range(count))
