"""OpenLayers and Leaflet, in headless Chromium, draw known places from another origin."""

import base64
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pyproj import CRS, Transformer
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.acceptance.clients import Rgba, rgba
from tests.acceptance.places import (
    SIDE_PX,
    Case,
    case_of,
    cases,
    check_colours,
    rtc_files,
    source,
)
from tests.builders.loopback import loopback
from tests.builders.testdata import REPOSITORY

CHROMIUM = shutil.which("chromium")
LIBRARIES = REPOSITORY / "node_modules"
WORLD_SETS = {"EPSG:3857": "WebMercatorQuad", "EPSG:4326": "WorldCRS84Quad"}


@pytest.fixture(scope="module")
def assets() -> Iterator[str]:
    """Return the address of the pages and of the libraries that npm fetched at set-up."""
    if not (LIBRARIES / "leaflet-timedimension").is_dir():
        pytest.skip("needs npm's libraries, which `make setup` fetches")
    routes = [
        Mount("/pages", StaticFiles(directory=Path(__file__).parent)),
        Mount("/", StaticFiles(directory=LIBRARIES)),
    ]
    with loopback(Starlette(routes=routes)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium, which is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"],
        )
        yield browser
        browser.close()


def _open(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": SIDE_PX, "height": SIDE_PX})
    page.goto(address)
    return page


@pytest.fixture(scope="module")
def openlayers(browser: Browser, assets: str) -> Page:
    return _open(browser, f"{assets}/pages/openlayers.html")


@pytest.fixture(scope="module")
def leaflet(browser: Browser, assets: str) -> Page:
    return _open(browser, f"{assets}/pages/leaflet.html")


def asked(url: str, case: Case) -> dict[str, Any]:
    """Return what the pages need to know of a case."""
    place, view = case.place, case.view
    return {
        "url": url,
        "layer": place.layer,
        "style": place.style,
        "time": place.time,
        "crs": view.crs,
        "box": view.box,
        "side": view.width_px,
    }


def drawn_by_openlayers(page: Page, url: str, case: Case, kind: str) -> Rgba:
    crs = case.view.crs
    more: dict[str, Any] = {"kind": kind, "set": WORLD_SETS.get(crs, case.place.native_tiles)}
    if crs not in WORLD_SETS:
        more["definition"] = CRS.from_user_input(crs).to_wkt("WKT1_GDAL")
    picture: str = page.evaluate("draw", asked(url, case) | more)
    return rgba(base64.b64decode(picture.partition(",")[2]))


@pytest.mark.parametrize("case", cases("openlayers-wms"))
def test_openlayers_draws_maps(openlayers: Page, places_url: str, case: Case) -> None:
    check_colours(case, drawn_by_openlayers(openlayers, places_url, case, "image"))


@pytest.mark.parametrize("case", cases("openlayers-tiled-wms"))
def test_openlayers_draws_tiled_maps(openlayers: Page, places_url: str, case: Case) -> None:
    check_colours(case, drawn_by_openlayers(openlayers, places_url, case, "tiles"))


@pytest.mark.parametrize("case", cases("openlayers-wmts"))
def test_openlayers_draws_tiles_of_wmts(openlayers: Page, places_url: str, case: Case) -> None:
    check_colours(case, drawn_by_openlayers(openlayers, places_url, case, "wmts"))


@pytest.mark.parametrize("case", cases("openlayers-xyz"))
def test_openlayers_draws_xyz(openlayers: Page, places_url: str, case: Case) -> None:
    check_colours(case, drawn_by_openlayers(openlayers, places_url, case, "xyz"))


CLICK = """async ({ url, layer, style, time, crs, at, pixel, form }) => {
  const source = new ol.source.ImageWMS({
    url: `${url}/ows`, params: { LAYERS: layer, STYLES: style, TIME: time },
  });
  const address = source.getFeatureInfoUrl(at, pixel, crs, form ? { INFO_FORMAT: form } : {});
  const answer = await fetch(address);
  return answer.ok ? await answer.text() : answer.status;
}"""


@pytest.mark.parametrize("form", ["", "application/json", "text/html", "text/plain"])
def test_a_click_tells_the_stored_numbers(openlayers: Page, places_url: str, form: str) -> None:
    """OpenLayers' own address of GetFeatureInfo, in its own format unless one is set."""
    case = case_of("pole", "EPSG:3857")
    x, y = case.view.box[0] + 6000.0, case.view.box[1] + 6000.0
    clicked = {"at": [x, y], "pixel": 5.0, "form": form}
    told = openlayers.evaluate(CLICK, asked(places_url, case) | clicked)
    planes, transform, crs = source("pole")
    column, row = ~transform @ Transformer.from_crs(case.view.crs, crs, always_xy=True).transform(
        x, y
    )
    for band, plane in zip(case.place.bands, planes, strict=True):
        assert band in told
        assert f"{plane[int(row), int(column)]:.0f}" in told


def framed(url: str, case: Case, version: str) -> dict[str, Any]:
    """Return what Leaflet needs: a zoom and a centre, latitude first."""
    view = case.view
    x0, y0, x1, y1 = view.box
    pixel = (x1 - x0) / view.width_px
    world = 2 * np.pi * 6_378_137 / 256 if view.crs == "EPSG:3857" else 360 / 512
    to_degrees = Transformer.from_crs(view.crs, "OGC:CRS84", always_xy=True)
    middle = to_degrees.transform((x0 + x1) / 2, (y0 + y1) / 2)
    return asked(url, case) | {
        "zoom": round(float(np.log2(world / pixel))),
        "centre": middle[::-1],
        "version": version,
    }


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
@pytest.mark.parametrize("case", cases("leaflet-wms"))
def test_leaflet_draws_maps(leaflet: Page, places_url: str, case: Case, version: str) -> None:
    leaflet.evaluate("draw", framed(places_url, case, version))
    check_colours(case, rgba(leaflet.locator("#map").screenshot())[..., :3])


@pytest.mark.skipif(not rtc_files(), reason="needs the test data: set COPERNICUBE_TESTDATA")
def test_leaflet_steps_through_the_advertised_times(leaflet: Page, places_url: str) -> None:
    """It finds the ten days by itself, and each shows the picture of its own file."""
    case = case_of("south", "EPSG:3857")
    times = leaflet.evaluate("open", framed(places_url, case, "1.3.0") | {"time": None})
    days = [f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}" for time in times]
    stamps = [file.name.split("_")[4] for file in rtc_files()]
    assert days == [f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}" for stamp in stamps]
    for number in (0, 4, 9):
        leaflet.evaluate("step", times[number])
        shown = rgba(leaflet.locator("#map").screenshot())[..., :3]
        check_colours(case, shown, number=number)
