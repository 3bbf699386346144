from pathlib import Path

import pytest

from ingest.job import Passage
from ingest.writer import Part
from tests.builders.presets import north
from tests.builders.safe import build_safe
from tests.builders.surface import Surface
from tests.ingest.harness import Warehouse


def test_what_takes_long_is_begun_first_and_what_shares_a_file_apart(
    surface: Surface, tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[str, int]] = []
    write = Passage.write

    def told(self: Passage, part: Part) -> None:
        (band,) = part.bands
        begun.append((band.band.name, band.window.size))
        write(self, part)

    monkeypatch.setattr(Passage, "write", told)
    product = build_safe(tmp_path / "product", surface, north("05.09"))
    warehouse.ingest(next((tmp_path / "product").glob("*.SAFE"), product), jobs=1)
    names = [name for name, _ in begun]
    follow = [n for n in names if n.startswith("MSK_QUALIT_") or n in {"TCI_G", "TCI_B"}]
    lead = [n for n in names if n not in follow]
    assert names == [*lead, *follow]
    assert {"B02", "B08", "TCI_R", "SCL"} <= set(lead)
    sizes = dict(begun)
    for some in (lead, follow):
        assert [sizes[n] for n in some] == sorted((sizes[n] for n in some), reverse=True)
