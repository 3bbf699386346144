"""What every node of syntax has: the place it was read from."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters of the query's text."""

    start: int
    stop: int


NOWHERE = Span(0, 0)
"""The span of nodes that were made, not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """A node."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)
