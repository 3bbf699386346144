"""Which scene supersedes which.

Of all committed slots of one scene, those are visible that no slot of higher precedence
covers. Covering is transitive, so the outcome does not depend on the order of commits,
and leaving out a scene that is covered already changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from datacube.slots import SceneRecord, SlotWindow

FOOTPRINT_TOLERANCE_DEG = 1e-6
"""About 0.1 m: products write the same outline with different digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What decides whether one processing of a scene can stand for another."""

    scene: SceneRecord
    windows: tuple[SlotWindow, ...]
    bands: frozenset[str]


def supersedes(new: Extent, old: Extent) -> bool:
    """Tell whether `new` goes first and has every band and at least the area of `old`."""
    return new.scene.precedence > old.scene.precedence and covers(new, old)


def covers(new: Extent, old: Extent) -> bool:
    """Tell whether `new` has every band and at least the area of `old`."""
    return (
        new.bands >= old.bands
        and _windows_cover(new.windows, old.windows)
        and _footprint_covers(new.scene.footprint, old.scene.footprint)
    )


def _windows_cover(new: Sequence[SlotWindow], old: Sequence[SlotWindow]) -> bool:
    by_group = {w.group: w.window for w in new}
    return all(
        w.group in by_group and by_group[w.group].hull(w.window) == by_group[w.group] for w in old
    )


def _footprint_covers(new: str, old: str) -> bool:
    """Tell whether outline `new` covers `old`; an outline that is not given covers nothing."""
    if new == old or not old:
        return True
    if not new:
        return False
    outer = shapely.make_valid(shapely.from_wkt(new)).buffer(FOOTPRINT_TOLERANCE_DEG)
    return bool(shapely.covers(outer, shapely.make_valid(shapely.from_wkt(old))))
