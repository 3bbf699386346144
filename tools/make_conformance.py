"""Run the conformance tests and write what they show to docs/conformance.md.

python -m tools.make_conformance
"""

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.not_claimed import NOT_CLAIMED

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/conformance.md"
TITLES = {
    "wms13": "WMS 1.3.0",
    "wms11": "WMS 1.1.1",
    "wcs20": "WCS 2.0.1",
    "wmts10": "WMTS 1.0.0",
    "tiles10": "OGC API - Tiles",
    "maps10": "OGC API - Maps",
    "common1": "OGC API - Common",
    "edr10": "OGC API - EDR",
    "coverages1": "OGC API - Coverages",
}
HEAD = """# Conformance

`python -m tools.make_conformance` writes this page from a run of `tests/conformance`: each
requirement that the tests name after those of the OGC's suites, the test, and what it showed.
These are our own tests, not a certificate of the OGC; `make cite-server` serves the layers that
the official suite of WMS 1.3.0 asks for.
"""


@dataclass(slots=True)
class Recorder:
    """Gathers the requirements of tests and how these ended."""

    tests: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Tests by requirement, as `file::function`."""
    outcomes: dict[str, str] = field(default_factory=dict)
    """By requirement: `passed`, or the worst that a test of it showed."""
    _named: dict[str, list[str]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which requirements each test checks."""
        for item in items:
            names = [str(mark.args[0]) for mark in item.iter_markers("requirement")]
            self._named[item.nodeid] = names
            for name in names:
                self.tests[name].append(item.nodeid.split("/")[-1].split("[")[0])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ended."""
        if report.when != "call" and report.passed:
            return
        reason = str(getattr(report, "wasxfail", ""))
        shown = f"failed: {reason}" if reason else str(report.outcome)
        for name in self._named[report.nodeid]:
            if self.outcomes.get(name, "passed") == "passed":
                self.outcomes[name] = shown


def run(*, collect_only: bool = False) -> Recorder:
    """Run the tests, or only find them."""
    recorder = Recorder()
    options = ["--collect-only"] if collect_only else []
    pytest.main(["-q", "-p", "no:cacheprovider", *options, "tests/conformance"], [recorder])
    return recorder


def page(recorder: Recorder) -> str:
    """Return the page as Markdown: a table for each service."""
    parts = [HEAD]
    for service, title in TITLES.items():
        rows = {
            name: f"| `{name}` | `{tests[0]}` | {recorder.outcomes[name]} |"
            for name, tests in recorder.tests.items()
            if name.startswith(f"{service}:")
        } | {
            name: f"| `{name}` | | not claimed: {reason} |"
            for name, reason in NOT_CLAIMED.items()
            if name.startswith(f"{service}:")
        }
        lines = [f"\n## {title}\n", "| Requirement | Test | Result |", "|---|---|---|"]
        parts.append("\n".join([*lines, *(rows[name] for name in sorted(rows)), ""]))
    return "\n".join(parts)


def main() -> None:
    """Write the page and print what is not met; ends with 1 where a test was skipped."""
    recorder = run()
    unmet = [name for name, shown in recorder.outcomes.items() if shown != "passed"]
    if not recorder.outcomes:
        sys.exit("no test was run")
    if "skipped" in recorder.outcomes.values():
        sys.exit("tests were skipped: the page needs the test data and the schemas")
    PAGE.write_text(page(recorder))
    print(f"{len(recorder.outcomes)} requirements, not met: {', '.join(unmet) or 'none'}")


if __name__ == "__main__":
    main()
