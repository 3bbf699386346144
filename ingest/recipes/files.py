"""Which files a recipe takes, and what they are called."""

from collections.abc import Sequence
from pathlib import Path

from datacube.errors import SourceError, UnsafeSourceError
from ingest.recipes.recipe import Recipe

MAX_FILES = 200_000


def find_files(recipe: Recipe, named: Sequence[str]) -> tuple[str, ...]:
    """Return the places of the files: those named, else those that the patterns match, sorted.

    Patterns stay in the folder of the recipe: a recipe may come from elsewhere, while
    who names a file on the command line means it.

    Raises
    ------
    SourceError
        If there is none.
    UnsafeSourceError
        If a pattern leaves the folder of the recipe, or matches a link that does.
    """
    if named:
        return tuple(dict.fromkeys(named))
    if not recipe.files:
        raise SourceError(f"{recipe.path} has no `files`; name some on the command line")
    root = recipe.path.resolve().parent
    found: dict[str, None] = {}
    for pattern in recipe.files:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise UnsafeSourceError(
                f"{recipe.path}: the pattern {pattern!r} leaves the folder of the recipe; name "
                "files elsewhere on the command line"
            )
        matches = [path for path in root.glob(pattern) if path.resolve() != recipe.path.resolve()]
        if not matches:
            raise SourceError(f"{recipe.path}: no file matches {pattern!r} in {root}")
        for path in sorted(matches):
            if not path.resolve().is_relative_to(root):
                raise UnsafeSourceError(f"{path} is a link that leaves the folder of the recipe")
            found[str(path)] = None
        if len(found) > MAX_FILES:
            raise UnsafeSourceError(f"{recipe.path}: more than {MAX_FILES} files match")
    return tuple(found)


def identity(location: str, recipe: Path) -> str:
    """Return what tells a file from others: its path below the recipe, else folder and name.

    >>> identity("/data/2020/a.tif", Path("/data/recipe.yaml"))
    '2020:a.tif'
    >>> identity("https://example.org/2020/a.tif", Path("/data/recipe.yaml"))
    '2020:a.tif'
    """
    plain = location.removeprefix("/vsizip/").replace("{", "").replace("}", "").rstrip("/")
    root = recipe.resolve().parent.as_posix().rstrip("/") + "/"
    parts = plain.removeprefix(root).split("/")
    if not plain.startswith(root):
        parts = parts[-2:]
    return ":".join(part for part in parts if part)
