"""Nodes that make values from values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.errors import InvalidParameterError
from datacube.grid import Grid
from datacube.plan.nodes.base import Domain, Field, Node
from datacube.plan.query import Method
from datacube.protocols import Bbox

if TYPE_CHECKING:
    from datacube.plan.nodes import Plan
    from datacube.plan.udf import UserFunction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Literal(Node):
    """One number everywhere; None is null everywhere."""

    value: complex | None
    """Python's own type tells boolean, integer, float and complex apart."""
    domain: Domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """One field without a name."""
        return (Field(name="value", dtype=_literal_type(self.value), nodata=None),)


def _literal_type(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "int64"
        case complex():
            return "complex128"
        case _:
            return "float64"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coordinate(Node):
    """The place of each cell along one axis: its grid index, or its coordinate."""

    axis: int
    """Position of the axis."""
    domain: Domain
    index: bool
    """Grid indices (int64), else coordinates (float64; time in seconds since 1970)."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """One field, named as the axis."""
        name = self.domain.axes[self.axis].name
        return (Field(name=name, dtype="int64" if self.index else "float64", nodata=None),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One field taken from a source, perhaps under another name."""

    source: "Plan"
    field: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bands(Node):
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


def _renamed(pick: Pick) -> Field:
    (found,) = (f for f in pick.source.fields if f.name == pick.field)
    return Field(
        name=pick.name,
        dtype=found.dtype,
        nodata=found.nodata,
        band=found.band,
        nulls=found.nulls,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resample(Node):
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
    step_px: int | None = None
    """Between two CRSs: target cells from one place that is transformed to the next, others
    lie between them; 1 where each is transformed. None: as maps need it. A step that binding
    fixed stays the same when a rule cuts the grids, and so do the places.
    """
    ratio: tuple[float, float] | None = None
    """How many cells of the source a target cell is long along y and x, where kernels widen
    by it so that no source cell is left out; None: by the steps within one CRS, else 1.
    """
    to_see: bool = False
    """Of a picture: places may be in single precision, so that a cell made with its whole grid
    may differ in the last bit from the same cell made alone.
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
class Mosaic(Node):
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
class Mask(Node):
    """The source where the centres of cells lie in an area, null elsewhere."""

    source: "Plan"
    area: bytes
    """A polygon or multipolygon as WKB; its x along `cols`, its y along `rows`, in the
    coordinates of those axes."""
    rows: int
    """Position of the axis that the area's y counts on."""
    cols: int
    """Position of the axis that the area's x counts on."""

    @property
    def domain(self) -> Domain:
        """The source's."""
        return self.source.domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The source's."""
        return self.source.fields


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Apply(Node):
    """A named function of cells, field by field; see `datacube.plan.functions`.

    Arguments have equal domains. An argument with one field goes with every field of
    the others.
    """

    function: str
    args: tuple["Plan", ...]
    result: tuple[Field, ...]
    """Made by `functions.result_fields`."""
    compat: bool = False
    """Nulls go by rasdaman's rules."""
    user: "UserFunction | None" = None
    """The function itself, where an operator of the service added it."""

    @property
    def domain(self) -> Domain:
        """The arguments', which are equal."""
        return self.args[0].domain

    @property
    def fields(self) -> tuple[Field, ...]:
        """The result's."""
        return self.result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduce(Node):
    """Cells along some axes made one, field by field; see `datacube.plan.reducers`.

    Nulls are skipped. Over nothing else the result is null, the count 0.
    """

    source: "Plan"
    operator: str
    axes: tuple[int, ...]
    """Positions of the axes that vanish, ascending."""
    result: tuple[Field, ...]
    """Made by `reducers.reduce_fields`."""
    parameters: tuple[float, ...] = ()
    where: "Plan | None" = None
    """One boolean field on the source's domain; cells where it is not true are skipped."""
    compat: bool = False
    """Over nothing but nulls the result is the operator's identity, as rasdaman's."""

    def __post_init__(self) -> None:
        if not self.axes or tuple(sorted(set(self.axes))) != self.axes:
            raise InvalidParameterError(f"{self.operator!r} reduces axes {self.axes}")
        Node.__post_init__(self)

    @property
    def domain(self) -> Domain:
        """The source's without the reduced axes."""
        return self.source.domain.less(self.axes)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The result's."""
        return self.result
