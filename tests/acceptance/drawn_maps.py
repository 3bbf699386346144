"""Random maps of what capabilities advertise, and whether an answer is the picture expected."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
from lxml import etree
from pyproj import CRS

from tests.acceptance.advertised_styles import BROUGHT, LOOKS
from tests.acceptance.clients import View
from tests.acceptance.oracle_archive import Archive
from tests.acceptance.oracle_pictures import Look, Rgba, change_of, laid_over, picture_of, pixel_m

WMS = {"w": "http://www.opengis.net/wms"}
WMTS = {"t": "http://www.opengis.net/wmts/1.0", "o": "http://www.opengis.net/ows/1.1"}
ALIASES = {"EPSG:900913": "EPSG:3857", "EPSG:102100": "EPSG:3857"}
WHITE = (255, 255, 255)
METRES_A_DEGREE = 111_319.49
SIDES_PX = (64, 160)
PIXELS_M = (3.5, 90.0)
TILE_PIXELS_M = (4.0, 160.0)
OPENED = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class Deck[T]:
    """Deals every card before any comes again."""

    def __init__(self, cards: Sequence[T], random: Random) -> None:
        self._cards, self._random = list(cards), random
        self._left: list[T] = []

    def deal(self) -> T:
        """Return the next card."""
        if not self._left:
            self._left = self._random.sample(self._cards, len(self._cards))
        return self._left.pop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One request, and what it ought to show."""

    path: str
    """With its query."""
    archive: Archive
    styles: tuple[str, ...]
    """Bottom first, all of one layer."""
    view: View
    time: str | None
    media_type: str
    background: tuple[int, int, int] | None
    """None: transparent."""
    crs: str
    """As the request spells it."""

    @property
    def looks(self) -> list[Look]:
        known = LOOKS[self.archive.layer]
        return [BROUGHT.get(name) or known[name or "true-colour"] for name in self.styles]

    def expected(self) -> Rgba:
        """Return the picture, not rounded."""
        scenes = self.archive.at(self.time)
        pictures = [picture_of(look, self.archive, scenes, self.view) for look in self.looks]
        return laid_over(pictures, self.background)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertised:
    """What a layer offers, as capabilities tell."""

    archive: Archive
    styles: tuple[str, ...]
    crs: tuple[str, ...]
    times: tuple[str, ...]
    matrices: tuple["Matrix", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One tile matrix and which of its tiles a layer fills."""

    tile_set: str
    name: str
    crs: str
    corner: tuple[float, float]
    """x and y."""
    pixel: float
    """In the unit of the CRS."""
    rows: tuple[int, int]
    """First and last."""
    columns: tuple[int, int]

    def view(self, row: int, column: int) -> View:
        """Return where a tile lies."""
        side = 256 * self.pixel
        x, y = self.corner[0] + column * side, self.corner[1] - row * side
        return View(crs=self.crs, box=(x, y - side, x + side, y), width_px=256, height_px=256)


def formats_of(wms: etree._Element) -> list[str]:
    """Return the formats of maps."""
    return [str(e.text) for e in wms.findall(".//w:GetMap/w:Format", WMS)]


def read_layers(
    wms: etree._Element, wmts: etree._Element, archives: Sequence[Archive]
) -> list[Advertised]:
    """Read the layers of both documents, in the order of `archives`."""
    layers = {str(e.findtext("w:Name", None, WMS)): e for e in wms.iterfind(".//w:Layer", WMS)}
    made = []
    for archive in archives:
        layer = layers[archive.layer]
        above = [e for e in (layer, *layer.iterancestors()) if e.tag == layer.tag]
        times = layer.findtext("w:Dimension[@name='time']", None, WMS)
        made.append(
            Advertised(
                archive=archive,
                styles=tuple(str(e.text) for e in layer.iterfind("w:Style/w:Name", WMS)),
                crs=tuple(str(c.text) for e in above for c in e.iterfind("w:CRS", WMS)),
                times=tuple(str(times).strip().split(",")),
                matrices=tuple(_matrices(wmts, archive)),
            )
        )
    return made


def _matrices(wmts: etree._Element, archive: Archive) -> Iterator[Matrix]:
    sets = {
        str(e.findtext("o:Identifier", None, WMTS)): e
        for e in wmts.iterfind("t:Contents/t:TileMatrixSet", WMTS)
    }
    layer = next(
        e
        for e in wmts.iterfind("t:Contents/t:Layer", WMTS)
        if e.findtext("o:Identifier", None, WMTS) == archive.layer
    )
    for link in layer.iterfind("t:TileMatrixSetLink", WMTS):
        name = str(link.findtext("t:TileMatrixSet", None, WMTS))
        crs = CRS.from_user_input(str(sets[name].findtext("o:SupportedCRS", None, WMTS)))
        unit = METRES_A_DEGREE if crs.is_geographic else 1.0
        found = {
            str(e.findtext("o:Identifier", None, WMTS)): e
            for e in sets[name].iterfind("t:TileMatrix", WMTS)
        }
        for limits in link.iterfind("t:TileMatrixSetLimits/t:TileMatrixLimits", WMTS):
            told = {etree.QName(e).localname: str(e.text) for e in limits}
            matrix = found[told["TileMatrix"]]
            pixel = float(matrix.findtext("t:ScaleDenominator", "", WMTS)) * 0.28e-3 / unit
            x, y = map(float, matrix.findtext("t:TopLeftCorner", "", WMTS).split())
            made = Matrix(
                tile_set=name,
                name=told["TileMatrix"],
                crs="CRS:84" if crs.is_geographic else f"EPSG:{crs.to_epsg()}",
                corner=(x, y),
                pixel=pixel,
                rows=(int(told["MinTileRow"]), int(told["MaxTileRow"])),
                columns=(int(told["MinTileCol"]), int(told["MaxTileCol"])),
            )
            if TILE_PIXELS_M[0] <= pixel * unit <= TILE_PIXELS_M[1]:
                yield made


@dataclass(kw_only=True)
class Drawing:
    """Draws requests from what is advertised, every time, CRS, format and style among them."""

    layers: Sequence[Advertised]
    formats: Sequence[str]
    random: Random
    _decks: dict[tuple[str, ...], Deck[Any]] = field(default_factory=dict)

    def draw(self) -> Drawn:
        """Return the next request."""
        # Romania has 140 times, Virginia one.
        layer = self._dealt("layer", [*self.layers, *self.layers[1:], *self.layers[1:]])
        door = self._dealt("door", ("1.3.0",) * 11 + ("1.1.1",) * 4 + tuple(TILE_DOORS) * 2)
        return self._map(layer, door) if door in {"1.3.0", "1.1.1"} else self._tile(layer, door)

    def _dealt[T](self, what: str, cards: Sequence[T], *more: str) -> T:
        deck = self._decks.setdefault((what, *more), Deck(cards, self.random))
        dealt: T = deck.deal()
        return dealt

    def _styles(self, layer: Advertised) -> tuple[str, ...]:
        name = layer.archive.layer
        kind = self._dealt("kind", ["one"] * 17 + ["brought", "default", "two"])
        if kind == "brought":
            return (self._dealt("brought", list(BROUGHT)),)
        if kind == "default":
            return ("",)
        one = self._dealt("style", layer.styles, name)
        return (one, self.random.choice(layer.styles)) if kind == "two" else (one,)

    def _time(self, layer: Advertised, looks: Sequence[Look]) -> str | None:
        """Draw a time: an advertised day in most cases, and what else can be written."""
        kind = self._dealt("how", ["day"] * 8 + ["instant", "month", "interval", "list", "none"])
        over_time = any(look.over_time for look in looks)
        if over_time and kind in {"day", "instant"}:
            kind = "interval"
        day = self.random.choice(layer.times)
        if kind == "day":
            return self._day(layer)
        at = layer.times.index(day)
        match kind:
            case "instant":
                hour = self.random.randrange(-11, 24)
                days, hour = divmod(hour, 24)
                before = np.datetime64(day) + np.timedelta64(days, "D")
                return f"{before}T{hour:02d}:30:00Z"
            case "month":
                return day[:7]
            case "interval":
                end = min(at + self.random.randrange(1, 5), len(layer.times) - 1)
                return f"{day}/{layer.times[end]}"
            case "list":
                return ",".join({day: 0, self.random.choice(layer.times): 0})
            case _:
                return self.random.choice((None, "current"))

    def _day(self, layer: Advertised) -> str:
        return self._dealt("time", layer.times, layer.archive.layer)

    def _map(self, layer: Advertised, door: str) -> Drawn:
        styles = self._styles(layer)
        crs = self._dealt("crs", (*layer.crs, *ALIASES), layer.archive.layer)
        media_type = self._dealt("format", self.formats)
        looks = [BROUGHT.get(s) or LOOKS[layer.archive.layer][s or "true-colour"] for s in styles]
        view = self._view(layer.archive, ALIASES.get(crs, crs), looks)
        transparent = self.random.random() < 0.7
        colour = self.random.choice((WHITE, (10, 200, 90)))
        time = self._time(layer, looks)
        swapped = door == "1.3.0" and view.pyproj_crs.axis_info[0].direction == "north"
        x0, y0, x1, y1 = view.box
        told = {
            "service": "WMS",
            "version": door,
            "request": "GetMap",
            "layers": ",".join([layer.archive.layer] * len(styles)),
            "styles": ",".join(styles),
            "crs" if door == "1.3.0" else "srs": crs,
            "bbox": ",".join(map(repr, (y0, x0, y1, x1) if swapped else view.box)),
            "width": view.width_px,
            "height": view.height_px,
            "format": media_type,
            "transparent": str(transparent).upper(),
            "bgcolor": "0x{:02X}{:02X}{:02X}".format(*colour),
        }
        opaque = not transparent or media_type == "image/jpeg"
        return Drawn(
            path="/ows?" + urlencode(told | ({} if time is None else {"time": time})),
            archive=layer.archive,
            styles=styles,
            view=view,
            time=time,
            media_type=media_type,
            background=colour if opaque else None,
            crs=crs,
        )

    def _tile(self, layer: Advertised, door: str) -> Drawn:
        style = self._dealt("tile style", layer.styles, layer.archive.layer)
        looks = [LOOKS[layer.archive.layer][style]]
        while True:
            matrix = self.random.choice(
                [m for m in layer.matrices if door != "xyz" or m.tile_set == "WebMercatorQuad"]
            )
            row, column = (self.random.randint(*span) for span in (matrix.rows, matrix.columns))
            view = matrix.view(row, column)
            if not unsettled(layer.archive, view, looks):
                break
        times = layer.times
        time = self._day(layer)
        if looks[0].over_time and door != "rest":
            time = f"{time}/{times[min(times.index(time) + 2, len(times) - 1)]}"
        media_type = self._dealt("tile format", tuple(OPENED))
        place = _Place(
            layer=layer.archive.layer,
            style=style,
            time=time,
            matrix=matrix,
            row=row,
            column=column,
            media_type=media_type,
        )
        return Drawn(
            path=place.path(door),
            archive=layer.archive,
            styles=(style,),
            view=view,
            time=time,
            media_type=media_type,
            background=WHITE if media_type == "image/jpeg" else None,
            crs=matrix.crs,
        )

    def _view(self, archive: Archive, crs: str, looks: Sequence[Look]) -> View:
        """Draw a box near the scenes; in their own CRS one of two lies on cell edges."""
        while True:
            view = self._any_view(archive, crs)
            if not unsettled(archive, view, looks):
                return view

    def _any_view(self, archive: Archive, crs: str) -> View:
        random, (x0, y0, x1, y1) = self.random, archive.box
        width, height = (random.randint(*SIDES_PX) for _ in range(2))
        pixel = math.exp(random.uniform(*map(math.log, PIXELS_M)))
        margin = 0.1
        x = x0 + random.uniform(-margin, 1 + margin) * (x1 - x0)
        y = y0 + random.uniform(-margin, 1 + margin) * (y1 - y0)
        if crs == archive.crs and random.random() < 0.5:
            pixel = 10.0 * 2 ** random.randint(0, 3)
            x, y = x0 + round((x - x0) / pixel) * pixel, y0 + round((y - y0) / pixel) * pixel
            box = (x, y, x + width * pixel, y + height * pixel)
            return View(crs=crs, box=box, width_px=width, height_px=height)
        plane = View(crs=crs, box=(0, 0, 1, 1), width_px=1, height_px=1).pyproj_crs
        change = change_of(archive.crs, plane.to_wkt())
        around = (x - width * pixel / 2, y - height * pixel / 2)
        box = change.transform_bounds(*around, x + width * pixel / 2, y + height * pixel / 2)
        return View(crs=crs, box=box, width_px=width, height_px=height)


TILE_DOORS = ("kvp", "rest", "xyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A tile in a request."""

    layer: str
    style: str
    time: str
    matrix: Matrix
    row: int
    column: int
    media_type: str

    def path(self, door: str) -> str:
        ending, matrix = OPENED[self.media_type], self.matrix
        if door == "xyz":
            told = urlencode({"style": self.style, "time": self.time})
            place = f"{self.layer}/{matrix.name}/{self.column}/{self.row}"
            return f"/tiles/{place}.{ending}?{told}"
        if door == "rest":
            parts = (self.layer, self.style, self.time, matrix.tile_set, matrix.name, self.row)
            place = "/".join(quote(str(part)) for part in (*parts, self.column))
            return f"/wmts/1.0.0/{place}.{ending}"
        asked = {
            "service": "WMTS",
            "request": "GetTile",
            "version": "1.0.0",
            "layer": self.layer,
            "style": self.style,
            "time": self.time,
            "tilematrixset": matrix.tile_set,
            "tilematrix": matrix.name,
            "tilerow": self.row,
            "tilecol": self.column,
            "format": self.media_type,
        }
        return "/wmts?" + urlencode(asked)


def unsettled(archive: Archive, view: View, looks: Sequence[Look]) -> bool:
    """Tell whether a view lies so near to a rule's threshold that rounding decides.

    Such are pixels just as long as the cells of a pyramid level, unless on the cells' own lattice.
    """
    pixel = pixel_m(archive, view)
    if not math.isfinite(pixel):
        return True
    if view.crs != archive.crs:
        for band in {band for look in looks for band in look.bands}:
            steps = math.log2(pixel / archive.resolution(band))
            if steps > 0.5 and abs(steps - round(steps)) < 0.003:
                return True
    lengths = (pixel / (10.0 * 2**n) for n in range(5))
    over_time = any(look.over_time for look in looks)
    return over_time and any(1.495 < length < 1.505 for length in lengths)


def sizes(drawn: Sequence[Drawn]) -> Mapping[str, set[str]]:
    """Return which layers' styles, times and CRSs, and which formats, were drawn."""
    made: dict[str, set[str]] = {"format": {one.media_type for one in drawn}}
    for one in drawn:
        layer = one.archive.layer
        made.setdefault(f"{layer} styles", set()).update(one.styles)
        made.setdefault(f"{layer} crs", set()).add(one.crs)
        made.setdefault(f"{layer} times", set()).update((one.time or "").split(","))
    return made
