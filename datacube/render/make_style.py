"""From the definition of a style to the style of a layer, whose bands say what it leaves out."""

import re
from dataclasses import dataclass, replace

from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.cube import Band, find_band
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import Grid
from datacube.plan.colour import (
    Classes,
    ColourRule,
    Composite,
    Grey,
    Intervals,
    Ramp,
    Stretch,
)
from datacube.plan.nodes import Domain, Field, Source
from datacube.plan.query import Method
from datacube.plan.style import BandTerm, Style
from datacube.render.definition import PartialStretch, StyleDefinition
from datacube.render.fragment import Fragment, FragmentContext, band_math
from datacube.render.styles import class_colours, default_stretch, is_mask

WCPS = re.compile(
    r"wcps(?:\(\s*(?P<low>[-+.\deE]{1,40})\s*,\s*(?P<high>[-+.\deE]{1,40})\s*\))?:(?P<text>.*)",
    re.DOTALL | re.IGNORECASE,
)
"""A style in a request: `wcps:EXPRESSION`, `wcps(LOW,HIGH):EXPRESSION`."""

_PROBE = Grid(
    crs=CRS.from_epsg(4326),
    x=RegularAxis(name="Lon", uom="degree", start=0, step=1, size=1),
    y=RegularAxis(name="Lat", uom="degree", start=1, step=-1, size=1),
)
"""On which an expression is tried before any cells are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedStyle:
    """A style that came with a request as a document; implements `plan.style.StyleMaker`."""

    definition: StyleDefinition

    def made(self, bands: tuple[Band, ...]) -> Style:
        """Return the style for a layer that has `bands`."""
        return make_style(self.definition, bands, None)


def wcps_definition(text: str) -> StyleDefinition | None:
    """Read the name of a style that is an expression; None where it is another name.

    Raises
    ------
    InvalidParameterError
        If its range is none.
    """
    found = WCPS.fullmatch(text.strip())
    if found is None:
        return None
    expression = found["text"].strip()
    if not expression:
        raise InvalidParameterError(
            "the style wcps: needs an expression, such as wcps:$c.B08 - $c.B04",
            parameter="styles",
        )
    stretches: tuple[PartialStretch, ...] = ()
    if found["low"] is not None:
        try:
            low, high = float(found["low"]), float(found["high"])
        except ValueError:
            low = high = 0.0
        if low == high:
            raise InvalidParameterError(
                f"the range ({found['low']},{found['high']}) of a style is not allowed; allowed "
                "are two different numbers: wcps(-1,1):EXPRESSION",
                parameter="styles",
            )
        stretches = (PartialStretch(low=low, high=high),)
    return StyleDefinition(
        name="wcps",
        title="Expression",
        abstract=expression,
        wcps=expression,
        stretches=stretches,
    )


def make_style(
    asked: StyleDefinition, bands: tuple[Band, ...], context: FragmentContext | None
) -> Style:
    """Return the style for a layer that has `bands`.

    Without a `context` expressions are not allowed.

    Raises
    ------
    UnknownNameError
        If the layer lacks a band.
    InvalidParameterError
        If what is computed cannot be painted as asked, or an expression is wrong.
    """
    formula = _formula(asked, bands, context)
    if formula is None:
        chosen = tuple(_band(bands, name) for name in asked.selected)
        read = chosen
        stretches: tuple[Stretch | None, ...] = tuple(map(default_stretch, chosen))
    else:
        read = tuple(find_band(bands, name) for name in formula.bands)
        chosen = ()
        stretches = _formula_stretches(formula, read, asked)
    mask = None if asked.temporal is None else asked.temporal.mask
    if mask is not None:
        find_band(bands, mask.band)
    rule = _rule(asked, chosen, stretches)
    return Style(
        name=asked.name,
        title=asked.title,
        abstract=asked.abstract,
        terms=tuple(BandTerm(band=band.name) for band in chosen),
        formula=formula,
        rule=rule,
        method=asked.method or _method(rule, read),
        temporal=asked.temporal,
    )


def _formula(
    asked: StyleDefinition, bands: tuple[Band, ...], context: FragmentContext | None
) -> Fragment | None:
    if not (asked.expression or asked.wcps):
        return None
    if context is None:
        raise InvalidParameterError("this style may not hold an expression", parameter="styles")
    text = asked.wcps or band_math(asked.expression, bands)
    return Fragment(text=text, layer=bands, context=context)


def _band(bands: tuple[Band, ...], name: str) -> Band:
    """Return a band by its name, or by its number from 1 as other servers count them."""
    try:
        return find_band(bands, name)
    except UnknownNameError:
        if name.isdecimal() and 1 <= int(name) <= len(bands):
            return bands[int(name) - 1]
        raise


def _formula_stretches(
    formula: Fragment, read: tuple[Band, ...], asked: StyleDefinition
) -> tuple[Stretch | None, ...]:
    """Return how the results are stretched where nothing is said; None: it must be said."""
    source = Source(coverage_id="", bands=read, domain=Domain(grid=_PROBE))
    made = formula.bind(source).fields
    if len(made) not in {1, 3, 4}:
        raise InvalidParameterError(
            f"the expression of style {asked.name!r} gives {len(made)} bands; a picture is made "
            "of 1, 3, or 4 with the opacity last",
            parameter="styles",
        )
    return tuple(_field_stretch(field, alone=len(made) == 1) for field in made)


def _field_stretch(field: Field, *, alone: bool) -> Stretch | None:
    kind = field.numpy_dtype.kind
    if field.dtype == "uint8":
        return Stretch(low=0, high=255)
    if not alone:
        return None
    if field.band is not None:
        return default_stretch(field.band)
    return Stretch(low=0, high=1 if kind in "bf" else 10_000)


def _rule(
    asked: StyleDefinition, chosen: tuple[Band, ...], defaults: tuple[Stretch | None, ...]
) -> ColourRule:
    if asked.colours is not None:
        if len(defaults) != 1:
            raise InvalidParameterError(
                f"style {asked.name!r} has {len(defaults)} channels; a colour map is for one",
                parameter="styles",
            )
        return asked.colours
    if len(defaults) == 1:
        (band,) = chosen or (None,)
        if band is not None and band.classes and not asked.stretches:
            return _faded(class_colours(band), asked.alpha)
        return Grey(stretch=_stretches(asked, defaults)[0], alpha=asked.alpha)
    made = _stretches(asked, defaults[:3])
    if len(defaults) == 4 and defaults[3] is None:
        raise InvalidParameterError(
            f"the fourth band of style {asked.name!r} is the opacity, 0 to 255, and must be of "
            "type unsigned char",
            parameter="styles",
        )
    return Composite(
        stretches=(made[0], made[1], made[2]), alpha=asked.alpha, alpha_band=len(defaults) == 4
    )


def _stretches(asked: StyleDefinition, defaults: tuple[Stretch | None, ...]) -> tuple[Stretch, ...]:
    said = asked.stretches or (PartialStretch(),)
    if len(said) == 1:
        said *= len(defaults)
    if len(said) != len(defaults):
        raise InvalidParameterError(
            f"style {asked.name!r} has {len(said)} stretches for {len(defaults)} channels; "
            "allowed is one for all, or one each",
            parameter="styles",
        )
    return tuple(_stretch(asked, one, default) for one, default in zip(said, defaults, strict=True))


def _stretch(asked: StyleDefinition, said: PartialStretch, default: Stretch | None) -> Stretch:
    if said.low is not None and said.high is not None:
        return Stretch(low=said.low, high=said.high, gamma=said.gamma or 1.0)
    if default is None:
        raise InvalidParameterError(
            f"several bands of style {asked.name!r} are colours and must be of type unsigned "
            "char, as (unsigned char) makes them; or state their range, as in "
            "wcps(0,3000):EXPRESSION",
            parameter="styles",
        )
    return default if said.gamma is None else replace(default, gamma=said.gamma)


def _method(rule: ColourRule, read: tuple[Band, ...]) -> Method:
    exact = isinstance(rule, Classes) or any(band.classes for band in read)
    mask = not isinstance(rule, Ramp | Intervals) and len(read) == 1 and is_mask(read[0])
    return Method.NEAREST if exact or mask else Method.LINEAR


def _faded(rule: Classes, alpha: int) -> Classes:
    return Classes(classes=tuple(replace(c, alpha=alpha) for c in rule.classes))
