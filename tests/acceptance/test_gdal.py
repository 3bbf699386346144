"""GDAL's own programs as clients: gdalinfo and gdal_translate on the WCS and the WMS."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling

from tests.acceptance.clients import Rgba, View, view_of
from tests.acceptance.conftest import Gdal
from tests.acceptance.painting import (
    TOP_OF_ATMOSPHERE,
    TRUE_COLOUR,
    gdal_warp,
    painted,
    read_planes,
)

COVERAGE = "S2_L1C_32618_10m"
BANDS = ("B02", "B03", "B04", "B08")
VIRGINIA = (442_680.0, 4_167_180.0, 450_840.0, 4_175_340.0)
"""Edges of the sample in EPSG:32618."""
NODATA = -32768


def wcs(url: str, coverage: str) -> str:
    return f"WCS:{url}/ows?version=2.0.1&coverage={coverage}"


def options(folder: Path, **more: str) -> list[str]:
    """Return open options; what the driver caches stays in the test's folder."""
    chosen = {"CACHE": str(folder / "wcs"), **more}
    return [part for key, value in chosen.items() for part in ("-oo", f"{key}={value}")]


def test_gdalinfo_lists_coverages(gdal: Gdal, demo_url: str, tmp_path: Path) -> None:
    text = gdal("gdalinfo", "-json", *options(tmp_path), f"WCS:{demo_url}/ows?version=2.0.1")
    found = json.loads(text)["metadata"]["SUBDATASETS"]
    assert found["SUBDATASET_2_NAME"].endswith("coverage=S2_L1C_32618_10m")


def test_gdalinfo_tells_place_bands_and_times(gdal: Gdal, demo_url: str, tmp_path: Path) -> None:
    """Without a time GDAL shows what there is, and no band: the axis of time has to be cut."""
    info = json.loads(
        gdal("gdalinfo", "-json", *options(tmp_path), wcs(demo_url, "S2_L2A_3035_10m"))
    )
    assert info["size"] == [100, 100]
    assert "bands" not in info or info["bands"] == []
    assert info["geoTransform"] == pytest.approx([5271982.5766, 10, 0, 2533004.2149, 0, -10])
    assert 'ID["EPSG",3035]' in info["coordinateSystem"]["wkt"]
    domain = info["metadata"][""]
    times = domain["TimeDomain"].split(",")
    assert (len(times), times[0], times[-1]) == (
        140,
        "2015-08-01T00:00:00Z",
        "2021-01-01T00:00:00Z",
    )
    assert [domain[f"FIELD_{number}_NAME"] for number in range(1, 5)] == list(BANDS)


def test_gdal_translate_copies_every_pixel(
    gdal: Gdal, demo_url: str, tmp_path: Path, samples: Path
) -> None:
    out = tmp_path / "virginia.tif"
    cut = options(tmp_path, Subset="ansi(2015-12-26)")
    gdal("gdal_translate", "-q", *cut, wcs(demo_url, COVERAGE), out)
    with rasterio.open(out) as made:
        assert made.crs.to_epsg() == 32618
        for number, band in enumerate(BANDS, start=1):
            with rasterio.open(samples / f"virginia/{band}.tif") as source:
                assert made.transform == source.transform
                np.testing.assert_array_equal(made.read(number), source.read(1).astype(np.int16))


@pytest.mark.parametrize("day", ["2015-08-01", "2018-05-07", "2021-01-01"])
def test_a_time_slice_is_that_days_file(
    gdal: Gdal, demo_url: str, tmp_path: Path, samples: Path, day: str
) -> None:
    """A free-origin cube, cut in space too, by a plain day and by times in full."""
    with rasterio.open(samples / f"romania/{day}/B04.tif") as source:
        read = source.read(1)[30:80, 20:60].astype(np.int16)
        place = source.transform @ Affine.translation(20, 30)
    for when in (day, f"{day}T00:00:00Z", f"{day}T12:30:00Z"):
        out = tmp_path / "slice.tif"
        cut = options(tmp_path / when, Subset=f"ansi({when})")
        window = ("-srcwin", "20", "30", "40", "50", "-b", "3")
        gdal("gdal_translate", "-q", *window, *cut, wcs(demo_url, "S2_L2A_3035_10m"), out)
        with rasterio.open(out) as made:
            np.testing.assert_array_equal(made.read(1), np.where(read == 0, NODATA, read))
            assert made.transform.almost_equals(place, 1e-3)


def test_a_smaller_copy_is_scaled_on_the_server(
    gdal: Gdal, demo_url: str, tmp_path: Path, samples: Path
) -> None:
    """SCALESIZE: nearest on the base grid, the cell at each leading edge."""
    out = tmp_path / "small.tif"
    cut = options(tmp_path, Subset="ansi(2015-12-26)")
    gdal("gdal_translate", "-q", "-outsize", "204", "204", *cut, wcs(demo_url, COVERAGE), out)
    with rasterio.open(out) as made, rasterio.open(samples / "virginia/B02.tif") as source:
        np.testing.assert_array_equal(made.read(1), source.read(1)[::4, ::4])
        assert tuple(made.bounds) == pytest.approx(VIRGINIA)


def describe_service(folder: Path, url: str, view: View, style: str, order: str) -> Path:
    """Write the description of a WMS 1.3.0 that GDAL opens."""
    x0, y0, x1, y1 = view.box
    path = folder / "wms.xml"
    path.write_text(
        f"""<GDAL_WMS>
  <Service name="WMS">
    <Version>1.3.0</Version>
    <ServerUrl>{url}/ows?time=2015-12-26</ServerUrl>
    <Layers>S2_L1C</Layers>
    <Styles>{style}</Styles>
    <CRS>{view.crs}</CRS>
    <ImageFormat>image/png</ImageFormat>
    <Transparent>TRUE</Transparent>
    <BBoxOrder>{order}</BBoxOrder>
  </Service>
  <DataWindow>
    <UpperLeftX>{x0!r}</UpperLeftX><UpperLeftY>{y1!r}</UpperLeftY>
    <LowerRightX>{x1!r}</LowerRightX><LowerRightY>{y0!r}</LowerRightY>
    <SizeX>{view.width_px}</SizeX><SizeY>{view.height_px}</SizeY>
  </DataWindow>
  <BandsCount>4</BandsCount>
  <BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY>
</GDAL_WMS>"""
    )
    return path


def translated(gdal: Gdal, description: Path, view: View) -> Rgba:
    out = description.with_suffix(".tif")
    gdal("gdal_translate", "-q", description, out)
    with rasterio.open(out) as made:
        assert made.crs == rasterio.CRS.from_user_input(view.pyproj_crs)
        assert made.transform.almost_equals(view.transform, 1e-9)
        return np.moveaxis(made.read(), 0, -1)


@pytest.mark.parametrize(
    ("crs", "order"), [("EPSG:3857", "xyXY"), ("EPSG:4326", "yxYX"), ("EPSG:32617", "xyXY")]
)
def test_a_map_is_gdals_own_warp_of_the_source(
    gdal: Gdal, demo_url: str, tmp_path: Path, samples: Path, crs: str, order: str
) -> None:
    """Tiles of 256 px put together: the bounds are in grey levels of 255.

    GDAL's bilinear and ours differ by the place (at most an eighth of a cell) and by
    rounding to stored numbers before the stretch.
    """
    inside = (VIRGINIA[0] + 300, VIRGINIA[1] + 300, VIRGINIA[2] - 300, VIRGINIA[3] - 300)
    # Pixels no larger than cells: for larger ones GDAL widens its kernel.
    view = view_of(crs, inside, "EPSG:32618", 9.0)
    shown = translated(gdal, describe_service(tmp_path, demo_url, view, "", order), view)
    files = tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR)
    wanted = painted(gdal_warp(*read_planes(files), view, Resampling.bilinear), TOP_OF_ATMOSPHERE)
    assert np.mean(shown[..., 3] != wanted[..., 3]) < 0.001
    both = (shown[..., 3] == 255) & (wanted[..., 3] == 255)
    assert both.mean() > 0.9
    difference = np.abs(shown[both].astype(int) - wanted[both])[:, :3]
    assert difference.mean() < 0.1
    assert np.percentile(difference, 99) <= 1
    assert difference.max() <= 3


def test_a_native_map_is_the_stretched_source(
    gdal: Gdal, demo_url: str, tmp_path: Path, samples: Path
) -> None:
    view = View(crs="EPSG:32618", box=VIRGINIA, width_px=816, height_px=816)
    shown = translated(gdal, describe_service(tmp_path, demo_url, view, "", "xyXY"), view)
    files = tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR)
    planes, _, _ = read_planes(files)
    np.testing.assert_array_equal(shown, painted(planes, TOP_OF_ATMOSPHERE))
