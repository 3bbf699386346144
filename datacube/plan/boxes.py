"""Where boxes lie in another CRS, told by points all over them."""

from functools import lru_cache
from math import inf

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from datacube.grid import KnownCrs, known_crs, same_crs, transformer
from datacube.protocols import Bbox

type Places = NDArray[np.float64]

_EDGE_POINTS = 21
_FEW_POINTS = 5
_SMALL_DEG = 1.0
_SMALL_M = 100_000.0
CRS84 = CRS.from_user_input("OGC:CRS84")


def reproject_box(box: Bbox, source: CRS, target: CRS, widen: float = 0.01) -> Bbox | None:
    """Return the bounding box of `box` in another CRS, from points all over it.

    Widened by a part of its sides. None where no point can be transformed; x is unbounded
    where the points lie on both sides of the target's antimeridian.
    """
    return _reprojected_box(box, known_crs(source), known_crs(target), widen)


@lru_cache(maxsize=4096)
def _reprojected_box(
    box: Bbox, known_source: KnownCrs, known_target: KnownCrs, widen: float
) -> Bbox | None:
    source, target = known_source.crs, known_target.crs
    if same_crs(source, target):
        return box
    x, y = _mesh(box, points_for(box, known_source, known_target))
    tx, ty = (np.asarray(v) for v in transformer(source, target).transform(x, y))
    kept = np.isfinite(tx) & np.isfinite(ty)
    if not kept.all():
        tx, ty = tx[kept], ty[kept]
    if not tx.size:
        return None
    left, right, low, high = map(float, (tx.min(), tx.max(), ty.min(), ty.max()))
    dx, dy = (right - left) * widen, (high - low) * widen
    # No longitude jumps within a UTM zone, so only other targets need the check.
    if not known_target.in_utm and crosses_antimeridian(box, source):
        return -inf, low - dy, inf, high + dy
    return left - dx, low - dy, right + dx, high + dy


def crosses_antimeridian(box: Bbox, crs: CRS) -> bool:
    """Tell whether longitudes jump between neighbouring points of `box`."""
    return _lonlat(box, known_crs(crs))[0]


def lonlat_box(box: Bbox, crs: CRS) -> Bbox | None:
    """Return the longitude-latitude box of `box`; None where a part of it has none.

    Longitude is unbounded where the box crosses or lies beyond 180 degrees.
    """
    return _lonlat(box, known_crs(crs))[1]


@lru_cache(maxsize=4096)
def _lonlat(box: Bbox, crs: KnownCrs) -> tuple[bool, Bbox | None]:
    """Return whether longitudes jump within `box`, and its longitude-latitude box."""
    x, y = _mesh(box, points_for(box, crs, known_crs(CRS84)))
    lon, lat = (np.array(v) for v in transformer(crs.crs, CRS84).transform(x, y))
    if crs.crs.is_geographic:
        jumps = box[0] < -180 < box[2] or box[0] < 180 < box[2]
    else:
        known = np.where(np.isfinite(lon), lon, np.nan)
        jumps = bool(np.any(np.abs(np.diff(known, axis=1)) > 180))
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return jumps, None
    west, east = float(lon.min()), float(lon.max())
    dx, dy = (east - west) / 100, (float(lat.max()) - float(lat.min())) / 100
    if west < -180 or east > 180 or jumps:
        west, east = -inf, inf
    return jumps, (west - dx, float(lat.min()) - dy, east + dx, float(lat.max()) + dy)


def points_for(box: Bbox, source: KnownCrs, target: KnownCrs) -> int:
    """Return how many points along each side tell where a box lies in another CRS.

    Five are enough where both CRSs bend little over it: between two of them an edge then
    leaves its chord by about a thousandth of the box at most.
    """
    if not (source.gentle and target.gentle):
        return _EDGE_POINTS
    small = _SMALL_DEG if source.in_degrees else _SMALL_M
    fits = max(box[2] - box[0], box[3] - box[1]) <= small
    return _FEW_POINTS if fits else _EDGE_POINTS


def _mesh(box: Bbox, points: int) -> tuple[Places, Places]:
    """Return the x and the y of points all over a box, its corners among them."""
    along, down = _even(points)
    return box[0] + along * (box[2] - box[0]), box[1] + down * (box[3] - box[1])


@lru_cache(maxsize=8)
def _even(points: int) -> tuple[Places, Places]:
    """Return the places of points all over a square of side 1."""
    along = np.tile(np.linspace(0, 1, points), (points, 1))
    return along, along.T.copy()
