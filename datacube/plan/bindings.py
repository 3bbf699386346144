"""Maps that were bound before: clients ask for the same tiles again and again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock

from datacube.grid import known_crs
from datacube.plan.bind import Bound
from datacube.plan.query import Encode, Map

MOST_BINDINGS = 2048
"""Kept at most: a few kilobytes each."""


@dataclass(slots=True)
class KeptBindings:
    """Bound maps by what was asked, at one revision for one access. Safe on threads."""

    _kept: OrderedDict[Hashable, Bound] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, pinned: Hashable, asked: Encode, make: Callable[[], Bound]) -> Bound:
        """Return what `make` returns, or returned before for an equal map at `pinned`."""
        if not isinstance(asked.source, Map):
            return make()
        key = _key(asked, asked.source)
        if key is None:
            return make()
        with self._lock:
            found = self._kept.get((pinned, key))
            if found is not None:
                self._kept.move_to_end((pinned, key))
                return found
        made = make()
        with self._lock:
            self._kept[pinned, key] = made
            while len(self._kept) > MOST_BINDINGS:
                self._kept.popitem(last=False)
        return made


def _key(asked: Encode, source: Map) -> Hashable | None:
    """Return what an equal question has too; None where a style came with the request."""
    if not all(isinstance(layer.style, str) for layer in source.layers):
        return None
    # Hashing a CRS itself takes as long as binding a tile.
    return (
        known_crs(source.crs),
        source.layers,
        source.bbox,
        (source.width_px, source.height_px),
        source.time,
        (source.transparent, source.background, source.void),
        source.choices,
        (asked.media_type, asked.options),
    )
