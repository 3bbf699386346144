"""What an ingest of many scenes holds open and in memory meanwhile."""

import json
import weakref
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.progress import Silent
from ingest.scene import CubeChoice, Scene, UnreadableScene
from ingest.sentinel2 import Sentinel2Reader
from ingest.sentinel2.images import BandReader
from tests.ingest.harness import open_warehouse

SAMPLES = Path(__file__).parents[2] / "samples/romania"
SCENES = 24
JOBS = 2
OPEN_FILES = Path("/proc/self/fd")


class Watched(Sentinel2Reader):
    """Remembers the scenes that it opened, without holding them."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[weakref.ref[BandReader]] = []

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene | UnreadableScene]:
        scenes = super().open(location, choice)
        for scene in scenes:
            assert isinstance(scene, Scene)
            read = scene.bands[0].read
            assert isinstance(read, BandReader)
            self.opened.append(weakref.ref(read))
        return scenes


class Counting(Silent):
    """Counts, whenever a scene is finished, open image files and scenes that are still held."""

    def __init__(self, reader: Watched) -> None:
        self._reader = reader
        self.images: list[int] = []
        self.held: list[int] = []

    def scene_done(self, line: str, *, bands_left: int, nbytes_left: int) -> None:
        del line, bands_left, nbytes_left
        self.images.append(sum(_is_image(entry) for entry in OPEN_FILES.iterdir()))
        self.held.append(sum(ref() is not None for ref in self._reader.opened))


def _is_image(entry: Path) -> bool:
    try:
        return entry.readlink().suffix == ".tif"
    except FileNotFoundError:  # another thread closed it meanwhile
        return False


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are counted in /proc")
def test_finished_and_waiting_scenes_hold_no_open_file_and_no_cells(tmp_path: Path) -> None:
    document = json.loads((SAMPLES / "items.json").read_text())
    features = document["features"][:SCENES]
    for item in features:
        for asset in item["assets"].values():
            asset["href"] = str(SAMPLES / asset["href"])
    items = tmp_path / "items.json"
    items.write_text(json.dumps({**document, "features": features}))
    reader = Watched()
    counting = Counting(reader)

    summary = open_warehouse(tmp_path / "store").ingest(
        items, jobs=JOBS, readers=[reader], progress=counting
    )

    assert summary.counts["ingested"] == len(reader.opened) == SCENES
    # Five images a scene, a handle for each of the threads that read it, scenes in work only.
    assert max(counting.images) <= 5 * JOBS * (JOBS + 1)
    waiting = range(SCENES - 1, -1, -1)
    assert all(h <= left + JOBS + 1 for h, left in zip(counting.held, waiting, strict=True))
