"""Key-value pairs of a query string or a form, read as OGC services spell them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self
from urllib.parse import parse_qsl

from datacube.errors import InvalidParameterError

MAX_PAIRS = 500
"""More pairs than any client sends."""
MAX_VALUE_CHARACTERS = 500_000
"""Length of one value; a WCPS query is the longest."""
_NUMBERED = re.compile(r"\d{1,4}$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Kvp:
    """Parameters in the order they came; keys are compared without case."""

    pairs: tuple[tuple[str, str], ...]
    """`(key in lower case, value)`; values are decoded."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a query string or the body of an `application/x-www-form-urlencoded` form.

        `+` is a space. Pairs with an empty key are dropped, empty values are kept.

        Raises
        ------
        InvalidParameterError
            If there are too many pairs, a value is too long, or one holds
            characters that no XML answer could repeat.
        """
        try:
            found = parse_qsl(
                text,
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_PAIRS,
            )
        except UnicodeDecodeError as error:
            raise InvalidParameterError("the parameters are not UTF-8") from error
        except ValueError as error:
            raise InvalidParameterError(
                f"more than {MAX_PAIRS} parameters; allowed are {MAX_PAIRS}"
            ) from error
        pairs = tuple((key.strip().casefold(), value) for key, value in found if key.strip())
        for key, value in pairs:
            _check(key, value)
        return cls(pairs=pairs)

    @classmethod
    def of(cls, **parameters: str) -> Self:
        """Return the given parameters.

        >>> Kvp.of(SERVICE="WMS").one("service")
        'WMS'
        """
        return cls(pairs=tuple((key.casefold(), value) for key, value in parameters.items()))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._values

    @cached_property
    def _values(self) -> Mapping[str, frozenset[str]]:
        """The different values of each key, without blanks around them."""
        found: dict[str, frozenset[str]] = {}
        for key, value in self.pairs:
            found[key] = found.get(key, frozenset()) | {value.strip()}
        return found

    def one(self, name: str, *, default: str | None = None) -> str:
        """Return the value of a parameter; absent or empty gives the default.

        Raises
        ------
        InvalidParameterError
            If it is absent without a default, or given with different values.
        """
        values = self._values.get(name.casefold(), frozenset())
        if len(values) > 1:
            raise InvalidParameterError(
                f"{name.upper()} is given {len(values)} times with different values; "
                "allowed is one value",
                parameter=name.upper(),
            )
        value = next(iter(values), "")
        if value:
            return value
        if default is None:
            raise MissingParameterError(name)
        return default

    def present(self, name: str) -> str | None:
        """Return the value of a parameter, which may be empty, or None where it is absent."""
        return self.one(name, default="") if name in self else None

    def many(self, name: str) -> tuple[str, ...]:
        """Return the values of a parameter that may be repeated or numbered.

        >>> Kvp.parse("subset=a(1)&SUBSET0=b(2)&Subset12=c(3)").many("subset")
        ('a(1)', 'b(2)', 'c(3)')
        """
        stem = name.casefold()
        return tuple(
            value.strip()
            for key, value in self.pairs
            if key == stem or (key.startswith(stem) and _NUMBERED.fullmatch(key[len(stem) :]))
            if value.strip()
        )


class MissingParameterError(InvalidParameterError):
    """A parameter that the operation needs is absent or empty."""

    code = "missing-parameter"

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message or f"parameter {name.upper()} is missing", parameter=name.upper())


def as_of(kvp: Kvp) -> int | None:
    """Return the catalogue revision that a request asks for, or None for the newest.

    Raises
    ------
    InvalidParameterError
        If `as_of` is not a non-negative integer.
    """
    text = kvp.one("as_of", default="")
    return integer(text, "AS_OF", low=0, high=2**53) if text else None


def integer(text: str, name: str, *, low: int, high: int) -> int:
    """Read an integer within closed bounds.

    Raises
    ------
    InvalidParameterError
        If `text` is no integer or out of bounds.
    """
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        value = int(text)
        if low <= value <= high:
            return value
    raise InvalidParameterError(
        f"{name} {shown(text)} is not allowed; allowed are integers from {low} to {high}",
        parameter=name,
    )


def shown(text: str) -> str:
    """Quote a value for a message, cut where it is long."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _check(key: str, value: str) -> None:
    if len(key) > 100 or len(value) > MAX_VALUE_CHARACTERS:
        raise InvalidParameterError(
            f"parameter {shown(key)} has {max(len(key), len(value))} characters; "
            f"allowed are {MAX_VALUE_CHARACTERS}",
            parameter=key[:100].upper() if not _CONTROL.search(key) else "",
        )
    if _CONTROL.search(key) or _CONTROL.search(value):
        raise InvalidParameterError(
            f"parameter {shown(key)} holds control characters; allowed is text",
            parameter="" if _CONTROL.search(key) else key.upper(),
        )
