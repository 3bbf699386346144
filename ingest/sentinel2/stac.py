"""STAC items and item collections of Sentinel-2 whose assets are COG or JP2 files."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from datacube.errors import (
    CubeError,
    SourceError,
    UnsafeSourceError,
    UnsupportedSourceError,
)
from ingest.rasters import (
    ObjectStoreAccess,
    RasterFile,
    gdal_path,
    registered_crs,
    source_grid,
)
from ingest.scene import CubeChoice, Scene, UnreadableScene
from ingest.sentinel2.assets import Asset, Json, metadata_href, read_assets
from ingest.sentinel2.bands import BAND_IDS, PRODUCTS, Product
from ingest.sentinel2.cubes import Place, choose_cube
from ingest.sentinel2.hrefs import Base, fetch, is_remote
from ingest.sentinel2.images import ATMOSPHERE, Pixels, image_name, scene_bands
from ingest.sentinel2.items import item_facts, item_footprint, item_level, item_tile
from ingest.sentinel2.masks import Image
from ingest.sentinel2.metadata import (
    XML_LIMIT_BYTES,
    TileMetadata,
    parse_product,
    parse_tile,
    parse_xml,
)
from ingest.sentinel2.radiometry import Radiometry, from_scale_and_offset
from ingest.sentinel2.records import scene_record
from ingest.sentinel2.warnings import absent_warnings, area_warnings

DOCUMENT_LIMIT_BYTES = 64 * 2**20
"""Most bytes of an item collection."""


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
    footprint = item_footprint(item, name)
    level = item_level(item, name)
    product = PRODUCTS[level]
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
    place = Place(product=product, crs=grids[0].crs, tile=item_tile(item))
    facts = item_facts(item, base.location, level, footprint)
    unsure = f"the time is only known to lie in {facts.times.first} to {facts.times.last}"
    found = {image_name(band.band.name) for band in bands}
    return Scene(
        record=scene_record(facts, tile, pixels, mask),
        collection=product.collection,
        cube=choose_cube(place, bands, choice),
        bands=bands,
        warnings=(
            *absent_warnings(product, found),
            *((f"assets elsewhere, not read: {', '.join(elsewhere)}",) if elsewhere else ()),
            *area_warnings(bands, tile.shape_10m if tile else None),
            *((unsure,) if facts.times.assumed else ()),
            *warnings,
        ),
    )


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
