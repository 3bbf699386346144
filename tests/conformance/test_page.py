"""The page names what the tests name."""

import re
from pathlib import Path

import pytest

from tests.conformance.not_claimed import NOT_CLAIMED
from tools.make_conformance import PAGE

NAME = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def test_the_page_names_the_requirements_of_the_tests(pytestconfig: pytest.Config) -> None:
    found = Found()
    folder = Path(__file__).parent
    pytest.main(["-qq", "--collect-only", "-p", "no:cacheprovider", str(folder)], [found])
    named = NAME.findall(PAGE.read_text())
    assert len(named) == len(set(named))
    assert set(named) == found.names | set(NOT_CLAIMED)
    assert not found.names & set(NOT_CLAIMED)
    assert pytestconfig.rootpath == folder.parents[1]


class Found:
    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.names |= {
            str(mark.args[0]) for item in items for mark in item.iter_markers("requirement")
        }
