"""The docs name every setting, error code, command and option there is."""

import re
from collections.abc import Iterator
from dataclasses import fields
from inspect import signature
from pathlib import Path

import click
import pytest

import copernicube
import ogc.service  # noqa: F401  # defines the services' own errors
from copernicube.cli import commands
from copernicube.client import Catalogue, CubeView, Expression
from copernicube.config import PARTS, PREFIX, Settings
from datacube.errors import CubeError

DOCS = Path(__file__).resolve().parents[1] / "docs"


def error_codes(kind: type[CubeError] = CubeError) -> set[str]:
    return {kind.code}.union(*(error_codes(below) for below in kind.__subclasses__()))


def options(command: click.Command, path: str = "copernicube") -> Iterator[tuple[str, str]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below, f"{path} {name}")
        return
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield path, max(parameter.opts, key=len)


def test_every_setting_is_documented_with_its_default() -> None:
    text = (DOCS / "reference/settings.md").read_text()
    rows = {row.split("|")[1].strip(): row for row in text.splitlines() if row.startswith("| `")}
    expected = {
        f"`{PREFIX}{item.name.upper()}`": getattr(Settings(), item.name)
        for item in fields(Settings)
        if item.name not in PARTS
    } | {
        f"`{PREFIX}{infix}{item.name.upper()}`": getattr(part, item.name)
        for name, infix in PARTS.items()
        for part in [getattr(Settings(), name)]
        for item in fields(part)
    }
    assert set(rows) == set(expected)
    for name, default in expected.items():
        shown = rows[name].split("|")[2].strip().strip("`")
        assert shown == ("empty" if default == "" else f"{default}".removesuffix(".0"))


def test_every_error_code_is_documented() -> None:
    text = (DOCS / "reference/errors.md").read_text()
    documented = {row.split("`")[1] for row in text.splitlines() if row.startswith("| `")}
    assert documented == error_codes()


def test_every_public_name_of_the_package_is_documented() -> None:
    text = (DOCS / "reference/python.md").read_text()
    members = [n for kind in (Catalogue, CubeView) for n in vars(kind) if not n.startswith("_")]
    missing = [name for name in members if f"`{name}`" not in text]
    made = {n for kind in Expression.__mro__[:-1] for n in vars(kind) if not n.startswith("_")}
    _, _, below = text.partition("## `Expression`")
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", below))))
    missing += sorted(made - words - {"state"})
    assert not missing
    shown = (
        one.name if one.default is one.empty else f"{one.name}={one.default!r}"
        for one in signature(copernicube.open).parameters.values()
    )
    assert f"`copernicube.open({', '.join(shown)})`" in text
    kinds = (Catalogue, CubeView, Expression)
    assert set(copernicube.__all__) == {"open", "stack", "where", *(k.__name__ for k in kinds)}
    assert all(f"## `{kind.__name__}`" in text for kind in kinds)
    assert all(f"`copernicube.{name}(" in text for name in ("stack", "where"))


@pytest.mark.parametrize(("command", "option"), sorted(options(commands)))
def test_every_option_is_documented(command: str, option: str) -> None:
    text = (DOCS / "reference/commands.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("`copernicube")]
    (line,) = (line for line in lines if line.startswith(f"`{command} "))
    assert f"{option} " in line or f"{option}]" in line
