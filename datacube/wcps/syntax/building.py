"""Aggregation and construction."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.wcps.syntax.base import Syntax

if TYPE_CHECKING:
    from datacube.wcps.syntax import Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Syntax):
    """`low:high[:step]`, both inclusive."""

    low: "Expr"
    high: "Expr"
    step: "Expr | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Syntax):
    """`("2020-01-01", "2020-02-01")`: the places of an iterator, one by one."""

    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Iterator(Syntax):
    """`$t ansi(...)`; the domain may be an expression such as `imageCrsDomain($c, ansi)`."""

    variable: str
    axis: str
    domain: "Range | Listed | Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condense(Syntax):
    """`condense op over iterators [where condition] using value`."""

    operator: str
    """`+ * min max and or xor overlay`, or a reducer of ours such as `median`."""
    iterators: tuple[Iterator, ...]
    where: "Expr | None"
    using: "Expr"
    parameters: tuple["Expr", ...] = ()
    """`condense quantile(0.9) over ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Construct(Syntax):
    """`coverage name over iterators values value`."""

    name: str
    iterators: tuple[Iterator, ...]
    value: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueList(Syntax):
    """`coverage name over iterators value list <1; 2; 1>`, row by row."""

    name: str
    iterators: tuple[Iterator, ...]
    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAxis(Syntax):
    """`x index (1:5)`."""

    name: str
    low: "Expr"
    high: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularAxis(Syntax):
    """`lat regular (-2:2) resolution -0.5`; the extent names outer edges."""

    name: str
    low: "Expr"
    high: "Expr"
    resolution: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class IrregularAxis(Syntax):
    """`d irregular ("2024-01-01", "2024-02-01")`."""

    name: str
    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeField(Syntax):
    """`r quantity int`."""

    name: str
    type: str
    """The type's words with single blanks; empty where none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Syntax):
    """The constructor of WCPS 1.1; axis names are iterators in `range_set`."""

    name: str
    crs: str
    axes: tuple[IndexAxis | RegularAxis | IrregularAxis, ...]
    range_type: tuple[RangeField, ...]
    range_set: "Expr"
