"""After a reprocessing, every service still gives the old answer, to the byte, as of before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO

import httpx2
import numpy as np
import pytest
import xarray as xr

from tests.acceptance.clients import View, get, get_map, picture_tags, raster
from tests.builders.expected import expected_stored
from tests.builders.presets import north, reprocessed
from tests.builders.safe import build_safe
from tests.builders.served import run_copernicube, served
from tests.builders.surface import Surface, noise_surface, real_surface

BANDS = ("B02", "B03", "B04", "B08", "B11", "SCL")
SIZE_PX = 120
CUBE = "S2_L2A_32633"
OLD = replace(north("04.00"), bands=BANDS)
NEW = replace(reprocessed(north("04.00"), "05.10"), bands=BANDS)
VIEW = View(crs="EPSG:3857", box=(1669700, 5933000, 1671500, 5934600), width_px=180, height_px=160)
WCS = {"service": "WCS", "version": "2.0.1", "coverageid": f"{CUBE}_10m"}
COVERAGE = WCS | {"request": "GetCoverage"}
MAP = {
    "service": "WMS",
    "version": "1.3.0",
    "request": "GetMap",
    "layers": "S2_L2A",
    "crs": VIEW.crs,
    "bbox": VIEW.bbox_text,
    "width": "180",
    "height": "160",
}
QUESTIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "map as PNG": ("/ows", MAP | {"styles": "", "format": "image/png", "transparent": "TRUE"}),
    "index as PNG": ("/ows", MAP | {"styles": "ndvi", "format": "image/png"}),
    "map as JPEG": ("/ows", MAP | {"styles": "", "format": "image/jpeg"}),
    "map of a day": ("/ows", MAP | {"styles": "", "format": "image/png", "time": "2022-08-20"}),
    "WMS capabilities": ("/ows", {"service": "WMS", "request": "GetCapabilities"}),
    "WCS capabilities": ("/ows", {"service": "WCS", "request": "GetCapabilities"}),
    "description": ("/ows", WCS | {"request": "DescribeCoverage"}),
    "coverage as GeoTIFF": ("/ows", COVERAGE | {"format": "image/tiff"}),
    "coverage as netCDF": ("/ows", COVERAGE | {"format": "application/netcdf"}),
    "all bands on one grid": ("/ows", COVERAGE | {"coverageid": CUBE, "format": "image/tiff"}),
    "collections": ("/ogcapi/collections", {"f": "json"}),
    "collection": (f"/ogcapi/collections/{CUBE}", {"f": "json"}),
    "OGC API GeoTIFF": (f"/ogcapi/collections/{CUBE}_10m/coverage", {"f": "tiff"}),
    "OGC API netCDF": (f"/ogcapi/collections/{CUBE}_20m/coverage", {"f": "netcdf"}),
}
MEMBERS = ("zarr.json", "B04/zarr.json", "B04/c/0/0/0", "time/c/0", "x/c/0", "y/c/0")
CHANGED = {name for name in QUESTIONS if "coverage" in name or "PNG" in name or "JPEG" in name} | {
    "OGC API GeoTIFF",
    "OGC API netCDF",
    "map of a day",
    "all bands on one grid",
    "WMS capabilities",
    "WCS capabilities",
}
"""What the reprocessing changes; descriptions may stay as they are."""


def new_surface() -> Surface:
    return noise_surface(SIZE_PX, seed=11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprocessed:
    """A server, and what it said before the reprocessing at revision 1."""

    url: str
    before: Mapping[str, httpx2.Response]
    members_before: Mapping[str, bytes]


def ask(url: str, name: str, **more: str) -> httpx2.Response:
    path, parameters = QUESTIONS[name]
    return get(url, path, **(dict(parameters) | more))


def members(url: str, revision: int) -> dict[str, bytes]:
    return {
        name: bytes(get(url, f"/zarr/{CUBE}_10m@{revision}/{name}").content) for name in MEMBERS
    }


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reprocessed]:
    folder = tmp_path_factory.mktemp("reprocessed")
    old = build_safe(folder, real_surface(SIZE_PX), OLD)
    new = build_safe(folder, new_surface(), NEW)
    run_copernicube("ingest", "--store", folder / "store", old)
    with served(folder / "store") as url:
        before = {name: ask(url, name) for name in QUESTIONS}
        members_before = members(url, 1)
        run_copernicube("ingest", "--store", folder / "store", new)
        yield Reprocessed(url=url, before=before, members_before=members_before)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_old_answer_is_given_to_the_byte(changed: Reprocessed, name: str) -> None:
    before = changed.before[name]
    again = ask(changed.url, name, as_of="1")
    assert again.content == before.content
    for header in ("Copernicube-Revision", "Copernicube-Scenes", "ETag", "Content-Type"):
        assert again.headers.get(header) == before.headers.get(header)
    assert again.headers["Copernicube-Revision"] == "1"


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_present_answer_is_of_the_new_scene(changed: Reprocessed, name: str) -> None:
    now = ask(changed.url, name)
    assert now.headers["Copernicube-Revision"] == "2"
    if name in CHANGED:
        assert now.content != changed.before[name].content
    scenes = now.headers.get("Copernicube-Scenes")
    assert scenes in {None, NEW.name.removesuffix(".SAFE")}


def test_old_pixels_and_new_ones(changed: Reprocessed) -> None:
    for surface, product, more in ((real_surface(SIZE_PX), OLD, "1"), (new_surface(), NEW, "2")):
        bands = ",".join(BANDS[:4])
        answer = ask(changed.url, "coverage as GeoTIFF", as_of=more, rangesubset=bands)
        made = raster(answer.content)
        for plane, band in zip(made.values, BANDS[:4], strict=True):
            np.testing.assert_array_equal(plane, expected_stored(surface, product, band))


def test_an_old_view_keeps_its_bytes(changed: Reprocessed) -> None:
    assert members(changed.url, 1) == changed.members_before
    now = members(changed.url, 2)
    assert now["B04/c/0/0/0"] != changed.members_before["B04/c/0/0/0"]
    assert now["x/c/0"] == changed.members_before["x/c/0"]


def test_the_bare_name_of_a_view_leads_to_the_present(changed: Reprocessed) -> None:
    answer = httpx2.get(f"{changed.url}/zarr/{CUBE}_10m/zarr.json", follow_redirects=False)
    assert answer.status_code in {302, 303, 307}
    assert f"{CUBE}_10m@2" in answer.headers["location"]


@pytest.mark.parametrize("name", ["map as PNG", "coverage as GeoTIFF", "collections"])
def test_a_revision_ahead_is_refused(changed: Reprocessed, name: str) -> None:
    path, parameters = QUESTIONS[name]
    answer = httpx2.get(f"{changed.url}{path}", params={**parameters, "as_of": "3"})
    assert 400 <= answer.status_code < 500
    assert "3" in answer.text
    assert "2" in answer.text


@pytest.mark.parametrize("as_of", ["1", "2"])
def test_every_body_names_its_scenes(changed: Reprocessed, as_of: str) -> None:
    scene = (OLD if as_of == "1" else NEW).name.removesuffix(".SAFE")
    for name in ("map as PNG", "index as PNG", "map as JPEG"):
        answer = ask(changed.url, name, as_of=as_of)
        assert scene in picture_tags(answer.content).values()
        assert answer.headers["Copernicube-Scenes"] == scene
    for name in ("coverage as GeoTIFF", "OGC API GeoTIFF"):
        answer = ask(changed.url, name, as_of=as_of)
        assert scene in raster(answer.content).tags.values()
        assert answer.headers["Copernicube-Scenes"] == scene
    for name in ("coverage as netCDF", "OGC API netCDF"):
        answer = ask(changed.url, name, as_of=as_of)
        with xr.open_dataset(BytesIO(answer.content), engine="h5netcdf") as made:
            assert made.attrs["source_scenes"] == scene
        assert answer.headers["Copernicube-Scenes"] == scene
    view = get(changed.url, f"/zarr/{CUBE}_10m@{as_of}/zarr.json").json()
    assert view["attributes"]["source_scenes"] == scene


def test_a_known_answer_is_not_sent_again(changed: Reprocessed) -> None:
    """The ETag of the old answer holds while it is asked for as of then."""
    tag = changed.before["map as PNG"].headers["ETag"]
    path, parameters = QUESTIONS["map as PNG"]
    statuses = [
        httpx2.get(
            f"{changed.url}{path}",
            params={**parameters, "as_of": revision},
            headers={"If-None-Match": tag},
        ).status_code
        for revision in ("1", "2")
    ]
    assert statuses == [304, 200]


def test_the_map_shows_something(changed: Reprocessed) -> None:
    answer = get_map(changed.url, "S2_L2A", VIEW)
    assert len(answer.content) > 10_000
