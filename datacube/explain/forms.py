"""What is told, as text for people and as JSON for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from datacube.explain.values import Explanation, Level, Outline, Run, Span, Step, Told
from datacube.plan.cost import Cost
from datacube.protocols import Limits

MAX_INDENT = 24
"""Levels of a tree that are indented; deeper ones stand below each other."""
_BOUNDS = ("decoded_bytes", "output_bytes", "memory_bytes", "seconds")
"""Limits that a query is measured by."""
_PLAIN = ("cube", "coverage", "function", "operator", "method", "bands", "value")
"""Facts that need no name beside the operation's."""


def to_json(explanation: Explanation, level: Level = Level.PLAN) -> bytes:
    """Write an explanation as JSON; on level `cost` without the plans."""
    document = {
        "revision": explanation.revision,
        "results": [_told(told, level) for told in explanation.results],
        "results_left_out": explanation.left_out,
        "cost": asdict(explanation.cost),
        "limits": {name: getattr(explanation.limits, name) for name in _BOUNDS},
        "refused": bool(explanation.refusal),
        "refusal": explanation.refusal or None,
    }
    if level is Level.PLAN:
        document["rules"] = dict(explanation.rules)
    return json.dumps(document, allow_nan=False, ensure_ascii=False, indent=1).encode()


def _told(told: Told, level: Level) -> dict[str, object]:
    made: dict[str, object] = {"result": told.result}
    if told.condition is not None:
        made["where"] = _told(told.condition, level)
    if told.cost is not None:
        made["cost"] = asdict(told.cost)
    if told.run is not None:
        made["runs"] = asdict(told.run)
    made["scenes"] = told.scenes
    made["notes"] = list(told.notes)
    if level is Level.PLAN and told.outline is not None:
        made["plan"] = {
            "steps": [_step(step) for step in told.outline.steps],
            "nodes": told.outline.nodes,
            "left_out": dict(told.outline.left_out),
        }
    return made


def _step(step: Step) -> dict[str, object]:
    return {
        "step": step.number,
        "operation": step.operation,
        **dict(step.facts),
        "axes": [asdict(span) for span in step.spans],
        "fields": [{"name": name, "type": dtype} for name, dtype in step.fields],
        "inputs": list(step.inputs),
        "inputs_left_out": step.left_out,
    }


def to_text(explanation: Explanation, level: Level = Level.PLAN) -> str:
    """Write an explanation for people; on level `cost` without the plans."""
    return "\n".join(_lines(explanation, level)) + "\n"


def _lines(explanation: Explanation, level: Level) -> Iterator[str]:
    yield f"revision {explanation.revision}"
    if not explanation.results:
        yield "no result: no combination of the coverages meets the where"
    for at, told in enumerate(explanation.results, start=1):
        yield ""
        yield from _told_lines(f"result {at}", told, level)
    if explanation.left_out:
        yield f"\nand {explanation.left_out:,} more results"
    yield ""
    yield f"in all: {_cost(explanation.cost)}"
    yield f"limits: {_limits(explanation.limits)}"
    yield f"REFUSED: {explanation.refusal}" if explanation.refusal else "within the limits"
    if level is Level.PLAN and explanation.rules:
        rules = ", ".join(f"{name} {times}" for name, times in explanation.rules)
        yield f"rules applied, how often: {rules}"


def _told_lines(title: str, told: Told, level: Level) -> Iterator[str]:
    yield f"{title}: {told.result}"
    if told.cost is not None:
        yield f"  cost: {_cost(told.cost)}; {told.scenes:,} scenes"
    if told.run is not None:
        yield f"  runs: {_run(told.run)}"
        for one in told.run.reductions:
            times = f"{one.times:,} times " if one.times > 1 else ""
            yield (
                f"    first: {times}{one.operator} to {one.cells:,} "
                f"{'cell' if one.cells == 1 else 'cells'}, {_blocks(one.parts * one.steps)}"
            )
    for note in told.notes:
        yield f"  note: {note}"
    if level is Level.PLAN and told.outline is not None:
        yield "  plan:"
        for line in _tree(told.outline):
            yield f"    {line}"
    if told.condition is not None:
        for line in _told_lines("where", told.condition, level):
            yield f"  {line}"


def _tree(outline: Outline) -> Iterator[str]:
    """Yield the steps, each below the one that it is an input of; a shared one once."""
    steps = {step.number: step for step in outline.steps}
    seen: set[int] = set()
    todo: list[tuple[int, int, int]] = [(1, 0, 0)] if steps else []
    while todo:
        number, depth, left_out = todo.pop()
        pad = "  " * min(depth, MAX_INDENT)
        if left_out:
            yield f"{pad}... {left_out:,} more inputs"
            continue
        step = steps[number]
        if number in seen:
            yield f"{pad}{step.operation}: see #{number}"
            continue
        seen.add(number)
        yield f"{pad}#{number} {_said(step)}"
        if step.operation == "scan":
            yield from (f"{pad}     {_span(span)}" for span in step.spans)
        if step.left_out:
            todo.append((0, depth + 1, step.left_out))
        todo.extend((number, depth + 1, 0) for number in reversed(step.inputs))
    if outline.left_out:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in outline.left_out)
        yield f"({len(steps):,} of {outline.nodes:,} steps; not shown: {kinds})"


def _said(step: Step) -> str:
    known = {span.low for span in step.spans} | {span.high for span in step.spans}
    facts = ", ".join(
        _value(value) if name in _PLAIN else f"{name} {_value(value)}"
        for name, value in step.facts
        if not (name in ("first", "last") and value in known)
    )
    shape = " x ".join(f"{span.axis} {span.cells:,}" for span in step.spans) or "one number"
    bands = ", ".join(f"{name} {dtype}".strip() for name, dtype in step.fields)
    return f"{step.operation} {facts} -> {shape}; {bands}"


def _value(value: str | int | tuple[str, ...]) -> str:
    match value:
        case tuple():
            return " ".join(value)
        case int():
            return f"{value:,}"
        case _:
            return value


def _span(span: Span) -> str:
    unit = f" {span.unit}" if span.unit else ""
    return (
        f"{span.axis}: {span.cells:,} cells, indices {span.first}:{span.last}, "
        f"{_number(span.low)} to {_number(span.high)}{unit}"
    )


def _number(number: float | str) -> str:
    return number if isinstance(number, str) else f"{number:.10g}"


def _cost(cost: Cost) -> str:
    return (
        f"{cost.chunks:,} chunks, {_bytes(cost.decoded_bytes)} decoded, "
        f"{_bytes(cost.output_bytes)} of cells out, {_bytes(cost.peak_memory_bytes)} at the peak"
    )


def _limits(limits: Limits) -> str:
    return (
        f"{_bytes(limits.decoded_bytes)} decoded, {_bytes(limits.output_bytes)} of cells out, "
        f"{_bytes(limits.memory_bytes)} at the peak, {limits.seconds:g} s"
    )


def _bytes(size: int) -> str:
    return f"{size:,} B" if size < 10_000 else f"{size / 1e6:,.2f} MB"


def _blocks(number: int) -> str:
    return f"{number:,} {'block' if number == 1 else 'blocks'}"


def _run(run: Run) -> str:
    blocks = "more blocks than are counted" if run.blocks is None else _blocks(run.blocks)
    match run.where:
        case "dask":
            return f"on Dask when Python computes it, {blocks}"
        case "threads":
            return f"on {run.threads} threads, {blocks}"
        case _:
            return "inline, one block"
