"""Styles as files and requests define them, before the layer is known that they paint."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from datacube.errors import InvalidParameterError
from datacube.plan.colour import (
    ClassColour,
    Classes,
    ColourInterval,
    ColourRule,
    Intervals,
    Ramp,
    Stop,
)
from datacube.plan.query import Method
from datacube.plan.style import ClassMask, Reduction, Temporal
from datacube.render.style_schema import STYLE

type Json = dict[str, Any]

_MOST_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialStretch:
    """A stretch of which the range may be left to the band."""

    low: float | None = None
    high: float | None = None
    gamma: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleDefinition:
    """One style; what it leaves out follows from the layer's bands."""

    name: str
    title: str
    abstract: str = ""
    collection: str = ""
    """The only collection that has it, or empty."""
    family: str = ""
    """The style family whose collections have it; without either all that have its bands."""
    default: bool = False
    method: Method | None = None
    alpha: int = 255
    unit: str = ""
    selected: tuple[str, ...] = ()
    """One band or three; or nothing, where an expression is given."""
    expression: str = ""
    """Of bare band names."""
    wcps: str = ""
    stretches: tuple[PartialStretch, ...] = ()
    """None, one, or one a channel."""
    colours: ColourRule | None = field(default=None)
    """A ramp, intervals or classes."""
    temporal: Temporal | None = None

    @property
    def target(self) -> str:
        """What it is for: `collection:S2_L2A`, `family:sentinel-2`, or empty."""
        if self.collection:
            return f"collection:{self.collection}"
        return f"family:{self.family}" if self.family else ""


def check_style(value: object) -> None:
    """Check a style against the schema and for what a schema cannot say.

    Raises
    ------
    InvalidParameterError
        With the place and what is allowed there.
    """
    error = best_match(Draft202012Validator(STYLE).iter_errors(value))
    if error is not None:
        raise InvalidParameterError(_told(value, error), parameter="style")
    parse_definition(_canonical(value))


def parse_style(value: object) -> StyleDefinition:
    """Check a style and return it; errors as of `check_style`."""
    check_style(value)
    return parse_definition(_canonical(value))


def canonical(value: object) -> str:
    """Return a checked style as the catalogue keeps it: equal styles are equal texts."""
    check_style(value)
    return _canonical(value)


def _canonical(value: object) -> str:
    try:
        return json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except ValueError as error:
        raise InvalidParameterError("a style's numbers are finite", parameter="style") from error


@lru_cache(maxsize=1024)
def parse_definition(text: str) -> StyleDefinition:
    """Read a style from the JSON that the catalogue keeps; it was checked when it was added.

    Raises
    ------
    InvalidParameterError
        If values do not ascend, or intervals overlap.
    """
    value: Json = json.loads(text)
    target = value.get("for", {})
    name: str = value["name"]
    stretch = value.get("stretch", [])
    stretches = tuple(
        PartialStretch(**one) for one in (stretch if isinstance(stretch, list) else [stretch])
    )
    for one in stretches:
        if one.low is not None and one.high is not None and one.low == one.high:
            raise _wrong(name, f"a stretch from {one.low:g} to {one.high:g} has no width")
    return StyleDefinition(
        name=name,
        title=value.get("title", name),
        abstract=value.get("abstract", ""),
        collection=target.get("collection", ""),
        family=target.get("family", ""),
        default=value.get("default", False),
        method=Method(value["resampling"]) if "resampling" in value else None,
        alpha=round(255 * value.get("opacity", 1.0)),
        unit=value.get("unit", ""),
        selected=(value["band"],) if "band" in value else tuple(value.get("bands", ())),
        expression=value.get("expression", ""),
        wcps=value.get("wcps", ""),
        stretches=stretches,
        colours=_colours(value),
        temporal=_temporal(value),
    )


def _temporal(value: Json) -> Temporal | None:
    if "time" not in value:
        return None
    mask = value.get("mask")
    made = None
    if mask is not None:
        keep = "keep" in mask
        classes = tuple(mask["keep" if keep else "drop"])
        made = ClassMask(band=mask["band"], classes=classes, keep=keep)
    return Temporal(reduction=Reduction(value["time"]), mask=made)


def _colours(value: Json) -> ColourRule | None:
    name, opacity, unit = value["name"], value.get("opacity", 1.0), value.get("unit", "1")
    if "bands" in value and {"ramp", "intervals", "values"} & set(value):
        raise _wrong(name, "three bands have a stretch; a colour map is for one")
    if "ramp" in value:
        stops = tuple(
            Stop(value=s["value"], title=s.get("title", ""), **_colour(s["colour"], opacity))
            for s in value["ramp"]
        )
        _check_ascending(name, [stop.value for stop in stops])
        return Ramp(stops=stops, unit=unit)
    if "intervals" in value:
        intervals = tuple(
            ColourInterval(
                low=i.get("low", -inf),
                high=i.get("high", inf),
                title=i.get("title", ""),
                **_colour(i["colour"], opacity),
            )
            for i in value["intervals"]
        )
        _check_intervals(name, intervals)
        return Intervals(intervals=intervals, unit=unit)
    if "values" in value:
        classes = tuple(
            ClassColour(
                value=v["value"],
                title=v.get("title", f"{v['value']:g}"),
                **_colour(v["colour"], opacity),
            )
            for v in value["values"]
        )
        _check_ascending(name, sorted(c.value for c in classes))
        return Classes(classes=classes)
    return None


def _colour(text: str, opacity: float) -> Json:
    red, green, blue, *alpha = bytes.fromhex(text[1:])
    return {"rgb": (red, green, blue), "alpha": round((alpha[0] if alpha else 255) * opacity)}


def _check_ascending(name: str, values: list[float]) -> None:
    for low, high in pairwise(values):
        if low >= high:
            raise _wrong(name, f"value {high:g} after {low:g}; values ascend and are unique")


def _check_intervals(name: str, intervals: tuple[ColourInterval, ...]) -> None:
    last = -inf
    for at, one in enumerate(intervals):
        if not one.low < one.high:
            raise _wrong(name, f"interval {one.low:g} to {one.high:g} is empty")
        if at and one.low < last:
            raise _wrong(
                name,
                f"interval {one.low:g} to {one.high:g} begins below {last:g}, "
                "where the one before ends",
            )
        last = one.high


def _wrong(name: str, message: str) -> InvalidParameterError:
    return InvalidParameterError(f"style {name!r}: {message}", parameter="style")


def _told(value: object, error: ValidationError) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    place = ".".join(str(part) for part in error.absolute_path)
    head = f"style {name!r}" if isinstance(name, str) else "a style"
    at = f", {place}" if place else ""
    if error.validator == "oneOf" and not place:
        return f"{head}: exactly one of band, bands, expression, wcps is needed"
    if error.validator == "not":
        return f"{head}: at most one of stretch, ramp, intervals, values is allowed"
    return f"{head}{at}: {error.message[:_MOST_SHOWN]}"
