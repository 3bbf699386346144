"""Rules that turn cells into colours, as values; `datacube.render` paints them."""

from dataclasses import dataclass

OPAQUE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A linear stretch of stored numbers to 0..255; outside is clamped."""

    low: float
    high: float
    gamma: float = 1.0
    """Output = 255 * ((value - low) / (high - low)) ** (1 / gamma)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """Three bands as red, green and blue; transparent where any of them is not valid."""

    stretches: tuple[Stretch, Stretch, Stretch]
    alpha: int = OPAQUE
    """Opacity of what is painted, 0..255."""
    alpha_band: bool = False
    """A fourth band of bytes is the opacity of each place, by which `alpha` is multiplied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grey:
    """One band as shades of grey."""

    stretch: Stretch
    alpha: int = OPAQUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A colour at a value; between two stops colours are interpolated."""

    value: float
    rgb: tuple[int, int, int]
    alpha: int = OPAQUE
    title: str = ""
    """Legend text; empty is the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """One band through a colour ramp; values beyond the ends take the end's colour."""

    stops: tuple[Stop, ...]
    """At least two, their values ascending."""
    unit: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourInterval:
    """One colour for `low <= value < high`; either may be infinite."""

    low: float
    high: float
    rgb: tuple[int, int, int]
    alpha: int = OPAQUE
    title: str = ""
    """Legend text; empty is the bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """One band by steps; a value in no interval is transparent."""

    intervals: tuple[ColourInterval, ...]
    """Ascending, none into the next; gaps are allowed."""
    unit: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColour:
    """The colour and legend text of one class."""

    value: float
    title: str
    rgb: tuple[int, int, int]
    alpha: int = OPAQUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """One classified band; a value that is not listed is transparent."""

    classes: tuple[ClassColour, ...]


type ColourRule = Composite | Grey | Ramp | Intervals | Classes
"""What paints the fields of a plan."""

MOST_COLOURS = 255
"""Most classes or intervals of a rule: one entry of a palette is for what is transparent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """What a picture shows where its CRS has no place."""

    world: tuple[float, float, float, float]
    """`(min x, min y, max x, max y)` of the places that the CRS has."""
    rgba: tuple[int, int, int, int]
