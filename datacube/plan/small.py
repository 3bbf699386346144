"""Reductions to few cells, which are done once before the blocks that use them."""

from datacube.grid import Window
from datacube.plan.blocks import is_small
from datacube.plan.nodes import Plan, Reduce
from datacube.plan.windows import inputs


def small_reductions(plan: Plan, window: Window) -> tuple[tuple[Reduce, Window], ...]:
    """Return the small reductions that a window of a plan needs, those within others first.

    Each with the hull of the cells that are asked of it.
    """
    wanted: dict[str, tuple[Reduce, Window]] = {}
    order: dict[str, None] = {}
    todo = [(plan, window, False)]
    seen: set[tuple[str, Window]] = set()
    while todo:
        node, part, done = todo.pop()
        if done:
            order.setdefault(node.key)
            continue
        if (node.key, part) in seen:
            continue
        seen.add((node.key, part))
        if isinstance(node, Reduce) and is_small(node):
            held = wanted.get(node.key)
            wanted[node.key] = node, part if held is None else held[1].hull(part)
            todo.append((node, part, True))
        todo.extend((source, below, False) for source, below in inputs(node, part))
    return tuple(wanted[key] for key in order)
