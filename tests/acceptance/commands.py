"""The command `copernicube`, run in this process as its entry point runs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from copernicube.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str


def run_command(*arguments: str | Path) -> Done:
    """Run the command; nothing of it but what it prints and its exit code is looked at."""
    code = 0
    with _caught("sys.stdout") as out, _caught("sys.stderr") as err:
        try:
            with patch("sys.argv", ["copernicube", *map(str, arguments)]):
                main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
    return Done(code=code, out=out.getvalue(), err=err.getvalue())


@contextmanager
def _caught(name: str) -> Iterator[StringIO]:
    text = StringIO()
    with patch(name, text):
        yield text
