"""Fixtures of the tests with real clients."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.places import build_places
from tests.acceptance.small_stores import built, prepared, store, undisturbed
from tests.builders.once import built_once
from tests.builders.served import run_copernicube, served

__all__ = ["built", "prepared", "store", "undisturbed"]

GDAL_TIMEOUT_S = 120

type Gdal = Callable[..., str]
"""Runs one of GDAL's programs and returns what it prints; a failure fails the test."""


@pytest.fixture(scope="session")
def alps(testdata: Path) -> Path:
    """Return the folder of the ten items of two neighbouring tiles."""
    return testdata / "s2_l2a_alps_33TW_5dates" / "sentinel-2-l2a"


@pytest.fixture(scope="session")
def alps_store(tmp_path_factory: pytest.TempPathFactory, alps: Path) -> Path:
    """Return a store with all ten items in one cube of 60 m cells; never write to it."""
    items = sorted(path for path in alps.glob("*/S2*.json"))
    cube = ("--cube", "S2_L2A_33TW", "--resolution", "60")
    return built_once(
        tmp_path_factory,
        "alps-store",
        lambda store: run_copernicube("ingest", "--store", store, *cube, *items),
    )


@pytest.fixture(scope="session")
def alps_url(alps_store: Path) -> Iterator[str]:
    """Return the address of a server over the Alps store, without a slash at its end."""
    with served(alps_store) as url:
        yield url


@pytest.fixture(scope="session")
def places_url(tmp_path_factory: pytest.TempPathFactory, demo_store: Path) -> Iterator[str]:
    """Return the address of a server over the demo's scenes and those of all known places."""
    store = built_once(
        tmp_path_factory, "places-store", lambda store: build_places(store, demo_store)
    )
    with served(store) as url:
        yield url


@pytest.fixture
def gdal(tmp_path: Path) -> Gdal:
    """Return a way to run GDAL's own programs, which cache nothing from other tests."""

    def run(program: str, *arguments: str | Path) -> str:
        path = shutil.which(program)
        if path is None:
            pytest.skip(f"needs Debian's gdal-bin: {program} is not installed")
        # Python's wheels bring a PROJ and GDAL of their own, whose data Debian's cannot read.
        unset = {"GDAL_DATA", "PROJ_LIB", "PROJ_DATA"}
        environment = {key: value for key, value in os.environ.items() if key not in unset}
        done = subprocess.run(
            [path, *map(str, arguments)],
            env=environment | {"HOME": str(tmp_path), "GDAL_DEFAULT_WMS_CACHE_PATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=GDAL_TIMEOUT_S,
            check=False,
        )
        if done.returncode or "ERROR" in done.stderr:
            raise AssertionError(f"{program} {arguments}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    return run
