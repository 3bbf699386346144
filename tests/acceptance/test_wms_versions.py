"""GDAL finds layers by itself in WMS 1.1.1; OWSLib asks for maps and values in both versions."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from owslib.wms import WebMapService

from tests.acceptance.clients import Rgba, view_of
from tests.acceptance.conftest import Gdal
from tests.acceptance.painting import TOP_OF_ATMOSPHERE, TRUE_COLOUR, painted, read_planes

VIRGINIA = (442_680.0, 4_167_180.0, 450_840.0, 4_175_340.0)
"""Edges of the sample in EPSG:32618."""
ROW, COLUMN = 300, 517


def test_gdal_finds_the_layers_by_itself(gdal: Gdal, demo_url: str) -> None:
    """The driver asks in 1.1.1, in longitude and latitude, and makes addresses of its own."""
    found = json.loads(gdal("gdalinfo", "-json", f"WMS:{demo_url}/ows?"))["metadata"]
    names = [v for k, v in found["SUBDATASETS"].items() if k.endswith("NAME")]
    (name,) = (n for n in names if "LAYERS=S2_L1C&" in n)
    assert "VERSION=1.1.1" in name
    assert "SRS=EPSG:" in name


@pytest.mark.parametrize("transparent", ["", "&TRANSPARENT=TRUE"])
def test_gdal_draws_what_it_found(
    gdal: Gdal, demo_url: str, tmp_path: Path, samples: Path, transparent: str
) -> None:
    x0, y0, x1, y1 = VIRGINIA
    address = (
        f"WMS:{demo_url}/ows?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=S2_L1C"
        f"&SRS=EPSG:32618&BBOX={x0},{y0},{x1},{y1}&FORMAT=image/png{transparent}"
    )
    out = tmp_path / "map.tif"
    cut = ("-projwin", str(x0), str(y1), str(x1), str(y0), "-outsize", "816", "816")
    gdal("gdal_translate", "-q", *cut, address, out)
    with rasterio.open(out) as made:
        shown: Rgba = np.moveaxis(made.read(), 0, -1)
    planes, _, _ = read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))
    wanted = painted(planes, TOP_OF_ATMOSPHERE)
    # The driver has a pyramid of its own, whose cells are not ours.
    inside = np.s_[8:-8, 8:-8]
    difference = np.abs(shown[inside][..., :3].astype(int) - wanted[inside][..., :3])
    assert difference.mean() < 12
    assert np.corrcoef(shown[inside][..., 0].ravel(), wanted[inside][..., 0].ravel())[0, 1] > 0.9


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
def test_owslib_asks_for_maps_and_values(demo_url: str, samples: Path, version: str) -> None:
    service = WebMapService(f"{demo_url}/ows", version=version)
    assert service.identification.version == version
    frame = {
        "layers": ["S2_L1C"],
        "styles": [""],
        "srs": "EPSG:32618",
        "bbox": VIRGINIA,
        "size": (816, 816),
        "time": "2015-12-26",
    }
    planes, _, _ = read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))
    with (
        rasterio.MemoryFile(
            service.getmap(format="image/tiff", transparent=True, **frame).read()
        ) as memory,
        memory.open() as file,
    ):
        shown = np.moveaxis(file.read(), 0, -1)
        assert tuple(file.bounds) == pytest.approx(VIRGINIA)
    np.testing.assert_array_equal(shown, painted(planes, TOP_OF_ATMOSPHERE))
    answer = service.getfeatureinfo(
        query_layers=["S2_L1C"],
        info_format="application/json",
        xy=(COLUMN, ROW),
        format="image/png",
        **frame,
    )
    told = json.loads(answer.read())["features"][0]["properties"]
    for band in ("B02", "B04", "B08"):
        with rasterio.open(samples / f"virginia/{band}.tif") as source:
            assert told[band] == source.read(1)[ROW, COLUMN]
    with rasterio.open(samples / "virginia/B01.tif") as coarse:
        assert told["B01"] == coarse.read(1)[ROW // 6, COLUMN // 6]


def test_a_series_of_140_dates_is_that_of_the_files(demo_url: str, samples: Path) -> None:
    """Every third of the dates, read from the sample's own files."""
    service = WebMapService(f"{demo_url}/ows", version="1.3.0")
    paths = sorted(samples.glob("romania/*/*B08*.tif"))
    assert len(paths) == 140
    with rasterio.open(paths[0]) as file:
        box = tuple(file.bounds)
        epsg = file.crs.to_epsg()
    view = view_of(f"EPSG:{epsg}", box, f"EPSG:{epsg}", 10.0)
    answer = service.getfeatureinfo(
        layers=["S2_L2A"],
        styles=[""],
        query_layers=["S2_L2A"],
        info_format="application/json",
        srs=view.crs,
        bbox=box,
        size=(100, 100),
        xy=(20, 70),
        format="image/png",
        time="2015/2021",
    )
    series = json.loads(answer.read())["features"][0]["properties"]["series"]
    told = {sample["time"][:10]: sample["B08"] for sample in series}
    for path in paths[::3]:
        with rasterio.open(path) as file:
            value = int(file.read(1)[70, 20])
        day = path.parent.name
        assert told.get(day) == value if value else told.get(day) is None
