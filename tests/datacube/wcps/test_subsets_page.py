"""The tables of docs/reference/wcps-subsets.md against the code, row by row."""

import re
from pathlib import Path

import pytest

from tests.builders.asked import evaluated
from tests.builders.made import Made

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/wcps-subsets.md"
ROWS = re.findall(r"^\| `([^`]+)` \| `(\w)` \| ([\d, ]+) \|", PAGE.read_text(), flags=re.MULTILINE)


def test_the_page_has_rows() -> None:
    assert len(ROWS) >= 35


@pytest.mark.parametrize(("query", "coverage", "shape"), ROWS, ids=[row[0] for row in ROWS])
def test_row(cubes: Made, query: str, coverage: str, shape: str) -> None:
    text = f'for $c in ({coverage}), $d in (B) return encode({query}, "csv")'
    (found,) = evaluated(cubes, text)
    assert found.values[0].shape == tuple(map(int, shape.split(",")))
