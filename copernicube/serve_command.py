"""The command `copernicube serve`."""

import os
import sys
from dataclasses import replace

import click

from copernicube.config import Place, environment, load_settings
from copernicube.options import scheduler_option, store_option
from copernicube.upkeep import beside
from copernicube.wiring import cluster_at


@click.command()
@store_option
@scheduler_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(min=1), help="Server processes.")
def serve(
    store: Place, scheduler: str, host: str | None, port: int | None, workers: int | None
) -> None:
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
        store=store.store,
        catalog=store.catalog,
        scheduler=scheduler,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
    )
    cluster = cluster_at(scheduler)
    if cluster is not None:
        # Told now rather than to the first client with much work.
        cluster.check()
        cluster.close()
    os.environ.update(environment(settings))  # how the server's processes get their settings
    # uvloop is not made for Windows.
    shared = settings.workers > 1 and sys.platform != "win32"
    click.echo(f"Serving {settings.store} at http://{settings.host}:{settings.port}/", err=True)
    with beside(enabled=settings.upkeep != "off"):
        uvicorn.run(
            "copernicube.app:create",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="copernicube.accepting:SharingLoop" if shared else "auto",
            log_level="warning",
            proxy_headers=False,  # it would hide the peer; copernicube.addresses reads them
            h11_max_incomplete_event_size=settings.limits.parameter_bytes * 2,
        )
