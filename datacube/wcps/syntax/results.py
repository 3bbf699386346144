"""What a query returns, and whole queries."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.wcps.syntax.base import Syntax
from datacube.wcps.syntax.values import Decode, Variable

if TYPE_CHECKING:
    from datacube.wcps.syntax import Expr
    from datacube.wcps.syntax.cuts import Corridor, Curtain, Intervals, Wkt


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode(Syntax):
    """`encode(x, "format"[, "parameters"])`."""

    source: "Expr"
    format: str
    parameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe(Syntax):
    """`describe(x, "gml"[, "parameters"])`."""

    source: "Expr"
    format: str
    parameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding(Syntax):
    """`$c in (A, B)`: the query runs once for each source."""

    variable: str
    sources: tuple[Variable | Decode, ...]
    """Coverage ids (`Variable`, which may hold `host:port:id`) or uploads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Let(Syntax):
    """`$x := value`."""

    variable: str
    value: "Expr | Intervals | Wkt | Curtain | Corridor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Syntax):
    """`for ... let ... where ... return ...`."""

    bindings: tuple[Binding, ...]
    lets: tuple[Let, ...] = ()
    where: "Expr | None" = None
    result: "Expr"
