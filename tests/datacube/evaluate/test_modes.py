import numpy as np
import pytest

from datacube.evaluate.modes import Stretches, mode_of_many

LEAST = 1e-6


@pytest.mark.parametrize(
    ("side", "numbers", "ratio"), [(23, 300, 2.3), (31, 9, 3.7), (17, 80, 0.6)]
)
def test_modes_are_those_of_counting_by_hand(side: int, numbers: int, ratio: float) -> None:
    rng = np.random.default_rng(side)
    values = rng.integers(0, numbers, (2, side, side)).astype(np.int16)
    valid = rng.random(values.shape) > 0.3
    edges = np.linspace(0.3, side - 0.4, int(side / ratio) + 1)
    stretches = Stretches(edges[:-1], edges[1:])
    made, known = mode_of_many(values, valid, stretches, stretches, LEAST)
    for plane, row, col in np.ndindex(made.shape):
        shares: dict[int, float] = {}
        for y, x in np.ndindex(side, side):
            tall = min(edges[row + 1], y + 1) - max(edges[row], y)
            wide = min(edges[col + 1], x + 1) - max(edges[col], x)
            if tall > 0 and wide > 0 and valid[plane, y, x]:
                number = int(values[plane, y, x])
                shares[number] = shares.get(number, 0.0) + tall * wide
        assert known[plane, row, col] == bool(shares)
        if shares:
            most = max(shares.values())
            lowest = min(n for n, share in shares.items() if share > most - LEAST)
            assert made[plane, row, col] == lowest


def test_nan_is_no_mode() -> None:
    values = np.array([[np.nan, np.nan], [3.0, np.nan]])
    whole = Stretches(np.array([0.0]), np.array([2.0]))
    made, _ = mode_of_many(values, np.ones((2, 2), dtype=bool), whole, whole, LEAST)
    assert made.item() == 3.0
