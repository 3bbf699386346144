"""Numbers, texts and names."""

from dataclasses import dataclass

from datacube.wcps.syntax.base import Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Syntax):
    """A number; negative ones are a `Unary` of a positive one."""

    value: int | float
    suffix: str = ""
    """Type suffix of the literal, such as `uc`, in lower case; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complex(Syntax):
    """`(1.0, 2.0)`."""

    real: float
    imaginary: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol(Syntax):
    """`nan`, `inf`, `true`, `false` or `null`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Syntax):
    """A quoted text, without its quotes and escapes."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Syntax):
    """A name: of a coverage, a `let`, an iterator; as an argument also of an axis or band."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode(Syntax):
    """`decode($1)`: an uploaded file."""

    position: int
    """Number of the positional parameter, from 1."""
