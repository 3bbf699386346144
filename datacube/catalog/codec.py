"""Values to JSON and back: definitions, and the records of commits."""

import json
import zlib
from collections.abc import Sequence
from typing import Any

from pyproj import CRS

from datacube.axes import IrregularAxis, PlaceAxis, RegularAxis
from datacube.cube import Aggregate, Band, ClassValue, Collection, Cube, MapAxis, ResolutionGroup
from datacube.grid import Grid, Window, crs_from_text
from datacube.slots import BandShards, SceneRecord, SlotWindow
from datacube.times import iso_text, parse_period

type Json = dict[str, Any]


def dump(value: object) -> str:
    """Write compact JSON; equal values give equal text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def collection_to_json(collection: Collection) -> Json:
    """Return every field of a collection."""
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "style_family": collection.style_family,
        "licence": collection.licence,
        "attribution": collection.attribution,
    }


def collection_from_json(value: Json) -> Collection:
    """Return the collection that `collection_to_json` wrote."""
    return Collection(**value)


def _axis_to_json(axis: PlaceAxis) -> Json:
    if isinstance(axis, IrregularAxis):
        return {"name": axis.name, "uom": axis.uom, "coefficients": list(axis.coefficients)}
    return {
        "name": axis.name,
        "uom": axis.uom,
        "start": axis.start,
        "step": axis.step,
        "first": axis.first,
        "size": axis.size,
        **({"index": True} if axis.index else {}),
    }


def _axis_from_json(value: Json) -> PlaceAxis:
    if "coefficients" in value:
        return IrregularAxis(**{**value, "coefficients": tuple(value["coefficients"])})
    return RegularAxis(**value)


def _band_to_json(band: Band) -> Json:
    return {
        "name": band.name,
        "title": band.title,
        "dtype": band.dtype,
        "nodata": None if band.nodata != band.nodata else band.nodata,
        "group": band.group,
        "aggregate": band.aggregate.value,
        "scale": band.scale,
        "offset": band.offset,
        "unit": band.unit,
        "standard_name": band.standard_name,
        "wavelength_nm": band.wavelength_nm,
        "classes": [[c.value, c.name, c.title, list(c.colour)] for c in band.classes],
        "aliases": list(band.aliases),
        **({"gapless": True} if band.gapless else {}),
    }


def _band_from_json(value: Json) -> Band:
    classes = tuple(
        ClassValue(value=number, name=name, title=title, colour=(rgb[0], rgb[1], rgb[2]))
        for number, name, title, rgb in value["classes"]
    )
    nodata = float("nan") if value["nodata"] is None else value["nodata"]
    return Band(
        **{
            **value,
            "nodata": nodata,
            "aggregate": Aggregate(value["aggregate"]),
            "classes": classes,
            "aliases": tuple(value["aliases"]),
        }
    )


def cube_to_json(cube: Cube) -> Json:
    """Return every field of a cube; its CRS as WKT."""
    return {
        "name": cube.name,
        "collection": cube.collection,
        "title": cube.title,
        "access": cube.access,
        "crs": _crs_text(cube.crs),
        "groups": [
            {
                "name": group.name,
                "x": _axis_to_json(group.grid.x),
                "y": _axis_to_json(group.grid.y),
                "array_origin": list(group.array_origin),
                **({"axes": [_axis_to_json(a) for a in group.axes]} if group.axes else {}),
            }
            for group in cube.groups
        ],
        "bands": [_band_to_json(band) for band in cube.bands],
        # Left out where it says nothing, so that equal cubes have equal records.
        **({} if cube.timed else {"timed": False}),
        **({"map_axes": [_map_axis_to_json(a) for a in cube.map_axes]} if cube.map_axes else {}),
    }


def _map_axis_to_json(axis: MapAxis) -> Json:
    return {
        "name": axis.name,
        "default": [list(interval) for interval in axis.default],
        "required": axis.required,
        "nearest": axis.nearest,
        "several": axis.several,
    }


def _map_axis_from_json(value: Json) -> MapAxis:
    default = tuple((low, high) for low, high in value["default"])
    return MapAxis(**{**value, "default": default})


def _crs_text(crs: CRS) -> str:
    return crs.to_wkt()


def cube_from_json(value: Json) -> Cube:
    """Return the cube that `cube_to_json` wrote."""
    crs = crs_from_text(value["crs"])
    groups = tuple(
        ResolutionGroup(
            name=group["name"],
            grid=Grid(crs=crs, x=RegularAxis(**group["x"]), y=RegularAxis(**group["y"])),
            array_origin=(group["array_origin"][0], group["array_origin"][1]),
            axes=tuple(_axis_from_json(axis) for axis in group.get("axes", ())),
        )
        for group in value["groups"]
    )
    return Cube(
        name=value["name"],
        collection=value["collection"],
        title=value["title"],
        access=value["access"],
        crs=crs,
        groups=groups,
        bands=tuple(_band_from_json(band) for band in value["bands"]),
        timed=value.get("timed", True),
        map_axes=tuple(_map_axis_from_json(axis) for axis in value.get("map_axes", ())),
    )


def scene_to_json(scene: SceneRecord) -> Json:
    """Return every field of a scene record."""
    return {
        "scene_id": scene.scene_id,
        "product_id": scene.product_id,
        "reference_time": iso_text(scene.reference_time),
        "first_time": iso_text(scene.first_time),
        "last_time": iso_text(scene.last_time),
        "baseline": scene.baseline,
        "generation_time": iso_text(scene.generation_time),
        "footprint": scene.footprint,
        "cloud_cover_percent": scene.cloud_cover_percent,
        "properties": scene.properties,
    }


def scene_from_json(value: Json) -> SceneRecord:
    """Return the scene record that `scene_to_json` wrote."""
    times = ("reference_time", "first_time", "last_time", "generation_time")
    return SceneRecord(**{**value, **{name: parse_period(value[name]).start for name in times}})


def windows_to_json(windows: Sequence[SlotWindow]) -> list[list[Any]]:
    """Return `[group, start, stop, start, stop, ..., levels]` a window, an axis after another."""
    return [
        [w.group, *(end for span in w.window.ranges for end in span), w.levels] for w in windows
    ]


def windows_from_json(value: list[list[Any]]) -> tuple[SlotWindow, ...]:
    """Return the windows that `windows_to_json` wrote."""
    return tuple(
        SlotWindow(
            group=group,
            window=Window(tuple(zip(ends[::2], ends[1::2], strict=True))),
            levels=levels,
        )
        for group, *ends, levels in value
    )


def shards_to_json(shards: Sequence[BandShards]) -> list[list[Any]]:
    """Return `[group, level, band, bitmap in hexadecimal]` a band and level."""
    return [[s.group, s.level, s.band, s.bits.hex()] for s in shards]


def shards_from_json(value: list[list[Any]]) -> tuple[BandShards, ...]:
    """Return the shards that `shards_to_json` wrote."""
    return tuple(
        BandShards(group=group, level=level, band=band, bits=bytes.fromhex(bits))
        for group, level, band, bits in value
    )


def pack_shards(shards: list[list[Any]]) -> bytes:
    """Return the blob of a slot's row."""
    return zlib.compress(dump(shards).encode(), 6)


def unpack_shards(blob: bytes) -> tuple[BandShards, ...]:
    """Return the shards in a slot's blob."""
    return shards_from_json(json.loads(zlib.decompress(blob)))
