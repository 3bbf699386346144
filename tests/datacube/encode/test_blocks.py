import numpy as np
import pytest

from datacube.axes import Axis, IrregularAxis
from datacube.encode.blocks import blocks
from datacube.plan import handing
from datacube.plan.nodes import Domain
from tests.builders.plans import time_axis, utm_grid

HEIGHT = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0, 100.0))


@pytest.mark.parametrize("outer", [(), (time_axis(),), (time_axis(), HEIGHT)])
@pytest.mark.parametrize("cells", [1_100_000, 6_000_000])
def test_blocks_part_the_domain_within_the_bound(
    outer: tuple[Axis, ...], cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "FILE_BLOCK_CELLS", cells)
    domain = Domain(outer=outer, grid=utm_grid(2100, 1300))
    seen = np.zeros(domain.shape, int)
    for window in blocks(domain, 1):
        seen[window.slices(domain.window)] += 1
        assert window.size <= cells
        rows, columns = window.plane.ranges
        assert (rows[0] - 200) % 1024 == (columns[0] - 300) % 1024 == 0
    assert (seen == 1).all()


def test_small_planes_go_together() -> None:
    domain = Domain(outer=(time_axis(), HEIGHT), grid=utm_grid(10, 10))
    assert [window.shape for window in blocks(domain, 4)] == [(1, 3, 10, 10)] * 2
