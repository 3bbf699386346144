"""What expressions of a query come to when they are bound."""

from dataclasses import dataclass, field

from datacube.axes import Axis
from datacube.plan.encoding import EncodeParameters
from datacube.plan.nodes import Domain, Encode, Plan
from datacube.times import Period
from datacube.wcps.bind.periods import parse_time
from datacube.wcps.syntax import Corridor, Curtain, SubsetItem, Wkt


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number known at binding; None is null."""

    value: complex | None
    """Python's own type tells boolean, integer, float and complex apart."""
    dtype: str | None = None
    """NumPy name of its type, where a suffix or cast says; else it follows from the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text, or a time as it was written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a coverage beside its cells."""

    identifier: str | None = None
    """Of an offered coverage, or as `setIdentifier` says."""
    interpolations: tuple[tuple[str, str], ...] = ()
    """Default method by field, as `setInterpolationDefault` says."""
    interpolation_sets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Methods by field, as `setInterpolationSet` says."""
    crs_set: tuple[str, ...] = ()
    """Names of CRSs, as `setCrsSet` says."""
    null_ranges: tuple[tuple[float, float], ...] = ()
    """Null values that stand for all from the first number to the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Cells: a coverage, or a number that depends on cells or on iterators."""

    plan: Plan
    iterators: tuple[str, ...] = ()
    """The iterators that the first axes of `plan.domain` belong to, in the scope's order."""
    about: About = field(default_factory=About)

    @property
    def own_axes(self) -> tuple[Axis, ...]:
        """The axes that are not those of iterators."""
        return self.plan.domain.axes[len(self.iterators) :]

    @property
    def own_domain(self) -> Domain:
        """The domain without the axes of iterators."""
        domain = self.plan.domain
        return Domain(outer=domain.outer[len(self.iterators) :], grid=domain.grid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A whole number that is affine in iterators over indices."""

    offset: int
    terms: tuple[tuple[str, int], ...]
    """Pairs (iterator, factor), in the scope's order, no factor zero.

    Without a term it is a number that is known at binding, of type int64.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """A text for each place of an iterator: a time, or a part of one (`"05"`)."""

    iterator: str
    """Empty where the iterator stands still: one text, known at binding."""
    texts: tuple[str, ...]

    @property
    def periods(self) -> tuple[Period, ...]:
        """The texts as times.

        Raises
        ------
        InvalidParameterError
            If one is no time.
        """
        return tuple(map(parse_time, self.texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinates:
    """A number for each place of an iterator, where it is not affine in the index."""

    iterator: str
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The extent of one axis: `domain($c, Lat)` or `imageCrsDomain($c, Lat)`."""

    axis: Axis
    indices: bool
    """Counted in grid indices (`imageCrsDomain`)."""
    crs: str | None = None
    """The CRS that the query named, where it is not the axis' own."""
    low: float | str
    """Outer edge, first index, or first time as text."""
    high: float | str
    resolution: float | None = None
    """Signed; None on irregular axes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extents:
    """The extents of all axes: `domain($c)` or `imageCrsDomain($c)`."""

    domain: Domain
    intervals: tuple[Interval, ...]
    indices: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Times listed by `allmonths(...)`, or parts of times by `months(...)`."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """A `let` interval list, bound where it is used."""

    items: tuple[SubsetItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A `let` geometry, bound where it is used."""

    geometry: Wkt | Curtain | Corridor


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A finished text: `describe(...)`."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """`encode(...)`."""

    root: Encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygons:
    """`polygonize(...)`."""

    plan: Plan
    format: str
    connectedness: int
    parameters: EncodeParameters = field(default_factory=EncodeParameters)


type Value = (
    Constant
    | Words
    | Raster
    | Index
    | Moments
    | Coordinates
    | Interval
    | Extents
    | Periods
    | Cuts
    | Shape
    | Document
    | Encoded
    | Polygons
)
