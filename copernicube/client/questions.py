"""Queries of WCPS as users of Python write them, and what their answers are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from datacube.errors import InvalidParameterError
from datacube.explain.values import Level
from datacube.wcps import syntax
from datacube.wcps.bind.scope import Upload
from datacube.wcps.parser import parse
from datacube.wcps.printer import print_query

type Number = bool | int | float | complex | None
"""One number; None is null."""
type Numbers = Number | dict[str, Number]
"""One number, or one for each band."""
type Cells = xr.DataArray | xr.Dataset
"""A coverage of one band, or of several."""
type Result = Numbers | Cells | bytes | str
"""What a query returns once."""
type Rules = Literal["rasdaman"] | None
"""Whose rules nulls go by; None: ours."""
type Files = Sequence[bytes | str | PathLike[str]]
"""Files that a query names `$1`, `$2`, ...: their bytes, or where they lie."""

_BLANK = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_WHOLE = re.compile(rf"{_BLANK}for\b", re.IGNORECASE | re.DOTALL)
_CLAUSES = re.compile(rf"{_BLANK}(?:let|where|return)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query with what goes with it."""

    text: str
    compat: Rules = None
    uploads: tuple[Upload, ...] = ()

    def single(self) -> "tuple[Single, ...]":
        """Return one question for each combination of the coverages, the first outermost.

        Raises
        ------
        QuerySyntaxError
            If the text is not WCPS; a note shows the place.
        """
        query = parse(self.text)
        bindings = tuple({b.variable: b for b in query.bindings}.values())
        if len(bindings) < len(query.bindings) and set(bindings) != set(query.bindings):
            # Bound twice, differently: whoever answers says so.
            return (Single(question=self, query=query),)
        if all(len(b.sources) == 1 for b in bindings):
            return (Single(question=self, query=query),)
        singles = []
        for sources in product(*(b.sources for b in bindings)):
            bound = tuple(replace(b, sources=(s,)) for b, s in zip(bindings, sources, strict=True))
            one = replace(query, bindings=bound)
            singles.append(Single(question=replace(self, text=print_query(one)), query=one))
        return tuple(singles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """A question about one combination of coverages, which has one result at most."""

    question: Question
    query: syntax.Query

    @property
    def encoded(self) -> bool:
        """Whether the result is a file."""
        return isinstance(self.query.result, syntax.Encode | syntax.Polygonize)

    @property
    def described(self) -> bool:
        """Whether the result is a description."""
        return isinstance(self.query.result, syntax.Describe)

    def returning(self, result: syntax.Expr, *, where: bool = True) -> Question:
        """Return the question with another result, by choice without its `where`."""
        kept = self.query.where if where else None
        text = print_query(replace(self.query, result=result, where=kept))
        return replace(self.question, text=text)


def question_of(
    text: str, *, compat: Rules = None, uploads: Files = (), cube: str | None = None
) -> Question:
    """Return a question; about a `cube`, a text without `for` is completed.

    An expression, or `let ...`, `where ...` and `return ...`, is then about `$c`, the cube.

    Raises
    ------
    InvalidParameterError
        If `compat` is something else, or an upload cannot be read.
    """
    if compat not in (None, "rasdaman"):
        raise InvalidParameterError(
            f"compat {compat!r} is not allowed; allowed are None and 'rasdaman'",
            parameter="compat",
        )
    if cube is not None and not _WHOLE.match(text):
        clauses = text if _CLAUSES.match(text) else f"return {text}"
        text = f"for $c in ({cube})\n{clauses}"
    made = tuple(upload(str(n), file) for n, file in enumerate(uploads, start=1))
    return Question(text=text, compat=compat, uploads=made)


def level_of(name: str) -> Level:
    """Return how much is told of a query.

    Raises
    ------
    InvalidParameterError
        If `name` is something else than `plan` or `cost`.
    """
    if name not in tuple(Level):
        raise InvalidParameterError(
            f"explain {name!r} is not allowed; allowed are {', '.join(Level)}", parameter="explain"
        )
    return Level(name)


def upload(name: str, file: bytes | str | PathLike[str]) -> Upload:
    """Return a file as the positional parameter of that number.

    Raises
    ------
    InvalidParameterError
        If it cannot be read.
    """
    if isinstance(file, bytes):
        return Upload(name=name, body=file)
    try:
        return Upload(name=name, body=Path(file).read_bytes())
    except OSError as error:
        raise InvalidParameterError(
            f"file {str(file)!r} cannot be read: {error.strerror}", parameter=name
        ) from error


def numbers(values: Mapping[str, Number]) -> Numbers:
    """Return the number of one band alone, those of several by name."""
    return next(iter(values.values())) if len(values) == 1 else dict(values)


def gathered(question: Question, results: Iterable[Result]) -> Result | list[Result]:
    """Return one result as it is; those of a query over several coverages as a list.

    None where the one result's `where` did not hold.
    """
    found = list(results)
    if len(found) > 1 or len(question.single()) > 1:
        return found
    return found[0] if found else None


def decoded_type(dtype: str) -> str:
    """Return the NumPy name of the type in which nulls of a type are NaN.

    >>> decoded_type("int16"), decoded_type("uint32"), decoded_type("bool")
    ('float32', 'float64', 'bool')
    """
    made = np.dtype(dtype)
    if made.kind in "iu":
        return "float32" if made.itemsize <= 2 else "float64"
    return "float32" if dtype == "float16" else dtype
