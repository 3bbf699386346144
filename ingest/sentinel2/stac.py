"""STAC items and item collections of Sentinel-2 whose assets are COG or JP2 files."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import shape

from datacube.cube import SceneRecord
from datacube.errors import (
    CubeError,
    InvalidParameterError,
    SourceError,
    UnsafeSourceError,
    UnsupportedSourceError,
)
from datacube.times import parse_period
from ingest.rasters import (
    ObjectStoreAccess,
    RasterFile,
    gdal_path,
    registered_crs,
    source_grid,
)
from ingest.scene import CubeChoice, Scene, UnreadableScene
from ingest.sentinel2.assets import Asset, Json, metadata_href, read_assets
from ingest.sentinel2.bands import BAND_IDS, PRODUCTS, Level, Product
from ingest.sentinel2.cubes import Place, choose_cube
from ingest.sentinel2.hrefs import Base, fetch, is_remote
from ingest.sentinel2.images import ATMOSPHERE, Pixels, image_name, scene_bands
from ingest.sentinel2.masks import Image
from ingest.sentinel2.metadata import (
    XML_LIMIT_BYTES,
    TileMetadata,
    parse_product,
    parse_tile,
    parse_xml,
    stamp_time,
)
from ingest.sentinel2.radiometry import Radiometry, from_scale_and_offset
from ingest.sentinel2.safe import angle_properties, radiometry_properties
from ingest.sentinel2.warnings import absent_warnings, area_warnings

DOCUMENT_LIMIT_BYTES = 64 * 2**20
"""Most bytes of an item collection."""

_LEVEL = re.compile(r"MSI_?L?(1C|2A)|\bS2_?L?(1C|2A)|L(1C|2A)", re.IGNORECASE)
_PRODUCT_ID = re.compile(
    r"(?P<platform>S2[A-Z])_MSIL(?:1C|2A)_(?P<start>\d{8}T\d{6})_N(?P<baseline>\d{4})_R(?P<orbit>\d{3})"
    r"_T(?P<tile>\d{2}[A-Z]{3})_(?P<made>\d{8}T\d{6})"
)


def open_stac(
    location: str, choice: CubeChoice, access: ObjectStoreAccess
) -> Sequence[Scene | UnreadableScene]:
    """Open an item or item collection: metadata and image headers only.

    Raises
    ------
    SourceError
        If the document cannot be read; an item of a collection fails alone.
    """
    data = fetch(location, DOCUMENT_LIMIT_BYTES, access)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{location} is not JSON: {error}") from error
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Feature":
        return [_open_item(document, Base(location), choice, access)]
    if kind != "FeatureCollection":
        raise UnsupportedSourceError(
            f"{location} is a {kind!r}; a STAC item ('Feature') or item collection "
            "('FeatureCollection') is needed"
        )
    scenes: list[Scene | UnreadableScene] = []
    for number, item in enumerate(document.get("features", ())):
        name = f"{location}#{item.get('id', number) if isinstance(item, dict) else number}"
        try:
            scenes.append(_open_item(item, Base(location), choice, access))
        except CubeError as error:
            scenes.append(UnreadableScene(name=name, error=error))
    return scenes


def _open_item(item: Any, base: Base, choice: CubeChoice, access: ObjectStoreAccess) -> Scene:  # noqa: ANN401  # JSON
    if not isinstance(item, dict) or not isinstance(item.get("properties"), dict):
        raise UnsupportedSourceError(f"{base.location} has an item without properties")
    name = str(item.get("id") or base.location)
    footprint = _footprint(item, name)
    product = PRODUCTS[_level(item, name)]
    assets, elsewhere = _choose_assets(item, product, base, choice)
    images = {image: _open_image(a, base, access) for image, a in assets.items()}
    grids = [image.grid for image in images.values()]
    if any(grid.crs != grids[0].crs for grid in grids):
        raise UnsupportedSourceError(f"{name} has assets in several CRS; one is needed")
    tile, warnings = _tile_metadata(item, base, access, local=not elsewhere)
    pixels = Pixels(
        images=images,
        radiometry=_radiometry(item, assets, base, access),
        atmosphere={
            image: 1 / declared[0]
            for image in ATMOSPHERE & images.keys()
            if (declared := assets[image].scale_and_offset)
        },
    )
    bands, mask = scene_bands(product, pixels)
    record, time_warnings = _record(item, base, product, footprint)
    place = Place(product=product, crs=grids[0].crs, tile=_tile(item))
    properties = json.loads(record.properties) | radiometry_properties(pixels, mask)
    if tile is not None:
        properties |= angle_properties(tile)
    found = {image_name(band.band.name) for band in bands}
    return Scene(
        record=replace(record, properties=json.dumps(properties)),
        collection=product.collection,
        cube=choose_cube(place, bands, choice),
        bands=bands,
        warnings=(
            *absent_warnings(product, found),
            *((f"assets elsewhere, not read: {', '.join(elsewhere)}",) if elsewhere else ()),
            *area_warnings(bands, tile.shape_10m if tile else None),
            *time_warnings,
            *warnings,
        ),
    )


def _level(item: Json, name: str) -> Level:
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


def _footprint(item: Json, name: str) -> str:
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


def _choose_assets(
    item: Json, product: Product, base: Base, choice: CubeChoice
) -> tuple[dict[str, Asset], list[str]]:
    """Choose one asset an image, and name the assets that are left out because they lie elsewhere.

    An item in a file of which some images lie beside it is a local copy: what it
    lists elsewhere is not part of the copy and is not read.
    """
    assets = list(read_assets(item, product))
    local = {a.key for a in assets if not is_remote(base.resolve(a.href))}
    elsewhere: list[str] = []
    if not base.remote and local:
        here = {a.image for a in assets if a.key in local}
        elsewhere = [a.key for a in assets if a.key not in local and a.image not in here]
        assets = [a for a in assets if a.key in local]
    native = {image_name(band.name): float(band.group[1:-1]) for band in product.bands}
    chosen: dict[str, Asset] = {}
    for asset in assets:
        wanted = choice.resolution or native[asset.image]
        if asset.image not in chosen or _preference(asset, wanted) < _preference(
            chosen[asset.image], wanted
        ):
            chosen[asset.image] = asset
    if not chosen:
        raise UnsupportedSourceError(
            f"{item.get('id')}: no asset is known to hold a band of {product.collection.id}; "
            f"assets: {', '.join(item.get('assets', {})) or 'none'}"
        )
    return chosen, elsewhere


def _preference(asset: Asset, wanted: float) -> tuple[bool, float]:
    """Sort key: the wanted resolution, then the nearest finer, then coarser."""
    size = asset.resolution or wanted
    return size > wanted, abs(size - wanted)


def _open_image(asset: Asset, base: Base, access: ObjectStoreAccess) -> Image:
    location = base.resolve(asset.href)
    raster = RasterFile(location, gdal_path(location), access)
    transform = raster.transform or asset.transform(raster.shape)
    crs = raster.crs or asset.crs()
    if transform is None or crs is None:
        raise UnsupportedSourceError(
            f"{location} has no georeferencing: a GeoTIFF tag, a .aux.xml beside it, or "
            "proj:code and proj:transform with proj:shape in the item is needed"
        )
    return Image(
        file=raster, grid=source_grid(location, raster.shape, transform, registered_crs(crs))
    )


def _radiometry(
    item: Json, assets: Mapping[str, Asset], base: Base, access: ObjectStoreAccess
) -> dict[str, Radiometry]:
    """Return what the item says about offset and scale of each spectral band.

    `earthsearch:boa_offset_applied` wins over the offset in `raster:bands`, which
    earth-search goes on listing after it applied it. Without either, the product's
    own metadata is read where the item has it.
    """
    applied = item["properties"].get("earthsearch:boa_offset_applied")
    spectral = [name for name in assets if name in BAND_IDS]
    found: dict[str, Radiometry] = {}
    for name in spectral:
        declared = assets[name].scale_and_offset
        if applied is True:
            scale = declared[0] if declared else 0.0001
            found[name] = from_scale_and_offset(scale, 0, "earthsearch:boa_offset_applied")
        elif declared:
            found[name] = from_scale_and_offset(*declared, "raster:bands")
    missing = [name for name in spectral if name not in found]
    if not missing:
        return found
    href = metadata_href(item, "product_metadata", "product-metadata")
    if href is None:
        raise UnsupportedSourceError(
            f"{item.get('id')} does not say which offset the digital numbers of "
            f"{', '.join(missing)} have: earthsearch:boa_offset_applied, raster:bands with scale "
            "and offset, or an asset product_metadata (MTD_MSIL1C.xml, MTD_MSIL2A.xml) is needed"
        )
    location = base.resolve(href)
    root = parse_xml(fetch(location, XML_LIMIT_BYTES, access), location)
    metadata = parse_product(root, location)
    return found | {name: metadata.radiometry[name] for name in missing}


def _tile_metadata(
    item: Json, base: Base, access: ObjectStoreAccess, *, local: bool
) -> tuple[TileMetadata | None, tuple[str, ...]]:
    """Read MTD_TL.xml where it lies with the images; without it the angles are missing."""
    href = metadata_href(item, "granule_metadata", "granule-metadata")
    if href is None:
        return None, ()
    location = base.resolve(href)
    if not local and is_remote(location):
        return None, ()
    try:
        root = parse_xml(fetch(location, XML_LIMIT_BYTES, access), location)
        return parse_tile(root, location), ()
    except UnsafeSourceError:
        raise
    except SourceError as error:
        return None, (f"no angles: {error}",)


def _tile(item: Json) -> str:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    reference: datetime
    first: datetime
    last: datetime
    warnings: tuple[str, ...] = ()


def _times(item: Json, product: re.Match[str] | None) -> _Times:
    """Return the acquisition's time: the start in the datatake id, else what the item has."""
    properties = item["properties"]
    sensed = [
        _time(properties[field], field, item)
        for field in ("datetime", "start_datetime", "end_datetime")
        if properties.get(field)
    ]
    stamp = re.search(r"_(\d{8}T\d{6})_", str(properties.get("s2:datatake_id", "")))
    text = stamp.group(1) if stamp else product["start"] if product else None
    if text:
        start = stamp_time(text)
        return _Times(
            reference=start, first=min(start, *sensed, start), last=max(start, *sensed, start)
        )
    if not sensed:
        raise UnsupportedSourceError(
            f"{item.get('id')} has no time: s2:datatake_id, datetime, or start_datetime and "
            "end_datetime is needed"
        )
    warnings: tuple[str, ...] = ()
    if not properties.get("datetime"):
        warnings = (f"the time is only known to lie in {sensed[0]} to {sensed[-1]}",)
    return _Times(reference=sensed[0], first=min(sensed), last=max(sensed), warnings=warnings)


def _time(text: object, field: str, item: Json) -> datetime:
    try:
        return parse_period(str(text)).start
    except InvalidParameterError as error:
        raise UnsupportedSourceError(f"{item.get('id')}: {field}: {error}") from error


def _record(
    item: Json, base: Base, product: Product, footprint: str
) -> tuple[SceneRecord, tuple[str, ...]]:
    properties = item["properties"]
    named = _named_product(item)
    times = _times(item, named)
    made = properties.get("s2:generation_time")
    if made is None and named is None:
        made = properties.get("processing:datetime") or properties.get("created")
    generation = (
        _time(made, "s2:generation_time", item)
        if made
        else stamp_time(named["made"])
        if named
        else times.reference
    )
    baseline = properties.get("s2:processing_baseline") or properties.get(
        "sentinel:processing_baseline", properties.get("processing:version")
    )
    if not baseline and named:
        baseline = f"{named['baseline'][:2]}.{named['baseline'][2:]}"
    platform = named["platform"] if named else _platform(str(properties.get("platform", "")))
    tile = _tile(item)
    place = f"T{tile}" if tile else str(item.get("id"))
    cloud = properties.get("eo:cloud_cover")
    uri = properties.get("s2:product_uri") or properties.get("sentinel:product_id")
    record = SceneRecord(
        scene_id=f"{platform}_{times.reference:%Y%m%dT%H%M%S}_{place}_{product.level}",
        product_id=str(uri or item.get("id")).removesuffix(".SAFE"),
        reference_time=times.reference,
        first_time=times.first,
        last_time=times.last,
        baseline=str(baseline or ""),
        generation_time=generation,
        footprint=footprint,
        cloud_cover_percent=None if cloud is None else float(cloud),
        properties=json.dumps(
            {"source": base.location, "item": item.get("id"), **_kept(properties)}
        ),
    )
    return record, times.warnings


def _platform(name: str) -> str:
    """Return `S2A` for `sentinel-2a`; `S2` where the satellite is unknown."""
    match = re.fullmatch(r"sentinel-?(2[a-d])", name, re.IGNORECASE)
    return f"S{match.group(1).upper()}" if match else "S2"


def _kept(properties: Json) -> dict[str, object]:
    """Return the properties that a scene keeps: all but what the mirror's assets need."""
    dropped = ("proj:", "raster:", "file:", "storage:", "earthsearch:", "mgrs:")
    kept = {k: v for k, v in properties.items() if not k.startswith(dropped)}
    sun_zenith = properties.get("view:sun_elevation")
    if sun_zenith is not None:
        kept["sun_zenith_deg"] = 90 - float(sun_zenith)
        kept["sun_azimuth_deg"] = properties.get("view:sun_azimuth")
    return kept
