"""What each kind of node says of itself."""

from collections.abc import Iterable
from typing import assert_never

import shapely
from pyproj import CRS

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.explain.values import Span
from datacube.plan.nodes import (
    Affine,
    Apply,
    Bands,
    Construct,
    Coordinate,
    Extend,
    Flip,
    Gather,
    Held,
    Literal,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Relabel,
    Resample,
    Scan,
    Slice,
    Sort,
    Source,
    Spread,
    Table,
    Take,
    Trim,
)
from datacube.times import iso_text

LISTED = 12
"""Entries of a list that are shown."""
CHARACTERS = 80
"""Of a name, a number or a CRS that are shown."""

type Facts = tuple[tuple[str, str | int | tuple[str, ...]], ...]


def cut(text: str) -> str:
    """Return the beginning of a text.

    >>> len(cut("x" * 1000)) == CHARACTERS
    True
    """
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 3]}..."


def some(items: Iterable[object]) -> tuple[str, ...]:
    """Return the first entries of a list, and how many follow.

    >>> some(range(14))[-2:]
    ('11', '2 more')
    """
    texts = [cut(str(item)) for item in items]
    rest = len(texts) - LISTED
    return (*texts[:LISTED], f"{rest:,} more") if rest > 0 else tuple(texts)


def span(axis: Axis) -> Span:
    """Return where the cells of an axis lie, as users see it."""
    match axis:
        case RegularAxis(index=index):
            low, high = axis.extent
            return _span(axis, low, high, "" if index else axis.uom)
        case IrregularAxis(uom=uom):
            return _span(axis, *axis.extent, uom)
        case TimeAxis():
            first, last = axis.ends
            return _span(axis, iso_text(first), iso_text(last), "")
        case _:
            assert_never(axis)


def _span(axis: Axis, low: float | str, high: float | str, unit: str) -> Span:
    return Span(
        axis=cut(axis.name),
        cells=axis.size,
        first=axis.first,
        last=axis.stop - 1,
        low=low,
        high=high,
        unit=unit,
    )


def facts(node: Plan) -> Facts:
    """Return what a node does, in the terms of the language and of cubes."""
    match node:
        case Scan():
            return _scan(node)
        case Source(coverage_id=coverage_id, bands=bands):
            return (("coverage", cut(coverage_id)), ("bands", some(b.name for b in bands)))
        case Bands(picks=picks):
            return (("bands", some(dict.fromkeys(pick.name for pick in picks))),)
        case Apply(function=function, user=user):
            return (("function", cut(function)), *((("by", "the operator"),) if user else ()))
        case Reduce():
            return _reduce(node)
        case Resample(source=source, grid=grid, method=method):
            before = source.domain.plane
            size = f"{before.y.size} x {before.x.size} to {grid.y.size} x {grid.x.size}"
            warp = () if before.crs == grid.crs else (("crs", _crs(grid.crs)),)
            return (("method", method.value), ("cells", size), *warp)
        case Mosaic(members=members):
            return (("sources", len(members)),)
        case Literal(value=value):
            return (("value", "null" if value is None else cut(str(value))),)
        case Coordinate(axis=at, index=index, domain=domain):
            return (("axis", domain.axes[at].name), ("gives", "index" if index else "coordinate"))
        case Held(domain=domain):
            return (("cells", domain.size),)
        case _:
            return _moved(node)


def _scan(node: Scan) -> Facts:
    times = [stack.time for stack in node.stacks if stack.time is not None]
    slots = {slot.number for stack in node.stacks for slot in stack.slots}
    told: Facts = (
        ("cube", cut(node.cube)),
        ("group", node.group.name),
        ("level", node.level),
        ("bands", some(f"{band.name} ({band.dtype})" for band in node.bands)),
        ("slots", len(slots)),
    )
    if not times:
        return told
    first, last = iso_text(min(times)), iso_text(max(times))
    return (*told, ("times", len(times)), ("first", first), ("last", last))


def _reduce(node: Reduce) -> Facts:
    names = some(node.source.domain.axes[at].name for at in node.axes)
    told: Facts = (("operator", node.operator), ("along", names))
    if node.parameters:
        told = (*told, ("parameters", some(f"{p:g}" for p in node.parameters)))
    return (*told, ("where", "the second input is true")) if node.where is not None else told


def _moved(
    node: Trim | Slice | Extend | Spread | Relabel | Take | Gather | Flip | Sort | Construct | Mask,
) -> Facts:
    match node:
        case Trim() | Extend() | Relabel():
            old = {axis.name: axis for axis in node.source.domain.axes}
            changed = [axis for axis in node.domain.axes if old.get(axis.name) != axis]
            return (("axes", some(axis.name for axis in changed or node.domain.axes)),)
        case Slice(source=source, axis=at, index=index):
            return (("axis", source.domain.axes[at].name), ("index", index))
        case Spread(domain=domain, places=places):
            new = (axis.name for at, axis in enumerate(domain.axes) if at not in places)
            return (("along", some(new)),)
        case Take(source=source, axis=at):
            return (("axis", source.domain.axes[at].name), ("index", _index(node)))
        case Gather(source=source, axes=axes, cells=cells):
            names = some(source.domain.axes[at].name for at in axes)
            return (("axes", names), ("cells", len(cells)))
        case Flip(source=source, axis=at):
            return (("axis", source.domain.axes[at].name),)
        case Sort(source=source, axis=at, descending=descending):
            order = "descending" if descending else "ascending"
            return (("axis", source.domain.axes[at].name), ("order", order))
        case Construct(parts=parts, axes=axes):
            return (("along", some(axis.name for axis in axes)), ("parts", len(parts)))
        case Mask(source=source, area=area, rows=rows, cols=cols):
            shape = shapely.from_wkb(area)
            names = (source.domain.axes[rows].name, source.domain.axes[cols].name)
            return (
                ("area", shape.geom_type.lower()),
                ("points", int(shapely.get_num_coordinates(shape))),
                ("in", names),
            )
        case _:
            assert_never(node)


def _index(node: Take) -> str:
    axes = node.domain.axes
    match node.index:
        case Affine(offset=offset, terms=terms):
            parts = [
                axes[at].name if factor == 1 else f"{factor} * {axes[at].name}"
                for at, factor in terms
            ]
            return cut(" + ".join([*parts, *([str(offset)] if offset or not parts else [])]))
        case Table(indices=indices):
            return f"a table of {len(indices):,} indices"


def _crs(crs: CRS) -> str:
    found = crs.to_authority()
    return cut(":".join(found) if found else crs.name)
