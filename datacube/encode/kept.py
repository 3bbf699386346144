"""Documents that are kept after they were made, since many ask for the same ones."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock

MOST_BYTES = 67_108_864
"""Length of all documents that are kept."""


@dataclass(slots=True)
class KeptDocuments:
    """Documents by what they were made from, those longest unasked for forgotten first.

    Safe on threads; two that ask for a new one at once both make it.
    """

    most_bytes: int = MOST_BYTES
    _kept: OrderedDict[Hashable, bytes] = field(default_factory=OrderedDict)
    _held_bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the document of `key`, made by `make` where it is not kept."""
        found = self.find(key)
        return self.keep(key, make()) if found is None else found

    def find(self, key: Hashable) -> bytes | None:
        """Return the document of `key` where it is kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, made: bytes) -> bytes:
        """Keep a document unless it is longer than all may be; return it."""
        with self._lock:
            if key not in self._kept and len(made) <= self.most_bytes:
                self._kept[key] = made
                self._held_bytes += len(made)
            while self._held_bytes > self.most_bytes:
                _, old = self._kept.popitem(last=False)
                self._held_bytes -= len(old)
        return made
