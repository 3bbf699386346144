"""Maps that were bound before: clients ask for the same tiles again and again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock

from datacube.grid import known_crs
from datacube.plan.bind import Bound
from datacube.plan.meant import KeepMeant, Meant
from datacube.plan.query import Encode, Map

MOST_BINDINGS = 2048
"""Kept at most: a few kilobytes each."""
MOST_LAYERS = 256


@dataclass(slots=True)
class _Recent[V]:
    """Values by key, those that were used last. Safe on threads."""

    most: int
    _kept: OrderedDict[Hashable, V] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, key: Hashable, make: Callable[[], V]) -> V:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return made


@dataclass(slots=True)
class KeptBindings:
    """Bound maps by what was asked, and what their layers mean. Safe on threads.

    All at one revision for one access, which are `pinned`.
    """

    _maps: _Recent[Bound] = field(default_factory=lambda: _Recent(MOST_BINDINGS))
    _layers: _Recent[Meant] = field(default_factory=lambda: _Recent(MOST_LAYERS))

    def get(self, pinned: Hashable, asked: Encode, make: Callable[[], Bound]) -> Bound:
        """Return what `make` returns, or returned before for an equal map at `pinned`."""
        if not isinstance(asked.source, Map):
            return make()
        key = _key(asked, asked.source)
        return make() if key is None else self._maps.of((pinned, key), make)

    def meant(self, pinned: Hashable) -> KeepMeant:
        """Return what keeps the meanings of layers at `pinned`."""
        return lambda key, make: self._layers.of((pinned, key), make)


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
