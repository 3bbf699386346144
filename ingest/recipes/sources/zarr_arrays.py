"""Zarr groups, formats 2 and 3: folders, and addresses of web servers and object stores."""

import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from obstore.exceptions import BaseError
from obstore.store import HTTPStore
from zarr.storage import LocalStore, ObjectStore

from datacube.errors import SourceError
from datacube.times import iso_text
from ingest.rasters import ObjectStoreAccess
from ingest.recipes.sources.arrays import ArrayFile
from ingest.recipes.sources.cf import decoded_dtype, describe
from ingest.recipes.sources.source import Attributes, Variable
from ingest.sentinel2.containers import s3_store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DOCUMENTS = ("zarr.json", ".zgroup", ".zmetadata")
"""One of these tells that a folder is a Zarr group."""


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a Zarr group."""
    return path.is_dir() and any((path / name).is_file() for name in DOCUMENTS)


def open_zarr(
    location: str, name: str, access: ObjectStoreAccess, *, until: datetime | None = None
) -> ArrayFile:
    """Open a Zarr group: its metadata only.

    `modified` is the time of the newest of its files, chunks included. With `until` it is that
    of its metadata alone, so that chunks are not listed; reading chunks of a folder that were
    written or deleted after `until` is then a SourceError.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    arrays = _arrays(location, name, access)
    attributes: dict[str, Attributes] = {key: dict(a.attrs) for key, a in arrays.items()}
    variables = {}
    for key, array in arrays.items():
        if array.dtype.kind in "iuf":
            variables[key] = _variable(key, array, attributes[key])
    return ArrayFile(
        name=name,
        location=location,
        modified=modified(location) if until is None else metadata_modified(location),
        variables=variables,
        attributes=attributes,
        tags={},
        load=partial(_load, name, arrays, attributes)
        if until is None
        else partial(_load_unchanged, name, arrays, attributes, (location, until)),
    )


def modified(location: str) -> datetime:
    """Return when a group in a folder was changed last, chunks included; of others, the epoch.

    Every file and folder is looked at.
    """
    below = [folder for folder, _, _ in os.walk(location)]
    files = [f"{folder}/{name}" for folder, _, names in os.walk(location) for name in names]
    return max(map(_written, (*below, *files)), default=EPOCH)


def metadata_modified(location: str) -> datetime:
    """Return when metadata of a group in a folder was written last; of others, the epoch.

    Metadata of its arrays count.
    """
    return max(map(_written, map(str, metadata_documents(Path(location)))), default=EPOCH)


def _written(path: str) -> datetime:
    """Return when a file or a folder was changed; the epoch where there is none."""
    try:
        return datetime.fromtimestamp(os.stat(path).st_mtime, UTC)  # noqa: PTH116 - many a read
    except FileNotFoundError:
        return EPOCH


def metadata_documents(path: Path) -> list[Path]:
    """Return the files of a group in a folder that describe it and its arrays."""
    known = [path / name for name in DOCUMENTS]
    known += [each for n in ("*/zarr.json", "*/.zarray", "*/.zattrs") for each in path.glob(n)]
    return [each for each in known if each.is_file()]


def _arrays(location: str, name: str, access: ObjectStoreAccess) -> Mapping[str, zarr.Array[Any]]:
    try:
        if location.startswith("s3://"):
            bucket, _, prefix = location.removeprefix("s3://").partition("/")
            store: Any = ObjectStore(s3_store(f"{bucket}/{prefix}".rstrip("/"), access))
        elif location.startswith(("http://", "https://")):
            options: Any = {"allow_http": True}
            store = ObjectStore(HTTPStore(location, client_options=options), read_only=True)
        else:
            store = LocalStore(location, read_only=True)
        group = zarr.open_group(store, mode="r")
        return dict(group.arrays())
    except (OSError, BaseError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{name} cannot be read as a Zarr group: {error}") from error


def _variable(name: str, array: zarr.Array[Any], attributes: Attributes) -> Variable:
    dims = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    names = dims or [f"dim_{n}" for n in range(array.ndim)]
    fill = {} if array.fill_value is None else {"_FillValue": array.fill_value}
    # Format 2 writes the fill value of xarray as the array's own; format 3 as an attribute.
    known = dict(attributes)
    if array.metadata.zarr_format == 2:
        known = fill | known
    elif isinstance(text := known.get("_FillValue"), str) and array.dtype.kind == "f":
        # xarray writes floats so, as JSON has no NaN.
        known["_FillValue"] = np.frombuffer(b64decode(text), "<f8")[0]
    return describe(
        name,
        dims=[str(n) for n in names],
        shape=array.shape,
        stored=np.dtype(array.dtype),
        attributes=known,
        blocks=array.chunks,
    )


def _load(
    name: str,
    arrays: Mapping[str, zarr.Array[Any]],
    attributes: Mapping[str, Attributes],
    variable: str,
    index: tuple[slice, ...],
) -> NDArray[Any]:
    if variable not in arrays:
        raise SourceError(f"{name} has no array {variable}; it has {', '.join(arrays)}")
    array = arrays[variable]
    try:
        values = np.asarray(array[index] if index else array[...])
    except Exception as error:
        # Codecs raise errors of many kinds for bytes that do not decode.
        raise SourceError(f"{name}: {variable} cannot be read: {error}") from error
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return native.view(decoded_dtype(values.dtype, attributes[variable]))


def _load_unchanged(
    name: str,
    arrays: Mapping[str, zarr.Array[Any]],
    attributes: Mapping[str, Attributes],
    known: tuple[str, datetime],
    variable: str,
    index: tuple[slice, ...],
) -> NDArray[Any]:
    """Read as `_load`; refuse chunks below a location that changed after a time."""
    values = _load(name, arrays, attributes, variable, index)
    location, until = known
    # After reading, so that what was written meanwhile is noticed.
    for path in _chunk_places(location, arrays[variable], index):
        if _written(path) > until:
            raise SourceError(f"{path} was changed after {iso_text(until)}")
    return values


def _chunk_places(location: str, array: zarr.Array[Any], index: tuple[slice, ...]) -> Iterator[str]:
    """Yield the files of the chunks that `index` meets, and the folders that they lie in.

    The time of a folder tells that one of its files was added, replaced or deleted.
    """
    root = f"{location}/{array.path}"
    sides = array.shards or array.chunks
    spans = [
        range(cut.start // side, -(-cut.stop // side))
        for cut, side in zip(index, sides, strict=False)
    ]
    folders: set[str] = set()
    for place in product(*spans):
        path = f"{root}/{array.metadata.encode_chunk_key(place)}"
        yield path
        folder = path.rpartition("/")[0]
        while folder not in folders and folder.startswith(root):
            folders.add(folder)
            yield folder
            folder = folder.rpartition("/")[0]
