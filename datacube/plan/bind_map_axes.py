"""Axes between time and plane, of which a picture shows some places: height, a forecast's hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from datacube.axes import PlaceAxis, RegularAxis
from datacube.cube import Coverage, MapAxis
from datacube.errors import LimitExceededError, OutOfDomainError, PlaceNeededError
from datacube.plan.query import AxisChoice

MAX_PLACES = 500
"""Places, over all axes, that one layer of a map shows at once."""
_HALF_CELL = 0.5 + 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlaces:
    """Which places of further axes a layer shows, and what was chosen for the asker."""

    choices: tuple[AxisChoice, ...]
    """What was asked for, and the defaults of axes that have one."""
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

    As the cubes have it (`MapAxis`); usual is: a single value means the nearest place, no
    further than half a cell beyond the ends; an interval all places within. Of an axis that is
    not chosen the first place is shown.

    Raises
    ------
    OutOfDomainError
        If the layer has the axis and no place of it is meant, or more than a map may show.
    PlaceNeededError
        If a map has to choose on the axis, and does not.
    """
    taken = list(choices)
    notes = []
    for name, found in layer_axes(coverages).items():
        rule = map_axis(name, coverages)
        choice = next((c for c in choices if c.axis.casefold() == name), None)
        if choice is None:
            notes.append(f"Default value used: {found[0].name}={default_text(rule, found[0])}")
            if rule.default:
                taken.append(AxisChoice(axis=name, values=rule.default))
            continue
        _check(choice, rule, found)
        notes += _nearest_notes(choice, found)
    return MapPlaces(choices=tuple(taken), notes=tuple(notes))


def map_axis(name: str, coverages: Sequence[Coverage]) -> MapAxis:
    """Return how maps choose on an axis of a layer: as its first cube that has the axis says."""
    cubes = (coverage.cube for coverage in coverages)
    return next(
        cube.map_axis(name)
        for cube in cubes
        if any(axis.name.casefold() == name.casefold() for axis in cube.axes)
    )


def default_text(rule: MapAxis, axis: PlaceAxis) -> str:
    """Return what is shown unasked, as a request would have it.

    Raises
    ------
    PlaceNeededError
        If there is nothing such.
    """
    if rule.required:
        low, high = axis.extent
        raise PlaceNeededError(
            f"a place on {axis.name} has to be asked for; allowed are {low:g} to {high:g} "
            f"{axis.uom}",
            parameter=axis.name,
        )
    return _text(rule.default) if rule.default else f"{axis.coordinates()[0]:g}"


def _check(choice: AxisChoice, rule: MapAxis, axes: list[PlaceAxis]) -> None:
    if not any(_indices(axis, choice) for axis in axes):
        raise OutOfDomainError(_nothing(choice, axes[0]))
    single = len(choice.values) == 1 and choice.values[0][0] == choice.values[0][1]
    if not rule.several and not single:
        raise OutOfDomainError(
            f"{axes[0].name} {_text(choice.values)} means several places; a map shows one"
        )
    if rule.nearest:
        return
    for low, high in choice.values:
        if low == high and not any(_is_place(axis, low) for axis in axes):
            raise OutOfDomainError(
                f"{axes[0].name} {low:g} is no place of the axis; the nearest is not taken"
            )


def _is_place(axis: PlaceAxis, value: float) -> bool:
    coordinates = axis.coordinates()
    return bool(np.isclose(coordinates, value, rtol=1e-9, atol=1e-9).any())


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
    low, high = axis.extent
    return (
        f"{axis.name} {_text(choice.values)} misses the axis; its places lie from {low:g} to "
        f"{high:g} {axis.uom}"
    )


def _text(values: Sequence[tuple[float, float]]) -> str:
    return ",".join(f"{a:g}" if a == b else f"{a:g}/{b:g}" for a, b in values)
