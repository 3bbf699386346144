"""Legends: pictures of a style's colours with their values, titles and unit.

The size of a legend follows from the style alone, so that it can be advertised beforehand.
Text is drawn in a font that lies beside this module and has Latin, Greek and Cyrillic letters,
so that equal styles give equal bytes on every machine.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import floor, inf, isinf, log10
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from datacube.plan.colour import (
    Classes,
    ColourInterval,
    ColourRule,
    Composite,
    Grey,
    Intervals,
    Ramp,
    Stretch,
)
from datacube.plan.style import BandTerm, Style
from datacube.render.blend import over_background
from datacube.render.palettes import palette, shade_ramp
from datacube.render.png import encode_png

type Rgb = NDArray[np.uint8]
"""Shape `(rows, columns, 4)`, opaque."""

_MARGIN_PX = 6
_FONT_PX = 11
_LINE_PX = 16
_SWATCH_PX = 22
_BAR_PX = 220
_BAR_HEIGHT_PX = 14
_GAP_PX = 5
_MOST_WIDTH_PX = 600
_TICKS = 5
_INK = (32, 32, 32)
_PAPER = (255, 255, 255)
_FRAME = (128, 128, 128)
_CHANNELS = (("Red", (214, 39, 40)), ("Green", (44, 160, 44)), ("Blue", (31, 119, 180)))
_CHECKS = ((255, 255, 255), (205, 205, 205))
"""What transparent colours are shown over."""
_CHECK_PX = 4
_FONT_FILE = "fonts/DejaVuSans.ttf"
"""DejaVu Sans 2.37, cut to Latin, Greek, Cyrillic, and signs of units; see the licence beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A swatch and its text."""

    text: str
    rgba: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """A strip of colours, and texts below it at parts of its width."""

    colours: NDArray[np.uint8]
    """Shape `(width, 4)`."""
    ticks: tuple[tuple[float, str], ...]


type _Item = _Line | _Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    title: str
    unit: str
    items: tuple[_Item, ...]

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(text for text in (self.title, self.unit) if text)


def legend(style: Style, *, title: bool = True) -> bytes:
    """Return the legend of a style as PNG; equal styles give equal bytes.

    With `title` the style's title stands above it.
    """
    return encode_png(legend_picture(style, title=title))


def legend_size(style: Style, *, title: bool = True) -> tuple[int, int]:
    """Return width and height in pixels of what `legend` gives, without drawing it."""
    return _size(_layout(style, title=title))


def legend_picture(style: Style, *, title: bool = True) -> Rgb:
    """Return the pixels of a style's legend, shape `(height, width, 4)`, all opaque."""
    layout = _layout(style, title=title)
    image = Image.new("RGBA", _size(layout), (*_PAPER, 255))
    draw = ImageDraw.Draw(image)
    top = _MARGIN_PX
    for text in layout.heads:
        _write(draw, (_MARGIN_PX, top), text)
        top += _LINE_PX
    for item in layout.items:
        if isinstance(item, _Line):
            _draw_line(image, draw, item, top)
        else:
            _draw_bar(image, draw, item, top)
        top += _height(item)
    return np.asarray(image)


def _size(layout: _Layout) -> tuple[int, int]:
    widths = [_text_width(text) for text in layout.heads]
    for item in layout.items:
        if isinstance(item, _Line):
            widths.append(_SWATCH_PX + _GAP_PX + _text_width(item.text))
        else:
            widths.append(_bar_inset(item)[0] + _BAR_PX + _bar_inset(item)[1])
    width = min(max(widths), _MOST_WIDTH_PX) + 2 * _MARGIN_PX
    height = _LINE_PX * len(layout.heads) + sum(map(_height, layout.items)) + 2 * _MARGIN_PX
    return width, height


def _height(item: _Item) -> int:
    return _LINE_PX if isinstance(item, _Line) else _BAR_HEIGHT_PX + _LINE_PX + 4


def _layout(style: Style, *, title: bool) -> _Layout:
    rule = style.rule
    return _Layout(
        title=style.title if title else "",
        unit=_unit(rule),
        items=_items(rule, _names(style)),
    )


def _unit(rule: ColourRule) -> str:
    unit = rule.unit if isinstance(rule, Ramp | Intervals) else ""
    return "" if unit in ("", "1") else f"[{unit}]"


def _names(style: Style) -> tuple[str, ...]:
    """Return what the channels of a composite are, where each is a band."""
    return tuple(term.band if isinstance(term, BandTerm) else "" for term in style.terms)


def _items(rule: ColourRule, names: tuple[str, ...]) -> tuple[_Item, ...]:
    match rule:
        case Ramp():
            return (_Bar(colours=_ramp_strip(rule), ticks=_ramp_ticks(rule)),)
        case Grey(stretch=stretch):
            shares = np.linspace(0, 255, _BAR_PX).round().astype(np.uint8)
            strip = palette(rule)[(255 * (shares / 255) ** (1 / stretch.gamma)).astype(np.uint8)]
            return (_Bar(colours=strip, ticks=_even_ticks(stretch.low, stretch.high)),)
        case Intervals(intervals=intervals):
            return tuple(
                _Line(text=i.title or _bounds_text(i), rgba=(*i.rgb, i.alpha)) for i in intervals
            )
        case Classes(classes=classes):
            return tuple(_Line(text=c.title, rgba=(*c.rgb, c.alpha)) for c in classes)
        case Composite(stretches=stretches):
            padded = (*names, "", "", "")[:3]
            return tuple(
                _Line(text=_channel_text(colour, name, stretch), rgba=(*rgb, 255))
                for (colour, rgb), name, stretch in zip(_CHANNELS, padded, stretches, strict=True)
            )


def _channel_text(colour: str, name: str, stretch: Stretch) -> str:
    range_ = f"{_number(stretch.low)} to {_number(stretch.high)}"
    gamma = "" if stretch.gamma == 1 else f", gamma {_number(stretch.gamma)}"
    return f"{colour}: {name + ', ' if name else ''}{range_}{gamma}"


def _bounds_text(interval: ColourInterval) -> str:
    if isinf(interval.low) and isinf(interval.high):
        return "all"
    if interval.low == -inf:
        return f"< {_number(interval.high)}"
    if interval.high == inf:
        return f">= {_number(interval.low)}"
    return f"{_number(interval.low)} to {_number(interval.high)}"


def _ramp_strip(ramp: Ramp) -> NDArray[np.uint8]:
    values = np.linspace(ramp.stops[0].value, ramp.stops[-1].value, _BAR_PX)
    return np.take(palette(ramp), shade_ramp(values, ramp), axis=0)


def _ramp_ticks(ramp: Ramp) -> tuple[tuple[float, str], ...]:
    low, high = ramp.stops[0].value, ramp.stops[-1].value
    titled = [s for s in ramp.stops if s.title]
    if titled:
        return tuple(((s.value - low) / (high - low), s.title) for s in titled)
    return _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Return round values between the ends, and where they stand; both ends where none is."""
    if low > high:
        return tuple((1 - share, text) for share, text in _even_ticks(high, low))
    step = _round_step((high - low) / (_TICKS - 1))
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    values = [float(n * step) for n in np.arange(first, last + 1)]
    if len(values) < 2:
        values = [low, high]
    return tuple(((v - low) / (high - low), _number(v)) for v in values)


def _round_step(step: float) -> float:
    """Return the nearest of 1, 2, 2.5 and 5 times a power of ten that is no less."""
    power = 10.0 ** floor(log10(step))
    return next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= step * (1 - 1e-9))


def _number(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-12 else value:.6g}"


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    file = files("datacube.render") / _FONT_FILE
    # Other layouts depend on libraries that not every build of Pillow has.
    return ImageFont.truetype(
        io.BytesIO(file.read_bytes()), _FONT_PX, layout_engine=ImageFont.Layout.BASIC
    )


@lru_cache(maxsize=1)
def _unknown() -> bytes:
    """Return the shape that stands for letters which the font has not."""
    return bytes(_font().getmask("\uffff"))


@lru_cache(maxsize=4096)
def _has(character: str) -> bool:
    if not character.isprintable():
        return False
    return character.isspace() or bytes(_font().getmask(character)) != _unknown()


@lru_cache(maxsize=4096)
def spelled(text: str) -> str:
    """Return a text in letters for which there are shapes.

    Others are taken apart, as ligatures are; what is left is a question mark.

    >>> spelled("Höhe in m², Temperatur in °C"), spelled("\N{LATIN SMALL LIGATURE FI}ne 高")
    ('Höhe in m², Temperatur in °C', 'fine ?')
    """
    made = []
    for character in normalize("NFC", text):
        parts = character if _has(character) else normalize("NFKD", character)
        made.append("".join(part if _has(part) else "?" for part in parts))
    return "".join(made)


@lru_cache(maxsize=4096)
def _text_width(text: str) -> int:
    return int(np.ceil(_font().getlength(spelled(text))))


@lru_cache(maxsize=1024)
def _fitted(text: str, most_px: int) -> str:
    """Cut a text that is too long, and show that it is cut."""
    if _text_width(text) <= most_px:
        return text
    kept = len(text)
    while kept and _text_width(text[:kept] + "...") > most_px:
        kept -= 1
    return text[:kept] + "..."


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str) -> None:
    room = _MOST_WIDTH_PX + _MARGIN_PX - int(at[0])
    draw.text(at, _fitted(spelled(text), room), fill=(*_INK, 255), font=_font())


def _draw_line(image: Image.Image, draw: ImageDraw.ImageDraw, line: _Line, top: int) -> None:
    height = _LINE_PX - 4
    swatch = np.broadcast_to(np.array(line.rgba, np.uint8), (height, _SWATCH_PX, 4))
    _paste(image, draw, swatch, (_MARGIN_PX, top + 1))
    _write(draw, (_MARGIN_PX + _SWATCH_PX + _GAP_PX, top), line.text)


def _draw_bar(image: Image.Image, draw: ImageDraw.ImageDraw, bar: _Bar, top: int) -> None:
    left = _MARGIN_PX + _bar_inset(bar)[0]
    strip = np.broadcast_to(bar.colours, (_BAR_HEIGHT_PX, _BAR_PX, 4))
    _paste(image, draw, strip, (left, top))
    taken = -inf
    for share, text in bar.ticks:
        x = left + round(share * (_BAR_PX - 1))
        width = _text_width(text)
        if x - width / 2 < taken:
            continue
        draw.line([(x, top + _BAR_HEIGHT_PX), (x, top + _BAR_HEIGHT_PX + 3)], fill=_FRAME)
        _write(draw, (x - width / 2, top + _BAR_HEIGHT_PX + 3), text)
        taken = x + width / 2 + 4


def _bar_inset(bar: _Bar) -> tuple[int, int]:
    """Return how far the texts of the first and last ticks reach beyond the bar."""
    halves = [(share * (_BAR_PX - 1), _text_width(text) / 2) for share, text in bar.ticks]
    before = max((half - x for x, half in halves), default=0.0)
    after = max((x + half - _BAR_PX for x, half in halves), default=0.0)
    return max(0, int(np.ceil(before))), max(0, int(np.ceil(after)))


def _paste(
    image: Image.Image, draw: ImageDraw.ImageDraw, rgba: NDArray[np.uint8], at: tuple[int, int]
) -> None:
    """Draw colours in a frame, over checks where they let what is below shine through."""
    rows, cols = rgba.shape[:2]
    checks = (np.indices((rows, cols)) // _CHECK_PX).sum(axis=0) % 2 == 1
    light, dark = (over_background(rgba, paper) for paper in _CHECKS)
    shown = np.where(checks[..., np.newaxis], dark, light)
    image.paste(Image.fromarray(np.ascontiguousarray(shown), "RGBA"), at)
    draw.rectangle([at, (at[0] + cols - 1, at[1] + rows - 1)], outline=(*_FRAME, 255))
