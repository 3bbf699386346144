"""The record of a scene: one vocabulary, whatever the source calls things."""

import json
import re
from dataclasses import dataclass
from datetime import datetime

from datacube.slots import SceneRecord
from ingest.sentinel2.bands import Level
from ingest.sentinel2.images import Pixels
from ingest.sentinel2.masks import NodataMask
from ingest.sentinel2.metadata import TileMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneTimes:
    """When a scene was taken."""

    reference: datetime
    """Start of the datatake, where that is known."""
    first: datetime
    last: datetime
    assumed: bool = False
    """Whether the scene is only known to lie between `first` and `last`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFacts:
    """What a source says about a scene. None or empty is unknown."""

    source: str
    """Where it was read from."""
    item: str | None = None
    """Id of its STAC item."""
    product_id: str
    """Without `.SAFE`."""
    platform: str
    """`S2A`."""
    level: Level
    tile: str
    """MGRS tile without T."""
    times: SceneTimes
    baseline: str
    generation_time: datetime
    footprint: str
    """WKT in longitude-latitude."""
    datatake_id: str = ""
    relative_orbit: int | None = None
    absolute_orbit: int | None = None
    orbit_direction: str | None = None
    """`ascending` or `descending`."""
    cloud_cover_percent: float | None = None
    sun_deg: tuple[float, float] | None = None
    """Mean `(zenith, azimuth)`; those of the granule's own metadata go first."""


def scene_record(
    facts: SceneFacts, tile: TileMetadata | None, pixels: Pixels, mask: NodataMask
) -> SceneRecord:
    """Return the record of a scene; docs/how-to/ingest.md lists the names of its properties."""
    times = facts.times
    place = f"T{facts.tile}" if facts.tile else str(facts.item)
    known: dict[str, object] = {
        "source": facts.source,
        "item": facts.item,
        "platform": facts.platform,
        "tile": facts.tile,
        "datatake_id": facts.datatake_id,
        "relative_orbit": facts.relative_orbit,
        "absolute_orbit": facts.absolute_orbit,
        "orbit_direction": facts.orbit_direction,
        "time_assumed": times.assumed,
        **_angles(facts, tile),
        "radiometry": _radiometry(pixels),
        "nodata_rule": mask.rules(),
    }
    return SceneRecord(
        scene_id=f"{facts.platform}_{times.reference:%Y%m%dT%H%M%S}_{place}_{facts.level}",
        product_id=facts.product_id,
        reference_time=times.reference,
        first_time=times.first,
        last_time=times.last,
        baseline=facts.baseline,
        generation_time=facts.generation_time,
        footprint=facts.footprint,
        cloud_cover_percent=facts.cloud_cover_percent,
        properties=json.dumps({k: v for k, v in known.items() if v not in (None, "")}),
    )


def absolute_orbit(datatake_id: str) -> int | None:
    """Read the orbit's number in a datatake id.

    >>> absolute_orbit("GS2A_20230815T095031_042547_N05.09")
    42547
    """
    match = re.search(r"_\d{8}T\d{6}_(\d{6})_", datatake_id)
    return int(match.group(1)) if match else None


def _angles(facts: SceneFacts, tile: TileMetadata | None) -> dict[str, object]:
    properties: dict[str, object] = {}
    sun = (tile and tile.sun_deg) or facts.sun_deg
    if sun:
        properties |= {"sun_zenith_deg": sun[0], "sun_azimuth_deg": sun[1]}
    if tile and tile.view_deg:
        properties |= {
            "view_zenith_deg": {band: angles[0] for band, angles in tile.view_deg.items()},
            "view_azimuth_deg": {band: angles[1] for band, angles in tile.view_deg.items()},
        }
    return properties


def _radiometry(pixels: Pixels) -> dict[str, object]:
    return {
        band: {
            "offset_dn": radiometry.offset,
            "quantification": radiometry.quantification,
            "source": radiometry.source,
        }
        for band, radiometry in pixels.radiometry.items()
        if band in pixels.images
    }
