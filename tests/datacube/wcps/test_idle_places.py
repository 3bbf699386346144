"""Iterators over times of which most select nothing."""

import numpy as np
import pytest

from datacube.errors import LimitExceededError
from tests.builders.asked import evaluated
from tests.builders.made import Made
from tests.builders.over import Expected, T, stored

HOURLY = "over $t ansi(allhours(domain($c, ansi)))"
EVERY_HOUR: dict[str, Expected | None] = {
    f"{T}condense + {HOURLY} using count($c.b4[ansi($t:$t)] > 0)": (
        lambda s: np.array((s.b4 > 0).sum())
    ),
    f"{T}condense max {HOURLY} using max($c[Lat(0:1)].b4[ansi($t:$t)])": (
        lambda s: np.nanmax(s.b4[:, 4:])
    ),
    f'{T}condense + {HOURLY} where $t > "2020-12" using count($c.b4[ansi($t:$t)])': None,
}
"""Queries over 10,417 hours in nine of which there is something, and over what binds all."""


@pytest.mark.parametrize("query", EVERY_HOUR)
def test_places_at_which_nothing_is_selected_are_bound_once(made: Made, query: str) -> None:
    wanted = EVERY_HOUR[query]
    if wanted is None:
        with pytest.raises(LimitExceededError, match="planned one by one"):
            evaluated(made, query)
    else:
        (found,) = evaluated(made, query)
        np.testing.assert_array_equal(found.values[0], wanted(stored(made)))
