"""What came, and what may stand there, in words instead of names of terminals."""

from collections.abc import Collection
from types import MappingProxyType

from lark import Token

from datacube.wcps.syntax import Span

SHOWN_CHARACTERS = 40
"""Most that a message repeats of the query."""

_EXPRESSION = frozenset(
    [
        "VARIABLE",
        "NAME",
        "NUMBER",
        "TEXT",
        "SYMBOL",
        "LPAR",
        "LBRACE",
        "STRUCT",
        "PLUS",
        "MINUS",
        "NOT",
        "CAST",
        "DECODE",
        "SWITCH",
        "FLIP",
        "SORT",
        "CONDENSE",
        "COVERAGE",
        "POLYGON",
        "MULTIPOLYGON",
        "LINESTRING",
    ]
)
_OPERATORS = frozenset(
    [
        "PLUS",
        "MINUS",
        "STAR",
        "SLASH",
        "DIV",
        "MOD",
        "COMPARISON",
        "LESS",
        "MORE",
        "AND",
        "OR",
        "XOR",
        "OVERLAY",
        "IS",
        "NULL",
        "WITH",
        "DOT",
        "LSQB",
    ]
)
_WORDS = MappingProxyType(
    {
        "VARIABLE": "a variable",
        "NAME": "a name",
        "NUMBER": "a number",
        "TEXT": "a text in quotes",
        "POSITION": "the number of an upload, such as $1",
        "FIELD": "a band",
        "COVERAGE_ID": "the name of a coverage",
        "TYPE_WORDS": "a type, such as float",
        "LPAR": "'('",
        "RPAR": "')'",
        "LBRACE": "'{'",
        "RBRACE": "'}'",
        "LSQB": "'['",
        "RSQB": "']'",
        "COMMA": "','",
        "SEMICOLON": "';'",
        "COLON": "':'",
        "DOT": "'.'",
        "ASSIGN": "':='",
        "STAR": "'*'",
        "PLUS": "'+'",
        "MINUS": "'-'",
        "LESS": "'<'",
        "MORE": "'>'",
        "$END": "the end of the query",
    }
)


_INSTEAD = MappingProxyType(
    {
        "==": "equality is written =",
        "&&": "both is written and",
        "||": "either is written or",
        "!": "negation is written not(...)",
        "<>": "difference is written !=",
        "=>": "at least is written >=",
        "=<": "at most is written <=",
        "**": "a power is written pow($c, 2)",
        "^": "a power is written pow($c, 2)",
        "%": "a remainder is written mod($c, 2)",
        "//": "a whole quotient is written $c div 2, a comment -- or /* */",
        "#": "a comment is written -- or /* */",
        ";": "a query has no semicolon at its end; lets are parted by commas",
        "?": "a choice is written switch case ... return ... default return ...",
        "then": "a choice is written switch case ... return ... default return ...",
        "\u201c": 'quotes are straight: "',
        "\u201d": 'quotes are straight: "',
        "=": "a variable is given a value by :=, a coverage by in",
    }
)
"""What other languages write, and what it is called here."""


def hint(text: str, span: Span) -> str:
    """Return what to write instead of a sign of another language, after a semicolon.

    >>> hint("$c == 5", Span(4, 5))
    '; equality is written ='
    """
    before = text[max(span.start - 1, 0) : span.stop]
    for sign in (before, text[span.start : span.start + 2], text[span.start : span.stop].lower()):
        if sign in _INSTEAD:
            return f"; {_INSTEAD[sign]}"
    return ""


def came(token: Token) -> str:
    """Return a token as a message repeats it."""
    return "the end of the query" if token.type == "$END" else shown(str(token))


def shown(text: str) -> str:
    """Return text of the query in quotes, cut where it is long."""
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."
    return repr(cut)


def expected(accepted: Collection[str]) -> str:
    """Return what may come, in words, from the names of the terminals that may.

    >>> expected({"RPAR", "COMMA"})
    "')' or ','"
    """
    rest = set(accepted)
    parts: list[str] = []
    if {"NUMBER", "NAME", "VARIABLE", "TEXT"} <= rest:
        parts.append("an expression")
        rest -= _EXPRESSION
    elif {"PLUS", "SLASH"} <= rest:
        parts.append("an operator")
        rest -= _OPERATORS
    if {"VARIABLE", "NAME"} <= rest:
        rest.discard("NAME")
    # Keywords are their own words; a list reads best with those before punctuation.
    words = sorted((_WORDS.get(name, f"'{name.lower()}'") for name in rest), key=_rank)
    parts.extend(words)
    if len(parts) < 2:
        return "".join(parts) or "nothing more"
    return f"{', '.join(parts[:-1])} or {parts[-1]}"


def _rank(word: str) -> tuple[int, str]:
    return (0 if word[0] != "'" else 1 if word[1].isalpha() else 2, word)
