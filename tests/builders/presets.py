"""Ready products: both hemispheres, three baselines, and variants ingest has to tell apart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.builders.bands import Level
from tests.builders.product import Frame, Product

TILE_PX_10M = 10980
"""Edge of a real tile."""

ACQUISITIONS = {
    "02.14": (datetime(2020, 8, 20, 9, 50, 41, 24000, tzinfo=UTC), 26960),
    "04.00": (datetime(2022, 8, 20, 9, 50, 31, 24000, tzinfo=UTC), 37399),
    "05.09": (datetime(2023, 8, 15, 9, 50, 31, 24000, tzinfo=UTC), 42547),
}
"""Start of the datatake and absolute orbit, by baseline; other baselines take the last."""


def north(baseline: str = "05.09", level: Level = "L2A") -> Product:
    """Return a product at the corner of tile 33TWM (EPSG:32633), named like a real one."""
    start, orbit = ACQUISITIONS.get(baseline, ACQUISITIONS["05.09"])
    return Product(
        level=level,
        baseline=baseline,
        tile="33TWM",
        epsg=32633,
        origin_x_m=499980,
        origin_y_m=5200020,
        datatake_start=start,
        processing_time=(start + timedelta(hours=6)).replace(microsecond=0),
        absolute_orbit=orbit,
    )


def south(baseline: str = "05.09", level: Level = "L2A") -> Product:
    """Return the same acquisition at the corner of tile 33KWR (EPSG:32733).

    Southern edges are multiples of 60 m from 10,000,000, so y is 40 modulo 60.
    """
    product = north(baseline, level)
    return replace(product, tile="33KWR", epsg=32733, origin_y_m=7600000)


def three_baselines(level: Level = "L2A") -> tuple[Product, Product, Product]:
    """Return products of baselines 02.14 and 04.00 in the north and 05.09 in the south."""
    return north("02.14", level), north("04.00", level), south("05.09", level)


def reprocessed(product: Product, baseline: str = "05.10") -> Product:
    """Return the same datatake and tile, processed a year later with `baseline`."""
    later = product.processing_time + timedelta(days=365)
    return replace(product, baseline=baseline, processing_time=later)


def partial(product: Product, *bands: str) -> Product:
    """Return the product with only the images `bands` on disk, and no masks."""
    return replace(product, bands=bands, masks=False)


def cut(product: Product, *, east_m: int = 1200, south_m: int = 1800) -> Product:
    """Return the product as cut out of its whole tile: the images' own georeferencing says where.

    The metadata still declares the tile of 10980 px, whose corner was the images' own.
    """
    if east_m % 60 or south_m % 60:
        raise ValueError(f"{east_m}, {south_m} m; multiples of 60 are needed")
    return replace(
        product,
        origin_x_m=product.origin_x_m + east_m,
        origin_y_m=product.origin_y_m - south_m,
        frame=Frame(
            origin_x_m=product.origin_x_m,
            origin_y_m=product.origin_y_m,
            size_px_10m=TILE_PX_10M,
        ),
    )
