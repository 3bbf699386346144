"""Cloud optimised GeoTIFF in one pass: tiles are packed on threads while cells are evaluated."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from math import prod
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from datacube.cells import Cells
from datacube.encode import tiff_tags as tiff
from datacube.encode.blocks import TILE_PX, blocks
from datacube.encode.files import temporary_path
from datacube.encode.rasters import RasterFile, held_in_memory, template
from datacube.encode.tiled_images import Piece, Plane, TiledImage, sizes, write_images
from datacube.encode.tiles import predictor

_STRUCTURE = b"""LAYOUT=IFDS_BEFORE_DATA
BLOCK_ORDER=ROW_MAJOR
BLOCK_LEADER=SIZE_AS_UINT4
BLOCK_TRAILER=LAST_4_BYTES_REPEATED
KNOWN_INCOMPATIBLE_EDITION=NO
 """
_GHOST = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_STRUCTURE) + _STRUCTURE
"""What GDAL's driver COG writes behind the header: the layout that readers may rely on."""
_REDUCED = 1
"""NewSubfileType of an overview."""
_SHARED_TAGS = frozenset(
    {
        tiff.BITS_PER_SAMPLE,
        tiff.COMPRESSION,
        tiff.PHOTOMETRIC,
        tiff.SAMPLES_PER_PIXEL,
        tiff.PLANAR_CONFIGURATION,
        tiff.PREDICTOR,
        tiff.COLOUR_MAP,
        tiff.EXTRA_SAMPLES,
        tiff.SAMPLE_FORMAT,
        tiff.GDAL_NODATA,
    }
)
"""What overviews have in common with the image."""
_BIG_BYTES = 3_000_000_000
"""Cells that take more go, with their overviews, into a file with offsets of 64 bits."""


def encode_cog(file: RasterFile) -> bytes | Path:
    """Write a coverage as deflated tiles of 512 with overviews of every second cell.

    The file begins with all directories, whose tags GDAL makes; overviews follow, the
    smallest first, then the image. Each block is evaluated once, and packed while the
    next is evaluated. In memory where `held_in_memory` says so, else in temporary
    files. Equal coverages give equal bytes.
    """
    tags = tiff.read_directory(_template(file))
    in_memory = held_in_memory(file)
    with ExitStack() as stack:
        images = [
            TiledImage(
                rows=rows,
                columns=columns,
                bands=file.bands,
                data=None if in_memory else stack.enter_context(TemporaryFile()),
            )
            for rows, columns in sizes(file.raster.rows, file.raster.columns)
        ]
        per_plane = len(file.plan.fields)
        fills = [file.written.numpy_dtype.type(fill) for fill in file.written.fills]
        write_images(images, _pieces(file), fill=lambda band: fills[band % per_plane])
        head = _head(images, tags, big=file.cell_bytes > _BIG_BYTES)
        parts = chain([head], *(image.stored() for image in images[::-1]))
        if in_memory:
            return b"".join(parts)
        path = stack.enter_context(temporary_path(".tif"))
        with path.open("wb") as target:
            target.writelines(parts)
        return path


def _template(file: RasterFile) -> bytes:
    """Return a file without cells, of which GDAL has written the tags."""
    return template(
        file,
        tiled=True,
        blockxsize=TILE_PX,
        blockysize=TILE_PX,
        compress="DEFLATE",
        predictor=predictor(file.written.numpy_dtype),
        sparse_ok=True,
        bigtiff="NO",
        endianness="LITTLE",
    )


def _head(images: Sequence[TiledImage], tags: Sequence[tiff.Tag], *, big: bool) -> bytes:
    """Return the beginning of the file, with the places that tiles have behind it."""
    length = len(tiff.file_head(_directories(images, tags, 0, big=big), ghost=_GHOST, big=big))
    return tiff.file_head(_directories(images, tags, length, big=big), ghost=_GHOST, big=big)


def _directories(
    images: Sequence[TiledImage], tags: Sequence[tiff.Tag], start: int, *, big: bool
) -> list[list[tiff.Tag]]:
    """Return the tags of every image where the smallest one's tiles begin at `start`."""
    made: list[list[tiff.Tag]] = []
    for number, image in reversed(list(enumerate(images))):
        own = [
            tiff.offsets_tag(tiff.TILE_OFFSETS, image.places(start), big=big),
            tiff.long_tag(tiff.TILE_BYTE_COUNTS, image.lengths.tolist()),
        ]
        if number:
            own += [
                tiff.long_tag(tiff.NEW_SUBFILE_TYPE, [_REDUCED]),
                tiff.long_tag(tiff.IMAGE_WIDTH, [image.columns]),
                tiff.long_tag(tiff.IMAGE_LENGTH, [image.rows]),
                tiff.long_tag(tiff.TILE_WIDTH, [TILE_PX]),
                tiff.long_tag(tiff.TILE_LENGTH, [TILE_PX]),
            ]
        replaced = {tag.number for tag in own}
        kept = (tag for tag in tags if not number or tag.number in _SHARED_TAGS)
        made.append([*own, *(tag for tag in kept if tag.number not in replaced)])
        start += image.stored_bytes
    return made[::-1]


def _pieces(file: RasterFile) -> Iterator[list[Piece]]:
    """Yield what each block of evaluation gives: strips of its planes, as high as a tile."""
    domain, raster = file.plan.domain, file.raster
    planes = np.arange(prod(axis.size for axis in raster.outer))
    planes = planes.reshape([axis.size for axis in raster.outer])
    for window in blocks(domain, len(file.plan.fields)):
        cells = file.job.compute(file.plan, window)
        *outer, rows, columns = window.slices(domain.window)
        first = (columns, rows) if raster.swapped else (rows, columns)
        numbers = planes[tuple(outer)]
        yield [
            Piece(
                band=int(numbers[at]) * len(file.plan.fields) + band,
                row=first[0].start + top,
                column=first[1].start,
                make=partial(_strip, file, cells, at=at, band=band, top=top),
            )
            for at in np.ndindex(numbers.shape)
            for band in range(len(file.plan.fields))
            for top in range(0, first[0].stop - first[0].start, TILE_PX)
        ]


def _strip(file: RasterFile, cells: Cells, *, at: tuple[int, ...], band: int, top: int) -> Plane:
    """Return rows of one band of one plane, as numbers of the file."""
    lines = slice(top, top + TILE_PX)
    rows, columns = (slice(None), lines) if file.raster.swapped else (lines, slice(None))
    places = (*(slice(n, n + 1) for n in at), rows, columns)
    name = file.plan.fields[band].name
    values = file.written.fill(cells.select((name,)).part(places), name, band)
    plane = values.reshape(values.shape[-2:])
    return plane.T if file.raster.swapped else plane
