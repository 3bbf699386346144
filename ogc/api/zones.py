"""A collection of several cubes answers as a coverage where one of them can."""

from dataclasses import dataclass

from pyproj import CRS

from datacube.cube import Coverage
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import crs_name
from datacube.protocols import Bbox, CatalogView
from ogc.crs import CRS84
from ogc.tiles.layers import plane_bbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request says that tells one zone from the other."""

    area: Bbox | None = None
    """Longitude and latitude, west first; None: all of the collection."""
    crs: CRS | None = None
    """CRS of the answer."""


def find_coverage(name: str, view: CatalogView, wanted: Wanted) -> Coverage:
    """Return the coverage of that name, or the one of a collection that answers a request.

    Of a collection that is the cube in the CRS that is wanted; else the only one that
    touches the area; else, of those that hold the whole area, the one in whose zone its
    middle lies.

    Raises
    ------
    UnknownNameError
        If there is neither a coverage nor a collection of that name.
    InvalidParameterError
        If the collection has several that could answer; the message lists them.
    """
    if name in view.coverage_ids():
        return view.coverage(name)
    offered = of_collection(name, view)
    if not offered:
        return view.coverage(name)
    if wanted.crs is not None:
        native = [one for one in offered if one.cube.crs == wanted.crs]
        if len(native) == 1:
            return native[0]
    within = [one for one in offered if wanted.area is None or _touches(one, wanted.area)]
    if len(within) == 1:
        return within[0]
    if wanted.area is not None:
        holding = [one for one in within if _holds(one, wanted.area)]
        if len(holding) == 1:
            return holding[0]
        at_home = [one for one in holding if _is_home(one.cube.crs, wanted.area)]
        if len(at_home) == 1:
            return at_home[0]
    listed = ", ".join(f"{one.id} ({crs_name(one.cube.crs)})" for one in within or offered)
    raise InvalidParameterError(
        f"collection {name!r} has several coverages there: {listed}; give crs as one of theirs, "
        "give a bbox within one, or ask the coverage itself",
        parameter="crs",
    )


def of_collection(name: str, view: CatalogView) -> tuple[Coverage, ...]:
    """Return the coverages of a collection on their finest grids that lie on the Earth."""
    try:
        view.collection(name)
    except UnknownNameError:
        return ()
    found = (view.coverage(cube.name) for cube in view.cubes(name))
    return tuple(coverage for coverage in found if coverage.mappable)


def _touches(coverage: Coverage, area: Bbox) -> bool:
    west, south, east, north = plane_bbox(coverage.grid, CRS84)
    return west < area[2] and east > area[0] and south < area[3] and north > area[1]


def _holds(coverage: Coverage, area: Bbox) -> bool:
    west, south, east, north = plane_bbox(coverage.grid, CRS84)
    return west <= area[0] and south <= area[1] and east >= area[2] and north >= area[3]


def _is_home(crs: CRS, area: Bbox) -> bool:
    use = crs.area_of_use
    return use is not None and use.west <= (area[0] + area[2]) / 2 < use.east
