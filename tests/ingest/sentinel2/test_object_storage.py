"""SAFE prefixes and STAC items on object storage: a moto server on loopback."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest

from datacube.errors import SourceError
from ingest.rasters import ObjectStoreAccess
from ingest.scene import CubeChoice
from ingest.sentinel2 import Sentinel2Reader
from tests.builders.expected import expected_stored
from tests.builders.presets import north, partial
from tests.builders.safe import build_safe
from tests.builders.surface import noise_surface
from tests.ingest.harness import Warehouse
from tests.ingest.sentinel2.items import asset, make_item, pixels, save, write_raster

KEYS = ("test-key", "test-secret")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run moto from a process of its own: GDAL may hold Python's lock while it waits."""
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as server,
    ):
        deadline = time.monotonic() + 60
        found = None
        while found is None and time.monotonic() < deadline:
            time.sleep(0.05)
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert found is not None
        yield found.group()
        server.terminate()


@pytest.fixture(scope="module")
def access(endpoint: str) -> ObjectStoreAccess:
    return ObjectStoreAccess(
        endpoint_url=endpoint,
        region="us-east-1",
        access_key_id=KEYS[0],
        secret_access_key=KEYS[1],
    )


def upload(folder: Path, endpoint: str, bucket: str, *, public: bool = False) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEYS[0],
        aws_secret_access_key=KEYS[1],
    )
    client.create_bucket(Bucket=bucket)
    options = {"ExtraArgs": {"ACL": "public-read"}} if public else {}
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), bucket, path.relative_to(folder).as_posix(), **options)
    client.close()


def test_a_safe_prefix(
    endpoint: str, access: ObjectStoreAccess, warehouse: Warehouse, tmp_path: Path
) -> None:
    surface, product = noise_surface(240), partial(north(), "B02", "B11", "SCL")
    place = build_safe(tmp_path / "made", surface, product)
    upload(tmp_path / "made", endpoint, "products")

    summary = warehouse.ingest(f"s3://products/{place.name}", access=access)

    assert summary.exit_code == 0, [o.line for o in summary.outcomes]
    slot = warehouse.slot("S2_L2A_32633")
    for band in ("B02", "B11"):
        np.testing.assert_array_equal(
            warehouse.band(slot, band), expected_stored(surface, product, band)
        )


@pytest.mark.parametrize("signed", [True, False])
def test_an_item_with_its_assets(
    signed: bool,  # noqa: FBT001  # pytest passes parameters by name
    endpoint: str,
    access: ObjectStoreAccess,
    warehouse: Warehouse,
    tmp_path: Path,
) -> None:
    dn = pixels(12, 18)
    write_raster(tmp_path / "up/scene/img/B02.tif", dn, step=10)
    save(tmp_path / "up/scene/item.json", make_item({"blue": asset("./img/B02.tif")}))
    bucket = f"items-{signed}".lower()
    upload(tmp_path / "up", endpoint, bucket, public=not signed)

    summary = warehouse.ingest(
        f"s3://{bucket}/scene/item.json",
        access=access if signed else ObjectStoreAccess(endpoint_url=endpoint),
    )

    assert summary.exit_code == 0, [o.line for o in summary.outcomes]
    np.testing.assert_array_equal(warehouse.band(warehouse.slot("S2_L2A_32633"), "B02"), dn)


def test_an_absent_prefix(access: ObjectStoreAccess) -> None:
    with pytest.raises(SourceError, match="absent"):
        Sentinel2Reader(access).open("s3://absent/X.SAFE", CubeChoice())
