"""Binding of styles over time: every acquisition is masked and computed, then all are reduced.

Masks count where they are exact: bands are read no coarser than the classes were stored, so
that no cloud is averaged into a pixel; what remains is averaged into the pixels of the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from datacube.axes import TimeAxis
from datacube.cube import Band, Cube, ResolutionGroup, find_band
from datacube.errors import InvalidParameterError
from datacube.grid import Grid
from datacube.plan import nodes
from datacube.plan.bind_style import channels, one_band
from datacube.plan.functions import apply
from datacube.plan.map_reading import level_for, near
from datacube.plan.query import Method
from datacube.plan.reducers import reduce_fields
from datacube.plan.stacking import stacked
from datacube.plan.style import ClassMask, Reduction, Style, Temporal
from datacube.plan.warping import shown
from datacube.protocols import Bbox
from datacube.slots import Slot
from datacube.times import Acquisition

_OPERATORS = {Reduction.MEAN: "avg", Reduction.MEDIAN: "median", Reduction.NEWEST: "last"}
_AVERAGED = 1.5
"""Pixels longer than so many cells are averages of them, others interpolated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalMap:
    """What a map wants of one cube in a style over time."""

    cube: Cube
    style: Style
    bands: tuple[Band, ...]
    """The layer's."""
    area: Bbox
    """In the CRS of the cube."""
    pixel: float
    """Side of a pixel in the unit of that CRS."""
    grid: Grid

    @property
    def temporal(self) -> Temporal:
        """What is done over time.

        Raises
        ------
        ValueError
            If the style has nothing to do with time.
        """
        if self.style.temporal is None:
            raise ValueError(f"style {self.style.name!r} is of one time")
        return self.style.temporal

    def plan(self, slots: Sequence[Slot], place: tuple[int, ...]) -> nodes.Plan | None:
        """Return the channels of the style on the map's grid; None without cells.

        `place` are the indices on the axes that a picture does not have.

        Raises
        ------
        InvalidParameterError
            If the cube has no time axis.
        RequestError
            If the style does not fit the cube.
        """
        cube, mask = self.cube, self.temporal.mask
        if not cube.timed:
            raise InvalidParameterError(
                f"style {self.style.name!r} is the {self.temporal.reduction} of several times; "
                f"{cube.name} has no time axis",
                parameter="styles",
            )
        read = self._read_bands()
        groups = [cube.group(name) for name in dict.fromkeys(band.group for band in read)]
        most = self.pixel
        if mask is not None:
            most = min(most, cube.group(find_band(read, mask.band).group).resolution)
        levels = [min((level_for(g, s, most) for s in slots), default=0) for g in groups]
        lattices = [g.level_grid(level) for g, level in zip(groups, levels, strict=True)]
        finest = min(range(len(groups)), key=lambda at: abs(lattices[at].x.step))
        part, touching = near(lattices[finest], groups[finest], levels[finest], slots, self.area)
        if not touching:
            return None
        work = lattices[finest].at(part)
        stacks = _Stacks(cube=cube, times=_axis(touching), slots=tuple(touching), place=place)
        scanned = {
            group.name: stacks.on(work, group, level, read, self.area)
            for group, level in zip(groups, levels, strict=True)
        }
        source = nodes.Bands(
            picks=tuple(
                nodes.Pick(source=scanned[b.group], field=b.name, name=b.name) for b in read
            )
        )
        made = _reduced(self._computed(source, read), self.temporal.reduction)
        return shown(made, self.grid, self._method(work))

    def _read_bands(self) -> tuple[Band, ...]:
        mask = self.temporal.mask
        names = (*self.style.bands, *(() if mask is None else (mask.band,)))
        return tuple({b.name: b for b in map(self.cube.band, names)}.values())

    def _computed(self, source: nodes.Plan, read: tuple[Band, ...]) -> nodes.Plan:
        mask = self.temporal.mask
        if mask is not None:
            usable = _usable(one_band(source, find_band(read, mask.band).name), mask)
            source = apply("switch", usable, source, _null(source.domain))
        return channels(self.style, source, self.bands)

    def _method(self, work: Grid) -> Method:
        if self.style.method is Method.LINEAR and self.pixel > _AVERAGED * abs(work.x.step):
            return Method.AVERAGE
        return self.style.method


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stacks:
    """The acquisitions of one cube."""

    cube: Cube
    times: TimeAxis
    slots: tuple[Slot, ...]
    """In order of precedence within each time."""
    place: tuple[int, ...]

    def on(
        self, work: Grid, group: ResolutionGroup, level: int, read: tuple[Band, ...], area: Bbox
    ) -> nodes.Plan:
        """Scan a group at a level, time by time, and repeat its cells on the lattice `work`."""
        lattice = group.level_grid(level)
        same = (lattice.x.step, lattice.y.step) == (work.x.step, work.y.step)
        grid = work if same else lattice.at(near(lattice, group, level, self.slots, area)[0])
        outer = tuple(axis.select(at, at) for axis, at in zip(group.axes, self.place, strict=True))
        plan: nodes.Plan = nodes.Scan(
            cube=self.cube.name,
            group=group,
            level=level,
            bands=tuple(band for band in read if band.group == group.name),
            stacks=stacked(self.times, self.slots),
            domain=nodes.Domain(outer=(self.times, *outer), grid=grid),
        )
        for axis in outer:
            plan = nodes.Slice(source=plan, axis=1, index=axis.first)
        if grid == work:
            return plan
        return nodes.Resample(source=plan, grid=work, method=Method.NEAREST)


def _axis(slots: Sequence[Slot]) -> TimeAxis:
    found: dict[object, Acquisition] = {}
    for slot in slots:
        scene = slot.scene
        held = found.get(scene.reference_time)
        found[scene.reference_time] = Acquisition(
            reference=scene.reference_time,
            first=min(scene.first_time, held.first if held else scene.reference_time),
            last=max(scene.last_time, held.last if held else scene.reference_time),
        )
    return TimeAxis(acquisitions=tuple(sorted(found.values(), key=lambda a: a.reference)))


def _usable(classes: nodes.Plan, mask: ClassMask) -> nodes.Plan:
    """Return where a place may be used; null where it has no class."""
    domain = classes.domain
    is_one = [apply("=", classes, nodes.Literal(value=c, domain=domain)) for c in mask.classes]
    listed = is_one[0] if len(is_one) == 1 else apply("or", *is_one)
    return listed if mask.keep else apply("not", listed)


def _reduced(source: nodes.Plan, reduction: Reduction) -> nodes.Plan:
    if reduction is Reduction.DIFFERENCE:
        return _difference(source)
    if reduction is Reduction.NEWEST and len(source.fields) > 1:
        # All channels of a pixel are of one time, or the colours would be of two.
        known = [apply("is not null", one_band(source, f.name)) for f in source.fields]
        source = apply("switch", apply("and", *known), source, _null(source.domain))
    return _reduce(source, _OPERATORS[reduction])


def _difference(source: nodes.Plan) -> nodes.Plan:
    change = apply("-", _reduce(source, "last"), _reduce(source, "first"))
    times = _reduce(apply("is not null", source), "count")
    several = apply(">", times, nodes.Literal(value=1, domain=times.domain))
    return apply("switch", several, change, _null(change.domain))


def _reduce(source: nodes.Plan, operator: str) -> nodes.Plan:
    return nodes.Reduce(
        source=source, operator=operator, axes=(0,), result=reduce_fields(operator, source.fields)
    )


def _null(domain: nodes.Domain) -> nodes.Plan:
    return nodes.Literal(value=None, domain=domain)
