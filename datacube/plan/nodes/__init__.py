"""Bound plans: typed, immutable nodes whose names, CRSs, axes and types are resolved.

Every node knows its `domain` (where its cells lie), its `fields` (what they hold)
and its `key`, a digest made once from its own parts and its children's keys, on
which equality, the memo of a block and ETags rest.
"""

from datacube.plan.nodes.base import POINT, Domain, Field
from datacube.plan.nodes.roots import Colour, Encode, Picture
from datacube.plan.nodes.shape import (
    Affine,
    Construct,
    Extend,
    Flip,
    Gather,
    Relabel,
    Slice,
    Sort,
    Spread,
    Table,
    Take,
    Trim,
)
from datacube.plan.nodes.stored import Held, HeldCells, Scan, Source, Stack, band_field
from datacube.plan.nodes.values import (
    Apply,
    Bands,
    Coordinate,
    Literal,
    Mask,
    Member,
    Mosaic,
    Pick,
    Reduce,
    Resample,
)
from datacube.plan.nodes.walk import (
    children,
    contributing_scenes,
    distinct,
    is_formula,
    leaves,
    rebuilt,
    scans,
    sources,
)

type Plan = (
    Scan
    | Source
    | Held
    | Literal
    | Coordinate
    | Trim
    | Slice
    | Extend
    | Spread
    | Relabel
    | Take
    | Gather
    | Flip
    | Sort
    | Construct
    | Bands
    | Resample
    | Mosaic
    | Mask
    | Apply
    | Reduce
)

__all__ = [
    "POINT",
    "Affine",
    "Apply",
    "Bands",
    "Colour",
    "Construct",
    "Coordinate",
    "Domain",
    "Encode",
    "Extend",
    "Field",
    "Flip",
    "Gather",
    "Held",
    "HeldCells",
    "Literal",
    "Mask",
    "Member",
    "Mosaic",
    "Pick",
    "Picture",
    "Plan",
    "Reduce",
    "Relabel",
    "Resample",
    "Scan",
    "Slice",
    "Sort",
    "Source",
    "Spread",
    "Stack",
    "Table",
    "Take",
    "Trim",
    "band_field",
    "children",
    "contributing_scenes",
    "distinct",
    "is_formula",
    "leaves",
    "rebuilt",
    "scans",
    "sources",
]
