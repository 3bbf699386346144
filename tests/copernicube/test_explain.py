"""What a query would do, asked from the command line and from Python."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import copernicube
from copernicube.cli import commands
from copernicube.wiring import open_local
from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from datacube.explain.forms import to_text
from datacube.explain.values import Level

QUERY = "for $c in (S2_L2A_3035_10m) return avg($c.B08)"


def expected(store: Path, level: Level) -> str:
    session = open_local(str(store), read_only=True).engine.session()
    return to_text(session.explain(QUERY), level)


@pytest.mark.parametrize(
    ("options", "level"),
    [
        (("--explain", QUERY), Level.PLAN),
        (("--explain=plan", QUERY), Level.PLAN),
        ((QUERY, "--explain"), Level.PLAN),
        (("--explain=cost", "--", QUERY), Level.COST),
        (("--explain", "cost", QUERY), Level.COST),
        (("--explain", "plan", "--", QUERY), Level.PLAN),
        (("--explain", "--", QUERY), Level.PLAN),
        ((QUERY, "--explain", "cost"), Level.COST),
    ],
)
def test_the_command(demo_store: Path, options: tuple[str, ...], level: Level) -> None:
    done = CliRunner().invoke(commands, ["query", "--store", str(demo_store), *options])
    assert done.exit_code == 0, done.output
    assert done.output == expected(demo_store, level)
    # One chunk holds the 100 x 100 cells of each of the 140 dates.
    assert "140 chunks" in done.output


def test_the_command_asks_a_server(demo_store: Path, demo_url: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.txt"
    arguments = ["query", "--server", demo_url, "--explain", "-o", str(file), QUERY]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 0, done.output
    assert file.read_text() == expected(demo_store, Level.PLAN)


def test_the_page_shows_what_is_told(demo_store: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/wcps.md").read_text()
    shown = page.partition("```text\nresult 1")[2].partition("\n```")[0].splitlines()
    told = expected(demo_store, Level.PLAN).partition("result 1")[2].splitlines()
    assert len(shown) > 6
    # The last line is cut at its end.
    assert [*shown[:-1], shown[-1].removesuffix("...")] == [
        *told[: len(shown) - 1],
        told[len(shown) - 1][: len(shown[-1]) - 3],
    ]


def test_another_level_is_refused(demo_store: Path) -> None:
    done = CliRunner().invoke(
        commands, ["query", "--store", str(demo_store), "--explain=all", QUERY]
    )
    assert done.exit_code == 2
    assert "'plan', 'cost'" in done.output
    with pytest.raises(InvalidParameterError, match="plan, cost"):
        copernicube.open(str(demo_store)).explain(QUERY, "all")


def test_python(demo_store: Path, demo_url: str) -> None:
    for location in (str(demo_store), demo_url):
        catalogue = copernicube.open(location)
        assert catalogue.explain(QUERY) == expected(demo_store, Level.PLAN)
        assert catalogue.explain(QUERY, "cost") == expected(demo_store, Level.COST)
        cube = catalogue["S2_L2A_3035"]
        told = cube.explain("max($c.SCL)")
        assert "reduce max" in told
        assert "group r20m" in told
        expression = cube.B08.mean("time").explain()
        assert "reduce avg, along ansi" in expression
        assert "140 chunks" in expression
        with pytest.raises(UnknownNameError if location == str(demo_store) else RequestError):
            cube.explain("avg($c.B99)")
