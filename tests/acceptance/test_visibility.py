"""A new scene shows in every service and every worker within a second, without a restart."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from tests.acceptance.clients import View, get, get_coverage, get_map, picture, raster
from tests.builders.presets import north
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.served import run_copernicube, served
from tests.builders.surface import real_surface

WORKERS = 2
BANDS = ("B02", "B03", "B04", "B08", "SCL")
SIZE_PX = 120
CUBE = "S2_L2A_32633"
FIRST = replace(north(), bands=BANDS)
AT_ONCE = 4
PROCESSES = Path("/proc")


def further(number: int) -> Product:
    """Return a product further east, of a later day."""
    later = timedelta(days=5 * number)
    return replace(
        FIRST,
        origin_x_m=FIRST.origin_x_m + number * SIZE_PX * 10,
        datatake_start=FIRST.datatake_start + later,
        processing_time=FIRST.processing_time + later,
    )


def day_of(product: Product) -> str:
    return f"{product.datatake_start:%Y-%m-%d}"


def view_of_product(product: Product) -> View:
    side = SIZE_PX * 10
    x, y = product.origin_x_m, product.origin_y_m
    return View(crs="EPSG:32633", box=(x, y - side, x + side, y), width_px=30, height_px=30)


def in_wms(url: str, product: Product) -> bool:
    answer = get(url, service="WMS", request="GetCapabilities")
    days = etree.fromstring(answer.content).findtext(".//{*}Dimension")
    return day_of(product) in str(days).split(",")


def in_map(url: str, product: Product) -> bool:
    shown = picture(get_map(url, "S2_L2A", view_of_product(product)))
    return bool((shown[..., 3] == 255).all())


def in_description(url: str, product: Product) -> bool:
    answer = get(url, service="WCS", version="2.0.1", request="DescribeCoverage", coverageid=CUBE)
    times = etree.fromstring(answer.content).iterfind(".//{*}timePosition")
    return any(str(one.text).startswith(day_of(product)) for one in times)


def in_coverage(url: str, product: Product) -> bool:
    """Keep times an axis, so that asking too early is an answer without the new one."""
    x, y = FIRST.origin_x_m, FIRST.origin_y_m
    east = product.origin_x_m
    box = f"E({x},{east + 100})", f"N({y - 100},{y})"
    answer = get_coverage(url, f"{CUBE}_10m", *box, rangesubset="B02")
    newest = raster(answer.content).values[-1]
    return newest.shape == (10, (east + 100 - x) // 10) and bool((newest[:, -10:] > 0).all())


def in_ogc_api(url: str, product: Product) -> bool:
    extent = get(url, f"/ogcapi/collections/{CUBE}", f="json").json()["extent"]
    return str(extent["temporal"]["interval"][0][1]).startswith(day_of(product))


def in_zarr(url: str, product: Product) -> bool:
    """Follow the bare name to the newest revision: its columns reach the new scene."""
    answer = get(url, f"/zarr/{CUBE}_10m/zarr.json")
    columns = answer.json()["consolidated_metadata"]["metadata"]["B02"]["shape"][-1]
    return bool(columns * 10 == product.origin_x_m - FIRST.origin_x_m + SIZE_PX * 10)


QUESTIONS: dict[str, Callable[[str, Product], bool]] = {
    "WMS capabilities": in_wms,
    "WMS map": in_map,
    "WCS description": in_description,
    "WCS coverage": in_coverage,
    "OGC API collection": in_ogc_api,
    "Zarr view": in_zarr,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server with several workers over a store that grows."""

    url: str
    store: Path
    folder: Path

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer."""
        port = self.url.rpartition(":")[2]
        lines = command_lines()
        (server,) = (pid for pid, line in lines.items() if {"serve", port} <= set(line))
        return [
            pid
            for pid, line in lines.items()
            if _stat(pid)[1] == str(server) and "resource_tracker" not in " ".join(line)
        ]


def command_lines() -> dict[int, list[str]]:
    """Return the command line of every process of this machine."""
    found = {}
    for path in PROCESSES.glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found[int(path.parent.name)] = path.read_text(errors="replace").split("\0")
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields after the command's name: state, parent, ... (man 5 proc)."""
    try:
        return (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", ""]


def work_of(workers: list[int]) -> list[int]:
    """Return how many clock ticks each process has worked, for itself and for the system."""
    return [int(fields[11]) + int(fields[12]) for fields in map(_stat, workers)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("visible")
    safe = build_safe(folder, real_surface(SIZE_PX), FIRST)
    run_copernicube("ingest", "--store", folder / "store", safe)
    with served(folder / "store", workers=WORKERS) as url:
        yield Running(url=url, store=folder / "store", folder=folder)


def ask_everywhere(running: Running, product: Product) -> dict[str, list[bool]]:
    """Ask every service several times at once, on new connections, so that all workers answer."""
    with ThreadPoolExecutor(AT_ONCE * len(QUESTIONS)) as pool:
        asked = {
            name: [pool.submit(question, running.url, product) for _ in range(AT_ONCE)]
            for name, question in QUESTIONS.items()
        }
        return {name: [one.result() for one in answers] for name, answers in asked.items()}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_new_scene_shows_at_once(running: Running, number: int) -> None:
    """Asked after the commit's record is there, before the command even ends, all show it."""
    product = further(number)
    safe = build_safe(running.folder, real_surface(SIZE_PX), product)
    workers = running.workers()
    assert len(workers) == WORKERS
    before = ask_everywhere(running, product)
    assert not any(any(answers) for answers in before.values())
    record = running.store / "_commits" / f"{number + 1}.json"
    with ThreadPoolExecutor(1) as pool:
        ingest = pool.submit(run_copernicube, "ingest", "--store", running.store, safe)
        while not record.exists():
            assert not ingest.done(), ingest.result().stderr
            time.sleep(0.005)
        worked = work_of(workers)
        answers = ask_everywhere(running, product)
        assert [name for name, shown in answers.items() if not all(shown)] == []
        for _ in range(3):
            again = ask_everywhere(running, product)
            assert all(all(shown) for shown in again.values())
        ingest.result()
    assert all(after > then for after, then in zip(work_of(workers), worked, strict=True))


def test_answers_say_at_which_revision(running: Running) -> None:
    """All workers agree on the newest revision once the command has ended."""
    revisions = {
        get(running.url, service="WMS", request="GetCapabilities").headers["Copernicube-Revision"]
        for _ in range(20)
    }
    assert len(revisions) == 1
