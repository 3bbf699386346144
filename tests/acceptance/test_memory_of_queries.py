"""How much a process takes for queries of many kinds, against what is told before they begin."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SCENE = '$c.{}[ansi("2015-06-23")]'
B02, B03, B04, B08 = (SCENE.format(band) for band in ("B02", "B03", "B04", "B08"))
FINE, COARSE, ALL = "S2_L1C_32618_10m", "S2_L1C_32618_60m", "S2_L1C_32618"
SERIES, FINE_SERIES = "S2_L2A_3035", "S2_L2A_3035_10m"
"""140 dates."""
OVER = "over $t ansi(domain($c, ansi))"
LARGE, HUGE = f"scale({B04}, 4)", f"scale({B04}, 9)"
"""Some 9 million cells, which are held whole, and 45 million, which are not."""
RED, NEAR = "$c.B04[ansi($t)]", "$c.B08[ansi($t)]"
NDVI = f"((float){NEAR} - {RED}) / ({NEAR} + {RED})"
MAP = f"{{r: {B04}; g: {B03}; b: {B02}}} / 20"
COLOURS = json.dumps(
    {"colorMap": {"type": "values", "colorTable": {"1": [0, 0, 255, 255]}}}
).replace('"', '\\"')

QUERIES: dict[str, dict[str, tuple[str, str]]] = {
    "files": {
        "index": (FINE, f'encode(((float){B08} - {B04}) / ((float){B08} + {B04}), "tiff")'),
        "all bands": (ALL, 'encode($c[ansi("2015-06-23")], "tiff")'),
        "all dates": (SERIES, 'encode($c, "netcdf")'),
        "scaled": (FINE, f'encode({LARGE}, "tiff")'),
        "scaled, NetCDF": (FINE, f'encode({LARGE}, "netcdf")'),
        "in parts": (FINE, f'encode((unsigned short)({HUGE}), "tiff")'),
        "doubles": (FINE, f'encode(sqrt(scale({B04}, 5)), "tiff")'),
        "warped": (FINE, f'encode(crsTransform({B04}, "EPSG:3857", {{bilinear}}), "tiff")'),
    },
    "pictures": {
        "map": (FINE, f'encode({MAP}, "png")'),
        "scaled": (FINE, f'encode({LARGE} / 20, "png")'),
        "JPEG": (FINE, f'encode({LARGE} / 20, "jpeg")'),
        "JPEG 2000": (FINE, f'encode({LARGE}, "jp2")'),
        "painted": (FINE, f'encode((unsigned char)({LARGE} / 20), "tiff", "{COLOURS}")'),
    },
    "polygons": {
        "of noise": (FINE, f'polygonize(scale({B04}, 0.3), "ESRI Shapefile", 8)'),
        "of bits": (FINE, f'polygonize(bit(scale({B04}, 0.4), 0), "GeoJSON", 8)'),
        "of areas": (FINE, f'polygonize(scale({B04}, 2) > 900, "KML")'),
    },
    "texts": {
        "CSV": (FINE, f'encode({B04}, "csv")'),
        "formula": (FINE, f'encode(scale({B04}, 2) * 0.5, "csv")'),
        "JSON": (FINE, f'encode({B04}, "json")'),
        "GML": (COARSE, f'encode({SCENE.format("B01")}, "gml")'),
        "histogram": (
            FINE,
            f'encode(coverage h over $b x(0:5000) values count({B04} = $b), "csv")',
        ),
    },
    "reductions": {
        "mean of a difference": (SERIES, "avg($c.B08 - $c.B04)"),
        "median": (SERIES, "median($c.B08)"),
        "mean a date": (SERIES, f'encode(coverage s {OVER} values avg({NDVI}), "csv")'),
        "composite": (
            SERIES,
            f'encode(condense median {OVER} using $c.B04[ansi($t)], "tiff")',
        ),
        "sorted": (FINE_SERIES, 'encode(sort $c.B04 along ansi by avg($c.B04), "netcdf")'),
    },
}
MEASURE = """
import ctypes, gc, json, re, sys
from copernicube.wiring import open_local

def status(name):
    with open("/proc/self/status") as file:
        return int(re.search(name + r":\\s+(\\d+) kB", file.read())[1]) * 1024

session = open_local(sys.argv[1], read_only=True).engine.session()
small, *queries = json.loads(sys.argv[2])
for query in small:
    session.query(query)
for query in queries:
    told = session.explain(query).cost.peak_memory_bytes
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    idle = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    session.query(query)
    print(status("VmHWM") - idle, told, flush=True)
"""


def warming() -> list[str]:
    """Return small queries that load what all need: libraries, projections, threads."""
    part = 'scale($c.B01[ansi("2015-06-23")], 0.2)'
    formats = ("tiff", "netcdf", "png", "jpeg", "jp2", "csv", "json", "gml")
    results = [f'encode((unsigned char)({part} / 20), "{kind}")' for kind in formats]
    results += [
        f'encode(crsTransform({part}, "EPSG:3857", {{bilinear}}), "tiff")',
        f"avg({part}) + median({part})",
        f'polygonize({part} > 900, "GeoJSON")',
    ]
    return [f"for $c in ({COARSE}) return {result}" for result in results]


@pytest.mark.parametrize("kind", QUERIES)
def test_the_process_never_takes_more_than_was_told(demo_store: Path, kind: str) -> None:
    asked = {
        name: f"for $c in ({cube}) return {result}"
        for name, (cube, result) in QUERIES[kind].items()
    }
    command = [sys.executable, "-c", MEASURE, str(demo_store)]
    done = subprocess.run(  # fixed arguments
        [*command, json.dumps([warming(), *asked.values()])],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    over = {name: (took, told) for name, (took, told) in zip(asked, found, strict=True)}
    assert {name: pair for name, pair in over.items() if pair[0] > pair[1]} == {}
