"""The commands on data of any axes: a recipe in, a query out."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from tests.builders.served import run_copernicube

RECIPE = """
coverage: WIND
files: "*.nc"
axes:
  - {name: time, is: time}
  - {name: height, is: further, unit: m}
bands: [{name: speed, unit: m/s}]
"""


def test_a_netcdf_with_heights_answers_queries_as_its_array(tmp_path: Path) -> None:
    speed = np.random.default_rng(1).normal(8, 2, (3, 4, 20, 30)).astype("float32")
    xr.Dataset(
        {"speed": (("time", "height", "lat", "lon"), speed)},
        {
            "time": np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[ns]"),
            "height": [10.0, 50.0, 100.0, 150.0],
            "lat": ("lat", 59.5 - np.arange(20.0), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(30.0) + 0.5, {"units": "degrees_east"}),
        },
    ).to_netcdf(tmp_path / "wind.nc", engine="netcdf4")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    store = tmp_path / "store"
    done = run_copernicube(
        "ingest", "--store", store, "--recipe", tmp_path / "recipe.yaml", "--json"
    )
    assert json.loads(done.stdout)["ingested"] == 3
    for query, expected in {
        'max($c[ansi("2020-01-02"), height(50)])': speed[1, 1].max(),
        "avg($c[height(100:150)])": speed[:, 2:].mean(dtype=np.float64),
        'add($c[ansi("2020-01-03"), height(10), Lat(50:60), Lon(0:10)])': speed[2, 0, :10, :10].sum(
            dtype=np.float64
        ),
    }.items():
        told = run_copernicube("query", "--store", store, f"for $c in (WIND) return {query}")
        np.testing.assert_allclose(float(told.stdout), expected, rtol=1e-6)
