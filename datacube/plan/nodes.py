"""Bound plans: typed, immutable nodes whose names, CRSs, axes and types are resolved.

Every node knows its `domain` (where its cells lie), its `fields` (what they hold)
and its `key`, a digest made once from its own parts and its children's keys, on
which equality, the memo of a block and ETags rest.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import numpy as np

from datacube.axes import Axis
from datacube.cube import Band, ResolutionGroup, Slot
from datacube.grid import Grid, Window
from datacube.plan.colour import ColourRule
from datacube.plan.digest import digest
from datacube.plan.query import Method
from datacube.protocols import Bbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The axes of a node. The last two are y and x of `grid`; before them any others."""

    outer: tuple[Axis, ...] = ()
    """Axes before the plane: time, height, ...; a sliced axis is gone."""
    grid: Grid

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes, in array order."""
        return (*self.outer, self.grid.y, self.grid.x)

    @property
    def window(self) -> Window:
        """All cells."""
        return Window(tuple((axis.first, axis.stop) for axis in self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return self.window.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One component of a node's range."""

    name: str
    dtype: str
    """NumPy name of the type that evaluation gives."""
    nodata: float | None
    """What an encoder writes where a cell is not valid; None: the encoder's choice."""
    band: Band | None = None
    """The stored band, where the field is one unchanged."""

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type that evaluation gives."""
        return np.dtype(self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Slots of which, place by place, the first valid one counts."""

    time: datetime | None
    """The time coefficient; None for a mosaic over times."""
    slots: tuple[Slot, ...]
    """In order of precedence, first goes first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Node:
    """Equality and hash by `key`."""

    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = (getattr(self, f.name) for f in fields(self) if f.name != "key")
        object.__setattr__(self, "key", digest(type(self).__name__, *parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan(_Node):
    """Stored bands of one cube and one resolution group, at one pyramid level.

    With an axis in `domain.outer` it is time and `stacks` has one entry a
    coefficient; without, there is exactly one stack. Per place the first slot of
    a stack whose scene mask is true gives all bands that its scene has; a band
    that it lacks comes from the next slot that has it.
    """

    cube: str
    group: ResolutionGroup
    level: int
    bands: tuple[Band, ...]
    stacks: tuple[Stack, ...]
    domain: Domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The stored bands, in their stored types."""
        return tuple(Field(name=b.name, dtype=b.dtype, nodata=b.nodata, band=b) for b in self.bands)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trim(_Node):
    """A part of the source's cells; `domain` lies within the source's domain."""

    source: "Plan"
    domain: Domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The source's."""
        return self.source.fields


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice(_Node):
    """One cell of an outer axis, which vanishes."""

    source: "Plan"
    axis: int
    """Position of the axis among the source's outer axes."""
    index: int
    """Index on that axis."""

    @property
    def domain(self) -> Domain:
        """The source's without the axis."""
        outer = self.source.domain.outer
        return Domain(
            outer=outer[: self.axis] + outer[self.axis + 1 :], grid=self.source.domain.grid
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        """The source's."""
        return self.source.fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One field taken from a source, perhaps under another name."""

    source: "Plan"
    field: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bands(_Node):
    """Fields of one or several sources of the same domain, side by side."""

    picks: tuple[Pick, ...]

    @property
    def domain(self) -> Domain:
        """The sources', which are equal."""
        return self.picks[0].source.domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The picked fields, renamed."""
        return tuple(_renamed(pick) for pick in self.picks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resample(_Node):
    """The source on another lattice, in the same or another CRS; outer axes are kept.

    NEAREST takes the source cell under the target cell's centre.
    """

    source: "Plan"
    grid: Grid
    method: Method
    from_edge: bool = False
    """NEAREST takes source cell floor(k * N_source / N_target) for target cell k, as the
    scale of WCPS and WCS does; both grids have one extent and CRS.
    """

    @property
    def domain(self) -> Domain:
        """The source's outer axes on the target grid."""
        return Domain(outer=self.source.domain.outer, grid=self.grid)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The source's."""
        return self.source.fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One source of a mosaic."""

    source: "Plan"
    home: Bbox | None
    """Longitude-latitude box in which this source goes before those listed earlier."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mosaic(_Node):
    """Place by place the first source with data; sources have equal domains and fields.

    A place counts as data where any field is valid. That source gives all fields
    that the scenes it shows there have, each with its own validity; a field that
    they lack comes from the next source. Sources in whose `home` the place lies go first.
    """

    members: tuple[Member, ...]

    @property
    def domain(self) -> Domain:
        """The sources', which are equal."""
        return self.members[0].source.domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The sources', which are equal."""
        return self.members[0].source.fields


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Literal(_Node):
    """One number everywhere."""

    value: float | int
    domain: Domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """One field without a name."""
        dtype = "int64" if isinstance(self.value, int) else "float64"
        return (Field(name="value", dtype=dtype, nodata=None),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Apply(_Node):
    """A named function of cells, field by field; see `datacube.plan.functions`.

    An argument with one field goes with every field of the others.
    """

    function: str
    args: tuple["Plan", ...]
    result: tuple[Field, ...]
    """Made by `functions.result_fields`."""

    @property
    def domain(self) -> Domain:
        """The arguments', which are equal."""
        return self.args[0].domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The result's."""
        return self.result


type Plan = Scan | Trim | Slice | Bands | Resample | Mosaic | Literal | Apply


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colour(_Node):
    """One layer of a picture: a plan and the rule that paints its fields."""

    source: Plan
    rule: ColourRule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture(_Node):
    """Layers painted over each other on one grid."""

    layers: tuple[Colour, ...]
    """Bottom first; none where nothing lies in the box."""
    grid: Grid
    transparent: bool
    background: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encode(_Node):
    """The root of a bound plan."""

    source: Plan | Picture
    media_type: str
    options: tuple[tuple[str, str], ...] = ()
    title: str = ""
    """The coverage's id; written into files that have a place for it."""


def children(node: Plan) -> tuple[Plan, ...]:
    """Return the plans that `node` is made of."""
    match node:
        case Scan() | Literal():
            return ()
        case Trim(source=source) | Slice(source=source) | Resample(source=source):
            return (source,)
        case Bands(picks=picks):
            return tuple(pick.source for pick in picks)
        case Mosaic(members=members):
            return tuple(member.source for member in members)
        case Apply(args=args):
            return args


def scans(node: "Plan | Picture | Encode") -> tuple[Scan, ...]:
    """Return every scan below `node`, each once, in order of first use."""
    found: dict[str, Scan] = {}
    stack: list[Plan] = []
    root = node.source if isinstance(node, Encode) else node
    stack.extend(
        [layer.source for layer in reversed(root.layers)] if isinstance(root, Picture) else [root]
    )
    while stack:
        plan = stack.pop()
        if isinstance(plan, Scan):
            found.setdefault(plan.key, plan)
        stack.extend(reversed(children(plan)))
    return tuple(found.values())


def contributing_scenes(node: "Plan | Picture | Encode") -> tuple[str, ...]:
    """Product ids of the scenes that `node` may read, sorted."""
    return tuple(
        sorted(
            {
                slot.scene.product_id
                for scan in scans(node)
                for stack in scan.stacks
                for slot in stack.slots
            }
        )
    )


def _renamed(pick: Pick) -> Field:
    (found,) = (f for f in pick.source.fields if f.name == pick.field)
    return Field(name=pick.name, dtype=found.dtype, nodata=found.nodata, band=found.band)


__all__ = [
    "Apply",
    "Bands",
    "Colour",
    "Domain",
    "Encode",
    "Field",
    "Literal",
    "Member",
    "Mosaic",
    "Pick",
    "Picture",
    "Plan",
    "Resample",
    "Scan",
    "Slice",
    "Stack",
    "Trim",
    "children",
    "contributing_scenes",
    "scans",
]
