"""Digests of values: equal plans have equal keys, in every process."""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pyproj import CRS

from datacube.acquisitions import Acquisitions
from datacube.axes import IrregularAxis, TimeAxis
from datacube.cube import Band, ResolutionGroup
from datacube.grid import Grid, known_crs
from datacube.plan.colour import Classes, Composite, Grey, Intervals, Ramp
from datacube.plan.encoding import NO_PARAMETERS
from datacube.slots import Slot

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PLAIN: frozenset[type] = frozenset({str, int, float, complex, bool, bytes, type(None)})
_SPELLED_KEPT = 4096
_SPELLED: dict[int, tuple[object, str]] = {}
"""What was spelled before, by `id`. Each is held, so that no other object gets its `id`.

Only what is kept elsewhere is held: bands and groups are in every plan of their cube, the
colours of a style in every map.
"""
_HELD_KINDS = (Band, ResolutionGroup, Composite, Grey, Ramp, Intervals, Classes)


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


def compared_parts(value: "DataclassInstance") -> tuple[object, ...]:
    """Return the fields of a dataclass that make two of its values differ."""
    return _getter(type(value))(value)


def _spell(value: object) -> str:
    """Spell a value so that no two values of different type or content read the same."""
    kind = type(value)
    if kind in _PLAIN:
        return _token(kind.__name__, repr(value))
    held = _SPELLED.get(id(value))
    if held is not None:
        return held[1]
    speller = _SPELLERS.get(kind)
    if speller is None:
        speller = _SPELLERS[kind] = _speller(kind)
    return speller(value)


_SPELLERS: dict[type, Callable[[Any], str]] = {}
"""How values of a type are spelled; a type is asked about once."""


def _speller(kind: type) -> Callable[[Any], str]:  # one return a kind of value
    if issubclass(kind, TimeAxis | IrregularAxis | Grid):
        return _spell_listed
    if issubclass(kind, Acquisitions):
        return lambda value: _token("times", value.digest)
    if issubclass(kind, Slot):
        return lambda value: _token("slot", f"{value.cube}/{value.number}")
    if issubclass(kind, CRS):
        return lambda value: _token("crs", known_crs(value).wkt)
    if issubclass(kind, Enum):
        return lambda value: _token("enum", str(value.value))
    if issubclass(kind, datetime):
        return lambda value: _token("time", value.isoformat())
    if issubclass(kind, tuple(_PLAIN)):
        return lambda value: _token(kind.__name__, repr(value))
    if issubclass(kind, tuple):
        return lambda value: _joined("(", str(len(value)), value)
    if issubclass(kind, frozenset):
        return lambda value: _joined("(", str(len(value)), sorted(value, key=repr))
    return _spell_other


def _spell_other(value: object) -> str:
    key = getattr(value, "key", None)
    if key and isinstance(key, str):
        return _token("node", key)
    if is_dataclass(value) and not isinstance(value, type):
        return _spell_dataclass(value)
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
def _getter(kind: "type[DataclassInstance]") -> Callable[[object], tuple[object, ...]]:
    names = tuple(item.name for item in fields(kind) if item.compare)
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _spell_dataclass(value: "DataclassInstance") -> str:
    spelled = _joined("dataclass", type(value).__name__, compared_parts(value))
    if isinstance(value, _HELD_KINDS) or value is NO_PARAMETERS:
        if len(_SPELLED) >= _SPELLED_KEPT:
            _SPELLED.clear()
        _SPELLED[id(value)] = value, spelled
    return spelled


def _joined(kind: str, text: str, parts: Iterable[object]) -> str:
    return _token(kind, text) + "".join(map(_spell, parts))


def _token(kind: str, text: str) -> str:
    return f"{kind}:{len(text)}:{text};"
