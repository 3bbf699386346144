"""The command `copernicube`."""

import logging
import os
import sys
from dataclasses import replace

import click

from copernicube.config import environment, load_settings
from copernicube.cubes_command import cubes, verify
from copernicube.ingest_command import ingest
from copernicube.options import store_option
from datacube.errors import CubeError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="copernicube")
def commands() -> None:
    """Datacubes of the Earth: ingest scenes, serve them over open standards."""


@commands.command()
@store_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(min=1), help="Server processes.")
def serve(store: str, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the cubes of a store over WMS, WCS, OGC API and Zarr."""
    try:
        import uvicorn  # noqa: PLC0415  # the server is an extra: ingest and the client do without
    except ImportError as error:
        raise click.ClickException(
            "the server is not installed; install copernicube[server]"
        ) from error
    settings = load_settings()
    settings = replace(
        settings,
        store=store,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
    )
    os.environ.update(environment(settings))  # how the server's processes get their settings
    click.echo(f"Serving {settings.store} at http://{settings.host}:{settings.port}/", err=True)
    uvicorn.run(
        "copernicube.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level="warning",
        h11_max_incomplete_event_size=settings.limits.parameter_bytes * 2,
    )


for command in (ingest, cubes, verify):
    commands.add_command(command)


def main() -> None:
    """Run the command; a failure is one line on stderr and a non-zero exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CubeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
