"""What an operator should know about a partial product."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ingest.scene import SceneBand
from ingest.sentinel2.bands import Product
from ingest.sentinel2.images import image_name


def absent_warnings(product: Product, found: AbstractSet[str]) -> tuple[str, ...]:
    """Say which images of the product are missing; `found` are image names."""
    expected = dict.fromkeys(image_name(band.name) for band in product.bands)
    missing = [name for name in expected if name not in found]
    bands = [name for name in missing if not name.startswith("MSK_")]
    masks = [name for name in missing if name.startswith("MSK_")]
    texts = []
    if bands:
        texts.append(f"missing bands: {', '.join(bands)}")
    if masks and not any(name.startswith("MSK_") for name in found):
        texts.append("no quality masks")
    elif masks:
        texts.append(f"missing quality masks: {', '.join(masks)}")
    return tuple(texts)


def area_warnings(bands: Sequence[SceneBand], shape_10m: tuple[int, int] | None) -> tuple[str, ...]:
    """Say that the images cover less than the tile of `shape_10m` pixels, or not the same area."""
    texts = []
    areas = {band.grid.bbox for band in bands}
    largest = max(areas, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    if shape_10m is not None:
        rows, cols = shape_10m
        height, width = largest[3] - largest[1], largest[2] - largest[0]
        if height < rows * 10 or width < cols * 10:
            texts.append(
                f"cut to {width:g} m x {height:g} m of the tile's {cols * 10} m x {rows * 10} m"
            )
    coarsest = max(band.grid.x.step for band in bands)
    ragged = [
        band.band.name
        for band in bands
        if max(abs(a - b) for a, b in zip(band.grid.bbox, largest, strict=True)) > coarsest
    ]
    if ragged:
        texts.append(f"smaller area than the other bands: {', '.join(ragged)}")
    return tuple(texts)
