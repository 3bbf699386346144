"""Expressions of WCPS in styles: `$c` is the layer, computed cell by cell."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache

import numpy as np

from datacube.cube import Band, find_band
from datacube.errors import InvalidParameterError, QuerySyntaxError, RequestError, UnknownNameError
from datacube.evaluate.cells import evaluate
from datacube.plan.extent import check_extent
from datacube.plan.nodes import Plan, Reduce, distinct
from datacube.plan.udf import UserFunctions
from datacube.protocols import BandRead, CatalogView, Limits
from datacube.slots import Slot
from datacube.wcps import syntax
from datacube.wcps.bind.query import BINDERS
from datacube.wcps.bind.scope import Context, Scope
from datacube.wcps.bind.values import About, Document, Raster
from datacube.wcps.parser import parse
from datacube.wcps.places import locate

MOST_CHARACTERS = 4000
"""Longest expression of a style."""
_LAYER = "c"
_BEFORE = f"for ${_LAYER} in (layer) return "
_WORDS = frozenset(
    (
        "and",
        "or",
        "xor",
        "not",
        "div",
        "mod",
        "is",
        "null",
        "true",
        "false",
        "switch",
        "case",
        "return",
        "default",
        "unsigned",
        "char",
        "octet",
        "short",
        "int",
        "integer",
        "long",
        "float",
        "double",
        "boolean",
        "string",
        "complex",
    )
)
"""What may stand in an expression of bands and is no band."""
_NAME = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')|(?P<name>(?<![\w.$])[A-Za-z_]\w*)(?P<call>\s*\()?"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentContext:
    """What expressions are bound with."""

    view: CatalogView
    limits: Limits
    functions: UserFunctions


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One expression; implements `plan.style.Formula`."""

    text: str
    """Of WCPS, with `$c` for the layer."""
    layer: tuple[Band, ...]
    """The layer's bands."""
    context: FragmentContext = field(compare=False, repr=False)

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands named as `$c.B04`; all of the layer where `$c` stands alone.

        Raises
        ------
        RequestError
            If the text is no expression, or names a band that the layer lacks.
        """
        found: dict[str, None] = {}
        for selected in _selected(self._parsed().result):
            if selected is None:
                return tuple(band.name for band in self.layer)
            try:
                found.setdefault(self._band(selected.name))
            except UnknownNameError as error:
                locate(error, _BEFORE + self.text, selected.span)
                raise
        return tuple(found)

    def bind(self, source: Plan) -> Plan:
        """Bind the expression to a plan; see `plan.style.Formula`."""
        query = self._parsed()
        context = Context(
            text=_BEFORE + self.text,
            view=self.context.view,
            limits=self.context.limits,
            binders=BINDERS,
            describe=_describe,
            fold=_fold,
            functions=self.context.functions,
        )
        scope = Scope(context=context).having(_LAYER, Raster(plan=source))
        made = scope.raster(query.result).plan
        if made.domain != source.domain:
            error = InvalidParameterError(
                "an expression of a style gives one value for each cell of the layer; this one "
                f"gives {_told(made)}",
                parameter="styles",
            )
            scope.locate(error, query.result.span)
            raise error
        _refuse_reductions(made)
        check_extent(made, self.context.limits)
        return made

    def _parsed(self) -> syntax.Query:
        return _parsed(self.text)

    def _band(self, name: str) -> str:
        try:
            return find_band(self.layer, name).name
        except UnknownNameError:
            if name.isdecimal() and int(name) < len(self.layer):
                return self.layer[int(name)].name
            raise


@lru_cache(maxsize=256)
def _parsed(text: str) -> syntax.Query:
    if len(text) > MOST_CHARACTERS:
        raise InvalidParameterError(
            f"the expression has {len(text):,} characters; a style's has at most "
            f"{MOST_CHARACTERS:,}",
            parameter="styles",
        )
    try:
        return parse(_BEFORE + text)
    except QuerySyntaxError as error:
        told = f"the expression of the style is not WCPS: {error}"
        raised = InvalidParameterError(told, parameter="styles")
        for note in getattr(error, "__notes__", ()):
            raised.add_note(note)
        raise raised from error


def band_math(text: str, bands: tuple[Band, ...]) -> str:
    """Return an expression of bare band names as one of WCPS: `B08 - B04` as `$c.B08 - $c.B04`.

    Functions, and the words of the language, stay as they are.

    Raises
    ------
    UnknownNameError
        If a name is no band of the layer.
    """

    def spelled(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or found["call"] is not None or name.casefold() in _WORDS:
            return found[0]
        return f"${_LAYER}.{find_band(bands, name).name}"

    return _NAME.sub(spelled, text)


def _selected(expr: object) -> Iterator[syntax.Select | None]:
    """Yield where bands are selected of the layer, None where it stands for all of them."""
    match expr:
        case syntax.Select(source=syntax.Variable(name=name)) if name == _LAYER:
            yield expr
        case syntax.Variable(name=name) if name == _LAYER:
            yield None
        case tuple():
            for one in expr:
                yield from _selected(one)
        case _ if is_dataclass(expr) and not isinstance(expr, type):
            for part in fields(expr):
                yield from _selected(getattr(expr, part.name))
        case _:
            pass


def _refuse_reductions(plan: Plan) -> None:
    """Refuse what depends on the cells of one picture: the next tile would not fit to it."""
    for node in distinct(plan):
        if isinstance(node, Reduce) and node.domain.grid is None and node.source.domain.grid:
            raise InvalidParameterError(
                f"a style may not reduce the map's own cells ({node.operator}): "
                "its result would differ from tile to tile",
                parameter="styles",
            )


def _told(made: Plan) -> str:
    if not made.domain.axes:
        return "one number"
    return "an array of " + " x ".join(f"{a.name} ({a.size})" for a in made.domain.axes)


def _describe(plan: Plan, about: About, text: str, parameters: str) -> Document:
    del plan, about, text, parameters
    raise InvalidParameterError("a style cannot describe a coverage", parameter="styles")


class _NoCells:
    """Reads nothing: numbers known at binding need no cells."""

    def read(
        self, slot: Slot, request: BandRead
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        raise RequestError(f"{request.band} of slot {slot.number} is not known at binding")


def _fold(plan: Plan) -> complex | None:
    cells = evaluate(plan, plan.domain.window, _NoCells())
    made: complex = cells.values[0].item()
    return made if cells.valid[0].all() else None
