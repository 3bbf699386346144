"""Every advertised time, CRS, format and style, drawn at random, against GDAL and NumPy."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import httpx2
import pytest
from lxml import etree

from tests.acceptance.advertised_styles import DESCRIPTOR, FILE
from tests.acceptance.drawn_compared import fault_of
from tests.acceptance.drawn_maps import Drawing, Drawn, formats_of, read_layers, sizes
from tests.acceptance.oracle_archive import Archive, alps_archive, demo_archives
from tests.builders.served import run_copernicube, served

SEED = 20261122
DRAWN = 1000
DRAWN_IN_THE_ALPS = 40
SHARES = 4
"""Tests that the draws are dealt to."""


@pytest.fixture(scope="module")
def styled_url(tmp_path_factory: pytest.TempPathFactory, demo_store: Path) -> Iterator[str]:
    """Return the address of a server over the samples, with styles of every kind."""
    folder = tmp_path_factory.mktemp("styled")
    store = folder / "store"
    shutil.copytree(demo_store, store)
    for name, text in (("styles.yaml", FILE), ("described.sld", DESCRIPTOR)):
        (folder / name).write_text(text, encoding="utf-8")
        run_copernicube("styles", "add", folder / name, "--store", store)
    with served(store) as url:
        yield url


@pytest.fixture(scope="module")
def drawing(styled_url: str, samples: Path) -> Drawing:
    """Return draws from what the server advertises."""
    return drawing_of(styled_url, demo_archives(samples))


def drawing_of(url: str, archives: Sequence[Archive]) -> Drawing:
    """Return draws of the layers that the archives are the sources of."""
    wms, wmts = (
        etree.fromstring(httpx2.get(f"{url}/ows?service={service}&request=GetCapabilities").content)
        for service in ("WMS", "WMTS")
    )
    return Drawing(
        layers=read_layers(wms, wmts, archives), formats=formats_of(wms), random=Random(SEED)
    )


@pytest.fixture(scope="module")
def drawn(drawing: Drawing) -> list[Drawn]:
    """Return all draws."""
    return [drawing.draw() for _ in range(DRAWN)]


def test_all_that_is_advertised_is_drawn(drawing: Drawing, drawn: list[Drawn]) -> None:
    seen = sizes(drawn)
    assert seen["format"] == set(drawing.formats)
    for layer in drawing.layers:
        name = layer.archive.layer
        assert set(layer.styles) <= seen[f"{name} styles"]
        assert set(layer.crs) <= seen[f"{name} crs"]
        assert set(layer.times) <= seen[f"{name} times"]


@pytest.mark.parametrize("share", range(SHARES))
def test_answers_are_the_pictures(styled_url: str, drawn: list[Drawn], share: int) -> None:
    mine = drawn[share::SHARES]
    check(styled_url, mine)


def test_overlapping_tiles_of_five_days(alps_url: str, alps: Path) -> None:
    """Clouds, the edge of a swath, and two tiles of each day, of which one lies over the other."""
    folders = sorted(path.parent for path in alps.glob("*/S2*.json"))
    drawing = drawing_of(alps_url, [alps_archive(folders)])
    check(alps_url, [drawing.draw() for _ in range(DRAWN_IN_THE_ALPS)])


def check(url: str, mine: list[Drawn]) -> None:
    """Ask for maps, two at a time, and fail with all that are not as expected."""
    faults = []
    with httpx2.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(2) as pool:
        for one, answer in zip(mine, pool.map(client.get, [d.path for d in mine]), strict=True):
            if answer.status_code != 200:
                fault: str | None = f"{answer.status_code}: {answer.text[:500]}"
            elif answer.headers["content-type"] != one.media_type:
                fault = f"it is of type {answer.headers['content-type']}"
            else:
                fault = fault_of(one, answer.content)
            if fault is not None:
                faults.append(f"{one.path}\n  {fault}")
    assert not faults, "\n".join([f"{len(faults)} of {len(mine)} are wrong", *faults])
