"""Which asset of a STAC item is which image, and what the item says about it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from affine import Affine
from pyproj import CRS
from pyproj.exceptions import CRSError

from datacube.errors import UnsupportedSourceError
from datacube.grid import crs_from_text
from ingest.sentinel2.bands import PRODUCTS, Product
from ingest.sentinel2.images import image_name

type Json = Mapping[str, Any]

_NAMES = {
    alias.casefold(): image_name(band.name)
    for product in PRODUCTS.values()
    for band in product.bands
    for alias in (image_name(band.name), *band.aliases)
} | {
    # earth-search keys that are no band names
    "visual": "TCI",
    "cloud": "MSK_CLDPRB",
    "snow": "MSK_SNWPRB",
}
_KEY = re.compile(r"(.+?)(?:[_-](10|20|60)m)?")
_NO_DATA_ROLES = {"thumbnail", "overview", "metadata"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One asset that holds an image of the product."""

    image: str
    """Image name: a band's, `TCI`, `MSK_CLDPRB`, ..."""
    key: str
    href: str
    resolution: float | None
    """Cell size as far as the item tells."""
    fields: Json
    """The asset's own fields, the item's properties below them."""
    band: Json
    """What `raster:bands`, `bands` and the asset say about the first band."""

    @property
    def scale_and_offset(self) -> tuple[float, float] | None:
        """`raster:scale` and `raster:offset`, or None where no scale is declared."""
        scale = self.band.get("scale", self.band.get("raster:scale"))
        offset = self.band.get("offset", self.band.get("raster:offset", 0))
        return None if not scale else (float(scale), float(offset))

    def crs(self) -> CRS | None:
        """Return the CRS of the projection extension.

        Raises
        ------
        UnsupportedSourceError
            If it is declared and unknown.
        """
        epsg = self.fields.get("proj:epsg")
        text = self.fields.get("proj:code") or (f"EPSG:{epsg}" if epsg else None)
        text = text or self.fields.get("proj:wkt2")
        try:
            return crs_from_text(str(text)) if text else None
        except CRSError as error:
            raise UnsupportedSourceError(f"asset {self.key!r}: unknown CRS {text!r}") from error

    def transform(self, shape: tuple[int, int]) -> Affine | None:
        """Return the georeferencing of an image of `shape` `(rows, columns)` that has none itself.

        `proj:transform` and `proj:shape` may describe the image before it was
        resampled: their extent holds, divided by the pixels that there are.
        """
        rows, cols = shape
        numbers = self.fields.get("proj:transform")
        declared = self.fields.get("proj:shape")
        if numbers and len(numbers) >= 6:
            transform = Affine(*(float(number) for number in numbers[:6]))
            high, wide = (int(n) for n in declared) if declared else (rows, cols)
            return transform @ Affine.scale(wide / cols, high / rows)
        box = self.fields.get("proj:bbox")
        if box and len(box) == 4:
            left, low, right, top = (float(number) for number in box)
            return Affine((right - left) / cols, 0, left, 0, -(top - low) / rows, top)
        return None


def read_assets(item: Json, product: Product) -> Iterator[Asset]:
    """Yield the assets that hold images of `product`, in the item's order."""
    known = {image_name(band.name) for band in product.bands}
    properties = item.get("properties", {})
    for key, asset in item.get("assets", {}).items():
        if not isinstance(asset, Mapping) or not isinstance(asset.get("href"), str):
            continue
        if _NO_DATA_ROLES & set(asset.get("roles") or ()):
            continue
        image, size = _image(key, asset)
        if image in known:
            band = _band(asset)
            yield Asset(
                image=image,
                key=key,
                href=asset["href"],
                resolution=size or _resolution(asset, band),
                fields={**properties, **asset},
                band=band,
            )


def metadata_href(item: Json, *keys: str) -> str | None:
    """Return the href of the first of the named assets that the item has."""
    assets = item.get("assets", {})
    for key in keys:
        asset = assets.get(key)
        if isinstance(asset, Mapping) and isinstance(asset.get("href"), str):
            return str(asset["href"])
    return None


def _image(key: str, asset: Json) -> tuple[str, float | None]:
    """Return image name (or empty) and the resolution that the key names."""
    match = _KEY.fullmatch(key)
    stem, size = match.groups() if match else (key, None)
    resolution = float(size) if size else None
    if stem.casefold() in _NAMES:
        return _NAMES[stem.casefold()], resolution
    listed: list[Json] = asset.get("bands") or asset.get("eo:bands") or []
    if len(listed) == 1:
        for field in ("name", "eo:common_name", "common_name"):
            name = str(listed[0].get(field, "")).casefold()
            if name in _NAMES:
                return _NAMES[name], resolution
    return "", resolution


def _band(asset: Json) -> Json:
    merged: dict[str, Any] = {k: v for k, v in asset.items() if k.startswith("raster:")}
    for field in ("bands", "raster:bands"):
        listed = asset.get(field)
        if listed and isinstance(listed[0], Mapping):
            merged |= listed[0]
    return merged


def _resolution(asset: Json, band: Json) -> float | None:
    numbers: list[Any] | None = asset.get("proj:transform")
    found = band.get("spatial_resolution") or asset.get("raster:spatial_resolution")
    found = found or asset.get("gsd") or (numbers[0] if numbers else None)
    return float(found) if found else None
