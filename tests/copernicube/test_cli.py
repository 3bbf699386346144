"""The command line without its commands."""

import subprocess
import sys

import click
import pytest

from copernicube.cli import COMMANDS, commands

HEAVY = {"dask", "numpy", "pandas", "pygeoapi", "rasterio", "sqlalchemy", "xarray", "zarr"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name][1]


def test_help_lists_every_command_and_imports_none() -> None:
    code = "import sys; from copernicube.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    ).stdout
    listing, modules = told.rsplit("\n", 2)[:2]
    assert all(f"  {name} " in listing for name in COMMANDS)
    assert not HEAVY & set(modules.split())
