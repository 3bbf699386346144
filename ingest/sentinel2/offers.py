"""What Sentinel-2 cubes offer beside their stored bands."""

import re

from datacube.offers import Offers, Picture, Plane, Renaming
from ingest.sentinel2.bands import Level

# ESA's true colour image codes reflectance 0 to 0.3558 (L1C) or 0.2 (L2A) as 1 to 255 and keeps
# 0 for no data (Sentinel-2 products specification, S2-PDGS-TAS-DI-PSD, true colour image).
_BRIGHTEST: dict[Level, int] = {"L1C": 3558, "L2A": 2000}
_COLOURS = (("red", "B04"), ("green", "B03"), ("blue", "B02"))


def _picture(level: Level) -> Picture:
    return Picture(
        collection=f"S2_{level}",
        suffix="TCI",
        planes=tuple(
            Plane(
                name=colour,
                title=f"True colour image, {colour}",
                band=band,
                low=0,
                high=_BRIGHTEST[level],
                published=f"TCI_{colour[0].upper()}",
                aliases=(colour[0], f"TCI_{colour[0]}", band, f"B{int(band[1:])}"),
            )
            for colour, band in _COLOURS
        ),
    )


OFFERS = Offers(
    pictures=(_picture("L1C"), _picture("L2A")),
    renamings=(
        # The cubes of BigDataCube on CODE-DE, one a UTM zone.
        Renaming(
            pattern=re.compile(
                r"S2G5_(?P<epsg>32[67]\d\d)_(?P<part>10m|20m|60m|TCI)_(?P<level>L1C|L2A)"
            ),
            coverage_id="S2_{level}_{epsg}_{part}",
        ),
    ),
)
"""The true colour image of each cube, and the names that BigDataCube's users know."""
