"""Nodes that move cells and change no value."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.axes import Axis
from datacube.plan.nodes.base import Domain, Field, Node

if TYPE_CHECKING:
    from datacube.plan.nodes import Plan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moved(Node):
    """A node whose cells are some of its source's, at other places."""

    source: "Plan"

    @property
    def fields(self) -> tuple[Field, ...]:
        """The source's."""
        return self.source.fields


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordered(Moved):
    """A node with the cells of its source in another order."""

    @property
    def domain(self) -> Domain:
        """The source's."""
        return self.source.domain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trim(Moved):
    """A part of the source's cells; `domain` lies within the source's domain."""

    domain: Domain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice(Moved):
    """One cell of an axis, which vanishes."""

    axis: int
    """Position of the axis among the source's axes."""
    index: int
    """Index on that axis."""

    @property
    def domain(self) -> Domain:
        """The source's without the axis."""
        return self.source.domain.without(self.axis)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extend(Moved):
    """The source within a larger domain on the same lattices; cells beyond it are null."""

    domain: Domain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread(Moved):
    """The source repeated along further axes."""

    domain: Domain
    places: tuple[int, ...]
    """Position in `domain` of each axis of the source; ascending, axes equal."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relabel(Moved):
    """The same cells under other axes of the same sizes, in the same order."""

    domain: Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """An index that is a sum: `offset + sum(factor * index on the axis at position)`."""

    offset: int
    terms: tuple[tuple[int, int], ...]
    """Pairs (position of an axis in the result's domain, factor)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An index listed for every combination of places on some axes."""

    axes: tuple[int, ...]
    """Positions in the result's domain, ascending."""
    indices: tuple[int, ...]
    """Row by row over the whole of those axes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take(Moved):
    """Along one axis of the source, the cell that other axes of the result choose.

    `$c[ansi:"CRS:1"($t)]` for an iterator `$t`, `$c[i($x + $k)]`, nearest scaling of
    an outer axis. Every index lies on the source's axis.
    """

    axis: int
    """Position of the axis among the source's; it vanishes."""
    index: Affine | Table
    domain: Domain
    """The result's."""
    places: tuple[int, ...]
    """Position in `domain` of each other axis of the source, in order; ascending."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gather(Moved):
    """Chosen cells along several axes at once, which one new axis replaces: a line, a track."""

    axes: tuple[int, ...]
    """Positions of the replaced axes among the source's, ascending."""
    cells: tuple[tuple[int, ...], ...]
    """Indices on the replaced axes, one tuple a cell of the new axis."""
    domain: Domain
    """The new axis stands where the first replaced one stood."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flip(Ordered):
    """The cells in reverse order along one axis; the axis itself stays."""

    axis: int
    """Position of the axis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sort(Ordered):
    """The cells along one axis in the order of a key; equal keys keep their order, nulls last."""

    axis: int
    """Position of the axis."""
    by: "Plan"
    """One number a place of the axis: its domain has that axis alone."""
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Construct(Node):
    """Parts of equal domains and fields, laid out along new leading axes."""

    parts: tuple["Plan", ...]
    """Row by row over `axes`."""
    axes: tuple[Axis, ...]

    @property
    def domain(self) -> Domain:
        """The new axes before those of the parts."""
        part = self.parts[0].domain
        return Domain(outer=(*self.axes, *part.outer), grid=part.grid)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The first part's, which the others equal."""
        return self.parts[0].fields
