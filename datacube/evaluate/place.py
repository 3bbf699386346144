"""What layers hold at a place: cells read scene by scene until every band has a value."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from datacube.cells import Cells, Valid, Values
from datacube.cube import Band
from datacube.plan import nodes
from datacube.plan.bind_place import PlaceLayer, PlaceScene
from datacube.plan.map_layers import LayerCubes
from datacube.plan.style import Style

type Read = Callable[[nodes.Plan], Cells]
"""Evaluates the whole of a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandValue:
    """One band at a place."""

    band: Band
    value: float | int | None
    """As stored; None where the scene that gives the place has no data in this band."""
    scene: str
    """Product id of the scene that it comes from."""
    time: datetime | None
    """The scene's acquisition; None where the cube has no times."""

    @property
    def physical(self) -> float | None:
        """The value in the band's unit."""
        return None if self.value is None else self.value * self.band.scale + self.band.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a layer holds at a place, at one time or as a map shows it."""

    cube: str
    scene: str
    """Product id of the first scene that gave a value."""
    time: datetime | None
    at: tuple[tuple[str, float], ...]
    """Coordinates on further axes, by name."""
    values: tuple[BandValue, ...]
    """In the order of the cube's bands; a band that no scene has is left out."""
    quantities: tuple[float | int | None, ...]
    """Of each term of the style; none where no single scene has all of its bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReadings:
    """What one layer holds at a place."""

    name: str
    """The layer's, as it was asked for."""
    layer: LayerCubes
    style: Style
    readings: tuple[Reading, ...]
    """None where it has no data there; of a series one a time and place, in order of time."""
    notes: tuple[str, ...]
    """What was chosen for the asker."""
    over_time: tuple[float | int | None, ...] = ()
    """What a map in a style over time shows, by its channels; else none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAnswer:
    """What layers hold at a place."""

    layers: tuple[LayerReadings, ...]
    """As they were asked for."""
    series: bool
    """Whether every acquisition was asked for."""
    revision: int
    """The revision that the request was pinned to."""


@dataclass(slots=True)
class _Gathered:
    """Values found so far."""

    first: PlaceScene | None = None
    values: dict[str, BandValue] = field(default_factory=dict)
    quantities: tuple[float | int | None, ...] = ()

    def take(self, scene: PlaceScene, cells: Cells) -> None:
        numbers = _numbers(cells)
        stored, terms = numbers[: len(scene.bands)], numbers[len(scene.bands) :]
        if all(value is None for value in stored):
            return
        self.first = self.first or scene
        for band, value in zip(scene.bands, stored, strict=True):
            self.values.setdefault(
                band.name,
                BandValue(band=band, value=value, scene=_name(scene), time=_time(scene)),
            )
        self.quantities = self.quantities or tuple(terms)


def read_layer(layer: PlaceLayer, read: Read, *, series: bool) -> LayerReadings:
    """Read what a map shows at a place, or with `series` what each acquisition holds there.

    A scene is read only where it has a band that none before it had. Of a series, times
    without data are left out, and places of further axes come apart.
    """
    if series:
        readings = _series(layer, read)
    else:
        shown = _reading(layer.scenes, read)
        readings = () if shown is None else (shown,)
    return LayerReadings(
        name=layer.name,
        layer=layer.layer,
        style=layer.style,
        readings=readings,
        notes=layer.notes,
        over_time=() if layer.over_time is None else _numbers(read(layer.over_time)),
    )


def _series(layer: PlaceLayer, read: Read) -> tuple[Reading, ...]:
    ordered = sorted(layer.scenes, key=_moment)
    found = (
        _reading(tuple(some), read)
        for _, at_time in groupby(ordered, key=_moment)
        for _, some in _by_place(at_time)
    )
    return tuple(reading for reading in found if reading is not None)


def _by_place(
    scenes: Iterable[PlaceScene],
) -> Iterable[tuple[tuple[tuple[str, float], ...], list[PlaceScene]]]:
    found: dict[tuple[tuple[str, float], ...], list[PlaceScene]] = {}
    for scene in scenes:
        found.setdefault(scene.at, []).append(scene)
    return found.items()


def _moment(scene: PlaceScene) -> datetime:
    return scene.slot.scene.reference_time


def _reading(scenes: Sequence[PlaceScene], read: Read) -> Reading | None:
    gathered = _Gathered()
    for scene in scenes:
        if not {band.name for band in scene.bands} <= gathered.values.keys():
            gathered.take(scene, read(scene.plan))
    first = gathered.first
    if first is None:
        return None
    order = {band.name: at for at, band in enumerate(first.coverage.bands)}
    values = sorted(gathered.values.values(), key=lambda v: order.get(v.band.name, len(order)))
    return Reading(
        cube=first.coverage.cube.name,
        scene=_name(first),
        time=_time(first),
        at=first.at,
        values=tuple(values),
        quantities=gathered.quantities,
    )


def _name(scene: PlaceScene) -> str:
    return scene.slot.scene.product_id


def _time(scene: PlaceScene) -> datetime | None:
    return scene.slot.scene.reference_time if scene.coverage.cube.timed else None


def _numbers(cells: Cells) -> tuple[float | int | None, ...]:
    return tuple(_number(*pair) for pair in zip(cells.values, cells.valid, strict=True))


def _number(values: Values, valid: Valid) -> float | int | None:
    if not valid.all():
        return None
    number: float | int = values.reshape(-1)[0].item()
    return number
