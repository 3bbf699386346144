"""SAFE products: one granule of L1C or L2A in ESA's layout."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from affine import Affine
from lxml import etree
from shapely.geometry import Polygon

from datacube.errors import SourceError, UnsafeSourceError, UnsupportedSourceError
from datacube.grid import crs_from_text
from ingest.rasters import ObjectStoreAccess, RasterFile, registered_crs, source_grid
from ingest.scene import CubeChoice, Scene
from ingest.sentinel2.bands import BAND_IDS, PRODUCTS, Product
from ingest.sentinel2.containers import Container, open_container
from ingest.sentinel2.cubes import Place, choose_cube
from ingest.sentinel2.footprints import parse_footprint
from ingest.sentinel2.images import FOOTPRINT, Pixels, image_name, scene_bands
from ingest.sentinel2.masks import Image
from ingest.sentinel2.metadata import (
    XML_LIMIT_BYTES,
    ProductMetadata,
    TileMetadata,
    parse_product,
    parse_tile,
    parse_xml,
)
from ingest.sentinel2.records import SceneFacts, SceneTimes, absolute_orbit, scene_record
from ingest.sentinel2.warnings import absent_warnings, area_warnings

_PRODUCT_FILE = re.compile(r"MTD_MSIL(1C|2A)\.xml")
_IMAGE = re.compile(
    r"GRANULE/[^/]+/IMG_DATA/(?:R\d0m/)?[^/]*_(B\d\d|B8A|TCI|AOT|WVP|SCL)(?:_(10|20|60)m)?\.(?:jp2|tiff?)"
)
_MASK = re.compile(
    r"GRANULE/[^/]+/QI_DATA/(MSK_(?:DETFOO|QUALIT)_(?:B\d\d|B8A)|MSK_CLASSI|MSK_(?:CLDPRB|SNWPRB))"
    r"(?:_B00)?(?:_(20|60)m)?\.(?:jp2|tiff?)"
)
_POLYGONS = re.compile(r"GRANULE/[^/]+/QI_DATA/MSK_DETFOO_(?P<band>B\d\d|B8A)\.gml")


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """An image of the product that was chosen to be read."""

    path: str
    nominal_m: float
    """Cell size that the product's layout gives it."""


def open_safe(location: str, choice: CubeChoice, access: ObjectStoreAccess) -> Scene:
    """Open a SAFE folder, zip or `s3://` prefix: metadata and image headers only.

    Raises
    ------
    SourceError
    """
    container = open_container(location, access)
    product_file = _one(container, _PRODUCT_FILE, "MTD_MSIL1C.xml or MTD_MSIL2A.xml")
    tile_file = _one(container, re.compile(r"GRANULE/[^/]+/MTD_TL\.xml"), "GRANULE/*/MTD_TL.xml")
    metadata = parse_product(_xml(container, product_file), f"{location}/{product_file}")
    tile = parse_tile(_xml(container, tile_file), f"{location}/{tile_file}")
    product = PRODUCTS[metadata.level]
    images = {
        name: _open_image(container, file, tile, access)
        for name, file in _choose_files(container, product, choice)
    }
    without = {band for band in BAND_IDS.keys() & images if f"{FOOTPRINT}{band}" not in images}
    polygons, polygon_warnings = _read_polygons(container, tile, without)
    pixels = Pixels(
        images=images,
        polygons=polygons,
        radiometry=metadata.radiometry,
        atmosphere=metadata.atmosphere,
    )
    bands, mask = scene_bands(product, pixels)
    crs = next(iter(images.values())).grid.crs
    place = Place(product=product, crs=crs, tile=tile.tile)
    cube = choose_cube(place, bands, choice)
    found = {image_name(band.band.name) for band in bands}
    warnings = (
        *absent_warnings(product, found),
        *area_warnings(bands, tile.shape_10m),
        *polygon_warnings,
    )
    return Scene(
        record=scene_record(_facts(location, metadata, tile), tile, pixels, mask),
        collection=product.collection,
        cube=cube,
        bands=bands,
        warnings=warnings,
    )


def _one(container: Container, pattern: re.Pattern[str], what: str) -> str:
    found = sorted(name for name in container.names if pattern.fullmatch(name))
    if len(found) != 1:
        raise UnsupportedSourceError(
            f"{container.location} has {len(found)} {what}; a SAFE product of one granule has one"
        )
    return found[0]


def _xml(container: Container, name: str) -> etree._Element:
    return parse_xml(container.read(name, XML_LIMIT_BYTES), f"{container.location}/{name}")


def _choose_files(
    container: Container, product: Product, choice: CubeChoice
) -> Iterator[tuple[str, _File]]:
    """Choose one file an image: the resolution that is wanted, else the next finer, else any.

    Yields (image name, file) in the order of names.
    """
    offered: dict[str, dict[float, str]] = {}
    native = {image_name(b.name): float(b.group[1:-1]) for b in product.bands}
    for path in sorted(container.names):
        match = _IMAGE.fullmatch(path) or _MASK.fullmatch(path)
        if match is None:
            continue
        name, size = match.groups()
        base = name.removeprefix(FOOTPRINT)
        if base in native:
            offered.setdefault(name, {})[float(size or native[base])] = path
    for name, files in offered.items():
        wanted = choice.resolution or native[name.removeprefix(FOOTPRINT)]
        finer = [size for size in files if size <= wanted]
        size = max(finer) if finer else min(files)
        yield name, _File(path=files[size], nominal_m=size)


def _open_image(
    container: Container, file: _File, tile: TileMetadata, access: ObjectStoreAccess
) -> Image:
    name = f"{container.location}/{file.path}"
    raster = RasterFile(name, container.gdal_path(file.path), access)
    size, (left, top) = file.nominal_m, tile.corner
    transform = raster.transform or Affine(size, 0, left, 0, -size, top)
    crs = registered_crs(raster.crs) if raster.crs else crs_from_text(f"EPSG:{tile.epsg}")
    return Image(file=raster, grid=source_grid(name, raster.shape, transform, crs))


def _facts(location: str, metadata: ProductMetadata, tile: TileMetadata) -> SceneFacts:
    start, direction = metadata.datatake_start, metadata.orbit_direction
    return SceneFacts(
        source=location,
        product_id=metadata.product_id,
        platform=metadata.platform,
        level=metadata.level,
        tile=tile.tile,
        times=SceneTimes(
            reference=start,
            first=min(start, tile.sensing_time),
            last=max(start, tile.sensing_time),
        ),
        baseline=metadata.baseline,
        generation_time=metadata.generation_time,
        footprint=Polygon(metadata.footprint).wkt,
        datatake_id=metadata.datatake_id,
        relative_orbit=metadata.relative_orbit,
        absolute_orbit=absolute_orbit(metadata.datatake_id),
        orbit_direction=direction.lower() if direction else None,
        cloud_cover_percent=metadata.cloud_cover_percent,
    )


def _read_polygons(
    container: Container, tile: TileMetadata, wanted: AbstractSet[str]
) -> tuple[dict[str, tuple[Polygon, ...]], tuple[str, ...]]:
    """Read the footprints of the bands `wanted` that the product has as polygons.

    Returns them by band, and warnings about those that cannot be used.
    """
    polygons: dict[str, tuple[Polygon, ...]] = {}
    warnings: list[str] = []
    for path in sorted(container.names):
        match = _POLYGONS.fullmatch(path)
        if match is None or match["band"] not in wanted:
            continue
        try:
            root = _xml(container, path)
            polygons[match["band"]] = parse_footprint(root, path.rpartition("/")[2], tile.epsg)
        except UnsafeSourceError:
            raise
        except SourceError as error:
            warnings.append(f"detector footprint not used: {error}")
    return polygons, tuple(warnings)
