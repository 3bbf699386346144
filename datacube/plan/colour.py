"""Rules that turn cells into colours, as values; `datacube.render` paints them."""

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Grey:
    """One band as shades of grey."""

    stretch: Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A colour at a value; between two stops colours are interpolated."""

    value: float
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """One band through a colour ramp; values beyond the ends take the end's colour."""

    stops: tuple[Stop, ...]
    unit: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColour:
    """The colour and legend text of one class."""

    value: int
    title: str
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """One classified band; a value that is not listed is transparent."""

    classes: tuple[ClassColour, ...]


type ColourRule = Composite | Grey | Ramp | Classes
