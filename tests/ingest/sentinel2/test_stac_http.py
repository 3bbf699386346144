"""STAC items over HTTP."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from datacube.errors import (
    SourceError,
    UnsafeSourceError,
)
from tests.ingest.harness import Warehouse
from tests.ingest.sentinel2.items import (
    asset,
    make_item,
    pixels,
    save,
    write_raster,
)
from tests.ingest.sentinel2.making import open_one


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Serve a folder on loopback; gives the folder and its address.

    From a process of its own: GDAL may hold Python's lock while it waits for an answer.
    """
    folder = tmp_path_factory.mktemp("www")
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--directory", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found is not None
        yield folder, found.group()
        server.terminate()


def test_an_item_with_relative_assets_over_http(
    web: tuple[Path, str], warehouse: Warehouse
) -> None:
    folder, url = web
    dn = pixels(12, 18)
    write_raster(folder / "scene/img/B02.tif", dn, step=10)
    save(folder / "scene/item.json", make_item({"blue": asset("./img/B02.tif")}))

    summary = warehouse.ingest(f"{url}/scene/item.json")

    assert summary.exit_code == 0, [o.line for o in summary.outcomes]
    slot = warehouse.slot("S2_L2A_32633")
    np.testing.assert_array_equal(warehouse.band(slot, "B02"), dn)


def test_a_remote_item_may_not_name_local_files(web: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = web
    write_raster(tmp_path / "B02.tif", pixels(6, 6), step=10)
    local = (tmp_path / "B02.tif").as_uri()
    save(folder / "hostile.json", make_item({"blue": asset(local)}))

    with pytest.raises(UnsafeSourceError, match="a remote item may refer to"):
        open_one(f"{url}/hostile.json")


def test_an_absent_remote_item(web: tuple[Path, str]) -> None:
    with pytest.raises(SourceError, match="404"):
        open_one(f"{web[1]}/absent.json")
