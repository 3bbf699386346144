"""Styles as values: which bands, through which functions, painted by which rule."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from datacube.cube import Band, Collection
from datacube.plan.colour import ColourRule
from datacube.plan.query import Method

if TYPE_CHECKING:
    from datacube.plan.nodes import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class BandTerm:
    """The stored numbers of one band."""

    band: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function of `datacube.plan.functions` applied to terms."""

    function: str
    args: tuple["Term", ...]


type Term = BandTerm | Call


class Formula(Protocol):
    """What a style computes of its layer, where terms cannot say it."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands that it reads, each once."""
        ...

    def bind(self, source: "Plan") -> "Plan":
        """Return the plan of the result, on the domain of `source`, which has those bands.

        Raises
        ------
        RequestError
            If it cannot be computed of these cells, or gives others than one a cell.
        """
        ...


class Reduction(StrEnum):
    """How the acquisitions that a map's time selects become one picture, cell by cell."""

    MEAN = "mean"
    MEDIAN = "median"
    NEWEST = "newest"
    """The newest valid one."""
    DIFFERENCE = "difference"
    """The newest valid one less the oldest valid one; null where there is but one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMask:
    """Cells that a classified band tells to use; others count as null."""

    band: str
    classes: tuple[int, ...]
    keep: bool
    """Whether `classes` are those to use, else those to leave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Temporal:
    """A style over the times of a map: first the mask, then the formula, then the reduction."""

    reduction: Reduction
    mask: ClassMask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A named way to paint a layer."""

    name: str
    """As requests spell it: `true-colour`, `ndvi`, `scl`, `B08`."""
    title: str
    abstract: str
    terms: tuple[Term, ...] = ()
    """One for each channel that `rule` paints."""
    formula: Formula | None = None
    """Computes the channels instead of `terms`."""
    rule: ColourRule
    method: Method
    """How cells are brought to the map's grid: LINEAR for measured bands, NEAREST for classes."""
    temporal: Temporal | None = None
    """Where given, all acquisitions at the time of a map count, not the newest alone."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands that the style reads, each once, in order of first use."""
        found: dict[str, None] = {}
        stack = list(reversed(self.terms))
        while stack:
            term = stack.pop()
            if isinstance(term, BandTerm):
                found.setdefault(term.band)
            else:
                stack.extend(reversed(term.args))
        if self.formula is not None:
            found |= dict.fromkeys(self.formula.bands)
        return tuple(found)


class StyleMaker(Protocol):
    """A style that came with a request: it is made for the layer that it shall paint."""

    def made(self, bands: tuple[Band, ...]) -> Style:
        """Return the style for a layer that has `bands`.

        Raises
        ------
        RequestError
            If the layer has not what the style needs.
        """
        ...


class StyleBook(Protocol):
    """The styles that the layers of collections have."""

    def style(self, collection: Collection, bands: tuple[Band, ...], name: str) -> Style:
        """Return the style called `name`; the empty name is the layer's default.

        `bands` are those that the layer has; a style is offered where they suffice.

        Raises
        ------
        UnknownNameError
            If the layer has no such style.
        """
        ...

    def styles(self, collection: Collection, bands: tuple[Band, ...]) -> tuple[Style, ...]:
        """Return every style of a layer, the default first."""
        ...
