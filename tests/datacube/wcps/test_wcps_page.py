"""The examples of docs/reference/wcps.md are run, and it names every function."""

import re
from pathlib import Path

import pytest

from datacube.encode.answer import Answer
from datacube.plan.reducers import REDUCER_ALIASES, REDUCERS
from datacube.wcps.bind.query import CALLS
from datacube.wcps.calls import SPECIAL
from ogc.wcps.faults import FAULTS
from tests.builders.made import Made

TEXT = (Path(__file__).resolve().parents[3] / "docs/reference/wcps.md").read_text()
ROWS = re.findall(r"^\| .* \| .* \| `([^`]+)` \| `(\w)` \|$", TEXT, flags=re.MULTILINE)
WORDS = {
    word.casefold()
    for row in re.findall(r"^\| (`[^|]+`) \|", TEXT, flags=re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", row)
    for word in code.split()
}


def run(cubes: Made, text: str) -> None:
    """Run a query; the cells of what is not encoded are computed."""
    (found,) = cubes.session.processor().results(text)
    if not isinstance(found, Answer):
        cubes.session.compute(found)


def test_the_page_has_examples() -> None:
    assert len(ROWS) >= 55


@pytest.mark.parametrize(("example", "cube"), ROWS, ids=[row[0] for row in ROWS])
def test_an_example(cubes: Made, example: str, cube: str) -> None:
    run(cubes, f"for $c in ({cube}), $d in (B) return {example}")


def test_the_query_that_is_shown(cubes: Made) -> None:
    (shown,) = re.findall(r"```text\n(for .*?)```", TEXT, flags=re.DOTALL)
    run(cubes, shown)


def test_every_function_has_a_row() -> None:
    # Those that stand in the text below "Results" or elsewhere as forms of their own.
    named = WORDS | {"encode", "polygonize", "curtain", "corridor"}
    assert not {name for name in CALLS if name not in named}
    assert not {name for name in (*REDUCERS, *REDUCER_ALIASES) if name not in named}
    assert not {name for name in SPECIAL if name not in named}
    for name in ("encode", "polygonize"):
        assert f"`{name}(coverage, " in TEXT


def test_every_listed_code_has_its_status() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\d{3}) \|", TEXT, flags=re.MULTILINE)
    known = {(fault.exception_code, str(fault.status)) for fault in FAULTS.values()}
    assert len(rows) >= 12
    assert set(rows) <= known
