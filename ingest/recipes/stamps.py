"""Files that are catalogued where they lie: what the commit record says of them."""

from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import Any

from datacube.cube import ResolutionGroup
from datacube.errors import UnsupportedSourceError
from datacube.grid import Grid
from datacube.times import iso_text, parse_period
from ingest.recipes.cells import BandCells
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.raster import RasterFile
from ingest.recipes.sources.zarr_arrays import is_zarr, metadata_documents, metadata_modified

_MEANS = frozenset(("AVERAGE",))


def registered_json(
    source: SourceFile, grid: Grid, group: ResolutionGroup, bands: dict[str, BandCells]
) -> dict[str, Any]:
    """Return what a commit record keeps of a registered file, plain values.

    Raises
    ------
    UnsupportedSourceError
        If the file is neither a GeoTIFF nor a Zarr group.
    """
    tiff = isinstance(source, RasterFile) and source.driver == "GTiff"
    zarr = source.location.rstrip("/").endswith(".zarr") or is_zarr(Path(source.location))
    if not tiff and not zarr:
        raise UnsupportedSourceError(
            f"{source.name} cannot be registered; GeoTIFF and Zarr can, others are ingested"
        )
    levels = _levels(source, grid, group, bands) if isinstance(source, RasterFile) else 1
    return {
        "location": source.location,
        "size": size_of(source.location),
        "modified": iso_text(source.modified),
        "levels": levels,
        "blocks": {name: _blocks(source, cells) for name, cells in bands.items()},
        "bands": {name: cells.to_json() for name, cells in bands.items()},
    }


def _blocks(source: SourceFile, cells: BandCells) -> dict[str, Any]:
    """Return what is decoded in one go: its rows and columns, and all of its bytes."""
    variable = source.variables[cells.variable]
    interleaved = isinstance(source, RasterFile) and source.structure.get("INTERLEAVE") == "PIXEL"
    planes = len(source.band_tags) if isinstance(source, RasterFile) and interleaved else 1
    sides = {d.axis: n for d, n in zip(cells.dims, variable.blocks, strict=True)}
    count = len(cells.starts)
    return {
        "rows": sides.get(count, 1),
        "cols": sides.get(count + 1, 1),
        "bytes": prod(variable.blocks) * variable.dtype.itemsize * planes,
        "exact": not any(d.flipped or d.rolled for d in cells.dims),
    }


def size_of(location: str) -> int | None:
    """Return the bytes of a local file, or of the metadata of a local group; None of others."""
    path = Path(location)
    if path.is_dir():
        return sum(each.stat().st_size for each in metadata_documents(path))
    return path.stat().st_size if path.is_file() else None


def stamp_of(location: str) -> datetime:
    """Return when a local file, or the metadata of a local Zarr group, was written last."""
    path = Path(location)
    if path.is_dir():
        return metadata_modified(location)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def unchanged(stamp: dict[str, Any], when: datetime) -> bool:
    """Tell whether a file, written last at `when`, is the one that was registered.

    Of a local Zarr group `when` is that of its metadata: chunks may be newer than that, and
    metadata not newer than all that was registered.
    """
    location: str = stamp["location"]
    if size_of(location) != stamp["size"]:
        return False
    known = parse_period(stamp["modified"]).start
    return when <= known if Path(location).is_dir() else iso_text(when) == iso_text(known)


def _levels(
    source: RasterFile, grid: Grid, group: ResolutionGroup, bands: dict[str, BandCells]
) -> int:
    """Count the levels whose cells the file's overviews hold, level 0 included.

    An overview is a level only if each of its cells is the mean of the four that a level
    has there: it halves, whole pairs, from an even index, by averaging.
    """
    method = source.structure.get("OVERVIEW_RESAMPLING", source.tags.get("OVERVIEW_RESAMPLING"))
    if str(method).upper() not in _MEANS or any(c.scale is not None for c in bands.values()):
        return 1
    (rows, cols), levels = source.shape, 1
    row = round(group.grid.y.position(grid.y.start))
    col = round(group.grid.x.position(grid.x.start))
    for factor in source.overviews:
        whole = all(n % factor == 0 for n in (rows, cols, row, col))
        if factor != 2**levels or not whole:
            break
        levels += 1
    return levels
