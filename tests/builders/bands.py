"""The bands and image files of a Sentinel-2 product, as ESA's specification lists them."""

from dataclasses import dataclass
from typing import Literal

type Level = Literal["L1C", "L2A"]

RESOLUTIONS_M = (10, 20, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One spectral band of the MultiSpectral Instrument."""

    name: str
    resolution_m: int
    band_id: int
    """Index in the metadata's lists (`band_id`, `bandId`)."""


BANDS: tuple[Band, ...] = tuple(
    Band(name=name, resolution_m=resolution_m, band_id=band_id)
    for band_id, (name, resolution_m) in enumerate(
        (
            ("B01", 60),
            ("B02", 10),
            ("B03", 10),
            ("B04", 10),
            ("B05", 20),
            ("B06", 20),
            ("B07", 20),
            ("B08", 10),
            ("B8A", 20),
            ("B09", 60),
            ("B10", 60),
            ("B11", 20),
            ("B12", 20),
        ),
    )
)

BAND_BY_NAME = {band.name: band for band in BANDS}

AUXILIARY = ("AOT", "WVP", "TCI", "SCL")
"""Images of an L2A product beside its bands; L1C has TCI alone."""


def level_bands(level: Level) -> tuple[Band, ...]:
    """Return the bands of `level`: L2A has no cirrus band B10."""
    return tuple(band for band in BANDS if level == "L1C" or band.name != "B10")


def has_raster_masks(baseline: str) -> bool:
    """Tell whether masks are JP2 and offsets are declared: from baseline 04.00 on."""
    return baseline >= "04.00"


def image_list(level: Level, baseline: str) -> tuple[tuple[str, int], ...]:
    """Return (image, resolution in m) of every image file of a whole product.

    L2A repeats finer bands at the coarser resolutions, B08 excepted; B01 at 20 m came with
    baseline 04.00.
    """
    if level == "L1C":
        return (*((band.name, band.resolution_m) for band in BANDS), ("TCI", 10))
    images: list[tuple[str, int]] = []
    for resolution_m in RESOLUTIONS_M:
        for band in level_bands("L2A"):
            finest = 20 if band.name == "B01" and has_raster_masks(baseline) else band.resolution_m
            native_only = band.name == "B08"
            if resolution_m == band.resolution_m or (finest <= resolution_m and not native_only):
                images.append((band.name, resolution_m))
        images += [(name, resolution_m) for name in AUXILIARY if name != "SCL" or resolution_m > 10]
    return tuple(images)
