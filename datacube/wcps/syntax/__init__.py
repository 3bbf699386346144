"""Queries as they were typed: no types, no catalogue.

Keywords and function names are in lower case, variables without `$`. Runs of one
left-associative operator are flat. Every node has the place it was read from.
"""

from datacube.wcps.syntax.base import (
    NOWHERE,
    Span,
)
from datacube.wcps.syntax.building import (
    Condense,
    Construct,
    Coverage,
    IndexAxis,
    IrregularAxis,
    Iterator,
    Listed,
    Range,
    RangeField,
    RegularAxis,
    ValueList,
)
from datacube.wcps.syntax.cellwise import (
    Between,
    Braces,
    Call,
    Case,
    Cast,
    IsNull,
    NullValues,
    Operation,
    Record,
    RecordField,
    Select,
    Switch,
    Unary,
)
from datacube.wcps.syntax.cuts import (
    AxisCrs,
    AxisMethod,
    AxisPoint,
    AxisTrim,
    Clip,
    Corridor,
    CrsTransform,
    Curtain,
    Extend,
    Flip,
    Intervals,
    Polygonize,
    Position,
    Scale,
    Sort,
    Subset,
    SubsetItem,
    Wkt,
)
from datacube.wcps.syntax.results import (
    Binding,
    Describe,
    Encode,
    Let,
    Query,
)
from datacube.wcps.syntax.values import (
    Complex,
    Decode,
    Number,
    Symbol,
    Text,
    Variable,
)

type Expr = (
    Number
    | Complex
    | Symbol
    | Text
    | Variable
    | Decode
    | Unary
    | Operation
    | Call
    | Braces
    | Between
    | Cast
    | IsNull
    | Select
    | Record
    | Switch
    | NullValues
    | Subset
    | Extend
    | Scale
    | CrsTransform
    | Clip
    | Flip
    | Sort
    | Polygonize
    | Condense
    | Construct
    | ValueList
    | Coverage
    | Encode
    | Describe
)

__all__ = [
    "NOWHERE",
    "AxisCrs",
    "AxisMethod",
    "AxisPoint",
    "AxisTrim",
    "Between",
    "Binding",
    "Braces",
    "Call",
    "Case",
    "Cast",
    "Clip",
    "Complex",
    "Condense",
    "Construct",
    "Corridor",
    "Coverage",
    "CrsTransform",
    "Curtain",
    "Decode",
    "Describe",
    "Encode",
    "Expr",
    "Extend",
    "Flip",
    "IndexAxis",
    "Intervals",
    "IrregularAxis",
    "IsNull",
    "Iterator",
    "Let",
    "Listed",
    "NullValues",
    "Number",
    "Operation",
    "Polygonize",
    "Position",
    "Query",
    "Range",
    "RangeField",
    "Record",
    "RecordField",
    "RegularAxis",
    "Scale",
    "Select",
    "Sort",
    "Span",
    "Subset",
    "SubsetItem",
    "Switch",
    "Symbol",
    "Text",
    "Unary",
    "ValueList",
    "Variable",
    "Wkt",
]
