"""Formulas of numbers alone are worked out at binding, whatever the rules do later."""

from collections.abc import Iterator

import numpy as np
import pytest

from datacube.plan.nodes import Apply, Literal, Plan, children
from datacube.plan.rules import RULES
from datacube.wcps.bind.values import Encoded
from tests.builders.asked import processor
from tests.builders.made import Made

CASES = {
    "$c * (2 + 3 * 4)": (14, "int64"),
    "$c * (sqrt(16) + 1)": (5, "float64"),
    "$c * (7 div 2 - 1)": (2, "int64"),
    "$c * max(2, 3)": (3, "int32"),
    "$c * (unsigned char) 300": (255, "int32"),
    "$c * ((2 > 1) and not (3 = 4))": (1, "int16"),
}
"""By what the coverage of int16 is multiplied, and the type that comes of it."""


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in children(plan):
        yield from nodes(child)


@pytest.mark.parametrize("formula", CASES)
def test_formulas_of_numbers_become_one_number(cubes: Made, formula: str) -> None:
    factor, dtype = CASES[formula]
    run = processor(cubes)
    (result,) = run.bind(f'for $c in (A) return encode({formula}, "csv")')
    assert isinstance(result.value, Encoded)
    bound = result.value.root.source
    assert isinstance(bound, Apply)
    functions = [node.function for node in nodes(bound) if isinstance(node, Apply)]
    assert [name for name in functions if not name.startswith("cast ")] == ["*"]
    assert sum(isinstance(node, Literal) for node in nodes(bound)) == 1
    wanted = cubes.arrays["A"]["v"].astype(dtype) * np.dtype(dtype).type(factor)
    for rules in ((), RULES):
        cells = cubes.session.compute(run.prepare(bound, rules))
        np.testing.assert_array_equal(cells.values[0], wanted)
        assert cells.values[0].dtype == dtype
