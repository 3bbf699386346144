"""The served Zarr views: a plan as an immutable Zarr v3 group, member by member.

Every member is a pure function of the plan, so a view needs no store of its own.
Coordinates and CRS stand in CF attributes, which odc-geo, rioxarray and GDAL read,
and in the Zarr conventions `proj:` and `spatial:`, which newer tools read.
"""

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, isfinite, prod
from typing import Any

import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray

from datacube.cells import Cells, Values
from datacube.encode.answer import Compute
from datacube.encode.cf import (
    GRID_MAPPING,
    Attribute,
    Coordinate,
    Variable,
    cf_coordinates,
    cf_dataset_attrs,
    cf_grid_mapping,
    cf_plane,
    cf_variables,
)
from datacube.encode.chunks import chunk_shape
from datacube.encode.written import finite
from datacube.grid import Window, crs_name
from datacube.plan.nodes import Bands, Domain, Pick, Plan, contributing_scenes
from datacube.plan.rules import rewrite
from datacube.service_provider import Credits

type Json = dict[str, Any]

MEDIA_TYPE = "application/vnd.zarr; version=3"
"""What a view is encoded as; its members are JSON documents and packed chunks."""
METADATA_KEY = "zarr.json"
"""Key of the metadata of the group, and behind a name and `/` of an array."""

# LZ4 packs a chunk of 512 x 512 int16 in 0.2 ms; GDAL, zarrita and zarr-python all read it.
_COMPRESSOR = {"cname": "lz4", "clevel": 5}


def _convention(name: str, uuid: str, description: str) -> Json:
    return {
        "uuid": uuid,
        "name": name,
        "schema_url": f"https://raw.githubusercontent.com/zarr-conventions/{name}"
        "/refs/tags/v0.1/schema.json",
        "spec_url": f"https://github.com/zarr-conventions/{name}/blob/v0.1/README.md",
        "description": description,
    }


_CONVENTIONS = [
    _convention(
        "proj",
        "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "Coordinate reference system information for geospatial data",
    ),
    _convention(
        "spatial", "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An array of the group: a data variable, a coordinate, or the grid mapping."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dimensions: tuple[str, ...]
    fill: int | float
    attributes: Mapping[str, Attribute]
    values: NDArray[Any] | None = None
    """All values, where they are known without reading; else the variable's are computed."""
    variable: Variable | None = None

    @property
    def metadata(self) -> Json:
        """The array's `zarr.json` (Zarr core 3.0; codec `blosc` 1.0)."""
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self.chunks)}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.fill if isfinite(self.fill) else "NaN",
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {
                    "name": "blosc",
                    "configuration": {
                        **_COMPRESSOR,
                        "typesize": self.dtype.itemsize,
                        "shuffle": "shuffle",
                        "blocksize": 0,
                    },
                },
            ],
            "dimension_names": list(self.dimensions),
            "attributes": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in self.attributes.items()
            },
            "storage_transformers": [],
        }

    @property
    def nbytes(self) -> int:
        """Bytes of all its values."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def document(self) -> bytes:
        """The metadata as they are stored."""
        return _json(self.metadata)

    def pack(self, values: Values) -> bytes:
        """Return the bytes of a chunk."""
        little = np.ascontiguousarray(values, self.dtype.newbyteorder("<"))
        codec = Blosc(**_COMPRESSOR, shuffle=Blosc.SHUFFLE, typesize=self.dtype.itemsize)
        return bytes(codec.encode(little))


def view_metadata(
    plan: Plan,
    *,
    title: str,
    credits_: Credits | None = None,
    attributes: Mapping[str, Attribute] | None = None,
) -> bytes:
    """Return the `zarr.json` of the group, with the metadata of all its arrays inline.

    One array a field, in chunks of 512 x 512 cells and 1 along every other axis,
    counted from the plan's first cell and not sharded; `_FillValue`, scale and flags
    as CF says; the coordinates; and `spatial_ref`. The contributing scenes are an
    attribute. `attributes` are added to the group's.
    """
    scenes = contributing_scenes(plan)
    group = {
        **cf_dataset_attrs(title, scenes, credits_),
        **_geo_attributes(plan.domain),
        **(attributes or {}),
    }
    documents = {array.name: array.metadata for array in members(plan).values()}
    return _json(
        {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": group,
            "consolidated_metadata": {
                "kind": "inline",
                "must_understand": False,
                "metadata": documents,
            },
        }
    )


def view_member(plan: Plan, key: str, compute: Compute) -> bytes | None:
    """Return the bytes under a key such as `B04/zarr.json`, `B04/c/0/3/4` or `time/c/0`.

    Only the band and the cells of the chunk are computed. None where the view has
    no such key or the chunk no valid cell, which Zarr reads as fill value. The
    group's own `zarr.json` is `view_metadata`.
    """
    name, _, rest = key.partition("/")
    array = members(plan).get(name)
    if array is None:
        return None
    if rest == METADATA_KEY:
        return array.document
    place = _chunk_place(rest, array)
    if place is None:
        return None
    if array.variable is None:
        return None if array.values is None else array.pack(array.values)
    return _chunk(plan, array, array.variable, place, compute)


def has_member(plan: Plan, key: str) -> bool:
    """Tell whether a key is of the view, as far as that is known without a cell.

    A chunk whose cells are all nodata has a key, too.
    """
    name, _, rest = key.partition("/")
    if key == METADATA_KEY:
        return True
    array = members(plan).get(name)
    return array is not None and (rest == METADATA_KEY or _chunk_place(rest, array) is not None)


def _chunk_place(text: str, array: Member) -> tuple[int, ...] | None:
    """Read `c/0/3/4`; None unless it is written canonically and lies in the array."""
    head, *parts = text.split("/")
    if head != "c" or len(parts) != len(array.shape):
        return None
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
        return None
    place = tuple(int(part) for part in parts)
    counts = (ceil(size / chunk) for size, chunk in zip(array.shape, array.chunks, strict=True))
    inside = all(number < count for number, count in zip(place, counts, strict=True))
    return place if inside and [str(number) for number in place] == parts else None


def _chunk(
    plan: Plan, array: Member, variable: Variable, place: tuple[int, ...], compute: Compute
) -> bytes | None:
    ranges = []
    for number, chunk, axis in zip(place, array.chunks, plan.domain.axes, strict=True):
        start = axis.first + number * chunk
        ranges.append((start, min(start + chunk, axis.stop)))
    window = Window(tuple(ranges))
    cells = compute(_one_field(plan, variable.field.name), window)
    return packed_chunk(array, variable, cells)


def packed_chunk(array: Member, variable: Variable, cells: Cells) -> bytes | None:
    """Return the chunk of cells, which the array's end may cut; None without a valid one."""
    values, valid = cells.band(variable.field.name)
    valid = finite(values, valid)
    if not valid.any():
        return None
    whole = np.full(array.chunks, variable.stored.nodata, array.dtype)
    part = whole[tuple(slice(size) for size in values.shape)]
    np.copyto(part, values, where=valid, casting="unsafe")
    return array.pack(whole)


@lru_cache(maxsize=256)
def _one_field(plan: Plan, name: str) -> Plan:
    """Return the plan of one field, with the choice moved down to what is read."""
    return rewrite(Bands(picks=(Pick(source=plan, field=name, name=name),)))


@lru_cache(maxsize=64)
def members(plan: Plan) -> Mapping[str, Member]:
    """Return the members of the group: data variables, coordinates, `spatial_ref`."""
    coordinates = cf_coordinates(plan.domain)
    mapping = cf_grid_mapping(plan.domain)
    arrays = [
        *(_data_array(v, plan, coordinates) for v in cf_variables(plan.fields, plan.domain)),
        *(_coordinate_array(coordinate) for coordinate in coordinates),
        *(() if mapping is None else (_mapping_array(mapping),)),
    ]
    return {array.name: array for array in arrays}


def _mapping_array(attributes: Mapping[str, Attribute]) -> Member:
    return Member(
        name=GRID_MAPPING,
        dtype=np.dtype(np.int32),
        shape=(),
        chunks=(),
        dimensions=(),
        fill=0,
        attributes=attributes,
        values=np.zeros((), np.int32),
    )


def _data_array(variable: Variable, plan: Plan, coordinates: tuple[Coordinate, ...]) -> Member:
    nodata = variable.stored.nodata
    declared: dict[str, Attribute] = {}
    if variable.declares_nodata:
        declared["_FillValue"] = _xarray_fill(nodata, variable.stored.dtype)
    return Member(
        name=variable.name,
        dtype=variable.stored.numpy_dtype,
        shape=plan.domain.shape,
        chunks=chunk_shape(plan.domain),
        dimensions=tuple(coordinate.name for coordinate in coordinates),
        fill=nodata,
        attributes={**declared, **variable.attributes},
        variable=variable,
    )


def _coordinate_array(coordinate: Coordinate) -> Member:
    size = len(coordinate.values)
    integer = coordinate.values.dtype.kind == "i"
    return Member(
        name=coordinate.name,
        dtype=coordinate.values.dtype,
        shape=(size,),
        chunks=(size,),
        dimensions=(coordinate.name,),
        fill=int(np.iinfo(np.int64).min) if integer else float("nan"),
        attributes=coordinate.attributes,
        values=coordinate.values,
    )


def _xarray_fill(nodata: float, dtype: str) -> str | int:
    """Write `_FillValue` as xarray does in Zarr v3: integers plain, doubles in base 64."""
    if np.dtype(dtype).kind == "f":
        return base64.standard_b64encode(struct.pack("<d", nodata)).decode()
    return int(nodata)


def _geo_attributes(domain: Domain) -> Json:
    """Return the attributes of the conventions `proj` and `spatial`, both v0.1.

    Empty without a plane on the Earth.
    """
    grid = domain.grid
    if grid is None or not grid.on_earth:
        return {}
    code = crs_name(grid.crs)
    attributes: Json = {"zarr_conventions": _CONVENTIONS}
    if code.partition(":")[2]:
        attributes["proj:code"] = code
    attributes["proj:wkt2"] = grid.crs.to_wkt()
    attributes["spatial:dimensions"] = [coordinate.name for coordinate in cf_plane(grid)]
    attributes["spatial:transform"] = [float(number) for number in grid.transform[:6]]
    attributes["spatial:shape"] = list(grid.shape)
    attributes["spatial:bbox"] = [float(edge) for edge in grid.bbox]
    attributes["spatial:registration"] = "pixel"
    return attributes


def _json(document: Json) -> bytes:
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
