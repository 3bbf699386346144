"""What a STAC item of Sentinel-2 says about its scene, by the names that mirrors use."""

import re
from datetime import datetime

from shapely.errors import ShapelyError
from shapely.geometry import shape

from datacube.errors import InvalidParameterError, UnsupportedSourceError
from datacube.times import parse_period
from ingest.sentinel2.assets import Json
from ingest.sentinel2.bands import Level
from ingest.sentinel2.metadata import stamp_time
from ingest.sentinel2.records import SceneFacts, SceneTimes, absolute_orbit

_LEVEL = re.compile(r"MSI_?L?(1C|2A)|\bS2_?L?(1C|2A)|L(1C|2A)", re.IGNORECASE)
_PRODUCT_ID = re.compile(
    r"(?P<platform>S2[A-Z])_MSIL(?:1C|2A)_(?P<start>\d{8}T\d{6})_N(?P<baseline>\d{4})_R(?P<orbit>\d{3})"
    r"_T(?P<tile>\d{2}[A-Z]{3})_(?P<made>\d{8}T\d{6})"
)


def item_level(item: Json, name: str) -> Level:
    """Tell L1C from L2A.

    Raises
    ------
    UnsupportedSourceError
        If the item does not say.
    """
    properties = item["properties"]
    for field in (
        "s2:product_type",
        "s2:product_uri",
        "processing:level",
        "s2:processing_level",
        "product:type",
        "sentinel:product_id",
    ):
        if match := _LEVEL.search(str(properties.get(field, ""))):
            return "L1C" if "1C" in match.group().upper() else "L2A"
    if match := _LEVEL.search(f"{item.get('collection', '')} {item.get('id', '')}"):
        return "L1C" if "1C" in match.group().upper() else "L2A"
    raise UnsupportedSourceError(
        f"{name}: neither s2:product_type, s2:product_uri, processing:level nor the collection "
        "says whether it is Sentinel-2 L1C or L2A"
    )


def item_footprint(item: Json, name: str) -> str:
    """Return the item's geometry as WKT, in longitude and latitude.

    Raises
    ------
    UnsupportedSourceError
        If there is none, or it is no polygon.
    """
    if not item.get("geometry"):
        raise UnsupportedSourceError(
            f"{name} has no geometry; a STAC item needs a polygon in longitude and latitude"
        )
    try:
        geometry = shape(item["geometry"])
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise UnsupportedSourceError(
            f"{name} has a geometry that is no GeoJSON: {error}"
        ) from error
    if geometry.is_empty or geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise UnsupportedSourceError(
            f"{name} has a geometry of type {geometry.geom_type}; a polygon is needed"
        )
    return str(geometry.wkt)


def item_facts(item: Json, location: str, level: Level, footprint: str) -> SceneFacts:
    """Return what an item at `location` says of its scene.

    Raises
    ------
    UnsupportedSourceError
        If it has no time, or something else than a number where one belongs.
    """
    properties = item["properties"]
    named = _named_product(item)
    times = _times(item, named)
    datatake_id = str(properties.get("s2:datatake_id") or "")
    relative = _number(item, "sat:relative_orbit")
    if relative is None and named:
        relative = float(named["orbit"])
    absolute = _number(item, "sat:absolute_orbit") or absolute_orbit(datatake_id)
    direction = properties.get("sat:orbit_state")
    uri = properties.get("s2:product_uri") or properties.get("sentinel:product_id")
    return SceneFacts(
        source=location,
        item=str(item["id"]) if "id" in item else None,
        product_id=str(uri or item.get("id")).removesuffix(".SAFE"),
        platform=named["platform"] if named else _platform(str(properties.get("platform", ""))),
        level=level,
        tile=item_tile(item),
        times=times,
        baseline=_baseline(item, named),
        generation_time=_generation_time(item, named) or times.reference,
        footprint=footprint,
        datatake_id=datatake_id,
        relative_orbit=None if relative is None else int(relative),
        absolute_orbit=None if absolute is None else int(absolute),
        orbit_direction=str(direction).lower() if direction else None,
        cloud_cover_percent=_number(item, "eo:cloud_cover"),
        sun_deg=_sun(item),
    )


def item_tile(item: Json) -> str:
    """Return the MGRS tile, `33TWM`, or nothing."""
    properties = item["properties"]
    named = str(properties.get("grid:code", "")).removeprefix("MGRS-")
    named = named or str(properties.get("s2:mgrs_tile", ""))
    if re.fullmatch(r"\d{2}[A-Z]{3}", named):
        return named
    match = _named_product(item)
    return match["tile"] if match else ""


def _named_product(item: Json) -> re.Match[str] | None:
    properties = item["properties"]
    for text in (
        properties.get("s2:product_uri"),
        properties.get("sentinel:product_id"),
        item.get("id"),
    ):
        if match := _PRODUCT_ID.search(str(text or "")):
            return match
    return None


def _times(item: Json, product: re.Match[str] | None) -> SceneTimes:
    """Return the acquisition's time: the start in the datatake id, else what the item has."""
    properties = item["properties"]
    sensed = [
        _time(properties[field], field, item)
        for field in ("datetime", "start_datetime", "end_datetime")
        if properties.get(field)
    ]
    assumed = properties.get("copernicube:time_assumed") is True
    stamp = re.search(r"_(\d{8}T\d{6})_", str(properties.get("s2:datatake_id", "")))
    text = stamp.group(1) if stamp else product["start"] if product else None
    if text:
        start = stamp_time(text)
        return SceneTimes(
            reference=start, first=min(start, *sensed), last=max(start, *sensed), assumed=assumed
        )
    if not sensed:
        raise UnsupportedSourceError(
            f"{item.get('id')} has no time: s2:datatake_id, datetime, or start_datetime and "
            "end_datetime is needed"
        )
    return SceneTimes(
        reference=sensed[0],
        first=min(sensed),
        last=max(sensed),
        assumed=assumed or not properties.get("datetime"),
    )


def _time(text: object, field: str, item: Json) -> datetime:
    try:
        return parse_period(str(text)).start
    except InvalidParameterError as error:
        raise UnsupportedSourceError(f"{item.get('id')}: {field}: {error}") from error


def _generation_time(item: Json, product: re.Match[str] | None) -> datetime | None:
    properties = item["properties"]
    made = properties.get("s2:generation_time")
    if made is None and product is None:
        made = properties.get("processing:datetime") or properties.get("created")
    if made:
        return _time(made, "s2:generation_time", item)
    return stamp_time(product["made"]) if product else None


def _baseline(item: Json, product: re.Match[str] | None) -> str:
    properties = item["properties"]
    baseline = properties.get("s2:processing_baseline") or properties.get(
        "sentinel:processing_baseline", properties.get("processing:version")
    )
    if not baseline and product:
        return f"{product['baseline'][:2]}.{product['baseline'][2:]}"
    return str(baseline or "")


def _platform(name: str) -> str:
    """Return `S2A` for `sentinel-2a`; `S2` where the satellite is unknown."""
    match = re.fullmatch(r"sentinel-?(2[a-d])", name, re.IGNORECASE)
    return f"S{match.group(1).upper()}" if match else "S2"


def _sun(item: Json) -> tuple[float, float] | None:
    """Return mean `(zenith, azimuth)` in degrees."""
    elevation, azimuth = _number(item, "view:sun_elevation"), _number(item, "view:sun_azimuth")
    if elevation is not None and azimuth is not None:
        return 90 - elevation, azimuth
    zenith = _number(item, "s2:mean_solar_zenith")
    azimuth = _number(item, "s2:mean_solar_azimuth")
    return None if zenith is None or azimuth is None else (zenith, azimuth)


def _number(item: Json, field: str) -> float | None:
    value = item["properties"].get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnsupportedSourceError(f"{item.get('id')}: {field} is {value!r}, not a number")
    return float(value)
