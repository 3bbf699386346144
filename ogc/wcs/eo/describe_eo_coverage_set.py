"""DescribeEOCoverageSet: the scenes of series within a box and a time (OGC 10-140r1, 8.4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import shapely

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import crs_name
from datacube.plan.names import is_time
from datacube.plan.query import Slice, Trim
from datacube.protocols import CatalogView
from datacube.times import Period
from ogc.capabilities import listed, parse_sections
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, MissingParameterError, integer, shown
from ogc.wcs.eo.documents import encode_set
from ogc.wcs.eo.names import DEFAULT_COUNT, OPERATION
from ogc.wcs.eo.scenes import (
    MOST_SCENES,
    Scene,
    Series,
    Within,
    find_scene,
    scenes_of,
    series_of,
    too_many,
)
from ogc.wcs.names import OLD_VERSIONS, parse_version
from ogc.wcs.subsets import parse_subsets
from ogc.xml import MEDIA_TYPE

SECTIONS = ("CoverageDescriptions", "DatasetSeriesDescriptions")
_ANY = 2**31
MAX_IDS = 100
"""Series and datasets of one request."""
_AXES = {"lat": "lat", "latitude": "lat", "y": "lat", "long": "long", "lon": "long", "x": "long"}
_LIMITS = {"lat": (-90.0, 90.0), "long": (-180.0, 180.0)}


class Containment(StrEnum):
    """Which scenes a box and a time select."""

    OVERLAPS = "overlaps"
    """Those that touch both."""
    CONTAINS = "contains"
    """Those that lie wholly inside of both."""


class NoEoIdsError(MissingParameterError):
    """A request for descriptions names no series and no dataset."""

    code = "empty-eo-ids"


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeEOCoverageSet:
    """A request for descriptions of scenes."""

    eo_ids: tuple[str, ...]
    """Ids of series, of coverages and of datasets."""
    containment: Containment = Containment.OVERLAPS
    lat: tuple[float, float] = _LIMITS["lat"]
    """Degrees, inclusive; likewise `lon`."""
    lon: tuple[float, float] = _LIMITS["long"]
    first: datetime | None = None
    """None: since ever."""
    last: datetime | None = None
    """Exclusive. None: for ever."""
    sections: tuple[str, ...] = SECTIONS
    count: int = DEFAULT_COUNT
    """Descriptions, of which series come first."""

    @property
    def within(self) -> Within:
        """Where and when scenes are looked for."""
        (south, north), (west, east) = self.lat, self.lon
        return Within(box=(west, south, east, north), first=self.first, last=self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class EOCoverageSet:
    """What was found."""

    scenes: tuple[Scene, ...]
    series: tuple[Series, ...]
    matched: int
    """Number of both, before the count cut them."""


def parse(kvp: Kvp) -> DescribeEOCoverageSet:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    version = parse_version(kvp)
    if version in OLD_VERSIONS:
        raise UnsupportedError(f"{OPERATION} is not of WCS {version}", parameter="REQUEST")
    ids = listed(kvp.one("eoid", default=""))
    if not ids:
        raise NoEoIdsError("eoId")
    if len(ids) > MAX_IDS:
        raise InvalidParameterError(
            f"eoId names {len(ids)} series and datasets; allowed are {MAX_IDS}", parameter="eoId"
        )
    count = kvp.one("count", default="")
    lat, lon, first, last = _box(parse_subsets(kvp.many("subset")))
    return DescribeEOCoverageSet(
        eo_ids=tuple(dict.fromkeys(ids)),
        containment=_containment(kvp.one("containment", default=Containment.OVERLAPS)),
        lat=lat,
        lon=lon,
        first=first,
        last=last,
        sections=parse_sections(kvp, SECTIONS),
        count=min(integer(count or str(DEFAULT_COUNT), "COUNT", low=0, high=_ANY), DEFAULT_COUNT),
    )


def handle(request: DescribeEOCoverageSet, view: CatalogView) -> EOCoverageSet:
    """Find the scenes of the named series, and named scenes, that the box and time select.

    Raises
    ------
    UnknownNameError
        If a name is neither of a series nor of a coverage nor of a dataset.
    LimitExceededError
        If too many scenes would have to be compared with box and time.
    """
    by_id = {one.id: one for one in series_of(tuple(map(view.coverage, view.coverage_ids())))}
    series = [by_id[name] for name in request.eo_ids if name in by_id]
    told_series = tuple(series) if SECTIONS[1] in request.sections else ()
    kept = told_series[: request.count]
    if SECTIONS[0] not in request.sections:
        return EOCoverageSet(series=kept, scenes=(), matched=len(told_series))
    found: dict[str, Scene] = {}
    for name in request.eo_ids:
        # The catalogue's bound is inclusive; `_selected` drops what only touches it.
        for scene in _named(name, by_id, request, view):
            found.setdefault(scene.id, scene)
            if len(found) > MOST_SCENES:
                raise too_many(name)
    scenes = [scene for scene in found.values() if _selected(scene, request)]
    return EOCoverageSet(
        series=kept,
        scenes=tuple(scenes[: request.count - len(kept)]),
        matched=len(told_series) + len(scenes),
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    found = handle(parse(kvp), session.view)
    body = encode_set(found.scenes, found.series, matched=found.matched)
    return reply_document(body, MEDIA_TYPE, session.view.revision)


def _named(
    name: str, series: Mapping[str, Series], request: DescribeEOCoverageSet, view: CatalogView
) -> Iterable[Scene]:
    """Return the scenes of a series or of a coverage, or the one that is named.

    A coverage is a series of scenes, too, and its id is what capabilities list.
    """
    if name in series:
        return series[name].scenes(view, request.within)
    try:
        scene = find_scene(name, view)
        if scene is not None:
            return (scene,)
        return scenes_of(view.coverage(name), view, request.within)
    except UnknownNameError as error:
        raise UnknownNameError("series", name, tuple(series)) from error


def _selected(scene: Scene, request: DescribeEOCoverageSet) -> bool:
    (south, north), (west, east) = request.lat, request.lon
    box, record = shapely.box(west, south, east, north), scene.slot.scene
    first = request.first or datetime.min.replace(tzinfo=UTC)
    last = request.last or datetime.max.replace(tzinfo=UTC)
    if request.containment is Containment.CONTAINS:
        timely = first <= record.first_time and record.last_time < last
        return timely and bool(shapely.covers(box, scene.footprint))
    timely = first <= record.last_time and record.first_time < last
    return timely and bool(shapely.intersects(box, scene.footprint))


def _containment(text: str) -> Containment:
    try:
        return Containment(text.casefold())
    except ValueError as error:
        raise InvalidParameterError(
            f"CONTAINMENT is {shown(text)}; allowed: {', '.join(Containment)}",
            parameter="CONTAINMENT",
        ) from error


def _box(
    subsets: tuple[Trim | Slice, ...],
) -> tuple[tuple[float, float], tuple[float, float], datetime | None, datetime | None]:
    """Return the bounds of latitude and longitude, and of time.

    Raises
    ------
    InvalidParameterError
        If it is not a trim by numbers, or by times.
    UnknownNameError
        If there is no such axis.
    """
    bounds = dict(_LIMITS)
    first = last = None
    for subset in subsets:
        if isinstance(subset, Slice) or subset.grid_indices:
            raise InvalidParameterError(
                f"SUBSET of {subset.axis} is no interval of coordinates; allowed is axis(low,high)",
                parameter="SUBSET",
            )
        if is_time(subset.axis):
            first, last = _time(subset)
            continue
        if subset.crs is not None and not subset.crs.is_geographic:
            raise InvalidParameterError(
                f"SUBSET of {subset.axis} is in {crs_name(subset.crs)}; allowed are degrees",
                parameter="SUBSET",
            )
        axis = _AXES.get(subset.axis.casefold())
        if axis is None:
            raise UnknownNameError("axis", subset.axis, ("Lat", "Long", "phenomenonTime"))
        low, high = (_degrees(one, subset.axis) for one in (subset.low, subset.high))
        least, most = _LIMITS[axis]
        bounds[axis] = least if low is None else low, most if high is None else high
    return bounds["lat"], bounds["long"], first, last


def _degrees(bound: float | Period | None, axis: str) -> float | None:
    if isinstance(bound, Period):
        raise InvalidParameterError(
            f"SUBSET of {axis} has the time {bound}; allowed are degrees", parameter="SUBSET"
        )
    return bound


def _time(subset: Trim) -> tuple[datetime | None, datetime | None]:
    low, high = subset.low, subset.high
    if isinstance(low, float) or isinstance(high, float):
        raise InvalidParameterError(
            f"SUBSET of {subset.axis} has numbers; allowed are times", parameter="SUBSET"
        )
    first, last = low.start if low else None, high.end if high else None
    if first is not None and last is not None and first >= last:
        raise InvalidParameterError(
            f"SUBSET of {subset.axis} runs backwards; allowed is the low bound first",
            parameter="SUBSET",
        )
    return first, last
