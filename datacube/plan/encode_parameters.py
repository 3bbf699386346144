"""The third argument of `encode` in WCPS, from text to types.

Two forms are read: the JSON object of rasdaman (`{"nodata": [0], "transpose": [0, 1]}`)
and the pairs of WCPS 1.0 (`nodata=0; outputType=GeneralGridCoverage`, with `;` or,
before a name, `,` between them).
"""

import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from datacube.errors import NAME_CHARACTERS, InvalidParameterError
from datacube.plan.encoding import (
    OUTPUT_TYPES,
    ColourMap,
    ColourMapKind,
    EncodeParameters,
    GeoReference,
    Rgba,
)
from datacube.plan.formats import GEOTIFF, JPEG, JPEG2000

MAX_CHARACTERS = 1_000_000
"""Length of the text."""
MAX_COLOURS = 65_536
"""Entries of a colour table."""
_TUNING = frozenset({"GDAL_CACHEMAX", "GDAL_NUM_THREADS"})
"""Settings of GDAL that queries bring along and that change no result."""
_OWN_OPTIONS = (GEOTIFF, JPEG2000)
"""Formats of many options, which their encoders check."""
_OPTIONS: Mapping[str, tuple[str, ...]] = {JPEG: ("QUALITY",)}
"""Those of the others, where there are any."""
_PAIR_BREAK = re.compile(r";|,(?=\s*[A-Za-z_]\w*\s*=)")

type _Made = dict[str, Any]
"""Fields of `EncodeParameters` that a key gives."""


def parse_parameters(text: str) -> EncodeParameters:
    """Read the parameters of `encode`; an empty text gives the defaults.

    Keys are read in any case. What stands in `formatParameters` and `configOptions`
    becomes options; so do pairs of WCPS 1.0 that are no key (`QUALITY=90`). What only tunes
    GDAL is left out.

    >>> parse_parameters("nodata=0; outputType=GeneralGridCoverage").nodata
    (0.0,)

    Raises
    ------
    InvalidParameterError
        If the text is neither form, or has an unknown key or a bad value; the
        message says what is allowed.
    """
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        raise _bad(f"they have {len(text)} characters; allowed are {MAX_CHARACTERS}")
    if not text:
        return EncodeParameters()
    if text.startswith("{"):
        return _from_json(text)
    return _from_pairs(text)


def check_options(parameters: EncodeParameters, media_type: str) -> None:
    """Check that a format has the options that are asked for.

    Raises
    ------
    InvalidParameterError
        If it does not; those of GeoTIFF and JPEG 2000 are checked when they are written.
    """
    allowed = _OPTIONS.get(media_type, ())
    others = [name for name, _ in parameters.options if name not in allowed]
    if others and media_type not in _OWN_OPTIONS:
        named = ", ".join(name[:NAME_CHARACTERS] for name in others)
        raise InvalidParameterError(
            f"options {named} are not offered for {media_type}; "
            f"allowed: {', '.join(allowed) or 'none'}",
            parameter="encode",
        )


def _from_json(text: str) -> EncodeParameters:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"they are no JSON: {error}") from error
    made: _Made = {}
    for key, value in document.items():
        reader = _KEYS.get(key.casefold())
        if reader is None:
            allowed = ", ".join(_SPELLINGS)
            raise _bad(f"unknown key {key[:NAME_CHARACTERS]!r}; allowed: {allowed}")
        _join(made, reader(value))
    return EncodeParameters(**made)


def _from_pairs(text: str) -> EncodeParameters:
    made: _Made = {}
    for part in _PAIR_BREAK.split(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not equals or not key:
            raise _bad(f"{part.strip()[:NAME_CHARACTERS]!r} is neither JSON nor `name=value`")
        value = value.strip('"')
        match key.casefold():
            case "nodata":
                _join(made, _nodata(value.strip("[]").split(",")))
            case "transpose":
                _join(made, _transpose(value.strip("[]").split(",")))
            case "outputtype":
                _join(made, _output_type(value))
            case "metadata":
                _join(made, _metadata(value))
            case "crs":
                _join(made, {"geo_reference": GeoReference(crs=value)})
            case "xmin" | "xmax" | "ymin" | "ymax" | "dtype" | "colorpalette" | "colormap":
                raise _bad(f"{key} is given in the JSON form: as geoReference or colorMap")
            case _:
                _join(made, _options({key: value}))
    return EncodeParameters(**made)


def _join(made: _Made, more: _Made) -> None:
    """Add fields; options of several keys are joined."""
    if "options" in more and "options" in made:
        more = {
            "options": tuple(sorted({**dict(made["options"]), **dict(more["options"])}.items()))
        }
    made |= more


def _nodata(value: object) -> _Made:
    numbers = value if isinstance(value, list) else [value]
    if not numbers:
        raise _bad("nodata is empty; allowed is a number, or a list of one or one a band")
    return {"nodata": tuple(_number(number, "nodata") for number in numbers)}


def _transpose(value: object) -> _Made:
    numbers = value if isinstance(value, list) else []
    places = [int(n) for n in (_number(number, "transpose") for number in numbers) if n == int(n)]
    if len(places) != 2 or len(numbers) != 2 or places[0] == places[1] or min(places) < 0:
        raise _bad("transpose is a list of two different positions of axes, as in [0, 1]")
    return {"transpose": (places[0], places[1])}


def _metadata(value: object) -> _Made:
    """Read text, which becomes one entry of its own name, or an object of entries."""
    if isinstance(value, Mapping):
        return {"metadata": tuple(sorted((str(k), _entry(v)) for k, v in value.items()))}
    if isinstance(value, str):
        return {"metadata": (("metadata", value),) if value else ()}
    raise _bad("metadata is a text or an object")


def _entry(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _options(value: object) -> _Made:
    if not isinstance(value, Mapping):
        raise _bad("formatParameters and configOptions are objects of names and values")
    options = {str(key).upper(): _entry(text) for key, text in value.items()}
    options = {name: text for name, text in options.items() if name not in _TUNING}
    return {"options": tuple(sorted(options.items()))}


def _geo_reference(value: object) -> _Made:
    if not isinstance(value, Mapping):
        raise _bad("geoReference is an object with crs, bbox or GCPs")
    made: _Made = {}
    for key, part in value.items():
        match str(key).casefold():
            case "crs":
                made["crs"] = _text(part, "geoReference.crs")
            case "bbox":
                made["bbox"] = _bbox(part)
            case "gcps":
                made["gcps"] = _gcps(part)
            case _:
                raise _bad(f"unknown key {str(key)!r} of geoReference; allowed: crs, bbox, GCPs")
    return {"geo_reference": GeoReference(**made)}


def _bbox(value: object) -> tuple[float, float, float, float]:
    if isinstance(value, Mapping):
        lowered = {str(k).casefold(): v for k, v in value.items()}
        value = [lowered.get(k) for k in ("xmin", "ymin", "xmax", "ymax")]
    if not isinstance(value, list) or len(value) != 4:
        raise _bad("geoReference.bbox is an object with xmin, ymin, xmax and ymax")
    x0, y0, x1, y1 = (_number(edge, "geoReference.bbox") for edge in value)
    if x0 >= x1 or y0 >= y1:
        raise _bad(f"geoReference.bbox {x0:g} {y0:g} {x1:g} {y1:g} holds nothing: xmin < xmax")
    return x0, y0, x1, y1


def _gcps(value: object) -> tuple[tuple[float, float, float, float], ...]:
    if not isinstance(value, list) or not all(isinstance(point, Mapping) for point in value):
        raise _bad("geoReference.GCPs is a list of objects with pixel, line, x and y")
    points = []
    for point in value:
        lowered = {str(k).casefold(): v for k, v in point.items()}
        pixel, line, x, y = (
            _number(lowered.get(k), f"geoReference.GCPs.{k}") for k in ("pixel", "line", "x", "y")
        )
        points.append((pixel, line, x, y))
    return tuple(points)


def _colour_map(value: object) -> _Made:
    if not isinstance(value, Mapping):
        raise _bad("colorMap is an object with type and colorTable")
    lowered = {str(k).casefold(): v for k, v in value.items()}
    table = lowered.get("colortable")
    kinds = ", ".join(ColourMapKind)
    kind = str(lowered.get("type", "")).casefold()
    if kind not in set(ColourMapKind):
        raise _bad(f"colorMap.type is {lowered.get('type')!r}; allowed: {kinds}")
    if not isinstance(table, Mapping) or not 0 < len(table) <= MAX_COLOURS:
        raise _bad(f"colorMap.colorTable is an object of 1 to {MAX_COLOURS} colours by value")
    colours = sorted((_number(k, "colorTable"), _rgba(colour)) for k, colour in table.items())
    return {"colour_map": ColourMap(kind=ColourMapKind(kind), colours=tuple(colours))}


def _palette(value: object) -> _Made:
    if not isinstance(value, Mapping):
        raise _bad("colorPalette is an object with colorTable, a list of colours")
    lowered = {str(k).casefold(): v for k, v in value.items()}
    colours = lowered.get("colortable", lowered.get("colors"))
    if not isinstance(colours, list) or not 0 < len(colours) <= 256:
        raise _bad("colorPalette.colorTable is a list of 1 to 256 colours")
    interpretation = str(lowered.get("type", lowered.get("palette", "RGB"))).casefold()
    if interpretation not in {"rgb", "rgba", "gray", "grey"}:
        raise _bad(f"colorPalette.type {interpretation!r} is not offered; allowed: RGB, Gray")
    return {"palette": tuple(_rgba(colour) for colour in colours)}


def _rgba(value: object) -> Rgba:
    channels = value if isinstance(value, list) else [value]
    numbers = [_number(channel, "colour") for channel in channels]
    if len(numbers) not in {1, 3, 4} or not all(0 <= n <= 255 for n in numbers):
        raise _bad("a colour is [red, green, blue] or [red, green, blue, alpha], each 0 to 255")
    if len(numbers) == 1:
        numbers *= 3
    red, green, blue, alpha = (round(n) for n in (*numbers, 255)[:4])
    return red, green, blue, alpha


def _dimensions(value: object) -> _Made:
    if not isinstance(value, list):
        raise _bad("dimensions is a list of names")
    return {"dimensions": tuple(_text(name, "dimensions") for name in value)}


def _variables(value: object) -> _Made:
    """Read a list of names, or an object of what is said of each variable."""
    if isinstance(value, list):
        return {"variables": tuple(_text(name, "variables") for name in value)}
    if not isinstance(value, Mapping):
        raise _bad("variables is a list of names or an object by name")
    names, attributes = [], []
    for name, about in value.items():
        if not isinstance(about, Mapping):
            raise _bad(f"variables.{name} is an object with metadata")
        lowered = {str(k).casefold(): v for k, v in about.items()}
        metadata = lowered.get("metadata", {})
        if not isinstance(metadata, Mapping):
            raise _bad(f"variables.{name}.metadata is an object")
        entries = {str(k): _entry(v) for k, v in metadata.items()}
        if "name" in lowered:
            entries["long_name"] = _text(lowered["name"], f"variables.{name}.name")
        names.append(str(name))
        attributes.append((str(name), tuple(sorted(entries.items()))))
    return {"variables": tuple(names), "variable_metadata": tuple(attributes)}


def _output_type(value: object) -> _Made:
    text = _text(value, "outputType")
    for known in OUTPUT_TYPES:
        if text.casefold() == known.casefold():
            return {"output_type": known}
    raise _bad(f"outputType is {text!r}; allowed: {', '.join(OUTPUT_TYPES)}")


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _bad(f"{key} holds texts, not {value!r}")
    return value.strip()


def _number(value: object, key: str) -> float:
    """Read a number; NaN and infinity are numbers of `nodata` alone."""
    try:
        # `float` refuses what is neither number nor text; true and false are numbers to it.
        number = float(str(value) if isinstance(value, bool) else value)  # type: ignore[arg-type]  # see except
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(f"{key} holds numbers, not {str(value)[:NAME_CHARACTERS]!r}") from error
    if not isfinite(number) and key != "nodata":
        raise _bad(f"{key} holds finite numbers, not {number}")
    return number


def _bad(what: str) -> InvalidParameterError:
    return InvalidParameterError(f"parameters of encode: {what}", parameter="encode")


_READERS: Mapping[str, Callable[[object], _Made]] = {
    "transpose": _transpose,
    "nodata": _nodata,
    "metadata": _metadata,
    "formatParameters": _options,
    "configOptions": _options,
    "geoReference": _geo_reference,
    "colorMap": _colour_map,
    "colorPalette": _palette,
    "dimensions": _dimensions,
    "variables": _variables,
    "outputType": _output_type,
}
_SPELLINGS = tuple(_READERS)
_KEYS = {key.casefold(): reader for key, reader in _READERS.items()}
