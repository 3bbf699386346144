"""The command `styles`: the named styles that the catalogue keeps."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table

from copernicube.config import Place
from copernicube.options import as_of_option, json_option, store_option
from copernicube.wiring import Local, open_local
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.protocols import StoredStyle
from datacube.render.definition import canonical, parse_style
from datacube.render.style_schema import STYLES
from ogc.sld import read_styles

_MOST_BYTES = 1_000_000
_SLD = frozenset({".sld", ".xml"})

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
_collection = click.option("--collection", metavar="ID", help="The style for this collection.")
_family = click.option("--family", metavar="NAME", help="The style for this style family.")


@click.group()
def styles() -> None:
    """Add, list, show and remove the styles of map layers."""


@styles.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@store_option
@_dry_run
@json_option
def add_styles(file: Path, store: Place, *, dry_run: bool, as_json: bool) -> None:
    """Add the styles in FILE (YAML, JSON or SLD), from a new revision on.

    A style takes the place of one of the same name that is for the same layers; older
    revisions keep the old. All of a file is added, or nothing.
    """
    added = tuple(stored(value) for value in read_file(file))
    _refuse_twice(added)
    local = open_local(store, read_only=dry_run)
    known = {(s.target, s.name): s for s in local.catalog.view().stored_styles()}
    new = [one for one in added if known.get((one.target, one.name)) != one]
    revision = local.catalog.view().revision
    if new and not dry_run:
        revision = _commit(local, new, ())
    changes = [
        {"name": one.name, "for": one.target, "change": _change(one, new, known)} for one in added
    ]
    _tell(changes, revision, dry_run=dry_run, as_json=as_json)


@styles.command("list")
@store_option
@as_of_option
@json_option
def list_styles(store: Place, as_of: int | None, *, as_json: bool) -> None:
    """List the styles that the catalogue keeps; those of the house are not among them."""
    view = open_local(store, read_only=True).catalog.view(as_of=as_of)
    rows = [_row(one) for one in view.stored_styles()]
    if as_json:
        click.echo(json.dumps({"revision": view.revision, "styles": rows}, indent=2))
        return
    table = Table(title=f"Revision {view.revision}", box=None)
    for title in ("name", "for", "default", "title"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"], row["for"] or "any layer", "yes" if row["default"] else "", row["title"]
        )
    Console().print(table)


@styles.command("show")
@click.argument("name")
@_collection
@_family
@store_option
@as_of_option
@json_option
def show_style(
    name: str,
    collection: str | None,
    family: str | None,
    store: Place,
    as_of: int | None,
    *,
    as_json: bool,
) -> None:
    """Print the style NAME as a file that `styles add` takes."""
    view = open_local(store, read_only=True).catalog.view(as_of=as_of)
    found = _find(view.stored_styles(), name, collection, family)
    document = {"styles": [json.loads(found.definition)]}
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)


@styles.command("remove")
@click.argument("name")
@_collection
@_family
@store_option
@_dry_run
@json_option
def remove_style(
    name: str,
    collection: str | None,
    family: str | None,
    store: Place,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove the style NAME from a new revision on; older revisions keep it."""
    local = open_local(store, read_only=dry_run)
    view = local.catalog.view()
    found = _find(view.stored_styles(), name, collection, family)
    revision = view.revision
    if not dry_run:
        revision = _commit(local, (), ((found.target, found.name),))
    change = {"name": found.name, "for": found.target, "change": "removed"}
    _tell([change], revision, dry_run=dry_run, as_json=as_json)


@styles.command("schema")
def print_schema() -> None:
    """Print the JSON schema of a file of styles."""
    click.echo(json.dumps(STYLES, indent=2))


def read_file(path: Path) -> list[Any]:
    """Return the styles of a file, not yet checked: one, a list, or a list under `styles`.

    Raises
    ------
    InvalidParameterError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            body = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if len(body) > _MOST_BYTES:
        raise _unreadable(path, f"it has more than {_MOST_BYTES:,} bytes")
    if path.suffix.casefold() in _SLD:
        return list(read_styles(body))
    try:
        value = _load(body.decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(path, f"it is neither YAML nor JSON: {error}") from error
    if isinstance(value, dict) and "styles" in value:
        if set(value) != {"styles"} or not isinstance(value["styles"], list):
            raise _unreadable(path, "allowed is a list under 'styles' and nothing beside it")
        value = value["styles"]
    return value if isinstance(value, list) else [value]


def _load(text: str) -> object:
    # An alias of an alias of an alias is a small file of a million styles.
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
        raise ValueError("aliases are not allowed")
    loaded: object = yaml.safe_load(text)
    return loaded


def _unreadable(path: Path, reason: str) -> InvalidParameterError:
    return InvalidParameterError(f"{path} cannot be read: {reason}", parameter="file")


def stored(value: object) -> StoredStyle:
    """Check a style and return it as the catalogue keeps it.

    Raises
    ------
    InvalidParameterError
        If it breaks the schema.
    """
    definition = parse_style(value)
    return StoredStyle(name=definition.name, target=definition.target, definition=canonical(value))


def _refuse_twice(added: Sequence[StoredStyle]) -> None:
    seen: set[tuple[str, str]] = set()
    for one in added:
        key = (one.target, one.name.casefold())
        if key in seen:
            raise InvalidParameterError(
                f"style {one.name!r} is in the file twice", parameter="file"
            )
        seen.add(key)


def _commit(local: Local, add: Sequence[StoredStyle], remove: Sequence[tuple[str, str]]) -> int:
    committed = local.catalog.change_styles(add, remove)
    local.store.record_commit(committed.revision, committed.record)
    return committed.revision


def _change(
    one: StoredStyle,
    new: Sequence[StoredStyle],
    known: Mapping[tuple[str, str], StoredStyle],
) -> str:
    if one not in new:
        return "unchanged"
    return "replaced" if (one.target, one.name) in known else "added"


def _find(
    found: Sequence[StoredStyle], name: str, collection: str | None, family: str | None
) -> StoredStyle:
    """Return the one style of a name; where there are several, an option must tell which."""
    named = [one for one in found if one.name.casefold() == name.casefold()]
    if collection is not None:
        named = [one for one in named if one.target == f"collection:{collection}"]
    if family is not None:
        named = [one for one in named if one.target == f"family:{family}"]
    if not named:
        raise UnknownNameError("style", name, tuple(dict.fromkeys(one.name for one in found)))
    if len(named) > 1:
        targets = ", ".join(one.target or "any layer" for one in named)
        raise InvalidParameterError(
            f"there are {len(named)} styles {name!r}, for {targets}; "
            "tell which with --collection or --family",
            parameter="name",
        )
    return named[0]


def _row(one: StoredStyle) -> dict[str, Any]:
    definition = json.loads(one.definition)
    return {
        "name": one.name,
        "for": one.target,
        "default": definition.get("default", False),
        "title": definition.get("title", one.name),
    }


def _tell(
    changes: Sequence[Mapping[str, str]], revision: int, *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        told = {"revision": revision, "dry_run": dry_run, "styles": list(changes)}
        click.echo(json.dumps(told, indent=2))
        return
    for change in changes:
        verb = change["change"] if not dry_run else f"would be {change['change']}"
        click.echo(f"{change['name']} ({change['for'] or 'any layer'}): {verb}")
    click.echo(f"revision {revision}")
