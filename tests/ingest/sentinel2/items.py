"""STAC items of small Sentinel-2 scenes for tests; synthetic."""

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from tests.builders.jp2 import write_jp2

type Json = dict[str, Any]

CORNER = (499980.0, 5200020.0)
"""Upper left of tile 33TWM."""
FOOTPRINT = {
    "type": "Polygon",
    "coordinates": [[[15.0, 46.9], [15.1, 46.9], [15.1, 46.95], [15.0, 46.95], [15.0, 46.9]]],
}


def pixels(rows: int, cols: int, seed: int = 1) -> NDArray[np.uint16]:
    """Return digital numbers 1 to 12000."""
    return np.random.default_rng(seed).integers(1, 12000, (rows, cols)).astype(np.uint16)


def write_raster(
    path: Path,
    values: NDArray[np.uint8] | NDArray[np.uint16],
    *,
    step: float | None,
    driver: str = "GTiff",
) -> Path:
    """Write a file of `driver`, whatever the suffix; `step` None leaves georeferencing away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if driver == "JP2OpenJPEG" and step is not None:
        transform = Affine(step, 0, CORNER[0], 0, -step, CORNER[1])
        write_jp2(path, values, epsg=32633, transform=transform)
        return path
    planes = values if values.ndim == 3 else values[None]
    place = (
        {}
        if step is None
        else {
            "crs": "EPSG:32633",
            "transform": Affine(step, 0, CORNER[0], 0, -step, CORNER[1]),
        }
    )
    options = {"QUALITY": "100", "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {}
    with (
        warnings.catch_warnings(category=NotGeoreferencedWarning, action="ignore"),
        rasterio.Env(GDAL_PAM_ENABLED=False),
        rasterio.open(
            path,
            "w",
            driver=driver,
            count=planes.shape[0],
            height=planes.shape[1],
            width=planes.shape[2],
            dtype=planes.dtype,
            **place,
            **options,
        ) as target,
    ):
        target.write(planes)
    return path


def make_item(
    assets: Mapping[str, Json],
    properties: Mapping[str, object] | None = None,
    *,
    item_id: str = "S2A_33TWM_20230815_0_L2A",
) -> Json:
    """Return an item as earth-search writes them; a property of None is left out."""
    known: Json = {
        "datetime": "2023-08-15T09:57:57.246000Z",
        "platform": "sentinel-2a",
        "proj:epsg": 32633,
        "grid:code": "MGRS-33TWM",
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": "05.09",
        "s2:product_uri": "S2A_MSIL2A_20230815T095031_N0509_R079_T33TWM_20230815T155057.SAFE",
        "s2:generation_time": "2023-08-15T15:50:57.000000Z",
        "s2:datatake_id": "GS2A_20230815T095031_042547_N05.09",
        "earthsearch:boa_offset_applied": True,
    }
    merged = known | dict(properties or {})
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "geometry": FOOTPRINT,
        "properties": {k: v for k, v in merged.items() if v is not None},
        "links": [],
        "assets": dict(assets),
    }


def asset(href: str, **fields: object) -> Json:
    return {"href": href, "roles": ["data"], **fields}


def save(path: Path, document: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def documented_properties() -> set[str]:
    """Return the names of scene metadata that the docs list."""
    text = (Path(__file__).parents[3] / "docs/how-to/ingest.md").read_text()
    section = text.split("## Scene metadata")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}
