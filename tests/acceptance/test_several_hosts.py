"""Servers on several hosts over one store: cells in Swift, the catalogue in PostgreSQL.

Each server has an address of its own; they share nothing else on this machine.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.builders.served import REPOSITORY, run_copernicube, served
from tests.builders.swift import MISSING, is_installed, swift

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

STORE = "s3://cubes/shared"
HOSTS = ("127.0.0.2", "127.0.0.3")
RECIPE = """\
coverage: SHORE
files: "shore_*.tif"
axes:
  - {name: time, is: time, file_name: {pattern: '_(?P<value>\\d{8})', format: '%Y%m%d'}}
bands:
  - {name: red}
"""
DATES = ("20200105", "20200110", "20200115")
MAP = (
    "/ows?service=WMS&version=1.3.0&request=GetMap&layers=SHORE&styles=&crs=EPSG:32618"
    "&bbox=444000,4170000,446560,4172560&width=256&height=256&format=image/png"
)
DESCRIPTION = "/ows?service=WCS&version=2.0.1&request=DescribeCoverage&coverageId=SHORE"
ASKED = (
    MAP,
    "/ows?query=for $c in (SHORE) return avg($c.red)",
    '/ows?query=for $c in (SHORE) return encode($c.red, "application/netcdf")',
    "/ogcapi/collections?f=json",
)
VISIBLE_S = 5.0
"""Within a second where nothing else runs; tests run beside others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer: what was asked, at which revision, its tag and its bytes."""

    asked: str
    revision: int
    etag: str
    body: bytes


def ask(url: str, asked: str) -> Seen:
    answer = httpx2.get(url + asked, timeout=60)
    assert answer.status_code == 200, answer.text
    return Seen(
        asked=asked,
        revision=int(answer.headers["Copernicube-Revision"]),
        etag=answer.headers.get("ETag", ""),
        body=answer.content,
    )


@pytest.fixture
def scenes(
    tmp_path: Path, samples: Path, postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give a folder of scenes and their recipe, in an environment of Swift and PostgreSQL."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for date, band in zip(DATES, ("B04", "B03", "B02"), strict=True):
        shutil.copy(samples / f"virginia/{band}.tif", folder / f"shore_{date}.tif")
    (folder / "shore.yaml").write_text(RECIPE)
    with swift(tmp_path / "swift") as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("COPERNICUBE_CATALOG", postgres_address)
        monkeypatch.setenv("COPERNICUBE_UPKEEP", "on")
        # As behind one address that spreads requests over them.
        monkeypatch.setenv("COPERNICUBE_PUBLIC_URL", "http://cubes.example")
        yield folder


def ingest(folder: Path, date: str) -> list[str]:
    return [
        *("ingest", "--recipe", str(folder / "shore.yaml"), "--store", STORE),
        str(folder / f"shore_{date}.tif"),
    ]


def test_servers_agree_while_another_process_ingests(scenes: Path) -> None:
    run_copernicube(*ingest(scenes, DATES[0]))
    with served(STORE, host=HOSTS[0]) as one, served(STORE, host=HOSTS[1]) as other:
        urls = one, other
        first = [ask(url, asked) for asked in ASKED for url in urls]
        _agree(first)
        for date in DATES[1:]:
            newest = max(seen.revision for seen in first)
            during = _asked_during(urls, ingest(scenes, date))
            _agree([*first, *during])
            _both_show(urls, newest + 1, date)
            first = [ask(url, asked) for asked in ASKED for url in urls]
            _agree(first)
        run_copernicube("cubes", "overviews", "--store", STORE)
        run_copernicube("cubes", "deepen", "--store", STORE)
        assert "0 damaged" in run_copernicube("verify", "--store", STORE).stdout
        again = [ask(url, asked) for asked in ASKED for url in urls]
        _agree([*first, *again])


def _agree(answers: list[Seen]) -> None:
    """Check that equal questions at equal revisions had equal answers, whoever gave them."""
    known: dict[tuple[str, int], Seen] = {}
    for seen in answers:
        before = known.setdefault((seen.asked, seen.revision), seen)
        assert seen == before, seen.asked
    assert len(known) < len(answers)


def _asked_during(urls: tuple[str, ...], command: list[str]) -> list[Seen]:
    """Ask both servers again and again while a command runs; return their answers."""
    found: list[Seen] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "copernicube", *command],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with ThreadPoolExecutor(len(urls)) as pool:
        while process.poll() is None:
            for asked in ASKED[:2]:
                found += pool.map(ask, urls, [asked] * len(urls))
            time.sleep(0.2)
    told = process.communicate()[0]
    assert "1 ingested" in told, told
    return found


def _both_show(urls: tuple[str, ...], revision: int, date: str) -> None:
    """Check that every server has the scene soon after its commit."""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    deadline = time.monotonic() + VISIBLE_S
    for url in urls:
        while True:
            seen = ask(url, DESCRIPTION)
            if seen.revision >= revision and day.encode() in seen.body:
                break
            assert time.monotonic() < deadline, f"{url} has no {day}"
