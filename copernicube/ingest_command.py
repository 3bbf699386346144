"""The command `copernicube ingest`."""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
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
from ingest.recipes.files import find_files
from ingest.recipes.parse import read_recipe
from ingest.recipes.parse import recipe_schema as schema_of_recipes
from ingest.recipes.reader import RecipeReader
from ingest.recipes.recipe import Recipe
from ingest.scene import CubeChoice, SceneReader
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Status, Summary


@click.command()
@click.argument("places", metavar="[PATH_OR_URL]...", nargs=-1)
@store_option
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="How files become one coverage; without PATH_OR_URL, those that the recipe names.",
)
@click.option(
    "--register",
    is_flag=True,
    help="With --recipe: catalogue GeoTIFF and Zarr where they lie; copy nothing.",
)
@click.option("--recipe-schema", is_flag=True, help="Print the JSON schema of recipes, and stop.")
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
    recipe: Path | None,
    register: bool,  # noqa: FBT001  # click passes options by name
    recipe_schema: bool,  # noqa: FBT001  # as above
    cube: str | None,
    resolution: float | None,
    jobs: int,
    dry_run: bool,  # noqa: FBT001  # as above
    as_json: bool,  # noqa: FBT001  # as above
) -> None:
    """Ingest scenes: SAFE folders, zips and s3:// prefixes, STAC items and item collections.

    With --recipe: any gridded files, GeoTIFF, PNG, JPEG, JPEG 2000, SRTM, netCDF, GRIB or Zarr.

    Exit code 1 if a scene failed; the others are ingested all the same.
    """
    if recipe_schema:
        click.echo(json.dumps(schema_of_recipes(), indent=2))
        return
    _check_options(places, recipe, register=register, cube=(cube, resolution))
    options = IngestOptions(
        choice=CubeChoice(name=cube, resolution=resolution), jobs=jobs, dry_run=dry_run
    )
    if recipe is None:
        summary = ingest_places(places, store, options)
    else:
        asked = RecipeIngest(recipe=read_recipe(recipe), places=places, register=register)
        summary = ingest_recipe(asked, store, options)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=2))
    else:
        _print(summary)
    if summary.exit_code:
        raise click.exceptions.Exit(summary.exit_code)


def _check_options(
    places: tuple[str, ...],
    recipe: Path | None,
    *,
    register: bool,
    cube: tuple[str | None, float | None],
) -> None:
    """Refuse options that do not go together."""
    if recipe is None and register:
        raise click.UsageError("--register needs --recipe")
    if recipe is None and not places:
        raise click.UsageError("Missing argument 'PATH_OR_URL...', or --recipe")
    if recipe is not None and any(each is not None for each in cube):
        raise click.UsageError("--cube and --resolution are said by the recipe")


def ingest_places(places: tuple[str, ...], store: str, options: IngestOptions) -> Summary:
    """Ingest into the store at `store`, with a bar where stderr is a terminal, else log lines."""
    readers = [Sentinel2Reader(load_object_store_access())]
    with _destination(store, dry_run=options.dry_run) as destination:
        return _run(places, readers, destination, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeIngest:
    """Files to be ingested by a recipe."""

    recipe: Recipe
    places: tuple[str, ...] = ()
    """Empty: the files that the recipe names."""
    register: bool = False


def ingest_recipe(asked: RecipeIngest, store: str, options: IngestOptions) -> Summary:
    """Ingest or register the files of a recipe; progress as of `ingest_places`.

    Raises
    ------
    SourceError
        If the recipe names no file, or does not describe the coverage that stands.
    """
    recipe = asked.recipe
    places = find_files(recipe, asked.places)
    with _destination(store, dry_run=options.dry_run) as destination:
        reader = RecipeReader(
            recipe,
            standing=destination.catalog.find_cube(recipe.coverage),
            access=load_object_store_access(),
            register=asked.register,
        )
        reader.begin(places)
        return _run(places, [reader], destination, options)


def _run(
    places: tuple[str, ...],
    readers: Sequence[SceneReader],
    destination: Destination,
    options: IngestOptions,
) -> Summary:
    if sys.stderr.isatty() and not options.dry_run:
        with Bar(Console(stderr=True)) as bar:
            return run(
                places, readers=readers, destination=destination, options=options, progress=bar
            )
    logging.getLogger("ingest").setLevel(logging.INFO)
    return run(places, readers=readers, destination=destination, options=options, progress=Lines())


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
