"""Reductions that are done before what uses them: small ones once, those of one block together."""

from datacube.grid import Window
from datacube.plan.blocks import is_small, steps, tiling
from datacube.plan.nodes import Plan, Reduce, Scan, children, distinct
from datacube.plan.windows import inputs


def small_reductions(plan: Plan, window: Window) -> tuple[tuple[Reduce, Window], ...]:
    """Return the small reductions that a window of a plan needs, those within others first.

    Each with the hull of the cells that are asked of it.
    """
    if not _reduces(plan):
        return ()
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


type Group = tuple[tuple[Reduce, Window], ...]
"""Reductions of one window that go through the same cells in the same steps."""


def small_groups(plan: Plan, window: Window) -> tuple[Group, ...]:
    """Return `small_reductions`, with those together that are done in one pass.

    They have equal windows, steps and parts, read a scan in common, and none needs the
    result of another.
    """
    return _grouped(small_reductions(plan, window))


def block_groups(plan: Plan, window: Window) -> tuple[Group, ...]:
    """Return the reductions of a block that are done in one pass, two or more a group.

    They are not small, and asked for in equal windows. What only a step of another
    reduction needs is not among them.
    """
    if not _reduces(plan):
        return ()
    wanted: dict[Window, dict[str, Reduce]] = {}
    todo = [(plan, window)]
    seen: set[tuple[str, Window]] = set()
    while todo:
        node, part = todo.pop()
        if (node.key, part) in seen or is_small(node):
            continue
        seen.add((node.key, part))
        if isinstance(node, Reduce):
            wanted.setdefault(part, {})[node.key] = node
        else:
            todo.extend(inputs(node, part))
    groups = [
        group
        for part, nodes in wanted.items()
        for group in _grouped(tuple((node, part) for node in reversed(nodes.values())))
    ]
    return tuple(group for group in groups if len(group) > 1)


def _reduces(plan: Plan) -> bool:
    """Tell whether there is any reduction: most maps have none, and need no windows to know."""
    return any(isinstance(node, Reduce) for node in distinct(plan))


def _grouped(reductions: Group) -> tuple[Group, ...]:
    if len(reductions) == 1:
        return (reductions,)
    groups: list[list[tuple[Reduce, Window]]] = []
    read: list[set[str]] = []
    for node, part in reductions:
        needs, scanned = _below(node)
        first = max((k + 1 for k, group in enumerate(groups) if _meets(group, needs)), default=0)
        for k in range(first, len(groups)):
            if _fits(groups[k][0], (node, part)) and read[k] & scanned:
                groups[k].append((node, part))
                read[k] |= scanned
                break
        else:
            groups.append([(node, part)])
            read.append(scanned)
    return tuple(map(tuple, groups))


def _meets(group: list[tuple[Reduce, Window]], needs: set[str]) -> bool:
    return any(node.key in needs for node, _ in group)


def _fits(one: tuple[Reduce, Window], other: tuple[Reduce, Window]) -> bool:
    (a, window), (b, part) = one, other
    return (
        window == part
        and a.axes == b.axes
        and a.source.domain == b.source.domain
        and steps(a) == steps(b)
        and tiling(a, window) == tiling(b, part)
    )


def _below(node: Reduce) -> tuple[set[str], set[str]]:
    """Return the keys of all nodes below a reduction, and of the scans among them."""
    found = {one.key: one for one in distinct(*children(node))}
    return set(found), {key for key, one in found.items() if isinstance(one, Scan)}
