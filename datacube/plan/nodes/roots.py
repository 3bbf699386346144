"""The roots of plans: pictures and encodings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.grid import Grid
from datacube.plan.colour import ColourRule, Void
from datacube.plan.encoding import NO_PARAMETERS, EncodeParameters
from datacube.plan.nodes.base import Node

if TYPE_CHECKING:
    from datacube.plan.nodes import Plan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colour(Node):
    """One layer of a picture: a plan and the rule that paints its fields."""

    source: "Plan"
    rule: ColourRule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture(Node):
    """Layers painted over each other on one grid."""

    layers: tuple[Colour, ...]
    """Bottom first; none where nothing lies in the box."""
    grid: Grid
    transparent: bool
    background: tuple[int, int, int]
    void: Void | None = None
    """None: where the CRS has no place looks like a place without data."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encode(Node):
    """The root of a bound plan."""

    source: "Plan | Picture"
    media_type: str
    options: tuple[tuple[str, str], ...] = ()
    title: str = ""
    """The coverage's id; written into files that have a place for it."""
    parameters: EncodeParameters = NO_PARAMETERS
    """What WCPS asked of the encoder."""
    compat: bool = False
    """Nulls are written as rasdaman writes them: as the first null value."""
