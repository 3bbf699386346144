"""What encoders hold in memory beside the cells that they are given."""

from math import ceil
from typing import TYPE_CHECKING

from datacube.plan import formats
from datacube.plan.nodes import Encode, Picture, Plan

if TYPE_CHECKING:
    import numpy as np

IN_MEMORY_BYTES = 67_108_864
"""Answers whose cells take more are made in a temporary file."""
RASTER_CACHE_BYTES = 67_108_864
"""GDAL's block cache, which would else grow to 5 % of the machine's memory."""
TEXT_RUN_CELLS = 262_144
"""Cells of text formats written at once."""
MOST_TEXT_BYTES = 268_435_456
"""Longest text: it is ten times as long as the numbers, and read slowly."""
POLYGONS = "polygons"
"""Stands for the media type where polygons are made of the cells, in whatever format."""
MOST_EDGES = 1_500_000
"""Edges between cells of different values that polygons may have, which GDAL follows one by one."""

_EDGE_BYTES = 560
"""An edge of a polygon: in GDAL's layer, as WKB and as the text of the longest format."""
_LIBRARY_BYTES = 6_000_000
"""Buffers of the libraries that write files, whatever the cells."""
_TEXT_BYTES = 72
"""One number as a text of its own."""
_FILE_BLOCK_CELLS = 4_194_304
"""Cells of one field that go into a file at once, as numbers of the file's own."""
_PAINTED_BYTES = 4
"""A painted cell."""
_PAINTING_BYTES = 33_554_432
"""Colours of one block in double precision."""
_JP2_CELL_BYTES = 12
"""OpenJPEG works in 32-bit numbers, in three copies."""


def encoding_bytes(node: Encode) -> int:
    """Return the most bytes that an encoder holds beside its cells, its answer among them.

    Pictures are painted by the evaluator; nothing is added for them.
    """
    source = node.source
    if isinstance(source, Picture):
        return 0
    cells = source.domain.size
    raw = cells * sum(field.numpy_dtype.itemsize for field in source.fields)
    match node.media_type:
        case _ if cells == 1:
            return 0
        case _ if node.media_type == POLYGONS:
            # GDAL's copy, the validity, and where neighbours differ.
            return raw + 3 * cells + _EDGE_BYTES * min(2 * cells, MOST_EDGES)
        case formats.CSV | formats.JSON:
            # Longer ones go into a file, run by run.
            return _text(source, copies=2, most=IN_MEMORY_BYTES)
        case formats.COVERAGE_JSON | formats.GML:
            return _text(source, copies=4, most=MOST_TEXT_BYTES)
        case formats.PNG | formats.JPEG:
            return _LIBRARY_BYTES + 3 * cells * max(4, raw // max(1, cells))
        case formats.JPEG2000:
            fields = len(source.fields)
            return _raster(raw) + _JP2_CELL_BYTES * cells * fields
        case formats.NETCDF | formats.ZARR:
            return 2 * _LIBRARY_BYTES + (3 * raw if raw <= IN_MEMORY_BYTES else IN_MEMORY_BYTES)
        case _ if node.parameters.colour_map is not None or node.parameters.palette:
            return _raster(_PAINTED_BYTES * cells) + min(_PAINTING_BYTES, 32 * cells)
        case _:
            widest = max(field.numpy_dtype.itemsize for field in source.fields)
            return _raster(raw) + 2 * widest * min(cells, _FILE_BLOCK_CELLS)


def _raster(raw: int) -> int:
    """Return what GDAL holds: the file and its copy, where they are in memory, and its cache."""
    held = ceil(2.5 * raw) if raw <= IN_MEMORY_BYTES else 0
    return 3 * _LIBRARY_BYTES + held + min(RASTER_CACHE_BYTES, 2 * raw)


def _text(source: Plan, *, copies: int, most: int) -> int:
    run = min(source.domain.size, TEXT_RUN_CELLS) * len(source.fields) * _TEXT_BYTES
    length = source.domain.size * sum(_characters(f.numpy_dtype) for f in source.fields)
    return 2 * run + copies * (length if length <= most else 0)


def _characters(dtype: "np.dtype[np.generic]") -> int:
    """Return about how long a number and its comma are."""
    if dtype.kind in "iub":
        return 2 + ceil(2.5 * dtype.itemsize)
    return 16 if dtype.itemsize <= 4 else 26
