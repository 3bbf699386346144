"""Real clients read views from a real server."""

from datetime import timedelta

import httpx2
import numpy as np
import pytest
import rasterio
import xarray as xr
import zarr
from numpy.typing import NDArray
from obstore.store import HTTPStore

from datacube.errors import StoreDamagedError
from tests.builders.fakes import World
from tests.ogc.zarr.conftest import LEFT_M, NODATA, TOP_M

VIEW = "S2_L2A_32633@3"
CUT = f"{VIEW};bbox=505000,5197000,506005,5199000;datetime=2023-08-12%2F.."


def with_fsspec(address: str) -> xr.Dataset:
    opened: xr.Dataset = xr.open_zarr(address, decode_coords="all")
    return opened


def with_obstore(address: str) -> xr.Dataset:
    store = HTTPStore.from_url(address, client_options={"allow_http": True})
    readable = zarr.storage.ObjectStore(store, read_only=True)
    opened: xr.Dataset = xr.open_zarr(readable, decode_coords="all")
    return opened


def test_both_clients_see_the_source(url: str, expected: NDArray[np.int16]) -> None:
    one = with_fsspec(f"{url}/{VIEW}")
    assert one.B04.dims == ("time", "y", "x")
    assert one.B04.chunks is not None
    stored = one.B04.load() / 0.0001
    cells = np.where(np.isnan(stored), NODATA, stored).round().astype(np.int16)
    np.testing.assert_array_equal(cells, expected)
    assert one.time.values.astype("datetime64[ms]").astype(str).tolist() == [
        "2023-08-10T09:50:31.024",
        "2023-08-15T09:50:31.024",
    ]
    np.testing.assert_array_equal(one.x[:2], [LEFT_M + 5, LEFT_M + 15])
    np.testing.assert_array_equal(one.y[:2], [TOP_M - 5, TOP_M - 15])
    xr.testing.assert_identical(one.load(), with_obstore(f"{url}/{VIEW}").load())


def test_a_view_is_cut_to_area_and_time(url: str, expected: NDArray[np.int16]) -> None:
    for opened in (with_fsspec(f"{url}/{CUT}"), with_obstore(f"{url}/{CUT}")):
        rows, cols = slice(102, 302), slice(502, 603)
        assert dict(opened.sizes) == {"time": 1, "y": 200, "x": 101}
        stored = (opened.B04.load() / 0.0001).round()
        wanted = np.where(expected[1:, rows, cols] == NODATA, np.nan, expected[1:, rows, cols])
        np.testing.assert_array_equal(stored, wanted)


def test_coarser_bands_come_on_the_finest_grid_or_their_own(url: str) -> None:
    fine, own = with_fsspec(f"{url}/{VIEW}"), with_fsspec(f"{url}/S2_L2A_32633_20m@3")
    assert (fine.SCL.shape[1:], own.SCL.shape[1:]) == ((600, 1212), (300, 606))
    assert list(own.data_vars) == ["SCL"]
    wanted = np.full((300, 606), np.nan)
    wanted[:, :350] = 4
    np.testing.assert_array_equal(own.SCL[1], wanted)
    np.testing.assert_array_equal(fine.SCL[1], wanted.repeat(2, axis=0).repeat(2, axis=1))


def test_the_bare_name_opens_by_redirect(url: str) -> None:
    bare = with_fsspec(f"{url}/S2_L2A_32633").load()
    xr.testing.assert_identical(bare, with_fsspec(f"{url}/{VIEW}").load())


def test_gdal_reads_a_view(url: str, expected: NDArray[np.int16]) -> None:
    """One band of one time, through GDAL's own Zarr driver and HTTP client."""
    name = f'ZARR:"/vsicurl/{url}/{VIEW}":/B04:1'
    with rasterio.open(name) as opened:
        assert opened.crs.to_epsg() == 32633
        assert opened.transform[:6] == (10, 0, LEFT_M, 0, -10, TOP_M)
        assert opened.nodata == NODATA
        np.testing.assert_array_equal(opened.read(1), expected[1])


def test_head_has_the_length_and_no_body(url: str, world: World) -> None:
    head, get = (httpx2.request(method, f"{url}/{VIEW}/B04/c/0/0/0") for method in ("HEAD", "GET"))
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(get.content)
    assert head.headers["copernicube-revision"] == str(len(world.slots))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_views_are_read_only(url: str, method: str) -> None:
    assert httpx2.request(method, f"{url}/{VIEW}/zarr.json", content=b"{}").status_code == 405


def test_a_failure_is_an_error_to_clients_and_never_nodata(
    url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise StoreDamagedError("a recorded shard is gone")

    store = HTTPStore.from_url(
        f"{url}/{VIEW}",
        client_options={"allow_http": True},
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=2)},
    )
    readable = zarr.storage.ObjectStore(store, read_only=True)
    opened = (with_fsspec(f"{url}/{VIEW}"), xr.open_zarr(readable, decode_coords="all"))
    monkeypatch.setattr(type(world), "read", fail)
    for one in opened:
        with pytest.raises(Exception, match="500"):
            one.B04.load()
