"""Cubes of any axes through the client and the Zarr views, here and over HTTP."""

from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
import zarr
from click.testing import CliRunner
from pyproj import CRS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

import copernicube
from copernicube.client import Catalogue
from copernicube.cubes_command import cubes
from datacube.errors import RequestError
from ogc.api.routes import api_routes
from ogc.zarr.routes import zarr_routes
from tests.builders.loopback import loopback
from tests.builders.made import HEIGHTS_M, T_TIMES, Made, add_examples, make_store

DIMENSIONS = {
    "A": ("lat", "lon"),
    "T": ("time", "lat", "lon"),
    "G": ("i", "j"),
    "L": ("x",),
    "P": ("time",),
    "W": ("time", "height", "lat", "lon"),
    "U": ("time", "y", "x"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    store = add_examples(make_store(tmp_path_factory.mktemp("made")))
    yield store
    store.local.catalog.close()


@pytest.fixture(scope="module")
def url(made: Made) -> Iterator[str]:
    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    sessions = made.local.engine.session
    routes = [
        Mount("/ogcapi", routes=api_routes(sessions, root)),
        Mount("/zarr", routes=zarr_routes(sessions, root)),
    ]
    with loopback(Starlette(routes=routes)) as address:
        yield address


@pytest.fixture(scope="module")
def here(made: Made) -> Catalogue:
    return copernicube.open(made.local.store.location.name)


@pytest.fixture(scope="module")
def there(url: str) -> Catalogue:
    return copernicube.open(url)


@pytest.mark.parametrize("name", list(DIMENSIONS))
def test_a_store_and_its_server_give_what_was_written(
    made: Made, here: Catalogue, there: Catalogue, name: str
) -> None:
    found = here[name].to_xarray(decode=False).compute()
    for band, wanted in made.arrays[name].items():
        assert found[band].dims == DIMENSIONS[name]
        assert found[band].dtype == wanted.dtype
        np.testing.assert_array_equal(found[band].values, wanted)
    xr.testing.assert_identical(found, there[name].to_xarray(decode=False).compute())
    decoded = here[name].to_xarray().compute()
    xr.testing.assert_identical(decoded, there[name].to_xarray().compute())


def test_both_say_the_same_of_every_cube(here: Catalogue, there: Catalogue) -> None:
    for cube in here:
        mine, other = here[cube], there[cube]
        assert (other.axes, other.period, other.bbox) == (mine.axes, mine.period, mine.bbox)
        assert other.crs == mine.crs
        assert other.times.equals(mine.times)
        assert mine.name in mine._repr_html_()
    assert "no time axis" in repr(here)


def test_coordinates_are_those_of_the_axes(here: Catalogue) -> None:
    wind = here["W"].to_xarray()
    assert wind.height.values.tolist() == list(HEIGHTS_M)
    assert wind.height.attrs["units"] == "m"
    assert wind.lat.values[[0, -1]].tolist() == [59.75, 50.25]
    assert here["G"].to_xarray().j.values.tolist() == list(range(13))
    assert "spatial_ref" not in here["G"].to_xarray()
    assert here["L"].to_xarray().x.values[:2].tolist() == [0.5, 1.5]
    assert len(here["A"].times) == 0
    assert here["A"].first_day is None
    assert here["G"].crs.name == "Index2D"
    assert here["U"].crs == CRS.from_epsg(32633)
    assert [str(t)[:10] for t in here["P"].times] == list(T_TIMES)


def test_boxes_and_times_cut_what_has_them(made: Made, here: Catalogue, there: Catalogue) -> None:
    for catalogue in (here, there):
        wind = catalogue["W"].to_xarray(bbox=(5, 52, 7, 54), time="2020-02").compute()
        np.testing.assert_array_equal(wind.v.values, made.arrays["W"]["v"][1:2, :, 12:16, 10:14])
        grid = catalogue["G"].to_xarray(bbox=(2, 3, 5, 7)).compute()
        np.testing.assert_array_equal(grid.v.values, made.arrays["G"]["v"][3:7, 2:5])
        with pytest.raises(RequestError, match="unknown axis time"):
            catalogue["A"].to_xarray(time="2020")
        with pytest.raises(RequestError, match="Index2D has no place on the Earth"):
            catalogue["G"].to_xarray(bbox=(0, 0, 1, 1), bbox_crs=4326)


def test_a_view_is_plain_zarr(made: Made, url: str) -> None:
    group = zarr.open_group(f"{url}/zarr/W@{made.session.revision}", mode="r")
    array = group["u"]
    assert isinstance(array, zarr.Array)
    assert array.metadata.dimension_names == DIMENSIONS["W"]  # type: ignore[union-attr]  # Zarr v3
    assert array.chunks == (1, 1, 512, 512)
    np.testing.assert_array_equal(array[1, 2], made.arrays["W"]["u"][1, 2])
    line = zarr.open_group(f"{url}/zarr/L@{made.session.revision}", mode="r")["v"]
    assert isinstance(line, zarr.Array)
    np.testing.assert_array_equal(line[3:7], made.arrays["L"]["v"][3:7])


@pytest.mark.parametrize("name", list(DIMENSIONS))
def test_cubes_are_shown_with_their_axes(made: Made, name: str) -> None:
    store = made.local.store.location.name
    shown = CliRunner().invoke(cubes, ["show", name, "--scenes", "--store", store])
    assert shown.exit_code == 0, shown.output
    assert ("height" in shown.output) == (name == "W")
    listed = CliRunner().invoke(cubes, ["list", "--store", store])
    assert listed.exit_code == 0, listed.output
