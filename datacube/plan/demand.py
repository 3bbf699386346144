"""What evaluating a window of a plan asks of the nodes below."""

from collections import Counter

from datacube.grid import Window
from datacube.plan.nodes import Plan, children, distinct
from datacube.plan.windows import inputs

type At = tuple[str, Window]
"""The key of a node and a window of its cells."""


def demand(plan: Plan, window: Window) -> dict[At, Plan]:
    """Return what evaluating a window asks for, from top to bottom."""
    found: dict[At, Plan] = {}
    todo = [(plan, window)]
    while todo:
        node, part = todo.pop()
        if (node.key, part) not in found:
            found[node.key, part] = node
            todo.extend(inputs(node, part))
    return found


def common(plans: tuple[Plan, ...], first: Window, last: Window) -> frozenset[At]:
    """Return what two windows of plans both ask for, the topmost nodes only."""
    made: set[At] = set()
    for plan in plans:
        other = demand(plan, last)
        todo, seen = [(plan, first)], set[At]()
        while todo:
            node, part = todo.pop()
            if (node.key, part) in seen:
                continue
            seen.add((node.key, part))
            if (node.key, part) in other:
                made.add((node.key, part))
            else:
                todo.extend(inputs(node, part))
    return frozenset(made)


def repeated(plan: Plan) -> frozenset[str]:
    """Return the keys of the nodes that more than one place of a plan uses."""
    uses = Counter(child.key for node in distinct(plan) for child in children(node))
    return frozenset(key for key, count in uses.items() if count > 1)
