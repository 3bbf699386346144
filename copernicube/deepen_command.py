"""The command `cubes deepen`: deep blocks made now, or removed."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import click
from rich.console import Console
from rich.progress import Progress

from copernicube.config import Place, load_settings
from copernicube.deepening import Deepening, make_deepening
from copernicube.options import json_option, store_option
from copernicube.wiring import open_local
from datacube.cube import Cube
from datacube.errors import InvalidParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Deepened:
    """What was done with the deep blocks of a cube, or would be."""

    cube: str
    blocks: int
    """Blocks made or removed; of a dry run those that stand."""
    mbytes: float
    """Their files, in 10^6 bytes; of removed ones 0."""
    pending: int
    """Slots over the cube's columns of which blocks are to be made still."""


@click.command("deepen")
@click.argument("name", required=False)
@store_option
@click.option("--remove", is_flag=True, help="Delete the blocks; queries read the scenes again.")
@click.option("--dry-run", is_flag=True, help="Say what there is and what is missing.")
@json_option
def deepen(name: str | None, store: Place, *, remove: bool, dry_run: bool, as_json: bool) -> None:
    """Make the blocks from which time series of the cube NAME are read, by default of all.

    A server makes them, too, in the background: of the cubes of COPERNICUBE_DEEP_CUBES.
    """
    if remove and dry_run:
        raise InvalidParameterError("--remove and --dry-run exclude each other", parameter="remove")
    local = open_local(store, read_only=dry_run)
    work = make_deepening(local, name or load_settings().deep_cubes)
    chosen = list(work.chosen())
    if name is not None and not chosen:
        # Says which cubes there are.
        local.catalog.view().coverage(name)
        raise InvalidParameterError(f"{name!r} has no time axis", parameter="name")
    if remove:
        done = [_removed(work, cube_id, cube) for cube_id, cube in chosen]
    elif dry_run:
        done = [_state(work, cube_id, cube) for cube_id, cube in chosen]
    else:
        done = [_made(work, cube_id, cube, quiet=as_json) for cube_id, cube in chosen]
    _tell(done, verb="removed" if remove else "stand" if dry_run else "made", as_json=as_json)


def _removed(work: Deepening, cube_id: int, cube: Cube) -> Deepened:
    return Deepened(cube=cube.name, blocks=work.remove(cube_id, cube), mbytes=0.0, pending=0)


def _state(work: Deepening, cube_id: int, cube: Cube) -> Deepened:
    blocks = work.catalog.deep.of_cube((cube_id, cube.name))
    columns = work.columns(cube_id, cube, since=0)
    return Deepened(
        cube=cube.name,
        blocks=len(blocks),
        mbytes=sum(size for block in blocks for _, size in block.sizes) / 1e6,
        pending=sum(work.missing(column).to_be_made for column in columns),
    )


def _made(work: Deepening, cube_id: int, cube: Cube, *, quiet: bool) -> Deepened:
    blocks, size = work.blocks_made, work.bytes_made
    work.take(cube_id, cube)
    with Progress(console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task(cube.name, total=work.columns_left)
        total = work.columns_left
        while work.columns_left:
            work.step()
            progress.update(task, completed=total - work.columns_left)
    return Deepened(
        cube=cube.name,
        blocks=work.blocks_made - blocks,
        mbytes=(work.bytes_made - size) / 1e6,
        pending=0,
    )


def _tell(done: Iterable[Deepened], *, verb: str, as_json: bool) -> None:
    found = list(done)
    if as_json:
        click.echo(json.dumps({"cubes": [asdict(one) for one in found]}))
        return
    for one in found:
        pending = f", {one.pending} scenes of columns pending" if one.pending else ""
        size = f", {one.mbytes:.1f} MB" if one.mbytes else ""
        click.echo(f"{one.cube}: {one.blocks} blocks {verb}{size}{pending}")
