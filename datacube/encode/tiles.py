"""Tiles of a TIFF: the predictors of TIFF 6.0 and Adobe's technical note 3, and deflate."""

from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

_LEVEL = 1
"""ISA-L's level 1 packs like zlib's in a third of its time; level 2 saves 2 % more."""


def predictor(dtype: np.dtype[Any]) -> int:
    """Return the number of the predictor for cells of a type: 1 none, 2 integers, 3 floats."""
    return {"c": 1, "f": 3}.get(dtype.kind, 2)


def packed(tile: NDArray[Any]) -> bytes:
    """Return a tile, `(rows, columns)`, deflated after its type's predictor."""
    match predictor(tile.dtype):
        case 2:
            differences = np.empty(tile.shape, tile.dtype.newbyteorder("<"))
            differences[:, 0] = tile[:, 0]
            np.subtract(tile[:, 1:], tile[:, :-1], out=differences[:, 1:])
        case 3:
            differences = _float_differences(tile)
        case _:
            differences = np.ascontiguousarray(tile, tile.dtype.newbyteorder("<"))
    return bytes(isal_zlib.compress(differences, _LEVEL))


def _float_differences(tile: NDArray[Any]) -> NDArray[Any]:
    """Part each row into planes of bytes, the highest first, and subtract neighbours."""
    rows, columns = tile.shape
    big = np.ascontiguousarray(tile, tile.dtype.newbyteorder(">"))
    planes = big.view(np.uint8).reshape(rows, columns, -1).transpose(0, 2, 1)
    split = np.ascontiguousarray(planes).reshape(rows, -1)
    differences = np.empty_like(split)
    differences[:, 0] = split[:, 0]
    np.subtract(split[:, 1:], split[:, :-1], out=differences[:, 1:])
    return differences
