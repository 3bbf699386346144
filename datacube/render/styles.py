"""The styles of map layers: which bands, through which functions, painted how."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datacube.cube import Band, Collection
from datacube.errors import UnknownNameError
from datacube.plan.colour import (
    ClassColour,
    Classes,
    ColourRule,
    Composite,
    Grey,
    Ramp,
    Stop,
    Stretch,
)
from datacube.plan.query import Method
from datacube.plan.style import BandTerm, Call, Style, StyleBook

SENTINEL_2 = "sentinel-2"
"""Style family of layers whose bands are Sentinel-2's, reflectance x 10000."""

# 0.30 is about the brightest dry soil and concrete; clouds and snow clip. The gamma lifts
# forest and water out of the black.
_SURFACE = {name: Stretch(low=0, high=3000, gamma=1.35) for name in ("B04", "B03", "B02")}
# Above the atmosphere the darkest pixels carry its light, the more the shorter the wave.
_TOP_OF_ATMOSPHERE = {
    "B04": Stretch(low=200, high=2800, gamma=1.35),
    "B03": Stretch(low=370, high=2800, gamma=1.35),
    "B02": Stretch(low=680, high=2900, gamma=1.35),
}
_NEAR_INFRARED = Stretch(low=0, high=5000, gamma=1.2)

# Water and cloud below 0 in greys of blue; from bare soil to closed canopy the browns, yellows
# and greens of ColorBrewer's YlGn and BrBG (colorbrewer2.org, Apache-2.0), chosen so that
# lightness falls steadily from 0.1 upwards and neighbours stay apart for colour-blind readers.
_NDVI_STOPS = (
    Stop(value=-0.2, rgb=(140, 160, 180)),
    Stop(value=0.0, rgb=(191, 129, 45)),
    Stop(value=0.1, rgb=(223, 194, 125)),
    Stop(value=0.2, rgb=(255, 247, 188)),
    Stop(value=0.3, rgb=(217, 240, 163)),
    Stop(value=0.45, rgb=(173, 221, 142)),
    Stop(value=0.6, rgb=(65, 171, 93)),
    Stop(value=0.75, rgb=(0, 104, 55)),
    Stop(value=0.9, rgb=(0, 69, 41)),
)


@dataclass(frozen=True, slots=True)
class DefaultStyles:
    """The `StyleBook` of the house: composites and indices by style family, then every band.

    A style is offered where the layer has its bands; the first one is the default.
    """

    def style(self, collection: Collection, bands: tuple[Band, ...], name: str) -> Style:
        """Return the style called `name`, in any case; empty and `default` are the first one.

        A band's alias names the band's style.

        Raises
        ------
        UnknownNameError
            If the layer has no such style; the message lists those it has.
        """
        styles = self.styles(collection, bands)
        asked = name.casefold()
        if styles and asked in ("", "default"):
            return styles[0]
        for style in styles:
            if style.name.casefold() == asked:
                return style
        for band in bands:
            if asked in (alias.casefold() for alias in band.aliases):
                return _band_style(band)
        raise UnknownNameError("style", name, tuple(style.name for style in styles))

    def styles(self, collection: Collection, bands: tuple[Band, ...]) -> tuple[Style, ...]:
        """Return every style that `bands` suffice for, the default first."""
        names = {band.name for band in bands}
        family = _sentinel_2(bands) if collection.style_family == SENTINEL_2 else iter(())
        offered = [style for style in family if names.issuperset(style.bands)]
        return (*offered, *(_band_style(band) for band in bands))


DEFAULT_STYLES: StyleBook = DefaultStyles()
"""What a server has unless it is given another."""


def _sentinel_2(bands: tuple[Band, ...]) -> Iterator[Style]:
    hazy = any((band.standard_name or "").startswith("toa_") for band in bands)
    visible = _TOP_OF_ATMOSPHERE if hazy else _SURFACE
    yield _composite(
        "true-colour",
        "True colour",
        "B04, B03, B02 as red, green, blue: what an eye would see.",
        {name: visible[name] for name in ("B04", "B03", "B02")},
    )
    yield _composite(
        "false-colour",
        "False colour, infrared",
        "B08, B04, B03 as red, green, blue: vegetation is red.",
        {"B08": _NEAR_INFRARED, "B04": visible["B04"], "B03": visible["B03"]},
    )
    near_infrared, red = BandTerm(band="B08"), BandTerm(band="B04")
    yield Style(
        name="ndvi",
        title="NDVI",
        abstract="Normalised difference vegetation index, (B08 - B04) / (B08 + B04).",
        terms=(
            Call(
                function="/",
                args=(
                    Call(function="-", args=(near_infrared, red)),
                    Call(function="+", args=(near_infrared, red)),
                ),
            ),
        ),
        rule=Ramp(stops=_NDVI_STOPS),
        method=Method.LINEAR,
    )
    for band in bands:
        if band.name == "SCL" and band.classes:
            yield Style(
                name="scl",
                title=band.title,
                abstract="Classes of the L2A scene classification in their own colours.",
                terms=(BandTerm(band="SCL"),),
                rule=class_colours(band),
                method=Method.NEAREST,
            )


def _composite(name: str, title: str, abstract: str, channels: Mapping[str, Stretch]) -> Style:
    red, green, blue = channels.values()
    return Style(
        name=name,
        title=title,
        abstract=abstract,
        terms=tuple(BandTerm(band=band) for band in channels),
        rule=Composite(stretches=(red, green, blue)),
        method=Method.LINEAR,
    )


def _band_style(band: Band) -> Style:
    classified = bool(band.classes)
    return Style(
        name=band.name,
        title=band.title,
        abstract=f"Band {band.name} in {'its class colours' if classified else 'shades of grey'}.",
        terms=(BandTerm(band=band.name),),
        rule=class_colours(band) if classified else _grey(band),
        method=Method.NEAREST if classified or is_mask(band) else Method.LINEAR,
    )


def class_colours(band: Band) -> Classes:
    """Return the colours of a classified band's own classes."""
    return Classes(
        classes=tuple(ClassColour(value=c.value, title=c.title, rgb=c.colour) for c in band.classes)
    )


def is_mask(band: Band) -> bool:
    """Tell whether a band holds bytes or truths: flags, masks, pictures."""
    return band.numpy_dtype.kind in "bu" and band.numpy_dtype.itemsize == 1


def _grey(band: Band) -> ColourRule:
    return Grey(stretch=default_stretch(band))


def default_stretch(band: Band) -> Stretch:
    """Stretch bytes to 255, scaled shares (reflectance) to 0.4, floats to 1, others to 10,000."""
    if is_mask(band):
        return Stretch(low=0, high=255)
    if band.scale < 1 and band.unit == "1":
        return Stretch(
            low=-band.offset / band.scale, high=(0.4 - band.offset) / band.scale, gamma=1.2
        )
    if band.numpy_dtype.kind == "f":
        return Stretch(low=0.0, high=1.0)
    return Stretch(low=0, high=10_000)
