"""What is known to be null before anything is read."""

from itertools import product

from datacube.grid import Window
from datacube.plan.area import touched_parts
from datacube.plan.nodes import (
    Apply,
    Bands,
    Coordinate,
    Held,
    Literal,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Scan,
    Sort,
    Source,
)
from datacube.plan.places import slot_cells, stacks_in, stored_window
from datacube.plan.windows import inputs, reduced_window

STRICT = frozenset(
    {"+", "-", "*", "/", "div", "mod", "pow", "negative", "positive", "abs", "round", "floor"}
    | {"ceil", "sqrt", "exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"}
    | {"arcsin", "arccos", "arctan"}
)
"""Functions that give null wherever an operand is."""


type _Known = dict[tuple[str, Window], bool]
"""What was found, by node and window: parts that are used twice are looked at once."""


def is_null(plan: Plan, window: Window, known: _Known | None = None) -> bool:
    """Tell whether every cell of a window is known to be null: no scene, or beside an area."""
    known = {} if known is None else known
    at = plan.key, window
    if at not in known:
        known[at] = _is_null(plan, window, known)
    return known[at]


def _is_null(plan: Plan, window: Window, known: _Known) -> bool:
    match plan:
        case Scan():
            return not _recorded(plan, window)
        case Literal(value=value):
            return value is None
        case Source() | Held() | Coordinate():
            return False
        case Apply(function=function, args=args, compat=compat):
            strict = function in STRICT and not compat
            return strict and any(is_null(arg, window, known) for arg in args)
        case Reduce(operator=operator, source=source, compat=compat):
            counts = compat or operator == "count"
            return not counts and is_null(source, reduced_window(plan, window), known)
        case Mask(source=source):
            return all(is_null(source, part, known) for part in touched_parts(plan, window))
        case Sort(source=source):
            return all(is_null(s, part, known) for s, part in inputs(plan, window) if s is source)
        case Bands() | Mosaic() | _:
            return all(is_null(source, part, known) for source, part in inputs(plan, window))


def _recorded(scan: Scan, window: Window) -> bool:
    group, level = scan.group, scan.level
    stored = stored_window(scan, window)
    for stack in stacks_in(scan, window):
        for slot in stack.slots:
            part = slot_cells(scan, slot, stored)
            if part is None:
                continue
            ranges = group.shard_window(part, level).ranges
            for band in scan.bands:
                for shard in product(*(range(*span) for span in ranges)):
                    if slot.has_shard(group, level, band.name, shard):
                        return True
    return False
