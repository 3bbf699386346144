"""From the images of a product to the bands of a scene."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from shapely.geometry import Polygon

from datacube.cells import Valid, Values
from datacube.cube import Band
from datacube.errors import UnsupportedSourceError
from datacube.grid import Window
from ingest.scene import SceneBand
from ingest.sentinel2.bands import BAND_IDS, Product
from ingest.sentinel2.colours import Colours
from ingest.sentinel2.footprints import rasterise
from ingest.sentinel2.masks import Footprint, Image, NodataMask
from ingest.sentinel2.radiometry import Radiometry

FOOTPRINT = "MSK_DETFOO_"
QUALITY = "MSK_QUALIT_"
FIRST_COLOUR = "TCI_R"
ATMOSPHERE = {"AOT", "WVP"}
ATMOSPHERE_SCALE = 1000
"""Stored number of optical thickness 1 and of 1 cm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The files of a product and what their numbers mean."""

    images: Mapping[str, Image]
    """By band name, `TCI`, `MSK_CLDPRB`, `MSK_SNWPRB`, `MSK_CLASSI`, `MSK_QUALIT_<band>` or
    `MSK_DETFOO_<band>`."""
    polygons: Mapping[str, tuple[Polygon, ...]] = field(default_factory=dict)
    """Detector footprints by spectral band, where they are no images; in the images' CRS."""
    radiometry: Mapping[str, Radiometry]
    """By spectral band."""
    atmosphere: Mapping[str, float]
    """Digital number of 1, for AOT and WVP."""


class BandReader:
    """Reads one band; implements `ReadBand`."""

    def __init__(
        self, band: Band, pixels: Pixels, mask: NodataMask, colours: Colours | None
    ) -> None:
        self._band = band
        self._name = band.name
        self._image = pixels.images[image_name(band.name)]
        self._colours = colours
        self._pixels = pixels
        self._mask = mask
        self._lock = threading.Lock()
        self._saturated = 0

    def saturated(self) -> int:
        """Return how many valid cells read so far exceeded 32767."""
        return self._saturated

    def __call__(self, window: Window) -> tuple[Values, Valid]:
        """Read as `ReadBand` says."""
        image, name = self._image, self._name
        if name in BAND_IDS:
            return self._reflectance(window)
        if name in ATMOSPHERE:
            valid = self._mask.valid(image, window)
            factor = ATMOSPHERE_SCALE / self._pixels.atmosphere.get(name, ATMOSPHERE_SCALE)
            numbers = np.rint(image.file.read(window) * factor)
            return self._fill(np.clip(numbers, 0, 65534), valid)
        if name == "SCL":
            values = image.file.read(window)
            return self._fill(values, values != 0)
        if self._colours is not None:
            values = self._colours.read(window, "RGB".index(name[-1]))
            return self._fill(values, values != 0)
        if name == "MSK_CLASSI" or name.startswith(QUALITY):
            return self._flags(window)
        values = image.file.read(window)
        return self._fill(values, self._mask.valid(image, window) & (values <= 100))

    def _reflectance(self, window: Window) -> tuple[Values, Valid]:
        valid = self._mask.valid(self._image, window, (self._name,))
        dn = self._image.file.read(window)
        values, saturated = self._pixels.radiometry[self._name].stored(dn, valid)
        with self._lock:
            self._saturated += saturated
        return values, valid

    def _flags(self, window: Window) -> tuple[Values, Valid]:
        """Pack plane n into bit n."""
        planes = self._image.file.read_planes(window)
        values = np.zeros(planes.shape[1:], self._band.numpy_dtype)
        for bit, plane in enumerate(planes[: len(self._band.classes)]):
            # Most planes of most products are empty, which is told in a tenth of the time.
            if plane.max() != 0:
                values |= (plane != 0).astype(values.dtype) << bit
        owners = (
            (self._name.removeprefix(QUALITY),)
            if self._name.startswith(QUALITY)
            else self._mask.footprints_on(self._image.grid)
        )
        return self._fill(values, self._mask.valid(self._image, window, owners))

    def _fill(self, values: Values, valid: Valid) -> tuple[Values, Valid]:
        """Take over `values`, which are changed where their type is the band's."""
        stored = values.astype(self._band.numpy_dtype, copy=False)
        np.copyto(stored, self._band.nodata, where=~valid, casting="unsafe")
        return stored, valid


def image_name(band: str) -> str:
    """Name the image that holds a band: the three colours of TCI share one."""
    return "TCI" if band.startswith("TCI_") else band


def scene_bands(product: Product, pixels: Pixels) -> tuple[tuple[SceneBand, ...], NodataMask]:
    """Return the bands that the product has, in the product's order, and their nodata rule.

    Raises
    ------
    UnsupportedSourceError
        If there is none, or an image has fewer planes than its bands need.
    """
    images = pixels.images
    mask = NodataMask(
        classes=images.get("SCL"),
        footprints=_footprints(pixels),
        spectral={name: image for name, image in images.items() if name in BAND_IDS},
    )
    colours = Colours(images["TCI"].file) if "TCI" in images else None
    bands = []
    for band in product.bands:
        image = images.get(image_name(band.name))
        if image is None:
            continue
        if band.name.startswith("TCI_") and image.file.count < 3:
            raise UnsupportedSourceError(
                f"{image.file.name} has {image.file.count} plane(s); a true colour image has 3"
            )
        reader = BandReader(band, pixels, mask, colours if "TCI" in band.name else None)
        bands.append(
            SceneBand(
                band=band,
                grid=image.grid,
                read=reader,
                saturated=reader.saturated,
                follows=_follows(band.name),
            )
        )
    if not bands:
        raise UnsupportedSourceError(
            f"no image of a {product.collection.id} band was found; known bands: "
            f"{', '.join(sorted(product.names))}"
        )
    return tuple(bands), mask


def _follows(band: str) -> bool:
    """Tell whether a band's image, or its footprint, is decoded for another band, too."""
    return band.startswith(QUALITY) or (image_name(band) == "TCI" and band != FIRST_COLOUR)


def _footprints(pixels: Pixels) -> dict[str, Footprint]:
    """Return the detector footprints by band, drawn or given as images."""
    drawn = {
        band: Footprint(
            grid=pixels.images[band].grid,
            read=partial(rasterise, polygons, pixels.images[band].grid),
            rule="outside the polygons of MSK_DETFOO",
        )
        for band, polygons in pixels.polygons.items()
    }
    return drawn | {
        name.removeprefix(FOOTPRINT): Footprint(
            grid=image.grid, read=image.file.read, rule="MSK_DETFOO 0"
        )
        for name, image in pixels.images.items()
        if name.startswith(FOOTPRINT)
    }
