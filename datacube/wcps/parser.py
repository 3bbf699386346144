"""From the text of a query to its syntax tree.

Source of the language: OGC 08-068r2 (WCPS 1.0), the constructor of WCPS 1.1 as the OGC
conformance suite spells it, and the documentation of rasdaman.
"""

import logging
import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import NoReturn, cast

from lark import Lark, Token, logger
from lark.exceptions import UnexpectedInput, UnexpectedToken

from datacube.errors import LimitExceededError, QuerySyntaxError
from datacube.wcps import syntax
from datacube.wcps.build import Geometries, Operators, Postfixes
from datacube.wcps.expected import came, expected, hint, shown
from datacube.wcps.places import line_and_column, locate
from datacube.wcps.raw import MisplacedError, span_of
from datacube.wcps.statements import Coverages, Expressions, Queries
from datacube.wcps.syntax import Query, Span

MAX_CHARACTERS = 500_000
"""Longest query; those of people have hundreds."""
MAX_WORDS = 60_000
"""Most words and signs of a query, at about 25 us each; a text or a comment is one."""
MAX_DEPTH = 200
"""Deepest nesting, of brackets and of the tree: whoever walks a tree may recurse."""

# A text or comment that is never closed is taken to the end, so that none is looked at twice.
_BRACKETS = re.compile(
    r"""(?P<open>[(\[{]) | (?P<close>[)\]}])
    | "[^"\\]*(?:\\.[^"\\]*)*"? | '[^'\\]*(?:\\.[^'\\]*)*'?
    | --(?!\d+--)[^\n]* | /\*(?:.*?\*/|.*)""",
    re.VERBOSE | re.DOTALL,
)

_WORDS = re.compile(
    r"""[\w$]+ | "[^"\\]*(?:\\.[^"\\]*)*"? | '[^'\\]*(?:\\.[^'\\]*)*'?
    | --(?!\d+--)[^\n]* | /\*(?:.*?\*/|.*) | \S""",
    re.VERBOSE | re.DOTALL,
)


class _Builder(Operators, Postfixes, Geometries, Expressions, Coverages, Queries):
    """The methods that lark calls, one a rule."""


def parse(text: str) -> Query:
    """Read a query.

    Raises
    ------
    QuerySyntaxError
        If the text is not WCPS. The message says what came and what was expected; a note on
        the error shows the place.
    LimitExceededError
        If the text has more than `MAX_CHARACTERS` or `MAX_WORDS`, or is nested deeper than
        `MAX_DEPTH`.
    """
    if len(text) > MAX_CHARACTERS:
        raise LimitExceededError(
            f"the query has {len(text):,} characters; {MAX_CHARACTERS:,} are allowed"
        )
    _check_words(text)
    _check_brackets(text)
    try:
        query: Query = _lark().parse(text)  # type: ignore[assignment]  # the builder makes it
    except MisplacedError as error:
        _refuse(text, str(error), error.span)
    except UnexpectedInput as error:
        _explain(text, error)
    _check_depth(query, text)
    return query


@cache
def _lark() -> Lark:
    """Return the parser, made once a process; parsing keeps no state in it."""
    # pygeofilter, which pygeoapi imports, lets lark tell each shift of a grammar it resolves.
    logger.setLevel(logging.WARNING)
    return Lark(
        Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
        parser="lalr",
        start="query",
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=_Builder(),
    )


def _check_words(text: str) -> None:
    for number, found in enumerate(_WORDS.finditer(text), start=1):
        if number > MAX_WORDS:
            error = LimitExceededError(
                f"the query has more than {MAX_WORDS:,} words and signs; name what comes often "
                "with let, or ask in several queries"
            )
            locate(error, text, Span(found.start(), found.end()))
            raise error


def _check_brackets(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found.lastgroup == "open":
            depth += 1
            if depth > MAX_DEPTH:
                _too_deep(text, Span(found.start(), found.end()))
        elif found.lastgroup == "close":
            depth -= 1


_CHILDREN: dict[type, tuple[str, ...]] = {}


def _check_depth(query: Query, text: str) -> None:
    """Refuse a tree that is too deep, without recursion.

    Brackets are not all: `- - - $c`, `$c.a.a.a` and `$a + $b - $a + $b` nest without them.
    """
    level: list[object] = [query]
    depth = 0
    while level:
        depth += 1
        below: list[object] = []
        for node in level:
            if depth > MAX_DEPTH:
                _too_deep(text, node.span)  # type: ignore[attr-defined]  # every node has one
            for name in _children(type(node)):
                child = getattr(node, name)
                below.extend(child if isinstance(child, tuple) else (child,))
        level = [node for node in below if hasattr(node, "span")]


def _children(kind: type) -> tuple[str, ...]:
    names = _CHILDREN.get(kind)
    if names is None:
        names = () if kind is syntax.Wkt else tuple(f.name for f in fields(kind) if f.compare)
        _CHILDREN[kind] = names
    return names


def _too_deep(text: str, span: Span) -> NoReturn:
    line, column = line_and_column(text, span.start)
    error = LimitExceededError(
        f"line {line}, column {column}: the query is nested more than {MAX_DEPTH} deep;"
        " name parts of it with let"
    )
    locate(error, text, span)
    raise error


def _refuse(text: str, message: str, span: Span) -> NoReturn:
    line, column = line_and_column(text, span.start)
    error = QuerySyntaxError(message, line=line, column=column)
    locate(error, text, span)
    raise error from None


def _explain(text: str, error: UnexpectedInput) -> NoReturn:
    """Raise what lark found as our error, in words."""
    accepted = error.interactive_parser.accepts()  # type: ignore[no-untyped-call]  # lark's gap
    wanted = expected(accepted)
    match error:
        case UnexpectedToken(token=Token() as token):
            span = span_of(token)
            if token.type == "$END":
                end = len(text.rstrip())
                span = Span(end, end + 1)
            found = came(token)
        case _:
            place = cast("int", error.pos_in_stream)  # lark declares no type
            span = Span(place, place + 1)
            found = shown(text[place])
    # The slash of `/*` was taken for a division where one may stand.
    begin = span.start - text.startswith("/*", max(span.start - 1, 0))
    if text.startswith("/*", begin):
        _refuse(text, "the comment that begins with /* is never closed", Span(begin, begin + 2))
    if text[begin : begin + 1] in ('"', "'") and span.stop == begin + 1:
        _refuse(text, f"the text that begins with {text[begin]} is never closed", span)
    _refuse(text, f"expected {wanted}, not {found}{hint(text, span)}", span)
