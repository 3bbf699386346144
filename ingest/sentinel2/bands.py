"""The bands of Sentinel-2 products as they are stored."""

from dataclasses import dataclass
from typing import Literal

from datacube.cube import Aggregate, Band, ClassValue, Collection

type Level = Literal["L1C", "L2A"]

REFLECTANCE_NODATA = -32768
REFLECTANCE_MAX = 32767
"""Greater reflectances are stored as this."""
REFLECTANCE_SCALE = 10_000
"""Stored number of reflectance 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product level: what its cubes hold."""

    level: Level
    collection: Collection
    bands: tuple[Band, ...]

    @property
    def names(self) -> frozenset[str]:
        """The official band names."""
        return frozenset(band.name for band in self.bands)


# Name, native cell in m, centre of S2A in nm (ESA's spectral responses, issue 3.2), band_id in the
# metadata's lists, common name (STAC, also the key of earth-search assets), title.
_SPECTRAL = (
    ("B01", 60, 442.7, 0, "coastal", "Coastal aerosol"),
    ("B02", 10, 492.7, 1, "blue", "Blue"),
    ("B03", 10, 559.8, 2, "green", "Green"),
    ("B04", 10, 664.6, 3, "red", "Red"),
    ("B05", 20, 704.1, 4, "rededge1", "Red edge 1"),
    ("B06", 20, 740.5, 5, "rededge2", "Red edge 2"),
    ("B07", 20, 782.8, 6, "rededge3", "Red edge 3"),
    ("B08", 10, 832.8, 7, "nir", "Near infrared"),
    ("B8A", 20, 864.7, 8, "nir08", "Narrow near infrared"),
    ("B09", 60, 945.1, 9, "nir09", "Water vapour"),
    ("B10", 60, 1373.5, 10, "cirrus", "Cirrus"),
    ("B11", 20, 1613.7, 11, "swir16", "Short-wave infrared 1"),
    ("B12", 20, 2202.4, 12, "swir22", "Short-wave infrared 2"),
)

BAND_IDS = {name: band_id for name, _, _, band_id, *_ in _SPECTRAL}
"""Band name to `band_id` of the product metadata."""

SCL_CLASSES = tuple(
    ClassValue(value=value, name=name, title=title, colour=colour)
    for value, name, title, colour in (
        (1, "saturated_or_defective", "Saturated or defective", (255, 0, 0)),
        (2, "dark_area", "Dark area", (47, 47, 47)),
        (3, "cloud_shadow", "Cloud shadow", (100, 50, 0)),
        (4, "vegetation", "Vegetation", (0, 160, 0)),
        (5, "not_vegetated", "Not vegetated", (255, 230, 90)),
        (6, "water", "Water", (0, 0, 255)),
        (7, "unclassified", "Unclassified", (128, 128, 128)),
        (8, "cloud_medium_probability", "Cloud, medium probability", (192, 192, 192)),
        (9, "cloud_high_probability", "Cloud, high probability", (255, 255, 255)),
        (10, "thin_cirrus", "Thin cirrus", (100, 200, 255)),
        (11, "snow_or_ice", "Snow or ice", (255, 150, 255)),
    )
)
"""ESA's legend; its class 0, no data, is the band's nodata."""

# Planes of MSK_QUALIT in the file's order; plane n is bit n.
_QUALITY_FLAGS = (
    ("ancillary_lost", "Ancillary packets lost"),
    ("ancillary_degraded", "Ancillary packets degraded"),
    ("msi_lost", "Image packets lost"),
    ("msi_degraded", "Image packets degraded"),
    ("defective", "Defective pixel"),
    ("no_data", "No data"),
    ("crosstalk_corrected", "Crosstalk partly corrected"),
    ("saturated", "Saturated"),
)
# Planes of MSK_CLASSI.
_CLASS_FLAGS = (
    ("opaque_cloud", "Opaque cloud"),
    ("cirrus", "Cirrus cloud"),
    ("snow", "Snow or ice"),
)
_FLAG_COLOURS = (
    (255, 255, 255),
    (100, 200, 255),
    (255, 150, 255),
    (255, 230, 90),
    (255, 0, 0),
    (0, 0, 0),
    (128, 0, 128),
    (255, 128, 0),
)

_TITLES: dict[Level, str] = {
    "L1C": "Sentinel-2 L1C, top-of-atmosphere reflectance",
    "L2A": "Sentinel-2 L2A, surface reflectance",
}


def _spectral_bands(level: Level) -> tuple[Band, ...]:
    standard = "toa" if level == "L1C" else "surface"
    return tuple(
        Band(
            name=name,
            title=f"{title} ({centre_nm:g} nm)",
            dtype="int16",
            nodata=REFLECTANCE_NODATA,
            group=f"r{resolution_m}m",
            scale=1 / REFLECTANCE_SCALE,
            standard_name=f"{standard}_bidirectional_reflectance",
            wavelength_nm=centre_nm,
            aliases=(*((f"B{int(name[1:])}",) if name[1] == "0" else ()), common),
        )
        for name, resolution_m, centre_nm, _, common, title in _SPECTRAL
        if level == "L1C" or name != "B10"
    )


def _true_colour() -> tuple[Band, ...]:
    return tuple(
        Band(
            name=f"TCI_{letter}",
            title=f"True colour image, {colour}",
            dtype="uint8",
            nodata=0,
            group="r10m",
        )
        for letter, colour in (("R", "red"), ("G", "green"), ("B", "blue"))
    )


def _flags(names: tuple[tuple[str, str], ...]) -> tuple[ClassValue, ...]:
    return tuple(
        ClassValue(value=1 << bit, name=name, title=title, colour=_FLAG_COLOURS[bit])
        for bit, (name, title) in enumerate(names)
    )


def _masks(level: Level) -> tuple[Band, ...]:
    probabilities = tuple(
        Band(
            name=f"MSK_{name}",
            title=f"{title} probability",
            dtype="uint8",
            nodata=255,
            group="r20m",
            unit="%",
            aliases=(name, alias),
        )
        for name, title, alias in (("CLDPRB", "Cloud", "CLD"), ("SNWPRB", "Snow", "SNW"))
    )
    classes = Band(
        name="MSK_CLASSI",
        title="Cloud and snow flags",
        dtype="uint8",
        nodata=255,
        group="r60m",
        aggregate=Aggregate.FLAGS,
        classes=_flags(_CLASS_FLAGS),
    )
    quality = tuple(
        Band(
            name=f"MSK_QUALIT_{name}",
            title=f"Radiometric quality flags of {name}",
            # All eight bits are legal, so nodata needs a ninth.
            dtype="uint16",
            nodata=65535,
            group=f"r{resolution_m}m",
            aggregate=Aggregate.FLAGS,
            classes=_flags(_QUALITY_FLAGS),
        )
        for name, resolution_m, *_ in _SPECTRAL
        if level == "L1C" or name != "B10"
    )
    return (*(probabilities if level == "L2A" else ()), classes, *quality)


def _atmosphere() -> tuple[Band, ...]:
    return (
        Band(
            name="AOT",
            title="Aerosol optical thickness at 550 nm",
            dtype="uint16",
            nodata=65535,
            group="r20m",
            scale=0.001,
            standard_name="atmosphere_optical_thickness_due_to_ambient_aerosol_particles",
        ),
        Band(
            name="WVP",
            title="Water vapour column",
            dtype="uint16",
            nodata=65535,
            group="r20m",
            scale=0.001,
            unit="cm",
            standard_name="lwe_thickness_of_atmosphere_mass_content_of_water_vapor",
        ),
        Band(
            name="SCL",
            title="Scene classification",
            dtype="uint8",
            nodata=0,
            group="r20m",
            aggregate=Aggregate.MODE,
            classes=SCL_CLASSES,
        ),
    )


def _product(level: Level) -> Product:
    return Product(
        level=level,
        collection=Collection(
            id=f"S2_{level}",
            title=_TITLES[level],
            description=(
                "Scenes of the Sentinel-2 MultiSpectral Instrument at native resolution. "
                "Reflectance x 10000 with the product's offset removed."
            ),
            style_family="sentinel-2",
            licence="proprietary",
            attribution="Contains modified Copernicus Sentinel data [year]",
        ),
        bands=(
            *_spectral_bands(level),
            *(_atmosphere() if level == "L2A" else ()),
            *_true_colour(),
            *_masks(level),
        ),
    )


PRODUCTS: dict[Level, Product] = {"L1C": _product("L1C"), "L2A": _product("L2A")}
"""Every product level that is read."""
