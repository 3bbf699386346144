"""Axes between time and plane, of which a picture shows some places: height, a forecast's hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from datacube.axes import PlaceAxis, RegularAxis
from datacube.cube import Coverage
from datacube.errors import LimitExceededError, OutOfDomainError
from datacube.plan.query import AxisChoice

MAX_PLACES = 500
"""Places, over all axes, that one layer of a map shows at once."""
_HALF_CELL = 0.5 + 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlaces:
    """Which places of further axes a layer shows, and what was chosen for the asker."""

    choices: tuple[AxisChoice, ...]
    notes: tuple[str, ...]

    def combinations(self, axes: tuple[PlaceAxis, ...]) -> tuple[tuple[int, ...], ...]:
        """Return the indices on `axes` that are shown; where the first has no data, the next.

        Without axes that is one, of no index. It may be none: another cube of the layer
        has the places.

        Raises
        ------
        LimitExceededError
            If they are more than `MAX_PLACES`.
        """
        chosen = {choice.axis.casefold(): choice for choice in self.choices}
        found = [_indices(axis, chosen.get(axis.name.casefold())) for axis in axes]
        number = prod(map(len, found))
        if number > MAX_PLACES:
            names = ", ".join(axis.name for axis in axes)
            raise LimitExceededError(
                f"{number} places on {names} are over the limit of {MAX_PLACES} of a map; "
                "ask for fewer values"
            )
        return tuple(product(*found))


def choose_places(choices: Sequence[AxisChoice], coverages: Sequence[Coverage]) -> MapPlaces:
    """Decide which places of further axes a layer shows.

    A single value means the nearest place, no further than half a cell beyond the ends; an
    interval all places within. Of an axis that is not chosen the first place is shown.

    Raises
    ------
    OutOfDomainError
        If the layer has the axis and no place of it is meant.
    """
    axes = layer_axes(coverages)
    notes = []
    for name, found in axes.items():
        choice = next((c for c in choices if c.axis.casefold() == name), None)
        if choice is None:
            first = found[0]
            notes.append(f"Default value used: {first.name}={first.coordinates()[0]:g}")
            continue
        if not any(_indices(axis, choice) for axis in found):
            raise OutOfDomainError(_nothing(choice, found[0]))
        notes += _nearest_notes(choice, found)
    return MapPlaces(choices=tuple(choices), notes=tuple(notes))


def layer_axes(coverages: Sequence[Coverage]) -> dict[str, list[PlaceAxis]]:
    """Return the further axes of coverages, by name in lower case, each different one once."""
    found: dict[str, list[PlaceAxis]] = {}
    for coverage in coverages:
        for axis in coverage.axes:
            same = found.setdefault(axis.name.casefold(), [])
            if axis not in same:
                same.append(axis)
    return found


def _indices(axis: PlaceAxis, choice: AxisChoice | None) -> tuple[int, ...]:
    """Return the indices that are meant, each once, in the order of the values."""
    if choice is None:
        return (axis.first,)
    found: dict[int, None] = {}
    coordinates = axis.coordinates()
    for low, high in choice.values:
        if low == high:
            nearest = _nearest(axis, low)
            if nearest is not None:
                found.setdefault(nearest)
        else:
            inside = np.flatnonzero((coordinates >= low) & (coordinates <= high))
            found.update((axis.first + int(at), None) for at in inside)
    return tuple(found)


def _nearest(axis: PlaceAxis, value: float) -> int | None:
    """Return the index of the place nearest to a value, None where it lies beyond the axis."""
    coordinates = axis.coordinates()
    low, high = sorted((float(coordinates[0]), float(coordinates[-1])))
    beyond = _HALF_CELL * abs(axis.step) if isinstance(axis, RegularAxis) else 0.0
    tolerance = 1e-9 * max(abs(low), abs(high))
    if not low - beyond - tolerance <= value <= high + beyond + tolerance:
        return None
    return axis.first + int(np.argmin(np.abs(coordinates - value)))


def _nearest_notes(choice: AxisChoice, axes: list[PlaceAxis]) -> list[str]:
    notes: dict[str, None] = {}
    for low, high in choice.values:
        for axis in axes:
            nearest = _nearest(axis, low) if low == high else None
            if nearest is None:
                continue
            shown = float(axis.coordinates()[nearest - axis.first])
            if f"{shown:g}" != f"{low:g}":
                notes.setdefault(f"Nearest value used: {axis.name}={shown:g}")
    return list(notes)


def _nothing(choice: AxisChoice, axis: PlaceAxis) -> str:
    asked = ",".join(f"{a:g}" if a == b else f"{a:g}/{b:g}" for a, b in choice.values)
    low, high = axis.extent
    return (
        f"{axis.name} {asked} misses the axis; its places lie from {low:g} to {high:g} {axis.uom}"
    )
