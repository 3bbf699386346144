"""Binding of maps: the cubes, slots and pyramid levels that each layer shows, and its paint."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot, isfinite

from datacube.axes import RegularAxis
from datacube.cube import Band, Coverage, Cube, ResolutionGroup
from datacube.errors import InvalidParameterError
from datacube.grid import Grid, same_crs, transformer
from datacube.plan import nodes, query
from datacube.plan.bind_map_axes import MapPlaces
from datacube.plan.bind_map_time import MapSlots
from datacube.plan.bind_style import channels
from datacube.plan.bind_temporal import TemporalMap
from datacube.plan.boxes import reproject_box
from datacube.plan.footprints import MOST_SCENES, CrowdedError, are_small, footprints
from datacube.plan.geometry import reach_window
from datacube.plan.map_layers import LayerCubes
from datacube.plan.map_limits import check_map
from datacube.plan.map_reading import level_for, near
from datacube.plan.meant import KeepMeant, made_anew, meant_by
from datacube.plan.overviews import Seen, from_overview, gap_area
from datacube.plan.query import Method
from datacube.plan.style import Style, StyleBook
from datacube.plan.warping import shown
from datacube.protocols import Bbox, CatalogView, Limits
from datacube.slots import Slot


def bind_map(
    asked: query.Map,
    view: CatalogView,
    styles: StyleBook,
    limits: Limits,
    *,
    default_map_days: int,
    keep: KeepMeant = made_anew,
) -> tuple[nodes.Picture, tuple[str, ...]]:
    """Bind a map; return its picture and what was chosen for the asker.

    A map where no layer has data is an empty picture. A pyramid level is read where
    its cells are no larger than a pixel. Where scenes are smaller than a tile and more than
    `MOST_SCENES`, it is drawn where they lie. `keep` may keep what a layer means at the view.

    Raises
    ------
    InvalidParameterError
        If the box has no area or is not finite, or the size is not positive.
    LimitExceededError
        If the map is larger than allowed, or has too many layers or times.
    UnknownNameError
        If a layer, style or band does not exist.
    TimeSelectionError
        If a layer has nothing at that time anywhere.
    """
    grid = _target(asked, limits)
    layers: list[nodes.Colour] = []
    notes: dict[str, None] = {}
    for one in asked.layers:
        meant = meant_by(one, asked, view, styles, default_map_days, keep)
        layer, style, times, places = meant.layer, meant.style, meant.times, meant.places
        for note in (*times.notes, *places.notes):
            notes.setdefault(note)
        seen = from_overview(layer, style, grid, times, view)
        if seen is not None:
            notes.setdefault(seen.note)
        frame = Shown(grid=grid, times=times, places=places, overview=seen)
        try:
            source = layer_source(layer, style, frame, view, most=MOST_SCENES)
        except CrowdedError as crowd:
            notes.setdefault(f"Footprints shown: too many scenes of {one.layer} at this scale")
            drawn = footprints(layer.coverages, grid, seen.gaps if seen is not None else ())
            layers += [] if drawn is None else [drawn]
            source = crowd.known
        if source is not None:
            layers.append(nodes.Colour(source=source, rule=style.rule))
    picture = nodes.Picture(
        layers=tuple(layers),
        grid=grid,
        transparent=asked.transparent,
        background=asked.background,
        void=asked.void,
    )
    return picture, (*notes, *_level_notes(picture))


def _target(asked: query.Map, limits: Limits) -> Grid:
    x0, y0, x1, y1 = asked.bbox
    if not all(isfinite(v) for v in asked.bbox) or x0 >= x1 or y0 >= y1:
        raise InvalidParameterError(
            f"bbox {','.join(f'{v:g}' for v in asked.bbox)} has no area; "
            "needed are finite numbers with min x < max x and min y < max y",
            parameter="bbox",
        )
    check_map(asked, limits)
    width, height = asked.width_px, asked.height_px
    return Grid(
        crs=asked.crs,
        x=RegularAxis(name="x", uom="", start=x0, step=(x1 - x0) / width, size=width),
        y=RegularAxis(name="y", uom="", start=y1, step=-(y1 - y0) / height, size=height),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a map shows of a layer, whatever its style."""

    grid: Grid
    times: MapSlots
    places: MapPlaces
    overview: Seen | None = None
    """What need not be read of scenes."""

    @property
    def finished(self) -> bool:
        """Whether no scene has to be read."""
        return self.overview is not None and not self.overview.gaps


def layer_source(
    layer: LayerCubes, style: Style, shown: Shown, view: CatalogView, *, most: int
) -> nodes.Plan | None:
    """Return what a style paints of a layer on a map's grid; None where there is nothing.

    Raises
    ------
    CrowdedError
        If it has more than `most` scenes, each smaller than a tile.
    """

    def painted(members: list[nodes.Member]) -> nodes.Plan | None:
        if not members:
            return None
        merged = members[0].source if len(members) == 1 else nodes.Mosaic(members=tuple(members))
        return merged if style.temporal is not None else channels(style, merged, layer.bands)

    known = [] if shown.overview is None else list(shown.overview.members)
    try:
        scenes = [] if shown.finished else _scenes(layer, style, shown, view, most)
    except CrowdedError:
        raise CrowdedError(painted(known)) from None
    return painted([*known, *scenes])


def _scenes(
    layer: LayerCubes, style: Style, shown: Shown, view: CatalogView, most: int
) -> list[nodes.Member]:
    """Return the cubes of a layer that show something, each on the map's grid."""
    members = []
    several = len(layer.coverages) > 1
    left = most
    for coverage in layer.near(shown.grid):
        spot = _spot(coverage, shown)
        if spot is None:
            continue
        slots = _slots(spot, shown.times, view, left)
        left = max(left - len(slots), 0)
        plan = _cube(spot, slots, style, shown)
        if plan is not None:
            home = utm_home(coverage.cube) if several else None
            members.append(nodes.Member(source=plan, home=home))
    return members


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """The part of a coverage that a map may show."""

    coverage: Coverage
    area: Bbox
    """In the CRS of the cube."""
    pixel: float
    """Side of a pixel in the unit of that CRS."""


def _spot(coverage: Coverage, shown: Shown) -> _Spot | None:
    """Return where a map sees a coverage; None where it does not, or not the scenes."""
    cube, grid = coverage.cube, shown.grid
    reach = reach_window(coverage.grid, grid)
    if reach is None:
        return None
    seen = grid.at(reach)
    area = reproject_box(seen.bbox, grid.crs, cube.crs)
    if area is None or not all(isfinite(v) for v in area):
        area = coverage.grid.bbox
    if shown.overview is not None:
        left = gap_area(shown.overview.gaps, area, cube.crs)
        if left is None:
            return None
        area = left
    return _Spot(coverage=coverage, area=area, pixel=_pixel_size(seen, cube))


def _slots(spot: _Spot, times: MapSlots, view: CatalogView, most: int) -> tuple[Slot, ...]:
    """Return the slots that are shown of a cube.

    Raises
    ------
    CrowdedError
        If they are more than `most`, and smaller than a tile.
    """
    cube = spot.coverage.cube
    found = times.stack(cube, spot.area, view, most=most + 1).slots
    if len(found) <= most:
        return found
    if are_small(found, cube, spot.pixel):
        raise CrowdedError
    return times.stack(cube, spot.area, view).slots


def _cube(spot: _Spot, slots: tuple[Slot, ...], style: Style, shown: Shown) -> nodes.Plan | None:
    """Bind one cube to the map's grid; None where it has nothing in the box."""
    coverage, area, pixel = spot.coverage, spot.area, spot.pixel
    cube, grid = coverage.cube, shown.grid
    if style.temporal is not None:
        over_time = TemporalMap(
            cube=cube, style=style, bands=coverage.bands, area=area, pixel=pixel, grid=grid
        )
        return _mosaic(over_time.plan(slots, at) for at in shown.places.combinations(cube.axes))
    wanted = _Wanted(
        cube=cube,
        bands=tuple(cube.band(name) for name in style.bands),
        area=area,
        pixel=pixel,
        grid=grid,
        method=style.method,
    )
    runs = wanted.runs(slots)
    return _mosaic(
        wanted.plan(levels, some, place)
        for place in shown.places.combinations(cube.axes)
        for levels, some in runs
    )


def _mosaic(plans: Iterable[nodes.Plan | None]) -> nodes.Plan | None:
    members = tuple(nodes.Member(source=plan, home=None) for plan in plans if plan is not None)
    if len(members) > 1:
        return nodes.Mosaic(members=members)
    return members[0].source if members else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a map wants of one cube."""

    cube: Cube
    bands: tuple[Band, ...]
    area: Bbox
    """In the CRS of the cube."""
    pixel: float
    """Side of a pixel in the unit of that CRS."""
    grid: Grid
    method: Method

    def runs(
        self, slots: tuple[Slot, ...]
    ) -> list[tuple[tuple[tuple[ResolutionGroup, int], ...], list[Slot]]]:
        """Cut slots, in their order, into runs that are read at the same levels.

        A small scene has few levels; the large ones beside it are still read coarse. But
        where a scene lacks a band, all are one run: the band comes from the next scene
        that has it, which only a scan of both can tell.
        """
        groups = [self.cube.group(name) for name in dict.fromkeys(b.group for b in self.bands)]
        found = [tuple(level_for(group, slot, self.pixel) for group in groups) for slot in slots]
        if not all(slot.has_band(b.group, b.name) for slot in slots for b in self.bands):
            found = [tuple(map(min, zip(*found, strict=True)))] * len(slots)
        made: list[tuple[tuple[tuple[ResolutionGroup, int], ...], list[Slot]]] = []
        for slot, numbers in zip(slots, found, strict=True):
            levels = tuple(zip(groups, numbers, strict=True))
            if not made or made[-1][0] != levels:
                made.append((levels, []))
            made[-1][1].append(slot)
        return made

    def plan(
        self,
        levels: tuple[tuple[ResolutionGroup, int], ...],
        slots: list[Slot],
        place: tuple[int, ...],
    ) -> nodes.Plan | None:
        """Scan each group at its level and bring it to the map's grid; None without cells.

        `place` are the indices on the axes that a picture does not have.
        """
        resampled: dict[str, nodes.Plan] = {}
        found = False
        for group, level in levels:
            lattice = group.level_grid(level)
            part, touching = near(lattice, group, level, slots, self.area)
            found = found or bool(touching)
            outer = tuple(axis.select(at, at) for axis, at in zip(group.axes, place, strict=True))
            plan: nodes.Plan = nodes.Scan(
                cube=self.cube.name,
                group=group,
                level=level,
                bands=tuple(band for band in self.bands if band.group == group.name),
                stacks=(nodes.Stack(time=None, slots=tuple(touching)),),
                domain=nodes.Domain(outer=outer, grid=lattice.at(part)),
            )
            for axis in outer:
                plan = nodes.Slice(source=plan, axis=0, index=axis.first)
            resampled[group.name] = shown(plan, self.grid, self.method)
        if not found:
            return None
        if len(resampled) == 1:
            (only,) = resampled.values()
            return only
        return nodes.Bands(
            picks=tuple(
                nodes.Pick(source=resampled[b.group], field=b.name, name=b.name) for b in self.bands
            )
        )


def _pixel_size(seen: Grid, cube: Cube) -> float:
    """Return the shorter side of a map's pixel in the unit of the cube's CRS, at the centre."""
    (x0, x1), (y0, y1) = seen.x.bounds, seen.y.bounds
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    dx, dy = abs(seen.x.step) / 2, abs(seen.y.step) / 2
    if same_crs(seen.crs, cube.crs):
        return 2 * min(dx, dy)
    px, py = transformer(seen.crs, cube.crs).transform(
        [x - dx, x + dx, x, x], [y, y, y - dy, y + dy]
    )
    size = min(hypot(px[1] - px[0], py[1] - py[0]), hypot(px[3] - px[2], py[3] - py[2]))
    return size if isfinite(size) else 0.0


def utm_home(cube: Cube) -> Bbox | None:
    """Return the longitude-latitude box of a UTM cube's zone and hemisphere, or None."""
    zone, name = cube.utm_zone, cube.crs.utm_zone
    if zone is None or name is None:
        return None
    west = 6.0 * zone - 186.0
    south, north = (0.0, 90.0) if name.endswith("N") else (-90.0, 0.0)
    return west, south, west + 6.0, north


def _level_notes(picture: nodes.Picture) -> tuple[str, ...]:
    """Say which pyramid levels are shown, where one is not the stored resolution."""
    found = {(scan.group.name, scan.level): None for scan in nodes.scans(picture) if scan.level > 0}
    return tuple(f"Pyramid level shown: {name}/{level}" for name, level in found)
