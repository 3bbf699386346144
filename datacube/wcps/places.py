"""Where in a query's text an error is, shown for people."""

import re

from datacube.errors import RequestError, UnknownNameError
from datacube.wcps.syntax import NOWHERE, Span

LINE_CHARACTERS = 100
"""Most of a line that is shown."""


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    r"""Return the line and the place in it of a character, both from 1.

    >>> line_and_column("for $c in (A)\nreturn 1", 14)
    (2, 1)
    """
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


def underline(text: str, span: Span) -> str:
    r"""Return the line in which `span` begins, and below it `^` under the span.

    Long lines are cut around the span, and a span that goes on in the next line is underlined
    to the end of its first. What cannot be printed is shown as a blank.

    >>> print(underline("return 1 + $", Span(11, 12)))
    return 1 + $
               ^
    """
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    line = text[begin : len(text) if end < 0 else end].rstrip()
    first = span.start - begin
    last = max(min(span.stop - begin, len(line)), first + 1)
    cut = max(0, first - LINE_CHARACTERS // 2) if len(line) > LINE_CHARACTERS else 0
    shown = line[cut : cut + LINE_CHARACTERS]
    head = "..." if cut else ""
    tail = "..." if cut + LINE_CHARACTERS < len(line) else ""
    shown = "".join(character if character.isprintable() else " " for character in shown)
    marks = min(last - cut, LINE_CHARACTERS) - (first - cut)
    return f"{head}{shown}{tail}\n{' ' * (len(head) + first - cut)}{'^' * max(marks, 1)}"


def locate(error: RequestError, text: str, span: Span) -> None:
    """Add the underlined place to an error as a note, unless it has a place already.

    Called from the inside out, so the innermost place is the one that is kept. A span of
    nodes that were made and not read adds nothing.
    """
    if span == NOWHERE or any(note.endswith("^") for note in getattr(error, "__notes__", ())):
        return
    error.add_note(underline(text, _named(error, text, span)))


def _named(error: RequestError, text: str, span: Span) -> Span:
    """Return the one place within a span where the name stands that an error is about."""
    if not isinstance(error, UnknownNameError) or not error.name:
        return span
    name = re.compile(rf"\$?(?<!\w){re.escape(error.name)}(?!\w)", re.IGNORECASE)
    found = list(name.finditer(text, span.start, span.stop))
    return Span(*found[0].span()) if len(found) == 1 else span
