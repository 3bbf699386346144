"""Build synthetic Sentinel-2 products (real pixels, made-up acquisitions) in ESA's SAFE layout."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.builders.bands import BAND_BY_NAME, has_raster_masks, image_list
from tests.builders.jp2 import write_jp2
from tests.builders.product import Frame, Product, stamp
from tests.builders.safe_masks import gml_masks, raster_masks
from tests.builders.safe_xml import manifest, product_metadata, tile_metadata
from tests.builders.surface import Surface, block_mean, repeat, scene_class
from tests.builders.testdata import find_testdata


def build_safe(
    folder: Path,
    surface: Surface,
    product: Product,
    *,
    real_metadata: bool = True,
) -> Path:
    """Write `product` as a .SAFE folder inside `folder` and return its path.

    The XML starts from a real product's where `real_metadata` is set and the test data has one of
    the same level and layout, else from the templates beside this module.
    """
    safe = folder / product.name
    safe.mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        pending = [
            pool.submit(
                write_jp2,
                safe / path,
                pixels,
                epsg=product.epsg,
                transform=product.transform(resolution_m),
            )
            for path, resolution_m, pixels in (
                *_images(surface, product),
                *_quality_images(surface, product),
            )
        ]
        for write in pending:
            write.result()
    if product.masks and not has_raster_masks(product.baseline):
        for path, text in gml_masks(surface, product):
            (safe / path).parent.mkdir(parents=True, exist_ok=True)
            (safe / path).write_bytes(text)
    testdata = find_testdata() if real_metadata else None
    frame = product.frame or Frame(
        origin_x_m=product.origin_x_m,
        origin_y_m=product.origin_y_m,
        size_px_10m=surface.size_px_10m,
    )
    granule = safe / "GRANULE" / product.granule
    granule.mkdir(parents=True, exist_ok=True)
    (granule / "MTD_TL.xml").write_bytes(tile_metadata(product, frame, testdata))
    (safe / f"MTD_MSI{product.level}.xml").write_bytes(product_metadata(product, frame, testdata))
    (safe / "manifest.safe").write_bytes(manifest(safe, product))
    return safe


type _File = tuple[Path, int, NDArray[np.uint8] | NDArray[np.uint16]]
"""(path in the product, resolution in m, pixels)."""


def _images(surface: Surface, product: Product) -> Iterator[_File]:
    for image, resolution_m in image_list(product.level, product.baseline):
        if product.has(image):
            pixels = _pixels(surface, product, image, resolution_m)
            yield product.image_path(image, resolution_m), resolution_m, pixels


def _quality_images(surface: Surface, product: Product) -> Iterator[_File]:
    if not product.masks:
        return
    for name, resolution_m, pixels in raster_masks(surface, product):
        yield product.quality_folder / name, resolution_m, pixels
    preview = true_colour(surface)[:, ::32, ::32]
    yield (
        product.quality_folder / f"T{product.tile}_{stamp(product.datatake_start)}_PVI.jp2",
        320,
        preview,
    )


def _pixels(
    surface: Surface, product: Product, image: str, resolution_m: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    match image:
        case "TCI":
            step = resolution_m // 10
            return true_colour(surface)[:, step // 2 :: step, step // 2 :: step]
        case "SCL":
            return scene_class(surface, resolution_m)
        case "AOT" | "WVP":
            return _atmosphere(surface, image, resolution_m)
        case _:
            return _at_resolution(
                surface.dn(image, product.offset), BAND_BY_NAME[image].resolution_m, resolution_m
            )


def _at_resolution(dn: NDArray[np.uint16], native_m: int, resolution_m: int) -> NDArray[np.uint16]:
    """Repeat a coarse band, or average a fine one, to `resolution_m`."""
    if resolution_m < native_m:
        return repeat(dn, native_m // resolution_m)
    if resolution_m > native_m:
        return np.rint(block_mean(dn, resolution_m // native_m)).astype(np.uint16)
    return dn


def _atmosphere(surface: Surface, image: str, resolution_m: int) -> NDArray[np.uint16]:
    """Slope gently from 0.1 (optical thickness) or 2 cm (water vapour), x 1000; 0 is nodata."""
    size = surface.size_px_10m * 10 // resolution_m
    rows, columns = np.indices((size, size)) / size
    slope = (100 if image == "AOT" else 2000) * (1 + 0.2 * rows + 0.1 * columns)
    return np.where(scene_class(surface, resolution_m) != 0, np.rint(slope), 0).astype(np.uint16)


def true_colour(surface: Surface) -> NDArray[np.uint8]:
    """Return (red/green/blue, y, x) at 10 m: reflectance 0 to 0.35 as 1 to 255, nodata 0."""
    planes = []
    for band in ("B04", "B03", "B02"):
        layer = surface.layer(band)
        values = np.clip(np.rint(layer.reflectance / 3500 * 254) + 1, 1, 255)
        planes.append(np.where(layer.covered, np.where(layer.saturated, 255, values), 0))
    return np.stack(planes).astype(np.uint8)
