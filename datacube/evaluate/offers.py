"""Where a source has a band at all: which of its scenes do, and where they have data."""

from dataclasses import replace
from functools import lru_cache

from datacube.cube import VALID_BAND, Aggregate, Band
from datacube.plan.nodes import (
    Apply,
    Bands,
    Extend,
    Flip,
    Mask,
    Mosaic,
    Plan,
    Relabel,
    Resample,
    Scan,
    Slice,
    Trim,
    scans,
)
from datacube.slots import Slot

type _Stored = frozenset[tuple[str, str]]
"""Resolution groups and bands that a field is read from."""


@lru_cache(maxsize=256)
def offering(source: Plan, field: str) -> tuple[Plan, ...] | None:
    """Return plans of one field, valid where a scene that has `field` gives `source`.

    Such a place is one where any of the plans is valid; they have the domain of
    `source`. None where every scene has the field, or where it is calculated: then
    it is lacked nowhere.
    """
    stored = _stored(source, field)
    if stored is None or all(
        _has(slot, stored)
        for scan in scans(source)
        for stack in scan.stacks
        for slot in stack.slots
    ):
        return None
    return tuple({plan.key: plan for plan in _masks(source, stored)}.values())


def _has(slot: Slot, stored: _Stored) -> bool:
    return any(slot.has_band(group, band) for group, band in stored)


def _stored(plan: Plan, field: str) -> _Stored | None:
    """Return what `field` is read from; None where it is calculated."""
    match plan:
        case Scan(group=group):
            return frozenset({(group.name, field)})
        case Trim(source=source) | Slice(source=source) | Resample(source=source):
            return _stored(source, field)
        case Bands(picks=picks):
            (pick,) = (pick for pick in picks if pick.name == field)
            return _stored(pick.source, pick.field)
        case Mosaic(members=members):
            found = [_stored(member.source, field) for member in members]
            known = [one for one in found if one is not None]
            return frozenset[tuple[str, str]]().union(*known) if len(known) == len(found) else None
        case _:
            return None


def _masks(plan: Plan, stored: _Stored) -> list[Plan]:
    """Return the scene masks of every scan below `plan`, of scenes that have what is stored.

    They go the way of the cells, so a mask is valid wherever a cell of its scenes is.
    """
    match plan:
        case Scan(group=group, stacks=stacks):
            kept = tuple(
                replace(stack, slots=tuple(slot for slot in stack.slots if _has(slot, stored)))
                for stack in stacks
            )
            if not any(stack.slots for stack in kept):
                return []
            return [replace(plan, bands=(_mask_band(group.name),), stacks=kept)]
        case (
            Trim(source=source)
            | Slice(source=source)
            | Resample(source=source)
            | Extend(source=source)
            | Relabel(source=source)
            | Flip(source=source)
            | Mask(source=source)
        ):
            return [replace(plan, source=mask) for mask in _masks(source, stored)]
        case Bands(picks=picks):
            return [mask for pick in picks for mask in _masks(pick.source, stored)]
        case Mosaic(members=members):
            return [mask for member in members for mask in _masks(member.source, stored)]
        case Apply(args=args):
            return [mask for arg in args for mask in _masks(arg, stored)]
        case _:
            return []


def _mask_band(group: str) -> Band:
    return Band(
        name=VALID_BAND,
        title="",
        dtype="uint8",
        nodata=0,
        group=group,
        aggregate=Aggregate.FLAGS,
    )
