"""The command `copernicube cubes overviews`."""

import json
import sys
import time
from dataclasses import dataclass

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from copernicube.config import Place, load_settings
from copernicube.options import json_option, store_option
from copernicube.overviews import OverviewChore
from copernicube.wiring import Local, open_local
from datacube.catalog.leases import CatalogLease
from datacube.errors import UnknownNameError

_WAIT_S = 0.5


@click.command("overviews")
@store_option
@click.option("--collection", metavar="ID", help="Those of one collection; default: of all.")
@click.option("--remove", is_flag=True, help="Delete them; maps read scenes or draw footprints.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@json_option
def overviews(
    store: Place, collection: str | None, *, remove: bool, dry_run: bool, as_json: bool
) -> None:
    """Make what is missing of the overviews that maps of many scenes are read from.

    A server beside whose process this is done anyway needs no such command; where it is at
    work, this waits for it.
    """
    settings = load_settings()
    local = open_local(store, map_days=settings.default_map_days, read_only=dry_run)
    chore = OverviewChore(local, map_days=settings.default_map_days, only=collection)
    names = _collections(local, collection)
    before = _told(local, chore)
    if not dry_run:
        if remove:
            for name in names:
                chore.remove(name)
        else:
            _make(local, chore, shown=sys.stderr.isatty() and not as_json)
    after = before if dry_run else _told(local, chore)
    if as_json:
        click.echo(json.dumps({"before": _as_json(before), "after": _as_json(after)}, indent=2))
        return
    for name in names:
        told = before.get(name) if dry_run else after.get(name)
        if remove:
            click.echo(f"{name}: overviews {'would be ' if dry_run else ''}removed")
        elif told is None:
            click.echo(f"{name}: no overviews; scenes of the Earth that everyone may see have them")
        else:
            click.echo(f"{name}: {told.parts} parts to make, {told.periods} periods to begin")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What is missing of the overviews of a collection."""

    parts: int
    periods: int


def _collections(local: Local, only: str | None) -> tuple[str, ...]:
    names = tuple(one.id for one in local.catalog.view().collections())
    if only is not None and only not in names:
        raise UnknownNameError("collection", only, names)
    return names if only is None else (only,)


def _told(local: Local, chore: OverviewChore) -> dict[str, _Told]:
    view = local.catalog.view()
    parts = chore.missing(view)
    return {
        name: _Told(parts=parts[name], periods=len(chore.due(candidate, view)))
        for candidate in chore.candidates(view)
        for name in (candidate.layer.collection.id,)
    }


def _make(local: Local, chore: OverviewChore, *, shown: bool) -> None:
    """Make what is missing, or wait while another process does."""
    lease = CatalogLease(local.catalog.database)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), disable=not shown
    ) as progress:
        task = progress.add_task("parts of overviews", total=None)
        most = 0
        more = True
        while more:
            if lease.take(chore.name):
                more = chore.step()
            else:
                time.sleep(_WAIT_S)
                more = any(one.parts or one.periods for one in _told(local, chore).values())
            if shown:
                left = sum(chore.missing(local.catalog.view()).values())
                most = max(most, left)
                progress.update(task, total=most, completed=most - left)
    lease.give_back()


def _as_json(told: dict[str, _Told]) -> dict[str, dict[str, int]]:
    return {name: {"parts": one.parts, "periods": one.periods} for name, one in told.items()}
