"""From the text of a recipe to a `Recipe`, with every error at its line."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Never

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from pyproj import CRS
from pyproj.exceptions import CRSError

from datacube.cube import Aggregate, ClassValue, Collection, MapAxis
from datacube.errors import SourceError, UnsafeSourceError, UnsupportedSourceError
from datacube.grid import crs_from_text
from ingest.recipes.durations import parse_duration
from ingest.recipes.recipe import (
    AxisRecipe,
    BandRecipe,
    Lattice,
    NamePattern,
    Overlap,
    Recipe,
    Role,
    ScaleOffset,
    Spacing,
    Tag,
)
from ingest.scene import Resampling

MAX_BYTES = 2**20
"""Size of a recipe; real ones have a few kilobytes."""
MAX_NODES = 200_000
"""Values of a recipe, as written; aliases (`*name`) are refused, so it cannot unfold."""

type Path_ = tuple[str | int, ...]


def recipe_schema() -> dict[str, Any]:
    """Return the JSON schema of recipes."""
    text = files("ingest.recipes").joinpath("recipe.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_recipe(path: Path) -> Recipe:
    """Read the recipe at `path`.

    Raises
    ------
    SourceError
        If it cannot be read.
    UnsupportedSourceError
        If it is no recipe; the message names line and key, what came and what is allowed.
    UnsafeSourceError
        If it is too large, or uses what only harmful files need.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UnsafeSourceError(f"{path} has more than {MAX_BYTES} bytes; it is no recipe")
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"the recipe {path} cannot be read: {error}") from error
    return parse_recipe(text, path)


def parse_recipe(text: str, path: Path) -> Recipe:
    """Read the text of a recipe; errors as of `read_recipe`."""
    return _Parser(text, path).recipe()


class _Parser:
    """One recipe, with the line of every value."""

    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        try:
            _refuse_aliases(text, path)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            self._lines = dict(_lines((), node)) if node is not None else {}
            self._value: Any = _plain(yaml.safe_load(text))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or str(error)
            raise UnsupportedSourceError(f"{path}{where}: not YAML: {problem}") from error
        except (ValueError, RecursionError) as error:
            raise UnsupportedSourceError(f"{path}: not a recipe: {error}") from error

    def recipe(self) -> Recipe:
        self._check_schema()
        value = self._value
        axes = tuple(self._axis(n, axis) for n, axis in enumerate(value.get("axes", ())))
        self._check_axes(axes)
        bands = tuple(self._band(n, band) for n, band in enumerate(value["bands"]))
        self._unique("bands", [band.name for band in bands])
        files_ = value.get("files", ())
        title = value.get("title", value["coverage"])
        return Recipe(
            path=self._path,
            coverage=value["coverage"],
            title=title,
            collection=_collection(value.get("collection", value["coverage"]), title),
            access=value.get("access", "public"),
            files=(files_,) if isinstance(files_, str) else tuple(files_),
            crs=self._crs(("crs",), value.get("crs")),
            axes=axes,
            bands=bands,
            overlap=Overlap(value.get("overlap", "newest")),
            resampling=Resampling(value.get("resample", "never")),
            lattice=self._lattice(value.get("grid")),
            wrap_longitudes=value.get("longitudes", "wrap") == "wrap",
        )

    def _fail(self, path: Path_, message: str) -> Never:
        known = path
        while known and known not in self._lines:
            known = known[:-1]
        line = self._lines.get(known, 1)
        key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
        raise UnsupportedSourceError(
            f"{self._path} line {line}{f', {key}' if key else ''}: {message}"
        )

    def _check_schema(self) -> None:
        validator = Draft202012Validator(recipe_schema())
        errors = list(validator.iter_errors(self._value))
        if not errors:
            return
        first = min(errors, key=lambda e: self._lines.get(tuple(e.absolute_path), 0))
        deepest = _deepest(first)
        self._fail(tuple(deepest.absolute_path), _message(deepest))

    def _axis(self, number: int, value: Mapping[str, Any]) -> AxisRecipe:
        at = ("axes", number)
        role = Role(value["is"])
        sources = [k for k in ("variable", "file_name", "tag", "values") if k in value]
        given = "origin" in value or "resolution" in value
        if len(sources) > 1 or (sources and given and sources != ["variable"]):
            named = ", ".join([*sources, *(["origin and resolution"] if given else [])])
            self._fail(at, f"coordinates come from one place, not from {named}")
        if role is not Role.TIME:
            for key in ("tag", "validity"):
                if key in value:
                    self._fail((*at, key), "only an axis that is time has this")
        spacing = Spacing(value["spacing"]) if "spacing" in value else None
        if role is Role.TIME and spacing is Spacing.INDEX:
            self._fail((*at, "spacing"), "time is regular or irregular")
        if role in (Role.X, Role.Y) and spacing is Spacing.IRREGULAR:
            self._fail(
                (*at, "spacing"),
                "the plane is regular; irregular axes are `is: further`",
            )
        self._check_numbers(at, role, value)
        if role is not Role.FURTHER and "maps" in value:
            self._fail((*at, "maps"), "only an axis that is further has this")
        return AxisRecipe(
            name=value["name"],
            role=role,
            unit=value.get("unit"),
            spacing=spacing,
            dimension=value.get("dimension"),
            variable=value.get("variable"),
            file_name=self._pattern((*at, "file_name"), value.get("file_name")),
            tag=Tag(**value["tag"]) if "tag" in value else None,
            values=tuple(value["values"]) if "values" in value else None,
            origin=value.get("origin"),
            resolution=value.get("resolution"),
            size=value.get("size"),
            validity=self._validity((*at, "validity"), value),
            maps=self._maps((*at, "maps"), value["name"], value.get("maps")),
        )

    def _maps(self, at: Path_, name: str, value: Mapping[str, Any] | None) -> MapAxis | None:
        if value is None:
            return None
        low, _, high = str(value.get("default", "")).partition("/")
        try:
            default = ((float(low), float(high or low)),) if low else ()
            return MapAxis(
                name=name,
                default=default,
                **{key: value[key] for key in ("required", "nearest", "several") if key in value},
            )
        except ValueError as error:
            self._fail(at, str(error))

    def _check_numbers(self, at: Path_, role: Role, value: Mapping[str, Any]) -> None:
        """Refuse times that are no texts, and anything else that is no number."""
        wanted = str if role is Role.TIME else int | float
        named = "an ISO 8601 text" if role is Role.TIME else "a number"
        for key in ("origin", "resolution"):
            if key in value and not isinstance(value[key], wanted):
                self._fail((*at, key), f"{value[key]!r} came, {named} is needed")
        for number, each in enumerate(value.get("values", ())):
            if not isinstance(each, wanted):
                self._fail((*at, "values", number), f"{each!r} came, {named} is needed")
        if role is Role.TIME and "resolution" in value:
            self._duration((*at, "resolution"), value["resolution"])
        if value.get("resolution") == 0:
            self._fail((*at, "resolution"), "0 came, a cell size is needed")

    def _pattern(self, at: Path_, value: Mapping[str, str] | None) -> NamePattern | None:
        if value is None:
            return None
        try:
            compiled = re.compile(value["pattern"])
        except re.error as error:
            self._fail((*at, "pattern"), f"no regular expression: {error}")
        groups = set(compiled.groupindex)
        if not groups & {"value", "start"} or groups - {"value", "start", "end"}:
            came = ", ".join(sorted(groups)) or "none"
            self._fail(
                (*at, "pattern"),
                f"named groups {came}; needed is (?P<value>...), or (?P<start>...) and "
                "(?P<end>...)",
            )
        return NamePattern(pattern=value["pattern"], format=value.get("format"))

    def _validity(self, at: Path_, value: Mapping[str, Any]) -> str | None:
        text: str | None = value.get("validity")
        if text is not None and text != "bounds":
            self._duration(at, text)
        return text

    def _duration(self, at: Path_, text: str) -> None:
        try:
            parse_duration(text)
        except ValueError as error:
            self._fail(at, str(error))

    def _check_axes(self, axes: tuple[AxisRecipe, ...]) -> None:
        self._unique("axes", [axis.name for axis in axes])
        for role in (Role.TIME, Role.X, Role.Y):
            if len([axis for axis in axes if axis.role is role]) > 1:
                self._fail(("axes",), f"more than one axis is {role.value}")
        has = {axis.role for axis in axes}
        if Role.Y in has and Role.X not in has:
            self._fail(("axes",), "an axis is y and none is x; a line's one axis is x")

    def _unique(self, key: str, names: list[str]) -> None:
        for number, name in enumerate(names):
            if name in names[:number]:
                self._fail((key, number, "name"), f"{name!r} came before")

    def _band(self, number: int, value: Mapping[str, Any]) -> BandRecipe:
        at = ("bands", number)
        classes = value.get("classes", ())
        numbers = [c["value"] for c in classes] if classes != "file" else []
        for place, each in enumerate(numbers):
            if each in numbers[:place]:
                self._fail((*at, "classes", place), f"value {each} came before")
        apply = value.get("scale_offset") == "apply"
        if apply and not value.get("dtype", "float32").startswith("float"):
            self._fail((*at, "dtype"), "values with scale and offset applied are floating point")
        if apply and classes:
            self._fail((*at, "classes"), "classes are stored numbers; scale and offset are applied")
        nodata = value.get("nodata")
        if nodata is not None:
            nodata = tuple(float(n) for n in (nodata if isinstance(nodata, list) else [nodata]))
        return BandRecipe(
            name=value["name"],
            source=value.get("from"),
            title=value.get("title"),
            unit=value.get("unit"),
            standard_name=value.get("standard_name"),
            dtype=value.get("dtype"),
            nodata=nodata,
            scale=value.get("scale"),
            offset=value.get("offset"),
            scale_offset=ScaleOffset(value.get("scale_offset", "keep")),
            aggregate=Aggregate(value["aggregate"]) if "aggregate" in value else None,
            classes=() if classes == "file" else tuple(_class(c) for c in classes),
            classes_from_file=classes == "file",
            at=tuple(value.get("at", {}).items()),
            aliases=tuple(value.get("aliases", ())),
        )

    def _lattice(self, value: Mapping[str, Any] | None) -> Lattice | None:
        if value is None:
            return None
        size = value["resolution"]
        dx, dy = size if isinstance(size, list) else (size, size)
        x, y = value["origin"]
        return Lattice(
            origin=(float(x), float(y)),
            resolution=(float(dx), float(dy)),
            crs=self._crs(("grid", "crs"), value.get("crs")),
        )

    def _crs(self, at: Path_, text: str | None) -> CRS | None:
        if text is None:
            return None
        try:
            return crs_from_text(text)
        except CRSError:
            self._fail(at, f"{text[:100]!r} is no CRS that is known; allowed are EPSG:n and WKT")


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever YAML holds
    """Write the dates that YAML makes of unquoted texts as texts again."""
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return "nan" if isinstance(value, float) and value != value else value  # noqa: PLR0124  # NaN


def _refuse_aliases(text: str, path: Path) -> None:
    """Refuse `*name`, by which a few lines can unfold to any size, and count what is there."""
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise UnsafeSourceError(f"{path}: aliases (*{event.anchor}) are not allowed")
        if count > MAX_NODES:
            raise UnsafeSourceError(f"{path} has more than {MAX_NODES} values")


def _lines(path: Path_, node: yaml.Node) -> Iterator[tuple[Path_, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines((*path, key.value), value)
            # The line of the key, where the value begins below it.
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines((*path, number), value)


def _deepest(error: ValidationError) -> ValidationError:
    """Return the cause of an error within alternatives, where one of them nearly fits."""
    if error.validator not in ("oneOf", "anyOf"):
        return error
    inner = best_match([error])
    return error if inner is None or inner.validator in ("type", "const") else inner


def _message(error: ValidationError) -> str:
    """Say what came and what is allowed."""
    instance: Any = error.instance
    came = repr(instance)
    came = came if len(came) <= 100 else f"{came[:97]}..."
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    match error.validator:
        case "additionalProperties":
            allowed = schema.get("properties", {})
            unknown = ", ".join(repr(k) for k in instance if k not in allowed)
            return f"unknown key {unknown}; allowed are {', '.join(allowed)}"
        case "required":
            missing = [k for k in schema["required"] if k not in instance]
            return f"the key {', '.join(missing)} is missing"
        case "enum":
            return f"{came} came; allowed are {', '.join(map(str, schema['enum']))}"
        case "oneOf":
            kinds = " or ".join(_kind(each) for each in schema["oneOf"])
            return f"{came} came; allowed is {kinds}"
        case "type":
            return f"{came} came; allowed is {_kind(schema)}"
        case "pattern":
            return f"{came} came; it must match {schema['pattern']}"
        case _:
            return error.message


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema:
        return repr(schema["const"])
    kinds = schema.get("type", "a value")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _collection(value: str | Mapping[str, str], title: str) -> Collection:
    if isinstance(value, str):
        return Collection(id=value, title=title)
    return Collection(**{"title": title, **value})


def _class(value: Mapping[str, Any]) -> ClassValue:
    colour = value.get("colour", "#808080")
    if isinstance(colour, str):
        colour = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return ClassValue(
        value=value["value"],
        name=value["name"],
        title=value.get("title", value["name"]),
        colour=(colour[0], colour[1], colour[2]),
    )
