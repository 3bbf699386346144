"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from copernicube.config import Place, load_settings

_store_option = click.option(
    "--store",
    metavar="DIR",
    default=lambda: load_settings().store,
    show_default="COPERNICUBE_STORE, else ./copernicube-store",
    help="Folder of the store.",
)
_catalog_option = click.option(
    "--catalog",
    metavar="URL",
    default=lambda: load_settings().catalog,
    show_default="COPERNICUBE_CATALOG, else in the store",
    help="Database of the catalogue: postgresql://USER@HOST/DATABASE.",
)


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--store` and `--catalog`, both as its parameter `store`, a `Place`."""

    @wraps(command)
    def placed(*arguments: Any, store: str, catalog: str, **others: Any) -> Any:  # noqa: ANN401 - of any command
        return command(*arguments, store=Place(store=store, catalog=catalog), **others)

    return _store_option(_catalog_option(placed))


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
