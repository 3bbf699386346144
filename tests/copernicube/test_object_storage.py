"""Stores in an object store that is no mock: OpenStack Swift, asked through its S3 interface."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from datacube.errors import StoreError
from datacube.store import open_store
from datacube.store.objects import Objects
from tests.builders.served import run_copernicube
from tests.builders.swift import KEY, MISSING, PAGE, Bucket, client_of, is_installed, swift

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

TILE = (
    "/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=&crs=EPSG:32618"
    "&bbox=444000,4170000,446560,4172560&width=256&height=256&format=image/png"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A store in Swift, and the same scenes in a folder."""

    bucket: Bucket
    store: str
    catalog: Path
    folder: Path
    log: Path
    """Of Swift's proxy: a line a request."""

    @property
    def arguments(self) -> tuple[str, ...]:
        return "--store", self.store, "--catalog", str(self.catalog)

    def gets(self) -> int:
        """Return how many objects, or parts of them, were asked for so far."""
        found = self._logged()
        # Swift writes its log behind its answers.
        for _ in range(50):
            time.sleep(0.1)
            before, found = found, self._logged()
            if found == before:
                break
        return found

    def _logged(self) -> int:
        return sum(
            f" GET /{self.bucket.name}/" in line for line in self.log.read_text().split("\n")
        )


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Remote]:
    place = tmp_path_factory.mktemp("swift")
    with swift(place) as bucket, pytest.MonkeyPatch.context() as patch:
        for name, value in bucket.environment.items():
            patch.setenv(name, value)
        made = Remote(
            bucket=bucket,
            store=f"s3://{bucket.name}/stores/one",
            catalog=place / "catalog.sqlite",
            folder=place / "folder",
            log=place / "proxy-server.log",
        )
        item = samples / "virginia/item.json"
        done = run_copernicube("ingest", *made.arguments, item)
        assert "1 ingested" in done.stdout
        run_copernicube("ingest", "--store", made.folder, item)
        yield made


def _client(settings: Settings) -> TestClient:
    return TestClient(build(settings))


@pytest.fixture(scope="module")
def pair(remote: Remote) -> tuple[TestClient, TestClient]:
    return (
        _client(Settings(store=remote.store, catalog=str(remote.catalog))),
        _client(Settings(store=str(remote.folder))),
    )


def test_the_same_objects_as_files(remote: Remote) -> None:
    client = client_of(remote.bucket)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=remote.bucket.name, Prefix="stores/one/", PaginationConfig={"PageSize": 100}
    )
    listed = {
        found["Key"].removeprefix("stores/one/"): found["Size"]
        for page in pages
        for found in page.get("Contents", ())
    }
    files = {
        str(path.relative_to(remote.folder)): path.stat().st_size
        for path in remote.folder.rglob("*")
        if path.is_file() and not path.name.startswith("catalog.sqlite")
    }
    commits = {name for name in files if name.startswith("_commits")}
    assert listed.keys() == files.keys()
    assert all(listed[name] == size for name, size in files.items() if name not in commits)


def test_services_answer_with_the_same_bytes(pair: tuple[TestClient, TestClient]) -> None:
    for asked in (
        TILE,
        TILE.replace("width=256&height=256", "width=64&height=64"),
        "/ows?query=for $c in (S2_L1C_32618_10m) return avg($c.B04)",
        '/ows?query=for $c in (S2_L1C_32618_10m) return encode($c.B04, "image/tiff")',
    ):
        found, expected = (client.get(asked) for client in pair)
        assert expected.status_code == 200, expected.text
        assert found.content == expected.content
        assert found.headers["etag"] == expected.headers["etag"]


def test_a_tile_takes_few_requests_and_a_warm_one_none(remote: Remote) -> None:
    cold = _client(Settings(store=remote.store, catalog=str(remote.catalog)))
    before = remote.gets()
    cold.get(TILE).raise_for_status()
    first = remote.gets() - before
    # Three bands and the mask: of each the description, the index of a shard, and its chunks
    # in one or two requests.
    assert 0 < first <= 4 * 4
    moved = TILE.replace("444000,", "444010,").replace("446560,", "446570,")
    before = remote.gets()
    cold.get(moved).raise_for_status()
    assert remote.gets() - before == 0


def test_verify_and_query_read_it(remote: Remote) -> None:
    assert "0 damaged" in run_copernicube("verify", *remote.arguments).stdout
    text = "for $c in (S2_L1C_32618_10m) return count($c.B04)"
    ours, theirs = (
        run_copernicube("query", *place, text).stdout
        for place in (remote.arguments, ("--store", str(remote.folder)))
    )
    assert ours == theirs


def test_a_lost_catalogue_is_rebuilt(remote: Remote, tmp_path: Path) -> None:
    again = tmp_path / "again.sqlite"
    place = ("--store", remote.store, "--catalog", again)
    assert "restored 1 revisions" in run_copernicube("cubes", "rebuild", *place).stdout
    told = [
        run_copernicube("cubes", "list", "--json", *arguments).stdout
        for arguments in (place, remote.arguments)
    ]
    assert told[0] == told[1]


def test_a_missing_object_is_damage(remote: Remote) -> None:
    client = client_of(remote.bucket)
    listed = client.list_objects_v2(
        Bucket=remote.bucket.name, Prefix="stores/one/S2_L1C_32618/r10m/0/B04/c/"
    )
    key = listed["Contents"][0]["Key"]
    body = client.get_object(Bucket=remote.bucket.name, Key=key)["Body"].read()
    client.delete_object(Bucket=remote.bucket.name, Key=key)
    try:
        done = run_copernicube("verify", *remote.arguments, check=False)
        assert done.returncode == 1
        assert "B04" in done.stdout + done.stderr
        with pytest.raises(AssertionError, match="is recorded and missing"):
            run_copernicube(
                "query", *remote.arguments, "for $c in (S2_L1C_32618_10m) return avg($c.B04)"
            )
    finally:
        client.put_object(Bucket=remote.bucket.name, Key=key, Body=body)


def test_keys_are_written_once(remote: Remote) -> None:
    objects = Objects(f"s3://{remote.bucket.name}/once")
    assert objects.put_new("a", b"first")
    assert not objects.put_new("a", b"second")
    assert objects.get("a") == b"first"
    assert objects.put_parts("parts", iter([b"z" * 6_000_000] * 2)) == 12_000_000
    assert objects.read_end("parts", 3) == b"zzz"
    objects.remove("parts")
    assert sorted(objects.children("")) == ["a", "parts"]


def test_more_than_a_page_of_names(remote: Remote) -> None:
    objects = Objects(f"s3://{remote.bucket.name}/many")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: objects.put(f"n/{number}", b""), range(PAGE + 3)))
    assert len(list(objects.children("n"))) == PAGE + 3
    objects.remove("n")
    assert list(objects.children("n")) == []


@pytest.mark.parametrize(
    ("variables", "url", "told"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-one"}, "s3://cubes/x", "the keys are refused"),
        ({}, "s3://no-such-bucket/x", "no such bucket"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "s3://cubes/x", "127.0.0.1:9"),
        ({}, "s4://cubes/x", "s4"),
    ],
)
def test_what_is_wrong_is_told_without_keys(
    remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
    variables: Mapping[str, str],
    url: str,
    told: str,
) -> None:
    del remote
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    begun = time.monotonic()
    with pytest.raises(StoreError, match=told) as raised:
        open_store(url, read_only=True)
    assert time.monotonic() - begun < 20
    assert KEY not in str(raised.value)
    assert "wrong-one" not in str(raised.value)
    assert "\n" not in str(raised.value)
