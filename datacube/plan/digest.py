"""Digests of values: equal plans have equal keys, in every process."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from pyproj import CRS

from datacube.acquisitions import Acquisitions
from datacube.axes import IrregularAxis, TimeAxis
from datacube.cube import Band, ResolutionGroup
from datacube.grid import Grid, known_crs
from datacube.slots import Slot

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PLAIN = frozenset({str, int, float, complex, bool, bytes, type(None)})
_SPELLED_KEPT = 4096
_SPELLED: dict[int, tuple[object, str]] = {}
"""What was spelled before, by `id`. Each is held, so that no other object gets its `id`.

Only what the catalogue keeps is held: bands and groups are in every plan of their cube.
"""


_LISTED_KEPT = 256
_LISTED: dict[int, tuple[object, str]] = {}
"""Listed axes and grids by `id`, spelled by a digest: all nodes of a plan share a few of them.

Spelling 500 coefficients takes 4 ms.
"""


def digest(*parts: object) -> str:
    """Return a digest of typed values: dataclasses, tuples, text, numbers, times, CRSs.

    Equal values give equal digests in every process and on every machine. A slot
    counts by its cube and number: what it holds never changes.

    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a", "1")
    (True, False)
    """
    return blake2b("".join(map(_spell, parts)).encode(), digest_size=16).hexdigest()


def _spell(value: object) -> str:
    """Spell a value so that no two values of different type or content read the same."""
    kind = type(value)
    if kind in _PLAIN:
        return _token(kind.__name__, repr(value))
    held = _SPELLED.get(id(value))
    return _spell_other(value) if held is None else held[1]


def _spell_other(value: object) -> str:
    match value:
        case TimeAxis() | IrregularAxis() | Grid():
            return _spell_listed(value)
        case Acquisitions():
            return _token("times", value.digest)
        case Slot():
            return _token("slot", f"{value.cube}/{value.number}")
        case CRS():
            return _token("crs", known_crs(value).wkt)
        case Enum():
            return _token("enum", str(value.value))
        case datetime():
            return _token("time", value.isoformat())
        case str() | int() | float() | complex() | bool() | bytes() | None:
            return _token(type(value).__name__, repr(value))
        case tuple():
            return _joined("(", str(len(value)), value)
        case frozenset():
            return _joined("(", str(len(value)), sorted(value, key=repr))
        case _ if (key := getattr(value, "key", None)) and isinstance(key, str):
            return _token("node", key)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _spell_dataclass(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no digest")


def _spell_listed(value: TimeAxis | IrregularAxis | Grid) -> str:
    held = _LISTED.get(id(value))
    if held is not None:
        return held[1]
    short = blake2b(_spell_dataclass(value).encode(), digest_size=16).hexdigest()
    spelled = _token("short", short)
    if len(_LISTED) >= _LISTED_KEPT:
        _LISTED.clear()
    _LISTED[id(value)] = value, spelled
    return spelled


@cache
def _compared(kind: "type[DataclassInstance]") -> tuple[str, ...]:
    """Return the fields of a dataclass that make two of its values differ."""
    return tuple(item.name for item in fields(kind) if item.compare)


def _spell_dataclass(value: "DataclassInstance") -> str:
    parts = [getattr(value, name) for name in _compared(type(value))]
    spelled = _joined("dataclass", type(value).__name__, parts)
    if isinstance(value, Band | ResolutionGroup):
        if len(_SPELLED) >= _SPELLED_KEPT:
            _SPELLED.clear()
        _SPELLED[id(value)] = value, spelled
    return spelled


def _joined(kind: str, text: str, parts: Iterable[object]) -> str:
    return _token(kind, text) + "".join(map(_spell, parts))


def _token(kind: str, text: str) -> str:
    return f"{kind}:{len(text)}:{text};"
