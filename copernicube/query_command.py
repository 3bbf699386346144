"""The command `copernicube query`."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

from copernicube.client.asking import Server
from copernicube.client.local_results import body_of
from copernicube.client.questions import Question, Single, upload
from copernicube.config import Place
from copernicube.options import as_of_option, scheduler_option, store_option
from copernicube.wiring import cluster_at, open_local
from datacube.errors import UnknownNameError
from datacube.explain.forms import to_text
from datacube.explain.values import Level
from datacube.plan.formats import (
    COVERAGE_JSON,
    CSV,
    GEOTIFF,
    GML,
    JPEG,
    JPEG2000,
    JSON,
    NETCDF,
    PNG,
    TEXT,
    media_type,
)
from datacube.wcps import syntax
from datacube.wcps.bind.scope import Upload

SUFFIXES = {
    GEOTIFF: ".tif",
    NETCDF: ".nc",
    PNG: ".png",
    JPEG: ".jpg",
    JPEG2000: ".jp2",
    JSON: ".json",
    COVERAGE_JSON: ".covjson",
    CSV: ".csv",
    GML: ".gml",
    TEXT: ".txt",
    "application/geo+json": ".geojson",
    "application/geopackage+sqlite3": ".gpkg",
    "application/zip": ".zip",
}
"""Ends of files' names by media type."""
_READABLE = ("text/", "application/json", "application/geo+json", GML, COVERAGE_JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """One result."""

    body: bytes
    media_type: str

    @property
    def readable(self) -> bool:
        return self.media_type.startswith(_READABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Local:
    """Where a query is answered that no server is asked."""

    store: Place
    scheduler: str


class _QueryCommand(click.Command):
    """Takes `--explain` without a value, too: what follows is one only if it is a level.

    No query is the one word `plan` or `cost`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        named = list(args[:end])
        for at, word in enumerate(named):
            alone = word == "--explain" and (at + 1 == end or named[at + 1] not in tuple(Level))
            if alone:
                named[at] = f"--explain={Level.PLAN}"
        return super().parse_args(ctx, named + args[end:])


@click.command(cls=_QueryCommand)
@click.argument("query", metavar="QUERY")
@store_option
@scheduler_option
@click.option("--server", metavar="URL", help="Ask this server instead of a store.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write there; several results into FILE-1, FILE-2, ..., or into a folder.",
)
@click.option(
    "--param",
    "parameters",
    metavar="N=FILE",
    multiple=True,
    help="A file that the query names decode($N); may be repeated.",
)
@click.option(
    "--compat",
    type=click.Choice(["rasdaman"]),
    help="Whose rules nulls go by, where not ours.",
)
@click.option(
    "--explain",
    type=click.Choice([level.value for level in Level]),
    help="Tell the plan and what it costs (plan, also without a value), or the cost alone.",
)
@as_of_option
@click.pass_context
def query(  # noqa: PLR0913, PLR0917  # click passes one parameter an option
    context: click.Context,
    query: str,
    store: Place,
    scheduler: str,
    server: str | None,
    output: str | None,
    parameters: tuple[str, ...],
    compat: str | None,
    explain: str | None,
    as_of: int | None,
) -> None:
    """Answer a query of WCPS: numbers are printed, files written.

    QUERY is the text, such as 'for $c in (S2_L2A_32633) return avg($c.B08)'; @FILE reads
    it from a file, - from standard input.
    """
    if server is not None and context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--store and --server exclude each other")
    question = Question(
        text=_text(query),
        compat="rasdaman" if compat else None,
        uploads=tuple(_upload(parameter) for parameter in parameters),
    )
    if explain is not None:
        told = _told(question, Level(explain), store=store, server=server, as_of=as_of)
        made: Iterable[_Made] = [_Made(body=told, media_type=TEXT)]
    else:
        local = _Local(store=store, scheduler=scheduler)
        made = _results(question, local=local, server=server, as_of=as_of, output=output)
    if output is None:
        _print(list(made))
    else:
        _write(list(made), output)


def _told(
    question: Question, level: Level, *, store: Place, server: str | None, as_of: int | None
) -> bytes:
    if server is not None:
        return _server(server, as_of).answer(question, explain=level).body
    session = open_local(store, read_only=True).engine.session(as_of)
    told = session.explain(
        question.text, compat=question.compat is not None, uploads=question.uploads
    )
    return to_text(told, level).encode()


def _results(
    question: Question,
    *,
    local: _Local,
    server: str | None,
    as_of: int | None,
    output: str | None,
) -> Iterable[_Made]:
    singles = question.single()
    if output is None and sys.stdout.isatty():
        for single in singles:
            _refuse_binary(single)
    return _answered(singles, local, as_of) if server is None else _asked(singles, server, as_of)


def _text(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    if not query.startswith("@"):
        return query
    try:
        return Path(query[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"the query cannot be read: {error}") from error


def _upload(parameter: str) -> Upload:
    number, equals, file = parameter.partition("=")
    number = number.removeprefix("$")
    if not (equals and file and number.isdecimal() and number.isascii() and int(number)):
        raise click.UsageError(
            f"--param {parameter!r} is not allowed; allowed is N=FILE, as in --param 1=mask.tif"
        )
    return upload(number, file)


def _refuse_binary(single: Single) -> None:
    """Refuse before anything is read what could not be shown after."""
    result = single.query.result
    if isinstance(result, syntax.Encode):
        try:
            kind = media_type(result.format)
        except UnknownNameError:
            return  # told with its place when the query is bound
        if not kind.startswith(_READABLE):
            raise _unshown(kind)


def _unshown(kind: str) -> click.UsageError:
    return click.UsageError(f"the result is {kind}, which no terminal shows; name a file with -o")


def _answered(singles: tuple[Single, ...], local: _Local, as_of: int | None) -> Iterator[_Made]:
    cluster = cluster_at(local.scheduler)
    if cluster is not None:
        cluster.check()
    session = open_local(local.store, read_only=True, cluster=cluster).engine.session(as_of)
    for single in singles:
        asked = single.question
        for answer in session.query(
            asked.text, compat=asked.compat is not None, uploads=asked.uploads
        ):
            yield _Made(body=body_of(answer), media_type=answer.media_type)


def _asked(singles: tuple[Single, ...], server: str, as_of: int | None) -> Iterator[_Made]:
    asked = _server(server, as_of)
    for single in singles:
        reply = asked.answer(single.question)
        if reply.body:
            yield _Made(body=reply.body, media_type=reply.media_type)


def _server(server: str, as_of: int | None) -> Server:
    if not server.startswith(("http://", "https://")):
        raise click.UsageError(f"--server {server!r} is not allowed; allowed is http://host:port")
    return Server(location=server.rstrip("/").removesuffix("/ogcapi"), revision=as_of)


def _print(results: list[_Made]) -> None:
    if all(result.readable for result in results):
        for result in results:
            click.echo(result.body.decode(errors="replace").rstrip("\n"))
        return
    binary = next(result for result in results if not result.readable)
    if sys.stdout.isatty():
        raise _unshown(binary.media_type)
    if len(results) > 1:
        raise click.UsageError(f"{len(results)} files do not go into one pipe; use -o")
    sys.stdout.buffer.write(binary.body)


def _write(results: list[_Made], place: str) -> None:
    """Write results, whole or not at all, and say where."""
    output = Path(place)
    folder = output.is_dir() or place.endswith("/")
    for number, result in enumerate(results, start=1):
        if folder:
            path = output / f"result-{number}{SUFFIXES.get(result.media_type, '.bin')}"
        elif len(results) > 1:
            path = output.with_name(f"{output.stem}-{number}{output.suffix}")
        else:
            path = output
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(result.body)
            partial.replace(path)
        except OSError as error:
            raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
        click.echo(f"{path}: {result.media_type}, {len(result.body):,} bytes", err=True)
    if not results:
        click.echo("no result: 'where' does not hold", err=True)
