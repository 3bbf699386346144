"""Styles as values: which bands, through which functions, painted by which rule."""

from dataclasses import dataclass
from typing import Protocol

from datacube.cube import Band, Collection
from datacube.plan.colour import ColourRule
from datacube.plan.query import Method


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A named way to paint a layer."""

    name: str
    """As requests spell it: `true-colour`, `ndvi`, `scl`, `B08`."""
    title: str
    abstract: str
    terms: tuple[Term, ...]
    """One for each channel that `rule` paints."""
    rule: ColourRule
    method: Method
    """How cells are brought to the map's grid: LINEAR for measured bands, NEAREST for classes."""

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
        return tuple(found)


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
