"""The command `copernicube ingest`."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from copernicube.config import Place, load_object_store_access
from copernicube.ingest_cluster import ClusterIngest, absolute, ingest_on
from copernicube.memory import keep_freed_memory
from copernicube.options import json_option, scheduler_option, store_option
from copernicube.wiring import cluster_at
from datacube.catalog import catalog_exists, open_catalog
from datacube.evaluate.cluster import Cluster
from datacube.store import open_store
from datacube.store.pyramid import reduce_level
from ingest.job import Destination
from ingest.pipeline import IngestOptions, run
from ingest.progress import Bar, IngestProgress, Lines, Silent
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
@scheduler_option
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@json_option
def ingest(  # noqa: PLR0913, PLR0917  # click passes one parameter an option
    places: tuple[str, ...],
    store: Place,
    recipe: Path | None,
    register: bool,  # noqa: FBT001  # click passes options by name
    recipe_schema: bool,  # noqa: FBT001  # as above
    cube: str | None,
    resolution: float | None,
    jobs: int,
    scheduler: str,
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
    keep_freed_memory()
    options = IngestOptions(
        choice=CubeChoice(name=cube, resolution=resolution), jobs=jobs, dry_run=dry_run
    )
    cluster = None if dry_run else cluster_at(scheduler)
    if cluster is not None:
        cluster.check()
    if recipe is None:
        summary = ingest_places(places, store, options, cluster)
    else:
        asked = RecipeIngest(recipe=read_recipe(recipe), places=places, register=register)
        summary = ingest_recipe(asked, store, options, cluster)
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


def ingest_places(
    places: tuple[str, ...],
    store: str | Place,
    options: IngestOptions,
    cluster: Cluster | None = None,
) -> Summary:
    """Ingest into the store at `store`, with a bar where stderr is a terminal, else log lines.

    On a `cluster` each place is a piece of work; `options.jobs` are those of each.
    """
    with _destination(store, dry_run=options.dry_run) as destination:
        if cluster is None:
            return _shown(partial(_run, places, _readers(), destination, options), options)
        asked = ClusterIngest(
            places=tuple(map(absolute, places)),
            part=partial(_places_there, _everywhere(store), options),
            first_alone=False,
        )
        return _sent(cluster, asked, destination, options)


def _everywhere(store: str | Place) -> Place:
    """Return a place as every worker finds it."""
    place = Place.of(store)
    return Place(store=absolute(place.store), catalog=place.catalog and absolute(place.catalog))


def _readers() -> Sequence[SceneReader]:
    return [Sentinel2Reader(load_object_store_access())]


def _places_there(store: Place, options: IngestOptions, places: tuple[str, ...]) -> Summary:
    """Ingest some places in a worker, which opens store and catalogue by their addresses."""
    with _destination(store, dry_run=False) as destination:
        return _run(places, _readers(), destination, options, Silent())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeIngest:
    """Files to be ingested by a recipe."""

    recipe: Recipe
    places: tuple[str, ...] = ()
    """Empty: the files that the recipe names."""
    register: bool = False


def ingest_recipe(
    asked: RecipeIngest, store: str | Place, options: IngestOptions, cluster: Cluster | None = None
) -> Summary:
    """Ingest or register the files of a recipe; progress and cluster as of `ingest_places`.

    Raises
    ------
    SourceError
        If the recipe names no file, or does not describe the coverage that stands.
    """
    places = find_files(asked.recipe, asked.places)
    with _destination(store, dry_run=options.dry_run) as destination:
        if cluster is None:
            reader = _recipe_reader(asked, destination, places)
            return _shown(partial(_run, places, [reader], destination, options), options)
        places = tuple(map(absolute, places))
        part = partial(_files_there, asked, _everywhere(store), options, places)
        sent = ClusterIngest(places=places, part=part, first_alone=True)
        return _sent(cluster, sent, destination, options)


def _recipe_reader(
    asked: RecipeIngest, destination: Destination, places: tuple[str, ...]
) -> RecipeReader:
    reader = RecipeReader(
        asked.recipe,
        standing=destination.catalog.find_cube(asked.recipe.coverage),
        access=load_object_store_access(),
        register=asked.register,
    )
    reader.begin(places)
    return reader


def _files_there(
    asked: RecipeIngest,
    store: Place,
    options: IngestOptions,
    every: tuple[str, ...],
    places: tuple[str, ...],
) -> Summary:
    """Ingest some of `every` file in a worker."""
    with _destination(store, dry_run=False) as destination:
        reader = _recipe_reader(asked, destination, every)
        return _run(places, [reader], destination, options, Silent())


def _sent(
    cluster: Cluster, asked: ClusterIngest, destination: Destination, options: IngestOptions
) -> Summary:
    made = _shown(partial(ingest_on, cluster, asked), options)
    # Those of workers that died between a commit and its record.
    _run((), (), destination, options, Silent())
    return made


def _run(
    places: tuple[str, ...],
    readers: Sequence[SceneReader],
    destination: Destination,
    options: IngestOptions,
    progress: IngestProgress,
) -> Summary:
    return run(places, readers=readers, destination=destination, options=options, progress=progress)


def _shown(work: Callable[[IngestProgress], Summary], options: IngestOptions) -> Summary:
    """Do work with a bar where stderr is a terminal, else with log lines."""
    if sys.stderr.isatty() and not options.dry_run:
        with Bar(Console(stderr=True)) as bar:
            return work(bar)
    logging.getLogger("ingest").setLevel(logging.INFO)
    return work(Lines())


@contextmanager
def _destination(store: str | Place, *, dry_run: bool) -> Iterator[Destination]:
    """Open the store; a dry run only reads it, and takes one that is not there for empty."""
    with ExitStack() as stack:
        place = Place.of(store)
        if dry_run and not catalog_exists(place.catalog_address):
            made = stack.enter_context(TemporaryDirectory(prefix="copernicube-"))
            place, dry_run = Place(store=made), False
        cells = open_store(place.store, read_only=dry_run)
        catalog = open_catalog(place.catalog_address, read_only=dry_run)
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
