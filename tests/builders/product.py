"""What identifies a Sentinel-2 product, and the names ESA derives from it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from affine import Affine

from tests.builders.bands import Level, has_raster_masks, image_list

DATASTRIP_DELAY = timedelta(seconds=359)
"""From the start of the datatake to that of the data strip, as in 33TWM of 2023-08-15."""

ADD_OFFSET = -1000
"""What baselines from 04.00 on declare for every band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The square a tile's metadata declares."""

    origin_x_m: float
    origin_y_m: float
    """Upper edge."""
    size_px_10m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Everything about a product but its pixels. Times are UTC."""

    level: Level
    baseline: str
    """Such as "05.09"."""
    tile: str
    """MGRS tile without the leading T."""
    epsg: int
    origin_x_m: float
    """Left edge of the images."""
    origin_y_m: float
    """Upper edge of the images."""
    datatake_start: datetime
    processing_time: datetime
    spacecraft: Literal["S2A", "S2B"] = "S2A"
    absolute_orbit: int = 42547
    bands: tuple[str, ...] | None = None
    """Images on disk, AOT, WVP, TCI and SCL included; None is all. The metadata lists all."""
    masks: bool = True
    """Whether QI_DATA is present on disk."""
    frame: Frame | None = None
    """What Tile_Geocoding declares; None is the images' own square, a larger one a cut product."""
    cloud_percent: float = 12.5
    add_offset: int | Literal["of the baseline"] | None = "of the baseline"
    """Offset declared and applied to every band; None declares nothing."""

    def __post_init__(self) -> None:
        if self.baseline < "02.06" or len(self.baseline) != 5:
            raise ValueError(f"baseline {self.baseline!r}; NN.NN from 02.06 on is allowed")
        if self.datatake_start.tzinfo is not UTC or self.processing_time.tzinfo is not UTC:
            raise ValueError("times must be in UTC")
        known = {name for name, _ in image_list(self.level, self.baseline)}
        if unknown := set(self.bands or ()) - known:
            raise ValueError(f"{sorted(unknown)} not in {self.level}; {sorted(known)} are")

    @property
    def offset(self) -> int | None:
        """The declared offset in DN, None where the metadata declares none."""
        if self.add_offset == "of the baseline":
            return ADD_OFFSET if has_raster_masks(self.baseline) else None
        return self.add_offset

    @property
    def relative_orbit(self) -> int:
        """The track, 1 to 143."""
        shift = 2 if self.spacecraft == "S2A" else -27
        return (self.absolute_orbit + shift) % 143 + 1

    @property
    def datastrip_start(self) -> datetime:
        """When the data strip begins; the granule's folder is named after it."""
        return self.datatake_start + DATASTRIP_DELAY

    @property
    def datatake_id(self) -> str:
        """Such as GS2A_20230815T095031_042547_N05.09."""
        start = stamp(self.datatake_start)
        return f"G{self.spacecraft}_{start}_{self.absolute_orbit:06d}_N{self.baseline}"

    @property
    def name(self) -> str:
        """The product id with its ending .SAFE."""
        baseline = self.baseline.replace(".", "")
        return (
            f"{self.spacecraft}_MSI{self.level}_{stamp(self.datatake_start)}_N{baseline}"
            f"_R{self.relative_orbit:03d}_T{self.tile}_{stamp(self.processing_time)}.SAFE"
        )

    @property
    def granule(self) -> str:
        """The name of the granule's folder."""
        return f"{self.level}_T{self.tile}_A{self.absolute_orbit:06d}_{stamp(self.datastrip_start)}"

    def image_path(self, image: str, resolution_m: int) -> Path:
        """Return the path of an image inside the product."""
        stem = f"T{self.tile}_{stamp(self.datatake_start)}_{image}"
        folder = Path("GRANULE", self.granule, "IMG_DATA")
        if self.level == "L1C":
            return folder / f"{stem}.jp2"
        return folder / f"R{resolution_m}m" / f"{stem}_{resolution_m}m.jp2"

    @property
    def quality_folder(self) -> Path:
        """QI_DATA, inside the product."""
        return Path("GRANULE", self.granule, "QI_DATA")

    def has(self, image: str) -> bool:
        """Tell whether an image is present on disk."""
        return self.bands is None or image in self.bands

    def transform(self, resolution_m: int) -> Affine:
        """Return the images' georeferencing."""
        return Affine(resolution_m, 0, self.origin_x_m, 0, -resolution_m, self.origin_y_m)


def stamp(time: datetime) -> str:
    """Write a time as product names do."""
    return f"{time:%Y%m%dT%H%M%S}"
