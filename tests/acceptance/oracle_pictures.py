"""Pictures of styles as the documentation defines them, by GDAL's warp and NumPy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.warp import reproject

from tests.acceptance.clients import View
from tests.acceptance.oracle_archive import CLASSES, Archive, Floats, Planes, Scene, repeated

type Bands = Mapping[str, Floats]
type Rgba = NDArray[np.float64]
"""`(y, x, red/green/blue/alpha)`, 0 to 255, not rounded."""
type Stretch = tuple[float, float, float]
"""Black, white, gamma."""

REFLECTANCE: Stretch = (0, 4000, 1.2)
"""Of a reflectance without a stretch of its own."""
SCL_COLOURS = {
    1: (255, 0, 0),
    2: (47, 47, 47),
    3: (100, 50, 0),
    4: (0, 160, 0),
    5: (255, 230, 90),
    6: (0, 0, 255),
    7: (128, 128, 128),
    8: (192, 192, 192),
    9: (255, 255, 255),
    10: (100, 200, 255),
    11: (255, 150, 255),
}
"""ESA's colours of the scene classification."""
AVERAGED = 1.5
"""Pixels of styles over time that are longer than so many cells are averages of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a style does, told once more: channels from bands, colours from channels."""

    bands: tuple[str, ...]
    channels: Callable[[Bands], Sequence[Floats]]
    paint: Callable[[Sequence[Floats]], Rgba]
    method: Resampling = Resampling.bilinear
    over_time: str = ""
    kept: frozenset[int] | None = None
    """Classes that are used; None: all."""
    dropped: frozenset[int] = field(default_factory=frozenset)
    exact: bool = True
    """A picture of at most 256 colours, which palettes keep as they are."""

    @property
    def masked(self) -> bool:
        return self.kept is not None or bool(self.dropped)


def picture_of(look: Look, archive: Archive, scenes: Sequence[Scene], view: View) -> Rgba:
    """Return what a layer shows in a style, transparent where it has nothing."""
    pixel = pixel_m(archive, view)
    if look.over_time:
        channels: Sequence[Floats] = _over_time(look, archive, scenes, view, pixel)
    else:
        warped: dict[str, Floats] = {}
        for resolution in {archive.resolution(band) for band in look.bands}:
            level = archive.level(resolution, pixel)
            names = [b for b in look.bands if archive.resolution(b) == resolution]
            planes = archive.mosaic(scenes, resolution, level, names)
            cells = np.stack([planes.values[name] for name in names])
            # Stored numbers are whole, and interpolated ones are rounded to such.
            made = np.rint(warp(cells, planes, archive, view, look.method))
            warped |= dict(zip(names, made, strict=True))
        channels = look.channels(warped)
    return look.paint(channels)


def _over_time(
    look: Look, archive: Archive, scenes: Sequence[Scene], view: View, pixel: float
) -> list[Floats]:
    """Mask each time, compute it, reduce the times, and only then make pixels."""
    bands = dict.fromkeys((*look.bands, *((CLASSES,) if look.masked else ())))
    most = min(pixel, archive.resolution(CLASSES)) if look.masked else pixel
    times = sorted({scene.reference for scene in scenes})
    stacked: list[Sequence[Floats]] = []
    place: Planes | None = None
    for time in times:
        cells = _on_finest(archive, [s for s in scenes if s.reference == time], list(bands), most)
        values = dict(cells.values)
        if look.masked:
            used = np.isfinite(values[CLASSES])
            if look.kept is not None:
                used &= np.isin(values[CLASSES], list(look.kept))
            used &= ~np.isin(values[CLASSES], list(look.dropped))
            values = {name: np.where(used, plane, np.nan) for name, plane in values.items()}
        stacked.append(look.channels(values))
        place = cells
    if place is None:
        raise AssertionError("no time was drawn")
    made = np.stack(_reduced(look.over_time, np.array(stacked)))
    method = look.method
    if method is Resampling.bilinear and pixel > AVERAGED * place.cell:
        method = Resampling.average
    return list(warp(made, place, archive, view, method))


def _on_finest(
    archive: Archive, scenes: Sequence[Scene], bands: Sequence[str], most: float
) -> Planes:
    """Return bands of one time on the finest lattice that is read; coarser cells are repeated."""
    found = {}
    for resolution in {archive.resolution(band) for band in bands}:
        level = archive.level(resolution, most)
        found[resolution] = archive.mosaic(scenes, resolution, level, bands)
    finest = min(found.values(), key=lambda planes: planes.cell)
    values = {}
    for band in bands:
        planes = found[archive.resolution(band)]
        times = round(planes.cell / finest.cell)
        values[band] = repeated(planes.values[band], times)
    return Planes(values=values, transform=finest.transform)


def _reduced(how: str, stack: NDArray[np.float64]) -> list[Floats]:
    """Reduce `(time, channel, y, x)`, oldest first."""
    known = np.isfinite(stack)
    if how in {"mean", "median"}:
        some = known.any(axis=0)
        reduce = np.nanmean if how == "mean" else np.nanmedian
        filled = np.where(some[None], stack, 0)
        return list(np.where(some, reduce(filled, axis=0), np.nan))
    if how == "newest":
        whole = known.all(axis=1)
        newest = np.full(stack.shape[1:], np.nan)
        for plane, there in zip(stack, whole, strict=True):
            newest = np.where(there, plane, newest)
        return list(newest)
    oldest, newest = (np.full(stack.shape[1:], np.nan) for _ in range(2))
    for plane in stack:
        oldest = np.where(np.isnan(oldest), plane, oldest)
        newest = np.where(np.isfinite(plane), plane, newest)
    return list(np.where(known.sum(axis=0) > 1, newest - oldest, np.nan))


def warp(
    cells: NDArray[np.float64], at: Planes, archive: Archive, view: View, method: Resampling
) -> NDArray[np.float64]:
    """Warp `(band, y, x)` with GDAL, every place exact.

    The mode is that of the area, of equal shares the lowest, which GDAL's is not.
    """
    if method is Resampling.mode:
        fine = replace(view, width_px=view.width_px * SPLIT_PX, height_px=view.height_px * SPLIT_PX)
        return _modes(warp(cells, at, archive, fine, Resampling.nearest))
    # A pyramid level has been chosen: a linear kernel is not widened once more.
    y, x = (1.0, 1.0) if method is Resampling.bilinear else _scales(archive, view, at.cell)
    cells, transform = _cut(cells, at, archive, view)
    made = np.full((len(cells), *view.shape), np.nan)
    reproject(
        cells,
        made,
        src_transform=transform,
        src_crs=archive.crs,
        src_nodata=np.nan,
        dst_transform=view.transform,
        dst_crs=view.pyproj_crs.to_wkt(),
        dst_nodata=np.nan,
        init_dest_nodata=True,
        resampling=method,
        tolerance=0.0,
        XSCALE=x,
        YSCALE=y,
    )
    return made


SPLIT_PX = 8
"""Into so many places a side a pixel is split, to weigh what lies in it."""
MARGIN_CELLS = 4


def _modes(fine: NDArray[np.float64]) -> NDArray[np.float64]:
    bands, rows, columns = fine.shape
    parts = fine.reshape(bands, rows // SPLIT_PX, SPLIT_PX, columns // SPLIT_PX, SPLIT_PX)
    found = np.unique(fine[np.isfinite(fine)])
    if not found.size:
        return np.full(parts.shape[:2] + parts.shape[3:4], np.nan)
    votes = np.stack([(parts == value).sum(axis=(2, 4)) for value in found])
    return np.where(votes.any(axis=0), found[votes.argmax(axis=0)], np.nan)


def _cut(
    cells: NDArray[np.float64], at: Planes, archive: Archive, view: View
) -> tuple[NDArray[np.float64], Affine]:
    """Leave out what lies far from a view: GDAL would read all of it."""
    back = change_of(view.pyproj_crs.to_wkt(), archive.crs)
    x0, y0, x1, y1 = back.transform_bounds(*view.box)
    cell, left, top = at.cell, at.transform.c, at.transform.f
    low = [int((x0 - left) / cell) - MARGIN_CELLS, int((top - y1) / cell) - MARGIN_CELLS]
    high = [int((x1 - left) / cell) + MARGIN_CELLS, int((top - y0) / cell) + MARGIN_CELLS]
    c0, r0 = (max(0, one) for one in low)
    part = cells[:, r0 : max(high[1], r0 + 1), c0 : max(high[0], c0 + 1)]
    if not part.size:
        return cells, at.transform
    return part, Affine(cell, 0, left + c0 * cell, 0, -cell, top - r0 * cell)


def pixel_m(archive: Archive, view: View) -> float:
    """Return the shorter side of a pixel in the CRS of a layer, at the middle of what both show."""
    right, down = _pixel(archive, view)
    return float(min(np.hypot(*right), np.hypot(*down)))


def _scales(archive: Archive, view: View, cell: float) -> tuple[float, float]:
    """Return how many pixels a cell is long, at most 1, along y and x of the layer."""
    right, down = _pixel(archive, view)
    x, y = (min(1.0, cell / float(length)) for length in np.hypot(right, down))
    return y, x


def _pixel(archive: Archive, view: View) -> NDArray[np.float64]:
    """Return `(right/down, x/y)` of a pixel's sides, at the middle of what both show."""
    wkt = view.pyproj_crs.to_wkt()
    low_x, low_y, high_x, high_y = change_of(archive.crs, wkt).transform_bounds(*archive.box)
    x0, y0, x1, y1 = view.box
    x = (max(low_x, x0) + min(high_x, x1)) / 2
    y = (max(low_y, y0) + min(high_y, y1)) / 2
    dx, dy = view.transform.a / 2, -view.transform.e / 2
    xs, ys = change_of(wkt, archive.crs).transform(
        np.array([x - dx, x + dx, x, x]), np.array([y, y, y - dy, y + dy])
    )
    return np.stack([xs[1::2] - xs[::2], ys[1::2] - ys[::2]], axis=-1)


@lru_cache(maxsize=64)
def change_of(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def grey(stretch: Stretch, alpha: float = 255) -> Callable[[Sequence[Floats]], Rgba]:
    """Return a painter of one channel in greys."""
    return lambda channels: _coloured([_shade(channels[0], stretch)] * 3, channels, alpha)


def composite(
    stretches: Sequence[Stretch], alpha: float = 255
) -> Callable[[Sequence[Floats]], Rgba]:
    """Return a painter of three channels; a fourth is the opacity from 0 to 255."""

    def paint(channels: Sequence[Floats]) -> Rgba:
        shades = [_shade(c, s) for c, s in zip(channels[:3], stretches, strict=True)]
        made = _coloured(shades, channels, alpha)
        if len(channels) == 4:
            made[..., 3] *= np.nan_to_num(channels[3]) / 255
        return made

    return paint


def ramp(stops: Sequence[tuple[float, str]]) -> Callable[[Sequence[Floats]], Rgba]:
    """Return a painter between stops, colours as `#RRGGBB` or `#RRGGBBAA`."""
    at = [value for value, _ in stops]
    colours = np.array([hex_colour(text) for _, text in stops], dtype=np.float64)

    def paint(channels: Sequence[Floats]) -> Rgba:
        known = np.isfinite(channels[0])
        values = np.nan_to_num(channels[0])
        made = np.stack([np.interp(values, at, channel) for channel in colours.T], axis=-1)
        return np.where(known[..., None], made, 0)

    return paint


def classes(
    listed: Sequence[tuple[Callable[[Floats], NDArray[np.bool_]], tuple[int, ...]]],
) -> Callable[[Sequence[Floats]], Rgba]:
    """Return a painter of tests and their colours; what passes none is transparent."""

    def paint(channels: Sequence[Floats]) -> Rgba:
        made = np.zeros((*channels[0].shape, 4))
        for test, colour in listed:
            made[test(channels[0])] = colour
        return made

    return paint


def hex_colour(text: str, opacity: float = 1.0) -> tuple[int, ...]:
    """Return red, green, blue and alpha of `#RRGGBB` or `#RRGGBBAA`."""
    red, green, blue, *alpha = bytes.fromhex(text[1:])
    return red, green, blue, round((alpha[0] if alpha else 255) * opacity)


def _shade(values: Floats, stretch: Stretch) -> Floats:
    low, high, gamma = stretch
    share = ((np.nan_to_num(values) - low) / (high - low)).clip(0, 1)
    shades: Floats = 255 * share ** (1 / gamma)
    return shades


def _coloured(shades: Sequence[Floats], channels: Sequence[Floats], alpha: float) -> Rgba:
    known = np.isfinite(np.array(channels)).all(axis=0)
    made = np.stack([*shades, np.full(known.shape, alpha)], axis=-1)
    return np.where(known[..., None], made, 0)


def laid_over(layers: Sequence[Rgba], background: Sequence[float] | None) -> Rgba:
    """Blend pictures, bottom first, over a background if there is one."""
    made = np.zeros_like(layers[0])
    if background is not None:
        made[...] = (*background, 255)
    for layer in layers:
        above, below = layer[..., 3:] / 255, made[..., 3:] / 255
        opacity = above + below * (1 - above)
        colour = layer[..., :3] * above + made[..., :3] * below * (1 - above)
        safe = np.where(opacity > 0, opacity, 1)
        made = np.concatenate([colour / safe, 255 * opacity], axis=-1)
    return made
