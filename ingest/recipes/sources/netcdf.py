"""netCDF files, classic and netCDF-4, read by the netCDF library.

It is not safe to call from several threads, so one lock guards every call.
"""

import threading
import weakref
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from datacube.errors import SourceError
from ingest.recipes.sources.arrays import ArrayFile
from ingest.recipes.sources.cf import decoded_dtype, describe
from ingest.recipes.sources.source import Attributes, Variable

_LOCK = threading.RLock()
CHUNK_CACHE_BYTES = 64 * 2**20
"""Decoded chunks kept of a variable, as one chunk often holds many times."""


def open_netcdf(path: Path, name: str) -> ArrayFile:
    """Open a netCDF file: its header only.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    handle = _Handle(path, name)
    with _LOCK:
        dataset = handle.dataset()
        try:
            attributes: dict[str, Attributes] = {
                key: {a: variable.getncattr(a) for a in variable.ncattrs()}
                for key, variable in _all(dataset)
            }
            variables = {
                key: _variable(key, variable, attributes[key])
                for key, variable in _all(dataset)
                if isinstance(variable.dtype, np.dtype) and variable.dtype.kind in "iuf"
            }
            tags = {key: str(dataset.getncattr(key)) for key in dataset.ncattrs()}
        except (OSError, RuntimeError, AttributeError, UnicodeDecodeError) as error:
            raise SourceError(f"{name} cannot be read: {error}") from error
    return ArrayFile(
        name=name,
        location=str(path),
        modified=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        variables=variables,
        attributes=attributes,
        tags=tags,
        load=partial(_load, handle, attributes),
    )


class _Handle:
    """An open file, closed with the object."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self.name = name
        self._dataset: Any = None

    def dataset(self) -> Any:  # noqa: ANN401  # netCDF4 publishes no usable annotations
        """Return the open file; called under the lock only."""
        if self._dataset is None:
            try:
                # A path, never an address: the library would fetch it.
                opened = netCDF4.Dataset(self._path.resolve(), "r")
            except (OSError, RuntimeError, UnicodeDecodeError) as error:
                raise SourceError(f"{self.name} cannot be read: {error}") from error
            opened.set_auto_maskandscale(False)
            for _, variable in _all(opened):
                if opened.data_model.startswith("NETCDF4") and variable.ndim:
                    variable.set_var_chunk_cache(size=CHUNK_CACHE_BYTES)
            self._dataset = opened
            weakref.finalize(self, _close, opened)
        return self._dataset


def _close(dataset: Any) -> None:  # noqa: ANN401  # as above
    with _LOCK:
        if dataset.isopen():
            dataset.close()


def _all(dataset: Any, prefix: str = "") -> list[tuple[str, Any]]:  # noqa: ANN401  # as above
    """Return the variables of a file by name, those of groups by `group/name`."""
    found = [(prefix + name, variable) for name, variable in dataset.variables.items()]
    for name, group in dataset.groups.items():
        found += _all(group, f"{prefix}{name}/")
    return found


def _variable(name: str, variable: Any, attributes: Attributes) -> Variable:  # noqa: ANN401  # as above
    chunks = variable.chunking() if variable.ndim else None
    return describe(
        name,
        dims=variable.dimensions,
        shape=variable.shape,
        stored=variable.dtype,
        attributes=attributes,
        blocks=chunks if isinstance(chunks, list) else variable.shape,
    )


def _load(
    handle: _Handle,
    attributes: dict[str, Attributes],
    variable: str,
    index: tuple[slice, ...],
) -> NDArray[Any]:
    try:
        with _LOCK:
            array = handle.dataset()[variable]
            values = np.asarray(array[index] if index else array[...])
    except (OSError, RuntimeError, IndexError) as error:
        raise SourceError(f"{handle.name}: {variable} cannot be read: {error}") from error
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return native.view(decoded_dtype(values.dtype, attributes[variable]))
