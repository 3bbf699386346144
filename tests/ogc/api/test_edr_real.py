"""EDR queries of the bundled Sentinel-2 samples against rasterio."""

import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import Transformer
from rasterio.features import geometry_mask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from copernicube.wiring import open_local
from ogc.api.routes import api_routes
from tests.ogc.api.covjson import check

FOREST, SHORE = "S2_L2A_3035_10m", "S2_L1C_32618_10m"


@pytest.fixture(scope="module")
def client(demo_store: Path) -> Iterator[TestClient]:
    routes = api_routes(open_local(str(demo_store)).engine.session, lambda _: "http://testserver")
    with TestClient(Starlette(routes=[Mount("/ogcapi", routes=routes)])) as opened:
        yield opened


def ask(client: TestClient, path: str, **params: str) -> pd.DataFrame:
    named = {name.replace("_", "-"): value for name, value in params.items()} | {"f": "CSV"}
    reply = client.get(f"/ogcapi/collections/{path}", params=named)
    assert reply.status_code == 200, reply.text
    return pd.read_csv(StringIO(reply.text))


def test_a_series_over_140_dates_is_what_the_files_hold_and_is_quick(
    client: TestClient, samples: Path
) -> None:
    files = sorted((samples / "romania").glob("*/B08.tif"))
    with rasterio.open(files[0]) as first:
        x, y = first.xy(37, 61)
        crs = first.crs
        scale, offset = first.scales[0], first.offsets[0]
    lon, lat = Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(x, y)
    expected = {}
    for path in files:
        with rasterio.open(path) as source:
            (value,) = next(source.sample([(x, y)]))
            if value != source.nodata:
                expected[path.parent.name] = int(value)
    params = {"coords": f"POINT({lon} {lat})", "parameter_name": "B08"}
    frame = ask(client, f"{FOREST}/position", **params)
    began = time.perf_counter()
    again = ask(client, f"{FOREST}/position", **params)
    assert time.perf_counter() - began < 3
    pd.testing.assert_frame_equal(frame, again)
    assert frame.t.str[:10].tolist() == sorted(expected)
    assert len(frame) > 100
    assert (scale, offset) == (1.0, 0.0)
    np.testing.assert_array_equal(frame.B08, [expected[day] for day in sorted(expected)])


def test_an_area_of_a_shore_is_what_the_file_holds(client: TestClient, samples: Path) -> None:
    with rasterio.open(samples / "virginia/B04.tif") as source:
        cells, transform, crs = source.read(1), source.transform, source.crs
        ring = [transform @ corner for corner in ((100.3, 90.2), (300.7, 140.4), (180.1, 333.6))]
    back = Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    text = ",".join("{} {}".format(*back.transform(x, y)) for x, y in (*ring, ring[0]))
    frame = ask(client, f"{SHORE}/area", coords=f"POLYGON(({text}))", parameter_name="B04")
    inside = geometry_mask(
        [{"type": "Polygon", "coordinates": [[*ring, ring[0]]]}],
        cells.shape,
        transform,
        invert=True,
    )
    columns, rows = ~transform @ (frame.x.to_numpy(), frame.y.to_numpy())
    found = np.zeros(cells.shape, bool)
    found[rows.astype(int), columns.astype(int)] = True
    # A side of 2 km in degrees bends from the straight one in metres by millimetres.
    assert np.count_nonzero(found ^ inside) <= 3
    assert found.sum() > 20_000
    np.testing.assert_array_equal(frame.B04, cells[rows.astype(int), columns.astype(int)])


def test_a_line_across_the_shore_is_what_the_file_holds(client: TestClient, samples: Path) -> None:
    with rasterio.open(samples / "virginia/B08.tif") as source:
        ends = [source.xy(400, 10), source.xy(420, 790)]
        crs = str(source.crs)
        line = ",".join(f"{x} {y}" for x, y in ends)
        params = {"coords": f"LINESTRING({line})", "crs": crs, "parameter-name": "B08"}
        reply = client.get(f"/ogcapi/collections/{SHORE}/trajectory", params=params)
        (found,) = check(reply.json())
        places = [place[1:] for place in found["domain"]["axes"]["composite"]["values"]]
        expected = [int(value) for (value,) in source.sample(places)]
    assert len(places) >= 781
    assert found["ranges"]["B08"]["values"] == expected
