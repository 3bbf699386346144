"""What a reader must make of a built product, by NumPy alone."""

import numpy as np
from numpy.typing import NDArray

from tests.builders.bands import BAND_BY_NAME, level_bands
from tests.builders.product import Product
from tests.builders.surface import STORED_MAX, STORED_NODATA, Surface, scene_class


def expected_valid(surface: Surface, product: Product, band: str) -> NDArray[np.bool_]:
    """Return where `band` of the built product is valid, (y, x) at its native resolution.

    The product's own masks decide: the scene class is not 0 and a detector's footprint, an image
    or polygons, covers the cell. Where neither is on disk, the DN is not 0 in at least one of the
    bands that are on disk at this resolution.
    """
    resolution_m = BAND_BY_NAME[band].resolution_m
    valid = np.ones(surface.layer(band).covered.shape, np.bool_)
    if product.masks:
        valid &= surface.layer(band).covered
    classified = product.level == "L2A" and product.has("SCL")
    if classified:
        valid &= scene_class(surface, resolution_m) != 0
    if not product.masks and not classified:
        present = [other.name for other in level_bands(product.level) if product.has(other.name)]
        same = [name for name in present if BAND_BY_NAME[name].resolution_m == resolution_m]
        valid &= np.any([surface.dn(name, product.offset) > 0 for name in same], axis=0)
    return valid


def expected_stored(surface: Surface, product: Product, band: str) -> NDArray[np.int16]:
    """Return the int16 values `band` of the built product is to be stored as.

    DN plus the declared offset, at most 32767; -32768 where `expected_valid` is false.
    """
    values = surface.dn(band, product.offset).astype(np.int32) + (product.offset or 0)
    clipped = np.minimum(values, STORED_MAX)
    return np.where(expected_valid(surface, product, band), clipped, STORED_NODATA).astype(np.int16)


def expected_saturated(surface: Surface, product: Product, band: str) -> int:
    """Return how many valid cells of `band` exceed 32767 once the offset is removed."""
    values = surface.dn(band, product.offset).astype(np.int32) + (product.offset or 0)
    return int(np.count_nonzero((values > STORED_MAX) & expected_valid(surface, product, band)))
