"""Binding of places: which scenes hold cells at a point, and one plan for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from pyproj import CRS

from datacube.cube import Band, Coverage, find_band
from datacube.deep import LEAST_RANKS, DeepBlock
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    UnknownNameError,
)
from datacube.grid import Grid, Window, transformer
from datacube.plan import nodes, query
from datacube.plan.bind_map import utm_home
from datacube.plan.bind_map_axes import MapPlaces, choose_places
from datacube.plan.bind_map_time import MapSlots, choose_time
from datacube.plan.bind_style import channels, choose_style, one_band
from datacube.plan.bind_temporal import TemporalMap
from datacube.plan.cost import Cost, check, estimate
from datacube.plan.deep import series_blocks
from datacube.plan.map_layers import LayerCubes, find_layer
from datacube.plan.resolve import scanned
from datacube.plan.shading import stored_bands
from datacube.plan.style import Style, StyleBook
from datacube.protocols import CatalogView, Limits
from datacube.slots import Slot

_CRS84 = CRS.from_user_input("OGC:CRS84")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceScene:
    """What one scene holds at a place, on one place of the further axes."""

    coverage: Coverage
    slot: Slot
    at: tuple[tuple[str, float], ...]
    """Coordinates on the further axes, by name."""
    bands: tuple[Band, ...]
    """Those that the scene has; the first fields of `plan`."""
    quantities: int
    """How many fields of `plan` follow: those of the style, or none where it lacks a band."""
    plan: nodes.Plan
    """One cell, of the coverage's finest grid that holds the point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceLayer:
    """The scenes of one layer at a place."""

    name: str
    """As it was asked for."""
    layer: LayerCubes
    style: Style
    scenes: tuple[PlaceScene, ...]
    """In the order in which a map shows them: the first valid one is what it shows."""
    notes: tuple[str, ...]
    """What was chosen for the asker."""
    over_time: nodes.Plan | None = None
    """One cell: what a style over time makes of all scenes; None where the style is of one time,
    or no scene has cells there."""
    deep: tuple[DeepBlock, ...] = ()
    """Blocks that hold cells of a series' scenes; elsewhere they are not looked for."""


def bind_place(
    asked: query.Place, view: CatalogView, styles: StyleBook, *, default_map_days: int
) -> tuple[PlaceLayer, ...]:
    """Find the scenes of each layer at a place, at the time that a map would show.

    Reads the catalogue, never cells. A layer without cells there has no scenes. Where UTM
    zones overlap, the cube in whose zone the place lies goes first.

    Raises
    ------
    InvalidParameterError
        If the point is not finite.
    OutOfDomainError
        If a layer has no such place on a further axis.
    UnknownNameError
        If a layer or style does not exist.
    TimeSelectionError
        If a layer has nothing at that time anywhere.
    """
    if not (isfinite(asked.x) and isfinite(asked.y)):
        raise InvalidParameterError(
            f"the point {asked.x:g}, {asked.y:g} is not finite; needed are two finite numbers",
            parameter="point",
        )
    return tuple(_layer(one, asked, view, styles, default_map_days) for one in asked.layers)


def check_place(layers: Sequence[PlaceLayer], limits: Limits, *, series: bool) -> None:
    """Refuse a place of which too much would be read.

    Of a series every scene counts, as much as the first one of its layer; else one scene a
    layer does, since those behind it are read only where it has no data.

    Raises
    ------
    LimitExceededError
        With the estimate and the limit.
    """
    total = sum(len(layer.scenes) for layer in layers)
    if series and total > limits.series_scenes:
        raise LimitExceededError(
            f"a series of {total:,} scenes is over the limit of {limits.series_scenes:,} "
            "(LIMIT_SERIES_SCENES); ask for a shorter time or fewer layers"
        )
    costs = [
        (estimate(layer.scenes[0].plan), len(layer.scenes) if series else 1)
        for layer in layers
        if layer.scenes
    ]
    costs += [(estimate(layer.over_time), 1) for layer in layers if layer.over_time is not None]
    if costs:
        check(
            Cost(
                chunks=sum(cost.chunks * times for cost, times in costs),
                decoded_bytes=sum(cost.decoded_bytes * times for cost, times in costs),
                output_bytes=sum(cost.output_bytes * times for cost, times in costs),
                peak_memory_bytes=max(cost.peak_memory_bytes for cost, _ in costs),
            ),
            limits,
        )


def _layer(
    one: query.MapLayer, asked: query.Place, view: CatalogView, styles: StyleBook, days: int
) -> PlaceLayer:
    layer = find_layer(one.layer, view)
    style = choose_style(one.style, styles, layer.collection, layer.bands)
    times = choose_time(asked.time, layer.coverages, days)
    places = choose_places(asked.choices, layer.coverages)
    scenes = [
        scene
        for coverage in _home_first(layer.coverages, asked)
        for scene in _scenes(coverage, asked, style, _Shown(times=times, places=places, view=view))
    ]
    return PlaceLayer(
        name=one.layer,
        layer=layer,
        style=style,
        scenes=tuple(scenes),
        notes=(*times.notes, *places.notes),
        deep=_blocks(scenes, asked, view),
        over_time=_over_time(layer, asked, style, _Shown(times=times, places=places, view=view)),
    )


def _blocks(
    scenes: Sequence[PlaceScene], asked: query.Place, view: CatalogView
) -> tuple[DeepBlock, ...]:
    """Find the deep blocks from which a series of many scenes is read."""
    if not asked.series or len(scenes) < LEAST_RANKS:
        return ()
    made: list[DeepBlock] = []
    for coverage in {scene.coverage.id: scene.coverage for scene in scenes}.values():
        cell = cell_at(coverage, asked.x, asked.y, asked.crs)
        if cell is not None:
            made += series_blocks(coverage.cube, stored_bands(coverage.bands), cell, view)
    return tuple(made)


def _over_time(
    layer: LayerCubes, asked: query.Place, style: Style, shown: "_Shown"
) -> nodes.Plan | None:
    """Plan what a map in a style over time shows at the place: of the first cube that has it."""
    if style.temporal is None:
        return None
    for coverage in _home_first(layer.coverages, asked):
        cell = cell_at(coverage, asked.x, asked.y, asked.crs)
        if cell is None:
            continue
        made = TemporalMap(
            cube=coverage.cube,
            style=style,
            bands=layer.bands,
            area=cell.bbox,
            pixel=abs(cell.x.step),
            grid=cell,
        )
        slots = shown.times.stack(coverage.cube, cell.bbox, shown.view).slots
        for place in shown.places.combinations(coverage.axes):
            plan = made.plan(slots, place)
            if plan is not None:
                return plan
    return None


def _home_first(coverages: Sequence[Coverage], asked: query.Place) -> list[Coverage]:
    lon, lat = transformer(asked.crs, _CRS84).transform(asked.x, asked.y)

    def away(coverage: Coverage) -> bool:
        home = utm_home(coverage.cube)
        return home is None or not (home[0] <= lon < home[2] and home[1] <= lat < home[3])

    return sorted(coverages, key=away)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What of a layer is shown."""

    times: MapSlots
    places: MapPlaces
    view: CatalogView


def _scenes(
    coverage: Coverage, asked: query.Place, style: Style, shown: _Shown
) -> list[PlaceScene]:
    cell = cell_at(coverage, asked.x, asked.y, asked.crs)
    if cell is None:
        return []
    found = []
    stack = shown.times.stack(coverage.cube, cell.bbox, shown.view)
    for place in shown.places.combinations(coverage.axes):
        for slot in stack.slots:
            scene = _scene(coverage, slot, cell, place, style)
            if scene is not None:
                found.append(scene)
    return found


def cell_at(coverage: Coverage, x: float, y: float, crs: CRS) -> Grid | None:
    """Return the one cell of a coverage that holds a point; None where it has none."""
    grid = coverage.grid
    px, py = transformer(crs, grid.crs).transform(x, y)
    try:
        column, row = grid.x.at(px), grid.y.at(py)
    except (OutOfDomainError, OverflowError, ValueError):
        # A point that the CRS cannot show is infinite there.
        return None
    return grid.at(Window(((row, row + 1), (column, column + 1))))


def _scene(
    coverage: Coverage, slot: Slot, cell: Grid, place: tuple[int, ...], style: Style
) -> PlaceScene | None:
    """Plan the cell of one scene; None where the scene has no cells there."""
    bands = tuple(band for band in coverage.bands if _has(slot, band))
    axes = tuple(axis.select(at, at) for axis, at in zip(coverage.axes, place, strict=True))
    if not bands or not _covers(coverage, slot, cell, bands):
        return None
    source = nodes.Source(
        coverage_id=coverage.id, bands=bands, domain=nodes.Domain(outer=axes, grid=cell)
    )
    plan = scanned(source, coverage, (slot,))
    for axis in axes:
        plan = nodes.Slice(source=plan, axis=0, index=axis.first)
    terms = _terms(style, plan, bands)
    picks = [nodes.Pick(source=plan, field=band.name, name=band.name) for band in bands]
    picks += [
        nodes.Pick(source=term, field=term.fields[0].name, name=f"style:{at}")
        for at, term in enumerate(terms)
    ]
    coordinates = ((axis.name, float(axis.coordinates()[0])) for axis in axes)
    return PlaceScene(
        coverage=coverage,
        slot=slot,
        at=tuple(coordinates),
        bands=bands,
        quantities=len(terms),
        plan=nodes.Bands(picks=tuple(picks)),
    )


def _has(slot: Slot, band: Band) -> bool:
    return all(slot.has_band(stored.group, stored.name) for stored in stored_bands((band,)))


def _covers(coverage: Coverage, slot: Slot, cell: Grid, bands: tuple[Band, ...]) -> bool:
    for name in {stored.group for stored in stored_bands(bands)}:
        covered = slot.window(name)
        window = coverage.cube.group(name).grid.cover(cell.bbox).window
        if covered is not None and covered.window.plane.intersect(window) is not None:
            return True
    return False


def _terms(style: Style, plan: nodes.Plan, bands: tuple[Band, ...]) -> tuple[nodes.Plan, ...]:
    try:
        for name in style.bands:
            find_band(bands, name)
    except UnknownNameError:
        return ()
    made = channels(style, plan, bands)
    return tuple(one_band(made, field.name) for field in made.fields)
