"""The command `copernicube`."""

import logging
import sys
from importlib import import_module

import click

from datacube.errors import CubeError

COMMANDS = {
    "cubes": ("copernicube.cubes_command", "List, show and rebuild the cubes of a store."),
    "ingest": (
        "copernicube.ingest_command",
        "Ingest scenes: SAFE folders, zips and s3:// prefixes, STAC items and item collections.",
    ),
    "query": (
        "copernicube.query_command",
        "Answer a query of WCPS: numbers are printed, files written.",
    ),
    "serve": (
        "copernicube.serve_command",
        "Serve the cubes of a store over WMS, WCS, OGC API and Zarr.",
    ),
    "styles": (
        "copernicube.styles_command",
        "Add, list, show and remove the styles of map layers.",
    ),
    "verify": (
        "copernicube.cubes_command",
        "Read every recorded shard of the cubes NAMES, by default of all.",
    ),
}
"""By name: the module that holds the command, and its help in one line.

A module is imported when its command runs: raster and array libraries take seconds.
"""


class _Commands(click.Group):
    """The commands, imported when they run; the list of them needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="copernicube")
def commands() -> None:
    """Datacubes of the Earth: ingest scenes, serve them over open standards."""


def main() -> None:
    """Run the command; a failure is one line on stderr and a non-zero exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        # Not standing alone, click returns the exit code of a command that asked for one.
        code: int | None = commands(standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CubeError as error:
        # Notes show the place in a query.
        told = "\n".join((str(error), *getattr(error, "__notes__", ())))
        click.echo(f"Error: {told}", err=True)
        sys.exit(1)
    sys.exit(code or 0)
