"""A map of collections (OGC API - Maps, Part 1: Core, OGC 20-058)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.grid import crs_url, northing_first
from datacube.plan import query
from datacube.plan.colour import Void
from datacube.plan.formats import GEOTIFF, JPEG, PNG, WEBP
from datacube.plan.query import MapTime
from datacube.protocols import Bbox, CatalogView
from ogc.api.get_coverage import check_names
from ogc.api.maps_parameters import (
    Point,
    Rgb,
    Subset,
    parse_bbox,
    parse_colour,
    parse_flag,
    parse_point,
    parse_positive,
    parse_subset,
    pixel_side,
    project_box,
    project_point,
)
from ogc.api.negotiation import choose_format
from ogc.crs import CRS84, beyond_world, hull, parse_crs, world_box
from ogc.exchange import Reply, Session, reply
from ogc.kvp import Kvp, MissingParameterError, integer
from ogc.tiles.get_tile import cached
from ogc.tiles.layers import TileLayer, find_layer, named_choices, plane_bbox
from ogc.tiles.times import parse_map_time
from ogc.xml import number

FORMATS: Mapping[str, str] = MappingProxyType(
    {"png": PNG, "jpeg": JPEG, "jpg": JPEG, "webp": WEBP, "tiff": GEOTIFF, "geotiff": GEOTIFF}
)
"""Values of `f`, the usual one first, and the media types that they mean."""
ALLOWED = (
    "bbox",
    "bbox-crs",
    "crs",
    "width",
    "height",
    "center",
    "center-crs",
    "scale-denominator",
    "mm-per-pixel",
    "subset",
    "subset-crs",
    "datetime",
    "bgcolor",
    "transparent",
    "void-color",
    "void-transparent",
    "f",
    "as_of",
)
DEFAULT_SIDE_PX = 1024
"""Longer side of a map whose size is not asked for."""
MAX_COLLECTIONS = 10
"""Most that a map of the dataset shows where none is named."""
MAX_SIDE_PX = 2**31 - 1
"""Largest number that a side may be written as; the engine's limit is lower."""
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Which part of the layers is shown; nothing given is all of it."""

    bbox: Bbox | None = None
    """In `bbox_crs`, x first, whatever the axis order of the request was."""
    bbox_crs: CRS = CRS84
    center: Point | None = None
    """In `center_crs`, x first."""
    center_crs: CRS = CRS84
    subset: Subset = field(default_factory=Subset)
    subset_crs: CRS = CRS84


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMap:
    """A request for a map."""

    layers: tuple[str, ...]
    """Bottom first; at least one."""
    style: str = ""
    """Of every layer; empty and `default` are each layer's default."""
    crs: CRS | None = None
    """None is that of the layers' cubes, or CRS84 where they have several."""
    area: Area = field(default_factory=Area)
    width_px: int | None = None
    height_px: int | None = None
    scale_denominator: float | None = None
    mm_per_pixel: float | None = None
    time: MapTime = field(default_factory=MapTime)
    background: Rgb | None = None
    transparent: bool | None = None
    """None is transparent where no background is given."""
    void: Rgb | None = None
    """Where the CRS has no place; None is the background."""
    void_transparent: bool | None = None
    """None is opaque where `void` is given, and else like `transparent`."""
    media_type: str = PNG


def parse(layers: tuple[str, ...], style: str, kvp: Kvp, accept: str) -> GetMap:
    """Read the parameters and the header `Accept`, over which `f` goes.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, ALLOWED)
    subset = parse_subset(kvp.many("subset"))
    times = kvp.one("datetime", default="")
    if times and subset.time:
        raise InvalidParameterError(
            "datetime and a subset of time are given; allowed is one of them", parameter="datetime"
        )
    crs = kvp.one("crs", default="")
    return GetMap(
        layers=layers,
        style=style,
        crs=parse_crs(_plain(crs)) if crs else None,
        area=_area(kvp, subset),
        width_px=_side(kvp, "width"),
        height_px=_side(kvp, "height"),
        scale_denominator=_positive(kvp, "scale-denominator"),
        mm_per_pixel=_positive(kvp, "mm-per-pixel"),
        time=parse_map_time(subset.time or times, "datetime"),
        background=_colour(kvp, "bgcolor"),
        transparent=_flag(kvp, "transparent"),
        void=_colour(kvp, "void-color"),
        void_transparent=_flag(kvp, "void-transparent"),
        media_type=choose_format(kvp.one("f", default=""), accept, FORMATS),
    )


def parse_collections(text: str) -> tuple[str, ...]:
    """Read the names of the collections of a map of several, bottom first.

    Raises
    ------
    MissingParameterError
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise MissingParameterError("collections")
    return names


def _area(kvp: Kvp, subset: Subset) -> Area:
    bbox, center = kvp.one("bbox", default=""), kvp.one("center", default="")
    given = [
        name
        for name, there in (
            ("bbox", bool(bbox)),
            ("center", bool(center)),
            ("subset", subset.x is not None or subset.y is not None),
        )
        if there
    ]
    if len(given) > 1:
        raise InvalidParameterError(
            f"{' and '.join(given)} are given; allowed is one of them", parameter=given[0]
        )
    bbox_crs = parse_crs(_plain(kvp.one("bbox-crs", default="CRS:84")))
    center_crs = parse_crs(_plain(kvp.one("center-crs", default="CRS:84")))
    return Area(
        bbox=parse_bbox(bbox, bbox_crs) if bbox else None,
        bbox_crs=bbox_crs,
        center=parse_point(center, center_crs) if center else None,
        center_crs=center_crs,
        subset=subset,
        subset_crs=parse_crs(_plain(kvp.one("subset-crs", default="CRS:84"))),
    )


def _plain(text: str) -> str:
    """Take the brackets off a safe CURIE, `[EPSG:3857]`."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _side(kvp: Kvp, name: str) -> int | None:
    text = kvp.one(name, default="")
    return integer(text, name, low=1, high=MAX_SIDE_PX) if text else None


def _colour(kvp: Kvp, name: str) -> Rgb | None:
    text = kvp.one(name, default="")
    return parse_colour(text, name) if text else None


def _flag(kvp: Kvp, name: str) -> bool | None:
    text = kvp.one(name, default="")
    return parse_flag(text, name) if text else None


def _positive(kvp: Kvp, name: str) -> float | None:
    text = kvp.one(name, default="")
    return parse_positive(text, name) if text else None


def handle(request: GetMap, view: CatalogView) -> query.Encode:
    """Ask for the picture.

    Raises
    ------
    UnknownNameError
        If there is no such layer.
    InvalidParameterError
        If the area has no place in the CRS of the map, its size is given twice over, or no layer
        has an axis of which a part is chosen.
    """
    layers = [find_layer(name, view) for name in request.layers]
    choices = named_choices(request.area.subset.choices, layers)
    crs = request.crs or _native_crs(layers)
    bbox, width, height = _frame(request, layers, crs)
    if beyond_world(crs, bbox):
        raise InvalidParameterError(
            f"bbox {bbox} (x before y) lies wholly outside the world of {crs.name}",
            parameter="bbox",
        )
    clear = request.background is None if request.transparent is None else request.transparent
    clear = clear and request.media_type != JPEG
    style = "" if request.style == "default" else request.style
    return query.Encode(
        source=query.Map(
            layers=tuple(query.MapLayer(layer=layer.id, style=style) for layer in layers),
            crs=crs,
            bbox=bbox,
            width_px=width,
            height_px=height,
            time=request.time,
            choices=choices,
            transparent=clear,
            background=request.background or _WHITE,
            void=_void(request, crs, clear=clear),
        ),
        media_type=request.media_type,
    )


def _void(request: GetMap, crs: CRS, *, clear: bool) -> Void | None:
    """Return what is shown beyond the world, where a request tells it from the background."""
    world = world_box(crs)
    if world is None or (request.void is None and request.void_transparent is None):
        return None
    unasked = clear if request.void is None else False
    hidden = unasked if request.void_transparent is None else request.void_transparent
    if hidden and request.media_type != JPEG:
        return Void(world=world, rgba=(0, 0, 0, 0))
    return Void(world=world, rgba=(*(request.void or request.background or _WHITE), 255))


def answer(request: GetMap, session: Session, *, pinned: bool) -> Reply:
    """Answer a request for a map; `pinned` where it names the revision to answer from."""
    asked = handle(request, session.view)
    made = reply(session.answer(asked))
    headers = (*made.headers, *_place_headers(asked.source))
    fixed = pinned and request.time != MapTime()
    return cached(replace(made, headers=headers), fixed=fixed)


def _place_headers(source: query.Query | query.Map) -> tuple[tuple[str, str], ...]:
    """Say where the map lies, in the axis order of its CRS (requirement 4 of Core)."""
    if not isinstance(source, query.Map):
        return ()
    min_x, min_y, max_x, max_y = source.bbox
    box = source.bbox
    if northing_first(source.crs):
        box = (min_y, min_x, max_y, max_x)
    return (
        ("Content-Crs", f"<{crs_url(source.crs)}>"),
        ("Content-Bbox", ",".join(map(number, box))),
    )


def _native_crs(layers: list[TileLayer]) -> CRS:
    found = {crs_url(c.grid.crs): c.grid.crs for layer in layers for c in layer.coverages}
    return next(iter(found.values())) if len(found) == 1 else CRS84


def _frame(request: GetMap, layers: list[TileLayer], crs: CRS) -> tuple[Bbox, int, int]:
    """Return the box in the CRS of the map, and its width and height in pixels."""
    grids = [coverage.grid for layer in layers for coverage in layer.coverages]
    area, scale = request.area, request.scale_denominator
    side = None if scale is None else pixel_side(scale, request.mm_per_pixel, crs)
    if area.center is not None:
        x, y = project_point(area.center, area.center_crs, crs)
        width = request.width_px or request.height_px or DEFAULT_SIDE_PX
        height = request.height_px or width
        if side is None:
            whole = hull([plane_bbox(grid, crs) for grid in grids])
            side = max(whole[2] - whole[0], whole[3] - whole[1]) / DEFAULT_SIDE_PX
        half_x, half_y = width * side / 2, height * side / 2
        return (x - half_x, y - half_y, x + half_x, y + half_y), width, height
    if side is not None and (request.width_px or request.height_px):
        raise InvalidParameterError(
            "scale-denominator is given with width or height; allowed are both only with center",
            parameter="scale-denominator",
        )
    if area.bbox is not None:
        bbox = project_box(area.bbox, area.bbox_crs, crs)
    elif area.subset.x is not None or area.subset.y is not None:
        whole = hull([plane_bbox(grid, area.subset_crs) for grid in grids])
        (west, east) = area.subset.x or (whole[0], whole[2])
        (south, north) = area.subset.y or (whole[1], whole[3])
        bbox = project_box((west, south, east, north), area.subset_crs, crs)
    else:
        bbox = hull([plane_bbox(grid, crs) for grid in grids])
    return bbox, *_size(bbox, request, side)


def _size(bbox: Bbox, request: GetMap, side: float | None) -> tuple[int, int]:
    wide, high = bbox[2] - bbox[0], bbox[3] - bbox[1]
    width, height = request.width_px, request.height_px
    if side is None:
        if width is not None and height is not None:
            return width, height
        longest = max(wide, high) / DEFAULT_SIDE_PX
        # Pixels are square where only one side is given.
        side = wide / width if width else high / height if height else longest
    return width or _pixels(wide, side), height or _pixels(high, side)


def _pixels(length: float, side: float) -> int:
    """Return how many pixels make a length, at most `MAX_SIDE_PX`; `side` may be almost 0."""
    return max(1, round(length / side)) if length < side * MAX_SIDE_PX else MAX_SIDE_PX
