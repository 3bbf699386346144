"""The command `copernicube ingest`."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from copernicube.config import load_object_store_access
from copernicube.options import json_option, store_option
from datacube.catalog import catalog_exists, open_catalog
from datacube.store import open_store
from datacube.store.pyramid import reduce_level
from ingest.job import Destination
from ingest.pipeline import IngestOptions, run
from ingest.progress import Bar, Lines
from ingest.scene import CubeChoice
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Status, Summary


@click.command()
@click.argument("places", metavar="PATH_OR_URL...", nargs=-1, required=True)
@store_option
@click.option("--cube", metavar="NAME", help="Cube to ingest into; default: product and CRS.")
@click.option(
    "--resolution",
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    help="Cell size of a cube named with --cube, in the unit of its CRS.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Bands worked on at once; a whole tile takes 700 MB and 400 MB a job.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@json_option
def ingest(  # noqa: PLR0913, PLR0917  # click passes one parameter an option
    places: tuple[str, ...],
    store: str,
    cube: str | None,
    resolution: float | None,
    jobs: int,
    dry_run: bool,  # noqa: FBT001  # click passes options by name
    as_json: bool,  # noqa: FBT001  # as above
) -> None:
    """Ingest scenes: SAFE folders, zips and s3:// prefixes, STAC items and item collections.

    Exit code 1 if a scene failed; the others are ingested all the same.
    """
    options = IngestOptions(
        choice=CubeChoice(name=cube, resolution=resolution), jobs=jobs, dry_run=dry_run
    )
    summary = ingest_places(places, store, options)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=2))
    else:
        _print(summary)
    if summary.exit_code:
        raise click.exceptions.Exit(summary.exit_code)


def ingest_places(places: tuple[str, ...], store: str, options: IngestOptions) -> Summary:
    """Ingest into the store at `store`, with a bar where stderr is a terminal, else log lines."""
    readers = [Sentinel2Reader(load_object_store_access())]
    with _destination(store, dry_run=options.dry_run) as destination:
        if sys.stderr.isatty() and not options.dry_run:
            with Bar(Console(stderr=True)) as bar:
                return run(
                    places, readers=readers, destination=destination, options=options, progress=bar
                )
        logging.getLogger("ingest").setLevel(logging.INFO)
        return run(
            places, readers=readers, destination=destination, options=options, progress=Lines()
        )


@contextmanager
def _destination(store: str, *, dry_run: bool) -> Iterator[Destination]:
    """Open the store; a dry run only reads it, and takes one that is not there for empty."""
    with ExitStack() as stack:
        if dry_run and not catalog_exists(store):
            store, dry_run = stack.enter_context(TemporaryDirectory(prefix="copernicube-")), False
        cells = open_store(store, read_only=dry_run)
        catalog = open_catalog(store, read_only=dry_run)
        stack.callback(catalog.close)
        yield Destination(
            catalog=catalog,
            store=cells,
            reduce=reduce_level,
            records_present=cells.commit_records_present,
        )


def _print(summary: Summary) -> None:
    for outcome in summary.outcomes:
        if outcome.status is not Status.INGESTED or not sys.stderr.isatty():
            click.echo(outcome.line)
    counts = ", ".join(f"{count} {status}" for status, count in summary.counts.items() if count)
    click.echo(f"{counts or 'nothing to do'} in {summary.seconds:.1f} s")
