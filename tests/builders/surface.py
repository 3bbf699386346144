"""A piece of ground as Sentinel-2 would see it, before any product encodes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from tests.builders.bands import BAND_BY_NAME, BANDS
from tests.builders.testdata import REPOSITORY, find_testdata

SATURATED_DN = 65535
STORED_NODATA = -32768
STORED_MAX = 32767

type Cell = tuple[int, int]
"""(row, column) in a band's native grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One band at its native resolution; arrays are (y, x) of one shape."""

    band: str
    reflectance: NDArray[np.int32]
    """Reflectance x 10000, with no offset."""
    saturated: NDArray[np.bool_]
    """Where the detector saturated: DN 65535, whatever the reflectance says."""
    covered: NDArray[np.bool_]
    """Where a detector saw the ground: elsewhere DN and detector footprint are 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """All thirteen bands of a square of ground, north up."""

    size_px_10m: int
    """Edge of the square in 10 m pixels; a multiple of 6."""
    layers: tuple[Layer, ...]
    scene_class: NDArray[np.uint8]
    """Scene classification (y, x) at 20 m; 0 is nodata."""

    def __post_init__(self) -> None:
        if self.size_px_10m < 6 or self.size_px_10m % 6:
            raise ValueError(f"size {self.size_px_10m} px; a positive multiple of 6 is needed")

    @classmethod
    def from_reflectance(cls, bands: Mapping[str, NDArray[np.int32]]) -> Self:
        """Take reflectance x 10000 of every band at its native size; all of it is covered."""
        size = bands["B02"].shape[0]
        for band in BANDS:
            expected = size * 10 // band.resolution_m
            if bands[band.name].shape != (expected, expected):
                raise ValueError(
                    f"{band.name}: shape {bands[band.name].shape}, {expected} px square is needed"
                )
        layers = tuple(
            Layer(
                band=band.name,
                reflectance=bands[band.name].astype(np.int32),
                saturated=np.zeros(bands[band.name].shape, np.bool_),
                covered=np.ones(bands[band.name].shape, np.bool_),
            )
            for band in BANDS
        )
        return cls(size_px_10m=size, layers=layers, scene_class=_classify(bands))

    def layer(self, band: str) -> Layer:
        """Return the layer of `band`."""
        return next(layer for layer in self.layers if layer.band == band)

    def with_cells(self, band: str, values: Iterable[tuple[Cell, int]]) -> Self:
        """Set reflectance x 10000 of single cells of `band`."""
        reflectance = self.layer(band).reflectance.copy()
        for cell, value in values:
            reflectance[cell] = value
        return self._with_layer(replace(self.layer(band), reflectance=reflectance))

    def with_saturated(self, band: str, cells: Iterable[Cell]) -> Self:
        """Mark cells of `band` as saturated."""
        saturated = self.layer(band).saturated.copy()
        for cell in cells:
            saturated[cell] = True
        return self._with_layer(replace(self.layer(band), saturated=saturated))

    def with_gap(self, band: str, cells: Iterable[Cell]) -> Self:
        """Take cells of `band` alone out of all detectors' footprints; the scene classes stay."""
        covered = self.layer(band).covered.copy()
        for cell in cells:
            covered[cell] = False
        return self._with_layer(replace(self.layer(band), covered=covered))

    def with_nodata(self, nodata_60m: NDArray[np.bool_]) -> Self:
        """Make cells of the 60 m grid nodata in every band and in the scene classes."""
        layers = tuple(
            replace(
                layer,
                covered=layer.covered
                & ~repeat(nodata_60m, 60 // BAND_BY_NAME[layer.band].resolution_m),
            )
            for layer in self.layers
        )
        scene_class = np.where(repeat(nodata_60m, 3), np.uint8(0), self.scene_class)
        return replace(self, layers=layers, scene_class=scene_class)

    def with_special_cells(self) -> Self:
        """Add what every baseline can encode and a reader may get wrong.

        The north-west corner becomes nodata. In rows 10 to 16 of each band, in a column of its own
        (20 for B01 to 32 for B12): a saturated cell; reflectances at, just above and far above
        32767; one whose DN is above 32767 only with an offset; 1; and 0, which is DN 0 without an
        offset and yet valid, as no cell is 0 in all bands of a resolution.
        """
        size = self.size_px_10m // 6
        if size < 40:
            raise ValueError(f"{self.size_px_10m} px; special cells need 240 px or more")
        rows, columns = np.indices((size, size))
        surface = self.with_nodata(rows + columns < 3)
        for column, layer in enumerate(self.layers, start=20):
            values = (
                ((11, column), STORED_MAX),
                ((12, column), STORED_MAX + 1),
                ((13, column), 40000),
                ((14, column), 32000),
                ((15, column), 1),
                ((16, column), 0),
            )
            surface = surface.with_cells(layer.band, values).with_saturated(
                layer.band, [(10, column)]
            )
        return surface

    def with_negative_cells(self) -> Self:
        """Add reflectances x 10000 of -1, -500 and -999 (rows 18 to 20), which need an offset."""
        surface = self
        for column, layer in enumerate(self.layers, start=20):
            values = (((18, column), -1), ((19, column), -500), ((20, column), -999))
            surface = surface.with_cells(layer.band, values)
        return surface

    def dn(self, band: str, add_offset: int | None) -> NDArray[np.uint16]:
        """Return the digital numbers a product with `add_offset` (None: no offset) would hold.

        Raises
        ------
        ValueError
            If a covered, unsaturated cell does not fit into 0 to 65534.
        """
        layer = self.layer(band)
        dn = np.where(layer.covered & ~layer.saturated, layer.reflectance - (add_offset or 0), 1)
        if dn.min() < 0 or dn.max() >= SATURATED_DN:
            raise ValueError(
                f"{band}: DN {dn.min()} to {dn.max()} (offset {add_offset}); 0 to 65534 is allowed"
            )
        dn[layer.saturated] = SATURATED_DN
        dn[~layer.covered] = 0
        return dn.astype(np.uint16)

    def stored(self, band: str) -> NDArray[np.int16]:
        """Return what any product of this surface should be stored as: nodata where uncovered."""
        layer = self.layer(band)
        values = np.where(layer.saturated, STORED_MAX, np.minimum(layer.reflectance, STORED_MAX))
        return np.where(layer.covered, values, STORED_NODATA).astype(np.int16)

    def _with_layer(self, changed: Layer) -> Self:
        return replace(
            self,
            layers=tuple(changed if layer.band == changed.band else layer for layer in self.layers),
        )


def scene_class(surface: Surface, resolution_m: int) -> NDArray[np.uint8]:
    """Return the scene classes at 10 m (repeated), 20 m (native) or 60 m (the middle of 3 x 3)."""
    match resolution_m:
        case 10:
            return repeat(surface.scene_class, 2)
        case 20:
            return surface.scene_class
        case _:
            return surface.scene_class[1::3, 1::3]


@cache
def real_surface(size_px_10m: int = 540) -> Surface:
    """Return a surface from real imagery: the Virginia coast, at most 1800 px.

    Read from the repository's samples, else from the test data; without either, smooth seeded
    noise.
    """
    folders = [REPOSITORY / "samples" / "virginia"]
    if (testdata := find_testdata()) is not None:
        folders.append(testdata / "s2_l1c_virginia_13bands")
    for folder in folders:
        paths = {band.name: _band_file(folder, band.name) for band in BANDS}
        found = {name: path for name, path in paths.items() if path is not None}
        if len(found) == len(BANDS):
            return Surface.from_reflectance(_read_bands(found, size_px_10m))
    return noise_surface(size_px_10m)


def noise_surface(size_px_10m: int = 540, seed: int = 2) -> Surface:
    """Return a surface of smooth noise, reflectance 0.03 to 0.6, the same for the same seed."""
    random = np.random.default_rng(seed)
    bands = {}
    for band in BANDS:
        size = size_px_10m * 10 // band.resolution_m
        y, x = np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2, indexing="ij")
        field = np.zeros((size, size))
        for cycles in (1, 2, 5, 11, 23):
            angle, phase = random.uniform(0, 2 * np.pi, 2)
            field += (
                np.sin(2 * np.pi * cycles * (x * np.cos(angle) + y * np.sin(angle)) + phase)
                / cycles
            )
        field += random.normal(0, 0.02, field.shape)
        field = (field - field.min()) / np.ptp(field)
        bands[band.name] = np.round(300 + 5700 * field).astype(np.int32)
    return Surface.from_reflectance(bands)


def _band_file(folder: Path, band: str) -> Path | None:
    files = (path for path in sorted(folder.rglob(f"*{band}*")) if path.suffix in {".tif", ".jp2"})
    return next(files, None)


def _read_bands(paths: Mapping[str, Path], size_px_10m: int) -> dict[str, NDArray[np.int32]]:
    """Read the middle of each file; the bands' windows agree in size, not to the metre."""
    bands = {}
    for band in BANDS:
        size = size_px_10m * 10 // band.resolution_m
        with rasterio.open(paths[band.name]) as source:
            row, column = max(0, (source.height - size) // 2), max(0, (source.width - size) // 2)
            window = Window(column, row, min(size, source.width), min(size, source.height))
            values = source.read(1, window=window)
        missing = [(0, size - length) for length in values.shape]
        # Nodata and negative values of the source are of no use in a surface that marks its own.
        bands[band.name] = np.clip(
            np.pad(values.astype(np.int32), missing, mode="symmetric"), 1, 20000
        )
    return bands


def _classify(bands: Mapping[str, NDArray[np.int32]]) -> NDArray[np.uint8]:
    """Give plausible scene classes at 20 m: cloud 9, water 6, vegetation 4, bare 5."""
    red, near_infrared = block_mean(bands["B04"], 2), bands["B8A"]
    ratio = (near_infrared - red) / np.maximum(near_infrared + red, 1)
    return np.select([red > 3000, ratio < 0, ratio > 0.4], [9, 6, 4], default=5).astype(np.uint8)


def block_mean(values: NDArray[np.int32] | NDArray[np.uint16], factor: int) -> NDArray[np.float64]:
    if values.shape[0] % factor:
        raise ValueError(f"{values.shape} cells do not divide by {factor}")
    rows = values.reshape(values.shape[0] // factor, factor, values.shape[1] // factor, factor)
    return rows.mean(axis=(1, 3))


def repeat[T: np.generic](values: NDArray[T], factor: int) -> NDArray[T]:
    return values.repeat(factor, axis=0).repeat(factor, axis=1)
