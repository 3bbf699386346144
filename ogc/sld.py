"""Styled Layer Descriptors: SLD 1.0 (OGC 02-070) and 1.1 with SE 1.1 (05-078r4, 05-077r4).

What a RasterSymbolizer says becomes a style of ours, or is refused by name: nothing of it is
left out silently but what the standards call a hint.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError
from datacube.plan.query import MapLayer
from datacube.render.definition import StyleDefinition, parse_style
from datacube.render.make_style import RequestedStyle
from ogc.xml_body import child, children, local, read_xml, text

type Json = dict[str, Any]

_CHANNELS = ("RedChannel", "GreenChannel", "BlueChannel")
_REFUSED = {
    "ShadedRelief": "the cube stores no light; compute it with a WCPS expression",
    "ImageOutline": "outlines are no part of a raster",
}
_ON_TOP = frozenset({"LATEST_ON_TOP", "RANDOM"})
_SCALES = ("MinScaleDenominator", "MaxScaleDenominator")


@dataclass(frozen=True, slots=True, kw_only=True)
class SldLayer:
    """A layer of a descriptor with its style."""

    layer: str
    style: str | StyleDefinition
    """The name of one that the layer has, or one that the descriptor defines."""


def parse_sld(body: bytes) -> tuple[SldLayer, ...]:
    """Read the named layers of a descriptor in their order, bottom first.

    Raises
    ------
    InvalidParameterError
        If it is no descriptor, or asks for what is not offered.
    """
    root = read_xml(body)
    if local(root) != "StyledLayerDescriptor":
        raise _wrong(f"the root is {local(root)!r}; needed is StyledLayerDescriptor")
    layers = children(root, "NamedLayer", "UserLayer")
    if not layers:
        raise _wrong("there is no NamedLayer")
    return tuple(_layer(one) for one in layers)


def sld_layers(body: str, asked: tuple[MapLayer, ...], *, most: int) -> tuple[MapLayer, ...]:
    """Return the layers of a map that came with a descriptor, bottom first.

    Without layers `asked` for they are those of the descriptor, at most `most`. Else a layer
    without a style has the descriptor's, and one with a style that of this name, be it of the
    descriptor or of the server.

    Raises
    ------
    InvalidParameterError
        As `parse_sld`, or if the descriptor has too many layers.
    """
    found = parse_sld(body.encode())
    if not asked:
        if len(found) > most:
            raise _wrong(f"it has {len(found)} layers; allowed are {most}")
        return tuple(MapLayer(layer=one.layer, style=_asked_style(one.style)) for one in found)
    by_layer = {one.layer: one.style for one in found}
    return tuple(
        replace(layer, style=_asked_style(style))
        if (style := by_layer.get(layer.layer)) is not None and _is_meant(layer.style, style)
        else layer
        for layer in asked
    )


def _asked_style(style: str | StyleDefinition) -> str | RequestedStyle:
    return style if isinstance(style, str) else RequestedStyle(definition=style)


def _is_meant(asked: object, style: str | StyleDefinition) -> bool:
    return not asked or (isinstance(style, StyleDefinition) and style.name == asked)


def read_styles(body: bytes) -> tuple[Json, ...]:
    """Read the user styles of a descriptor as styles of a file, each for its layer.

    Raises
    ------
    InvalidParameterError
        As `parse_sld`, or if there is no user style.
    """
    root = read_xml(body)
    found = tuple(
        {**_style(style), "for": {"collection": text(child(layer, "Name"))}}
        for layer in children(root, "NamedLayer", "UserLayer")
        for style in children(layer, "UserStyle")
    )
    if not found:
        raise _wrong("there is no UserStyle")
    return found


def _layer(layer: Element) -> SldLayer:
    name = text(child(layer, "Name"))
    if not name:
        raise _wrong("a layer has no Name")
    if local(layer) == "UserLayer" or child(layer, "LayerFeatureConstraints") is not None:
        raise _wrong(f"layer {name!r}: user layers and constraints are not offered")
    styles = children(layer, "NamedStyle", "UserStyle")
    if not styles:
        return SldLayer(layer=name, style="")
    if local(styles[0]) == "NamedStyle":
        return SldLayer(layer=name, style=text(child(styles[0], "Name")))
    chosen = [s for s in styles if text(child(s, "IsDefault")).casefold() in {"1", "true"}]
    return SldLayer(layer=name, style=parse_style(_style((chosen or styles)[0])))


def _style(style: Element) -> Json:
    described = child(style, "Description")
    told = style if described is None else described
    name = text(child(style, "Name")) or "sld"
    symbolizers = [
        symbolizer
        for part in children(style, "FeatureTypeStyle", "CoverageStyle")
        for rule in children(part, "Rule")
        for symbolizer in _symbolizers(rule)
    ]
    if len(symbolizers) != 1:
        raise _wrong(
            f"style {name!r} has {len(symbolizers)} RasterSymbolizers; needed is exactly one"
        )
    made: Json = {"name": name, **_painted(symbolizers[0])}
    for key, element in (("title", "Title"), ("abstract", "Abstract")):
        if text(child(told, element)):
            made[key] = text(child(told, element))
    return made


def _symbolizers(rule: Element) -> Iterator[Element]:
    for name in (*_SCALES, "Filter", "ElseFilter"):
        if child(rule, name) is not None:
            raise _wrong(f"{name} of a Rule is not offered")
    for element in children(rule):
        if local(element) == "RasterSymbolizer":
            yield element
        elif local(element).endswith("Symbolizer"):
            raise _wrong(f"{local(element)} is not offered; layers are rasters")


def _painted(symbolizer: Element) -> Json:
    for name, reason in _REFUSED.items():
        if child(symbolizer, name) is not None:
            raise _wrong(f"{name} is not offered: {reason}")
    overlap = child(symbolizer, "OverlapBehavior")
    if overlap is not None:
        asked = text(overlap) or next((local(e) for e in children(overlap)), "")
        if asked not in _ON_TOP:
            raise _wrong(f"OverlapBehavior {asked!r} is not offered; offered is LATEST_ON_TOP")
    made = _channels(symbolizer)
    colours = child(symbolizer, "ColorMap")
    if colours is not None:
        if "bands" in made:
            raise _wrong("a ColorMap is for one channel; three are selected")
        made.pop("stretch", None)
        made |= _colour_map(colours)
    opacity = child(symbolizer, "Opacity")
    if opacity is not None:
        made["opacity"] = _number(_literal(opacity), "Opacity")
    return made


def _channels(symbolizer: Element) -> Json:
    selection = child(symbolizer, "ChannelSelection")
    whole = _contrast(child(symbolizer, "ContrastEnhancement"))
    if selection is None:
        return _one("1", whole)
    grey = child(selection, "GrayChannel")
    chosen = [grey] if grey is not None else [child(selection, name) for name in _CHANNELS]
    names, stretches = [], []
    for channel in chosen:
        name = "" if channel is None else _literal(child(channel, "SourceChannelName"))
        if channel is None or not name:
            raise _wrong(
                "ChannelSelection needs GrayChannel, or RedChannel, GreenChannel and "
                "BlueChannel, each with a SourceChannelName: a band, or its number from 1"
            )
        names.append(name)
        stretches.append(_contrast(child(channel, "ContrastEnhancement")) or whole)
    if grey is not None:
        return _one(names[0], stretches[0])
    return {"bands": names, "stretch": stretches}


def _one(band: str, stretch: Json) -> Json:
    # A classified band without a stretch has the colours of its classes.
    return {"band": band, "stretch": stretch} if stretch else {"band": band}


def _contrast(element: Element | None) -> Json:
    """Read a ContrastEnhancement; of what it leaves open, the band decides."""
    if element is None:
        return {}
    made: Json = {}
    for name in ("Histogram", "Logarithmic", "Exponential"):
        if child(element, name) is not None:
            raise _wrong(
                f"ContrastEnhancement {name} is not offered: it would depend on the cells of "
                "one picture, and tiles would not fit together; use Normalize with minValue and "
                "maxValue, or GammaValue"
            )
    normalize = child(element, "Normalize")
    if normalize is not None:
        options = {
            option.get("name", ""): text(option) for option in children(normalize, "VendorOption")
        }
        algorithm = options.get("algorithm", "StretchToMinimumMaximum")
        if algorithm != "StretchToMinimumMaximum":
            raise _wrong(
                f"Normalize by {algorithm!r} is not offered; offered is StretchToMinimumMaximum"
            )
        if "minValue" in options and "maxValue" in options:
            made["low"] = _number(options["minValue"], "minValue")
            made["high"] = _number(options["maxValue"], "maxValue")
    gamma = child(element, "GammaValue")
    if gamma is not None:
        made["gamma"] = _number(_literal(gamma), "GammaValue")
    return made


def _colour_map(element: Element) -> Json:
    for name, read in (("Interpolate", _interpolate), ("Categorize", _categorize)):
        function = child(element, name)
        if function is not None:
            return read(function)
    entries = [_entry(one) for one in children(element, "ColorMapEntry")]
    kind = element.get("type", "ramp")
    match kind:
        case "ramp":
            return {"ramp": entries}
        case "values":
            return {"values": entries}
        case "intervals":
            made = []
            for at, entry in enumerate(entries):
                interval = {key: part for key, part in entry.items() if key != "value"}
                if at:
                    interval["low"] = entries[at - 1]["value"]
                made.append({**interval, "high": entry["value"]})
            return {"intervals": made}
        case _:
            raise _wrong(f"ColorMap type {kind!r} is not offered; offered: ramp, intervals, values")


def _entry(entry: Element) -> Json:
    made: Json = {
        "value": _number(entry.get("quantity", ""), "quantity"),
        "colour": _colour(entry.get("color", ""), entry.get("opacity")),
    }
    if entry.get("label"):
        made["title"] = entry.get("label")
    return made


def _interpolate(function: Element) -> Json:
    mode, method = function.get("mode", "linear"), function.get("method", "color")
    if (mode, method) != ("linear", "color"):
        raise _wrong(f"Interpolate by {mode} of {method} is not offered; offered: linear of color")
    return {
        "ramp": [
            {
                "value": _number(_literal(child(point, "Data")), "Data"),
                "colour": _colour(_literal(child(point, "Value"))),
            }
            for point in children(function, "InterpolationPoint")
        ]
    }


def _categorize(function: Element) -> Json:
    # The published schema has the spelling "threshholds".
    belong = function.get("thresholdsBelongTo", function.get("threshholdsBelongTo", "succeeding"))
    if belong != "succeeding":
        raise _wrong(f"thresholds of Categorize that are {belong!r} are not offered")
    thresholds = [_number(_literal(one), "Threshold") for one in children(function, "Threshold")]
    colours = [_colour(_literal(one)) for one in children(function, "Value")]
    if len(colours) != len(thresholds) + 1:
        raise _wrong(f"Categorize has {len(colours)} values for {len(thresholds)} thresholds")
    made: list[Json] = [{"colour": colour} for colour in colours]
    for at, threshold in enumerate(thresholds):
        made[at]["high"] = made[at + 1]["low"] = threshold
    return {"intervals": made}


def _colour(rgb: str, opacity: str | None = None) -> str:
    share = 1.0 if opacity is None else _number(opacity, "opacity")
    if not 0 <= share <= 1:
        raise _wrong(f"opacity {share:g} is not allowed; allowed is 0 to 1")
    return rgb if share == 1 else f"{rgb}{round(255 * share):02x}"


def _literal(element: Element | None) -> str:
    """Return the text of a value, which may stand in a Literal."""
    if element is None:
        return ""
    inner = child(element, "Literal")
    if inner is None and children(element):
        raise _wrong(f"{local(element)} is an expression; allowed are literal values")
    return text(element if inner is None else inner)


def _number(written: str, name: str) -> float:
    try:
        number = float(written)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _wrong(f"{name} {written[:40]!r} is no number")
    return number


def _wrong(message: str) -> InvalidParameterError:
    return InvalidParameterError(f"the SLD: {message}", parameter="SLD_BODY")
