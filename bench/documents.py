"""Capabilities of 1,000 layers with 10,000 times each: made once, then sent as they are kept."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

from bench import data
from bench.catalogue import made_up_slot
from bench.measure import Row
from bench.servers import Server, copernicube_serving
from datacube.catalog import SqlCatalog, open_catalog
from datacube.catalog.opening import catalog_path
from datacube.cube import Band, Collection, Cube
from datacube.grid import crs_from_text
from datacube.lattices import utm_group

LAYERS = int(os.environ.get("BENCH_LAYERS", "1000"))
TIMES = 10_000
ASKED = 20
"""How often each document is asked for after the first time."""
ADDRESSES = {
    "WMS 1.3.0": "/ows?service=WMS&version=1.3.0&request=GetCapabilities",
    "WMS 1.1.1": "/ows?service=WMS&version=1.1.1&request=GetCapabilities",
    "WMTS 1.0.0": "/wmts?service=WMTS&version=1.0.0&request=GetCapabilities",
    "WCS 2.0.1": "/ows?service=WCS&version=2.0.1&request=GetCapabilities",
    "WCS 2.0.1, all sections": "/ows?service=WCS&acceptversions=2.0.1&request=GetCapabilities",
    "WCS 2.1": "/ows?service=WCS&acceptversions=2.1.0&request=GetCapabilities",
    "WCS 1.1.1": "/ows?service=WCS&version=1.1.1&request=GetCapabilities",
    "WCS 1.0.0": "/ows?service=WCS&version=1.0.0&request=GetCapabilities",
    "OGC API, first page of collections": "/ogcapi/collections?f=json",
}
_WAIT_S = 600.0
_STEP_US = 8 * 3_600_000_000
"""Between two times of a layer: 10,000 are nine years."""
_UNEVEN_US = 1_000_003
"""So much more with each, that no even step can be told."""


def rows() -> Iterator[Row]:
    """Yield a row for each service: the median of the kept document, sent whole."""
    with copernicube_serving(_store()) as server:
        for name, address in ADDRESSES.items():
            before_mb = server.memory_mb()
            first_s, size = _asked(server, address)
            taken = sorted(_asked(server, address)[0] for _ in range(ASKED))
            note = f"{size / 1e6:.2f} MB, made in {first_s:.1f} s, at most {taken[-1] * 1e3:.0f} ms"
            more_mb = server.memory_mb() - before_mb
            yield Row(
                what=f"Capabilities of {name}, {LAYERS:,} layers of {TIMES:,} times, from cache",
                ours_s=taken[len(taken) // 2],
                note=f"{note}; {more_mb:.0f} MB of memory above the {before_mb:.0f} before",
            )


def _asked(server: Server, address: str) -> tuple[float, int]:
    """Return seconds until the whole document came, and its bytes."""
    start = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_WAIT_S)
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    taken = time.perf_counter() - start
    connection.close()
    if answer.status != 200 or b"ExceptionReport" in body[:2000]:
        raise RuntimeError(f"{address}: {answer.status} {body[:500]!r}")
    return taken, len(body)


def _store() -> Path:
    """Make a store without cells unless it is there."""
    folder = data.CACHE / f"layers-{LAYERS}"
    if not folder.exists():
        draft = folder.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        add_layers(open_catalog(str(draft)), LAYERS)
        add_times(catalog_path(draft), TIMES)
        draft.rename(folder)
    return folder


def add_layers(catalog: SqlCatalog, layers: int) -> None:
    """Make a cube a layer, each with one scene."""
    crs = crs_from_text("EPSG:32633")
    for number in range(layers):
        name = f"LAYER_{number:04d}"
        cube = catalog.ensure_cube(
            Collection(id=name, title=f"Made-up layer {number}", style_family="sentinel-2"),
            Cube(
                name=f"{name}_32633",
                collection=name,
                title=f"Made-up layer {number}",
                crs=crs,
                groups=(utm_group(32633, crs, 10.0),),
                bands=(Band(name="B04", title="Red", dtype="int16", nodata=-32768, group="r10m"),),
            ),
        )
        (claimed,) = catalog.claim(cube.name, 1)
        slot = made_up_slot(cube, claimed, number)
        named = replace(slot.scene, scene_id=f"{name}_0", product_id=f"{name}_0")
        catalog.commit([replace(slot, scene=named)])


def add_times(path: Path, times: int) -> None:
    """Make each time so many, as if the scenes were there.

    Only what the catalogue tells of times is added: no document asks for more.
    """
    with sqlite3.connect(path) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            'INSERT INTO acquisitions (cube_id, reference, "first", "last", valid_from, valid_to) '
            'SELECT cube_id, reference + i * ?, "first" + i * ?, "last" + i * ?, '
            "valid_from, valid_to FROM acquisitions, n",
            (times - 1, *(3 * (_STEP_US + _UNEVEN_US,))),
        )
        connection.execute("DELETE FROM acquisition_years")
        connection.execute(
            'INSERT INTO acquisition_years (cube_id, year, times, days, "first", "last", '
            "earliest, latest, valid_from, valid_to) SELECT cube_id, "
            "CAST(strftime('%Y', reference / 1000000, 'unixepoch') AS INTEGER) AS y, count(*), "
            "count(DISTINCT reference / 86400000000), min(reference), max(reference), "
            'min("first"), max("last"), min(valid_from), max(valid_to) '
            "FROM acquisitions GROUP BY cube_id, y"
        )
    connection.close()
