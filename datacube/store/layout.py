"""The layout of the raw arrays: keys, shapes, codecs and attributes.

`<cube>/<group>/<level>/<band>` is a Zarr v3 array `(slot, *axes, y, x)`; its shards lie at
`c/<slot>/.../<row>/<column>` below it, one place deep along every further axis.
"""

import json
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.storage import MemoryStore

from datacube.cube import (
    INNER_CHUNK_PX,
    SLOT_AXIS_SIZE,
    VALID_BAND,
    Band,
    Cube,
    ResolutionGroup,
    ShardNumber,
)
from datacube.grid import Window
from datacube.store.shards import BLOSC_CODEC, BLOSC_LEVEL

SPATIAL_REF = "spatial_ref"
"""Name of the CF grid mapping variable beside the bands of a level."""


def array_key(cube: str, group: str, level: int, band: str) -> str:
    """Return the key of an array."""
    return f"{cube}/{group}/{level}/{band}"


def slot_key(array: str, slot: int) -> str:
    """Return the key below which the shards of one slot lie."""
    return f"{array}/c/{slot}"


def shard_key(array: str, slot: int, shard: ShardNumber) -> str:
    """Return the key of the shard numbered `(*places, row, column)`."""
    return f"{array}/c/{slot}/{'/'.join(map(str, shard))}"


def level_count(window: Window) -> int:
    """Return how many levels a scene of `window` gets, 0 included.

    The last is the first on which it fits into one inner chunk.
    """
    levels = 1
    while max(window.coarser(levels - 1).plane.shape) > INNER_CHUNK_PX:
        levels += 1
    return levels


def metadata_documents(
    cube: Cube, group: ResolutionGroup, level: int, band: str
) -> dict[str, bytes]:
    """Return `zarr.json` by key for one array."""
    described = None if band == VALID_BAND else cube.band(band)
    dtype = np.dtype("uint8") if described is None else described.numpy_dtype
    nodata = 0 if described is None else described.nodata
    attributes = _valid_attributes() if described is None else _band_attributes(described)
    memory = MemoryStore()
    zarr.create_array(
        memory,
        shape=(SLOT_AXIS_SIZE, *group.level_shape(level)),
        dtype=dtype,
        chunks=(*([1] * (1 + len(group.axes))), INNER_CHUNK_PX, INNER_CHUNK_PX),
        shards=(1, *group.shard_shape),
        fill_value=dtype.type(nodata),
        compressors=[
            BloscCodec(
                cname=BLOSC_CODEC, clevel=BLOSC_LEVEL, shuffle="bitshuffle", typesize=dtype.itemsize
            ),
            # LZ4 notices few flipped bits by itself.
            Crc32cCodec(),
        ],
        dimension_names=("slot", *(axis.name for axis in group.axes), "y", "x"),
        attributes=attributes,
    )
    key = f"{array_key(cube.name, group.name, level, band)}/zarr.json"
    return {key: memory._store_dict["zarr.json"].to_bytes()}  # noqa: SLF001 - as above


def group_documents(cube: Cube, group: ResolutionGroup, levels: int) -> dict[str, bytes]:
    """Return `zarr.json` by key for the groups, and the grid mapping of each level."""
    base = f"{cube.name}/{group.name}"
    documents = {
        "zarr.json": _group({}),
        f"{cube.name}/zarr.json": _group({"title": cube.title, "collection": cube.collection}),
        f"{base}/zarr.json": _group(_multiscales(group, levels)),
    }
    for level in range(levels):
        documents[f"{base}/{level}/zarr.json"] = _group(_spatial(group, level))
        memory = MemoryStore()
        zarr.create_array(
            memory,
            shape=(),
            dtype="int32",
            fill_value=0,
            attributes=_grid_mapping(group, level),
        )
        documents[f"{base}/{level}/{SPATIAL_REF}/zarr.json"] = memory._store_dict[  # noqa: SLF001 - as above
            "zarr.json"
        ].to_bytes()
    return documents


def _group(attributes: dict[str, Any]) -> bytes:
    document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    return json.dumps(document, indent=2).encode()


def _band_attributes(band: Band) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "long_name": band.title,
        "units": band.unit,
        "grid_mapping": SPATIAL_REF,
    }
    if (band.scale, band.offset) != (1.0, 0.0):
        attributes |= {"scale_factor": band.scale, "add_offset": band.offset}
    if band.standard_name is not None:
        attributes["standard_name"] = band.standard_name
    if band.wavelength_nm is not None:
        attributes["wavelength_nm"] = band.wavelength_nm
    if band.classes:
        attributes |= {
            "flag_values": [c.value for c in band.classes],
            "flag_meanings": " ".join(c.name for c in band.classes),
        }
    return attributes


def _valid_attributes() -> dict[str, Any]:
    return {
        "long_name": "1 where any band of this resolution is valid",
        "flag_values": [0, 1],
        "flag_meanings": "invalid valid",
        "grid_mapping": SPATIAL_REF,
    }


def _transform(group: ResolutionGroup, level: int) -> tuple[float, ...]:
    """Return the affine of array indices at a level: a, b, c, d, e, f."""
    grid = group.level_grid(level)
    rows, cols = (origin >> level for origin in group.array_origin)
    return (
        grid.x.step,
        0.0,
        grid.x.start - cols * grid.x.step,
        0.0,
        grid.y.step,
        grid.y.start - rows * grid.y.step,
    )


def _grid_mapping(group: ResolutionGroup, level: int) -> dict[str, Any]:
    a, b, c, d, e, f = _transform(group, level)
    crs = group.grid.crs
    return {**crs.to_cf(), "GeoTransform": f"{c!r} {a!r} {b!r} {f!r} {d!r} {e!r}"}


def _spatial(group: ResolutionGroup, level: int) -> dict[str, Any]:
    crs = group.grid.crs
    authority = crs.to_authority(min_confidence=70)
    code = {"proj:code": ":".join(authority)} if authority else {"proj:wkt2": crs.to_wkt()}
    return {
        **code,
        "spatial:dimensions": ["y", "x"],
        "spatial:transform": list(_transform(group, level)),
        "spatial:shape": list(group.level_shape(level)[-2:]),
    }


def _multiscales(group: ResolutionGroup, levels: int) -> dict[str, Any]:
    layout: list[dict[str, Any]] = [{"asset": "0"}]
    layout += [
        {
            "asset": str(level),
            "derived_from": str(level - 1),
            "transform": {"scale": [2.0, 2.0], "translation": [0.0, 0.0]},
        }
        for level in range(1, levels)
    ]
    return {**_spatial(group, 0), "multiscales": {"layout": layout}}
