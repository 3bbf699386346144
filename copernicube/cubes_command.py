"""The commands `cubes` and `verify`: what a store holds, and whether it is whole."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click
import shapely
from rich.console import Console
from rich.table import Table
from shapely.geometry import mapping

from copernicube.config import Place
from copernicube.deepen_command import deepen
from copernicube.options import as_of_option, json_option, store_option
from copernicube.overviews_command import overviews
from copernicube.wiring import open_local, rebuild_local
from datacube.catalog import SqlCatalog
from datacube.cube import Cube
from datacube.deep import DeepBlock
from datacube.errors import InvalidParameterError
from datacube.grid import crs_name
from datacube.protocols import CatalogView
from datacube.slots import Slot
from datacube.store import check_block
from datacube.store import verify as verify_store
from datacube.times import iso_text


@click.group()
def cubes() -> None:
    """List, show and rebuild the cubes of a store."""


cubes.add_command(deepen)


cubes.add_command(overviews)


@cubes.command("list")
@store_option
@as_of_option
@json_option
def list_cubes(store: Place, as_of: int | None, *, as_json: bool) -> None:
    """List the cubes with their scenes, times and bands."""
    view = open_local(store, read_only=True).catalog.view(as_of=as_of)
    rows = [summarise(view, cube) for cube in view.cubes()]
    if as_json:
        click.echo(json.dumps({"revision": view.revision, "cubes": rows}, indent=2))
        return
    table = Table(title=f"Revision {view.revision}", box=None)
    for title in ("cube", "CRS", "scenes", "times", "first", "last", "bands"):
        table.add_column(title)
    for row in rows:
        table.add_row(
            row["name"],
            row["crs"],
            str(row["scenes"]),
            str(row["times"]),
            row["first"],
            row["last"],
            " ".join(row["bands"]),
        )
    Console().print(table)


@cubes.command("show")
@click.argument("name")
@store_option
@as_of_option
@click.option(
    "--scenes", is_flag=True, help="List the cube's visible scenes; with --json all of each."
)
@json_option
def show_cube(name: str, store: Place, as_of: int | None, *, scenes: bool, as_json: bool) -> None:
    """Show one cube or coverage: grid, bands and acquisitions."""
    view = open_local(store, read_only=True).catalog.view(as_of=as_of)
    coverage = view.coverage(name)
    facts = summarise(view, coverage.cube) | {
        "coverage": coverage.id,
        "grid": {
            "bbox": list(coverage.grid.bbox),
            "resolution": coverage.grid.x.step,
            "shape": list(coverage.grid.shape),
        },
        "bands": [
            {
                "name": band.name,
                "title": band.title,
                "type": band.dtype,
                "nodata": None if band.gapless else band.nodata,
                "scale": band.scale,
                "offset": band.offset,
                "unit": band.unit,
                "native": band.group,
            }
            for band in coverage.bands
        ],
        "axes": [
            {"name": axis.name, "uom": axis.uom, "size": axis.size, "extent": list(axis.extent)}
            for axis in coverage.axes
        ],
        "times": [iso_text(acquisition.reference) for acquisition in coverage.time or ()],
    }
    found = _in_order(view.slots(coverage.cube.name)) if scenes else ()
    if as_json:
        if scenes:
            facts["scene_list"] = [scene_facts(slot) for slot in found]
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(_as_text(facts))
    if scenes:
        # A pipe has no width that product ids would have to fit into.
        Console(width=None if sys.stdout.isatty() else 160).print(_scene_table(found))


@cubes.command("rebuild")
@store_option
@click.option("--dry-run", is_flag=True, help="Say what would be restored; change nothing.")
@json_option
def rebuild(store: Place, *, dry_run: bool, as_json: bool) -> None:
    """Restore a lost catalogue from the records of the commits."""
    found = rebuild_local(store, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    verb = "would restore" if dry_run else "restored"
    click.echo(f"{verb} {found.revisions} revisions with {found.cubes} cubes")


@cubes.command("alias")
@click.argument("name")
@click.argument("coverage")
@store_option
@click.option("--dry-run", is_flag=True, help="Say what would be named; change nothing.")
@json_option
def name_coverage(name: str, coverage: str, store: Place, *, dry_run: bool, as_json: bool) -> None:
    """Let NAME mean COVERAGE in every service, from a new revision on.

    A NAME that was given before means the new COVERAGE then; older revisions keep the old.
    """
    local = open_local(store, read_only=dry_run)
    view = local.catalog.view()
    meant, revision = view.coverage(coverage).id, view.revision
    if view.offers(name):
        raise InvalidParameterError(
            f"{name!r} is the name of a coverage; an alias needs another", parameter="name"
        )
    if not dry_run:
        committed = local.catalog.name_coverage(name, meant)
        local.store.record_commit(committed.revision, committed.record)
        revision = committed.revision
    if as_json:
        click.echo(json.dumps({"revision": revision, "alias": name, "coverage": meant}))
        return
    verb = "would name" if dry_run else "names"
    click.echo(f"{name} {verb} {meant}; revision {revision}")


@click.command()
@click.argument("names", nargs=-1)
@store_option
@as_of_option
@json_option
def verify(names: tuple[str, ...], store: Place, as_of: int | None, *, as_json: bool) -> None:
    """Read every recorded shard of the cubes NAMES, by default of all.

    Scenes that were superseded are read, too; with --as-of only those visible then.
    """
    local = open_local(store, read_only=True)
    view = local.catalog.view(as_of=as_of)
    for name in names:
        view.coverage(name)
    slots_of = local.catalog.readable_slots if as_of is None else None
    report = verify_store(view, local.engine.cells, cubes=names, slots_of=slots_of)
    blocks = _deep_blocks(local.catalog, names)
    worn = [message for block in blocks for message in check_block(local.store.location, block)]
    intact = report.intact and not worn
    if as_json:
        deep = {"deep_blocks": len(blocks), "deep_damage": worn, "intact": intact}
        click.echo(json.dumps(asdict(report) | deep, indent=2))
    else:
        for message in (*report.damage, *worn):
            click.echo(message, err=True)
        click.echo(
            f"revision {report.revision}: {report.slots} scenes in {report.cubes} cubes, "
            f"{report.shards} shards, {report.decoded_bytes / 1e6:.1f} MB decoded, "
            f"{len(report.damage)} damaged"
        )
        if blocks:
            click.echo(f"{len(blocks)} deep blocks, {len(worn)} of their files damaged")
        if worn:
            click.echo(
                "nothing is lost: `cubes deepen --remove` and `cubes deepen` make them anew",
                err=True,
            )
    if not intact:
        sys.exit(1)


def _deep_blocks(catalog: SqlCatalog, names: Sequence[str]) -> list[DeepBlock]:
    """Return the deep blocks of the cubes of these names, by default of all."""
    return [
        block
        for key in catalog.deep.cubes()
        if not names or key[1] in names
        for block in catalog.deep.of_cube(key)
    ]


def summarise(view: CatalogView, cube: Cube) -> dict[str, Any]:
    """Return what a list of cubes says of one."""
    coverage = view.coverage(cube.name)
    times = [iso_text(acquisition.reference) for acquisition in coverage.time or ()]
    return {
        "name": cube.name,
        "collection": cube.collection,
        "title": cube.title,
        "crs": crs_name(cube.crs),
        "scenes": view.counts().get(cube.name, 0),
        "times": len(times),
        "first": times[0] if times else None,
        "last": times[-1] if times else None,
        "bands": [band.name for band in coverage.bands],
    }


def scene_facts(slot: Slot) -> dict[str, Any]:
    """Return all that the catalogue knows of a visible scene, but its shards."""
    scene = slot.scene
    return {
        "product_id": scene.product_id,
        "scene_id": scene.scene_id,
        "slot": slot.number,
        "reference_time": iso_text(scene.reference_time),
        "first_time": iso_text(scene.first_time),
        "last_time": iso_text(scene.last_time),
        "generation_time": iso_text(scene.generation_time),
        "footprint": mapping(shapely.from_wkt(scene.footprint)) if scene.footprint else None,
        "bands": sorted(slot.bands),
        "properties": {
            "processing_baseline": scene.baseline or None,
            "cloud_cover_percent": scene.cloud_cover_percent,
            **json.loads(scene.properties),
        },
    }


def _in_order(slots: Iterable[Slot]) -> Sequence[Slot]:
    """Sort by time; where times are equal, the one that goes first in a mosaic goes first."""
    best_first = sorted(slots, key=lambda slot: slot.scene.precedence, reverse=True)
    return sorted(best_first, key=lambda slot: slot.scene.reference_time)


def _scene_table(slots: Iterable[Slot]) -> Table:
    table = Table(box=None)
    for title in ("product", "time", "baseline", "cloud %", "slot"):
        table.add_column(title, overflow="fold")
    for slot in slots:
        scene, cloud = slot.scene, slot.scene.cloud_cover_percent
        table.add_row(
            scene.product_id,
            iso_text(scene.reference_time),
            scene.baseline or "-",
            "-" if cloud is None else f"{cloud:.1f}",
            str(slot.number),
        )
    return table


def _as_text(facts: dict[str, Any]) -> str:
    lines = [f"{key}: {value}" for key, value in facts.items() if not isinstance(value, list)]
    for key in ("axes", "bands", "times"):
        if not facts[key]:
            continue
        lines.append(f"{key}:")
        lines += [f"  {_item_text(item)}" for item in facts[key]]
    return "\n".join(lines)


def _item_text(item: str | dict[str, Any]) -> str:
    return item if isinstance(item, str) else ", ".join(f"{k} {v}" for k, v in item.items())
