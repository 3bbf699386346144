"""A plan in steps, as many as a reader can take in."""

from collections import Counter

from datacube.explain.values import Outline, Step
from datacube.explain.words import cut, facts, span
from datacube.plan.nodes import Plan, children, distinct

MAX_STEPS = 120
"""Most steps of one plan that are told, those nearest to its result."""
MAX_INPUTS = 6
"""Most inputs of one step that are told."""
MAX_FIELDS = 20


def outline(plan: Plan) -> Outline:
    """Return a plan's nodes, each part once.

    Of a plan of thousands the steps nearest to the result are told, and of the others how
    many there are of each kind.
    """
    every = {node.key: node for node in distinct(plan)}
    chosen = _chosen(plan)
    numbers = _numbers(plan, chosen)
    left = Counter(_kind(node) for key, node in every.items() if key not in numbers)
    steps = [_step(every[key], numbers) for key in sorted(numbers, key=lambda key: numbers[key])]
    return Outline(steps=tuple(steps), nodes=len(every), left_out=tuple(sorted(left.items())))


def below(node: Plan) -> tuple[Plan, ...]:
    """Return what a node is made of, each part once."""
    return tuple({child.key: child for child in children(node)}.values())


def _chosen(plan: Plan) -> frozenset[str]:
    """Return the steps that are told: level by level from the top."""
    chosen = {plan.key}
    level = [plan]
    while level:
        following: list[Plan] = []
        for node in level:
            for child in below(node)[:MAX_INPUTS]:
                if len(chosen) == MAX_STEPS:
                    return frozenset(chosen)
                if child.key not in chosen:
                    chosen.add(child.key)
                    following.append(child)
        level = following
    return frozenset(chosen)


def _numbers(plan: Plan, chosen: frozenset[str]) -> dict[str, int]:
    """Return the numbers of the chosen steps, as the tree reads."""
    numbers: dict[str, int] = {}
    todo = [plan]
    while todo:
        node = todo.pop()
        if node.key in numbers:
            continue
        numbers[node.key] = len(numbers) + 1
        todo.extend(child for child in reversed(below(node)[:MAX_INPUTS]) if child.key in chosen)
    return numbers


def _kind(node: Plan) -> str:
    return type(node).__name__.lower()


def _step(node: Plan, numbers: dict[str, int]) -> Step:
    parts = below(node)
    inputs = tuple(numbers[p.key] for p in parts[:MAX_INPUTS] if p.key in numbers)
    fields = [(cut(field.name), field.dtype) for field in node.fields[:MAX_FIELDS]]
    if len(node.fields) > MAX_FIELDS:
        fields.append((f"{len(node.fields) - MAX_FIELDS:,} more", ""))
    return Step(
        number=numbers[node.key],
        operation=_kind(node),
        facts=facts(node),
        spans=tuple(map(span, node.domain.axes)),
        fields=tuple(fields),
        inputs=inputs,
        left_out=len(parts) - len(inputs),
    )
