"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

from copernicube.config import load_settings

store_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--store",
    metavar="DIR",
    default=lambda: load_settings().store,
    show_default="COPERNICUBE_STORE, else ./copernicube-store",
    help="Folder of the store.",
)
json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for scripts."
)
as_of_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--as-of", type=click.IntRange(min=0), metavar="REVISION", help="Look at an older revision."
)
scheduler_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--scheduler",
    metavar="URL",
    default=lambda: load_settings().scheduler,
    show_default="COPERNICUBE_SCHEDULER, else none",
    help="Dask cluster that bulk work is sent to: tcp://HOST:PORT of its scheduler.",
)
