"""`copernicube query`: what is printed, what is written, and what is refused."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import click
import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result

from copernicube import cli
from copernicube.app import build
from copernicube.config import Settings
from copernicube.query_command import query
from datacube.errors import CubeError
from tests.builders.loopback import loopback
from tests.builders.made import Made, add_examples, make_store

type Run = Callable[..., Result]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return add_examples(make_store(tmp_path_factory.mktemp("made") / "store"))


@pytest.fixture(scope="module")
def url(made: Made) -> Iterator[str]:
    with loopback(build(Settings(store=made.local.store.location.name))) as address:
        yield address


@pytest.fixture(params=["--store", "--server"])
def run(request: pytest.FixtureRequest, made: Made) -> Run:
    """Ask a store, then its server; fails unless the command succeeds."""
    store = request.param == "--store"
    place = made.local.store.location.name if store else request.getfixturevalue("url")

    def ask(*arguments: str | Path, stdin: str | None = None) -> Result:
        told = [*map(str, arguments), request.param, place]
        done = CliRunner().invoke(query, told, input=stdin, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done

    return ask


def test_numbers_and_texts_are_printed(run: Run, made: Made) -> None:
    v = made.arrays["A"]["v"]
    assert float(run("for $c in (A) return avg($c)").stdout) == v.mean()
    assert run("for $c in (A) return identifier($c)").stdout == "A\n"
    assert run("for $c in (A) return some($c > 1)").stdout == "t\n"
    both = run("for $c in (A, B) return max($c)").stdout.split()
    assert both == [str(made.arrays[name]["v"].max()) for name in "AB"]
    assert run("for $c in (A, B) where max($c) > 9999 return max($c)").stdout == ""
    listed = run('for $c in (A) return encode($c[Lat(10:11), Lon(3)], "csv")').stdout
    assert listed.count(",") == 1


def test_a_query_is_read_from_a_file_or_standard_input(run: Run, tmp_path: Path) -> None:
    text = "for $c in (A)\nreturn count($c)"
    (tmp_path / "q.wcps").write_text(text, encoding="utf-8")
    assert run(f"@{tmp_path / 'q.wcps'}").stdout == run("-", stdin=text).stdout == "3600\n"


def test_files_are_written_where_asked(run: Run, made: Made, tmp_path: Path) -> None:
    place = tmp_path / "new" / "a.tif"
    done = run('for $c in (A) return encode($c, "tiff")', "-o", place)
    assert done.stdout == ""
    assert "image/tiff" in done.stderr
    with rasterio.open(place) as opened:
        np.testing.assert_array_equal(opened.read(1), made.arrays["A"]["v"])
    run("for $c in (A) return max($c)", "--output", tmp_path / "number.txt")
    assert (tmp_path / "number.txt").read_text().strip() == str(made.arrays["A"]["v"].max())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "number.txt"]


def test_several_files_are_numbered(run: Run, made: Made, tmp_path: Path) -> None:
    text = 'for $c in (A, B) return encode($c, "tiff")'
    run(text, "-o", tmp_path / "both.tif")
    run(text, "-o", f"{tmp_path / 'folder'}/")
    for number, name in enumerate("AB", start=1):
        for path in (f"both-{number}.tif", f"folder/result-{number}.tif"):
            with rasterio.open(tmp_path / path) as opened:
                np.testing.assert_array_equal(opened.read(1), made.arrays[name]["v"])


def test_a_file_goes_into_a_pipe(run: Run, made: Made) -> None:
    body = run('for $c in (A) return encode($c, "tiff")').stdout_bytes
    with rasterio.open(BytesIO(body)) as opened:
        np.testing.assert_array_equal(opened.read(1), made.arrays["A"]["v"])


def test_files_come_with_a_query(run: Run, made: Made, tmp_path: Path) -> None:
    place = tmp_path / "a.tif"
    run('for $c in (A) return encode($c, "tiff")', "-o", place)
    text = "for $c in (decode($2)), $d in (decode($1)) return max($c + $d)"
    found = run(text, "--param", f"1={place}", "--param", f"2={place}").stdout
    assert int(found) == 2 * made.arrays["A"]["v"].max()


def test_rules_and_revision_are_chosen(run: Run, made: Made) -> None:
    text = "for $c in (T) return count(not ($c.b4 > 0))"
    lost = int((made.arrays["T"]["b4"] == 65535).sum())
    assert run(text).stdout == "0\n"
    assert run(text, "--compat", "rasdaman").stdout == f"{lost}\n"
    assert run("for $c in (A) return identifier($c)", "--as-of", "1").stdout == "A\n"
    with pytest.raises(CubeError, match="unknown coverage"):
        run("for $c in (B) return avg($c)", "--as-of", "1")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["for $c in (A) return 1", "--param", "a=b"], "allowed is N=FILE"),
        (["for $c in (A) return 1", "--param", "1"], "allowed is N=FILE"),
        (["@absent.wcps"], "the query cannot be read"),
        (["for $c in (A) return 1", "--server", "ftp://a"], "allowed is http://host:port"),
        (["for $c in (A) return 1", "--server", "http://a", "--store", "b"], "exclude each other"),
        (["for $c in (A) return 1", "--compat", "petascope"], "rasdaman"),
        (['for $c in (A, B) return encode($c, "png")'], "do not go into one pipe"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], told: str, made: Made) -> None:
    environment = {"COPERNICUBE_STORE": made.local.store.location.name}
    done = CliRunner().invoke(query, arguments, env=environment)
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_terminal_is_spared_before_anything_is_read(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert query.callback is not None
    context = click.Context(query)
    with context, pytest.raises(click.UsageError, match="name a file with -o"):
        context.invoke(
            query,
            query='for $c in (A) return encode($c, "png")',
            store="/nowhere",
            parameters=(),
        )
    del made


def test_a_wrong_query_is_underlined(
    made: Made, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (["--store", made.local.store.location.name], ["--server", url]):
        arguments = ["copernicube", "query", "for $c in (T) return avg($c.b5)", *place]
        monkeypatch.setattr("sys.argv", arguments)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
        told = capsys.readouterr().err.splitlines()
        assert told[0].startswith("Error: unknown band")
        assert told[0].endswith("b4, b8")
        assert told[1] == "for $c in (T) return avg($c.b5)"
        assert told[2].strip() == "^^"
        assert told[2].index("^") == told[1].index("b5)")
