"""The queries of docs/reference/wcps-iterators.md run."""

import re
from pathlib import Path

import pytest

from tests.builders.made import Made
from tests.builders.over import (
    both_ways,
)

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/wcps-iterators.md"


TOLD = re.findall(r"```text\n(.+?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("query", TOLD)
def test_queries_of_the_docs_run(made: Made, query: str) -> None:
    found = both_ways(made, query)
    assert any(known.any() for known in found.valid)


def test_the_docs_have_queries() -> None:
    assert len(TOLD) == 7
