"""Everything that a store answers, so that two stores can be told equal."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from copernicube.wiring import Local, open_local
from ogc.exchange import Reply, Site
from ogc.service import dispatch

SITE = Site(url="http://127.0.0.1/ows")
WCS = "SERVICE=WCS&VERSION=2.0.1"
WMS = "SERVICE=WMS&VERSION=1.3.0"


def open_to_read(store: Path) -> Local:
    """Open a store as a service that only reads."""
    return open_local(str(store), read_only=True)


def ask(local: Local, query: str) -> Reply:
    """Send a query string to the services."""
    return dispatch(query, local.engine.session, SITE)


def body_of(reply: Reply) -> bytes:
    """Return the body of an answer; a temporary file is deleted."""
    if isinstance(reply.body, Path):
        body = reply.body.read_bytes()
        reply.body.unlink()
        return body
    return reply.body


def good(local: Local, query: str) -> bytes:
    """Return the body of an answer that must succeed."""
    reply = ask(local, query)
    body = body_of(reply)
    assert reply.status == 200, f"{query}: {reply.status} {body[:500]!r}"
    return body


def iso(when: datetime) -> str:
    """Write a time as WCS and WMS take it."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def coverage_query(coverage: str, when: datetime, bands: str = "") -> str:
    """Return the query for all cells of a coverage at one time."""
    picked = f"&RANGESUBSET={bands}" if bands else ""
    return (
        f"{WCS}&REQUEST=GetCoverage&COVERAGEID={coverage}"
        f'&SUBSET=ansi("{iso(when)}")&FORMAT=image/tiff{picked}'
    )


def map_query(layer: str, style: str, when: datetime | None, box: tuple[float, ...]) -> str:
    """Return the query for a PNG of 200 x 150 px of a bounding box in EPSG:32633."""
    dimension = f"&TIME={iso(when)}" if when else ""
    return (
        f"{WMS}&REQUEST=GetMap&LAYERS={layer}&STYLES={style}&CRS=EPSG:32633"
        f"&BBOX={','.join(f'{edge!r}' for edge in box)}&WIDTH=200&HEIGHT=150"
        f"&FORMAT=image/png&TRANSPARENT=TRUE{dimension}"
    )


def all_answers(
    store: Path, *, styles: tuple[str, ...] = (), as_of: int | None = None
) -> Mapping[str, bytes]:
    """Return the body of every answer by its query: coverages of all times, maps, descriptions.

    Equal stores give equal bytes, whatever their revisions and slot numbers.
    """
    local = open_to_read(store)
    view = local.catalog.view(as_of=as_of)
    pinned = "" if as_of is None else f"&AS_OF={as_of}"
    queries = []
    seen = set()
    for coverage_id in view.coverage_ids():
        coverage = view.coverage(coverage_id)
        bands = tuple(band.name for band in coverage.bands)
        if (coverage.cube.name, bands) in seen:
            continue  # a cube of one resolution has the same coverage under two names
        seen.add((coverage.cube.name, bands))
        queries.append(f"{WCS}&REQUEST=DescribeCoverage&COVERAGEID={coverage_id}")
        queries += [coverage_query(coverage_id, found.reference) for found in coverage.acquisitions]
    for cube in view.cubes():
        coverage = view.coverage(cube.name)
        whens = [None, *(found.reference for found in coverage.acquisitions)]
        queries += [
            map_query(cube.collection, style, when, coverage.grid.bbox)
            for style in styles
            for when in whens
        ]
    answers = {query: good(local, f"{query}{pinned}") for query in queries}
    answers["scenes"] = "\n".join(
        slot.scene.product_id for cube in view.cubes() for slot in view.slots(cube.name)
    ).encode()
    local.catalog.close()
    return answers


def cells_of(tiff: bytes) -> tuple[NDArray[np.generic], tuple[float, float]]:
    """Return the cells `(band, y, x)` of a GeoTIFF and its north-west corner."""
    with MemoryFile(tiff) as file, file.open() as data:
        return data.read(), (data.transform.c, data.transform.f)


def check_equal(found: Mapping[str, bytes], right: Mapping[str, bytes]) -> None:
    """Compare answer by answer; a list of the unequal ones says more than their bytes."""
    assert [query for query in right if found.get(query) != right[query]] == []
    assert found.keys() == right.keys()
