"""Rewrites that preserve values bit for bit: one a file, each `Plan -> Plan`."""

from collections.abc import Callable
from dataclasses import replace

from datacube.plan.nodes import Colour, Encode, Picture, Plan, children, rebuilt
from datacube.plan.rules.cut_source import cut_source
from datacube.plan.rules.fold_moves import fold_moves
from datacube.plan.rules.fold_resample import fold_resample
from datacube.plan.rules.fold_take import fold_take
from datacube.plan.rules.fold_trim import fold_trim
from datacube.plan.rules.narrow_source import narrow_source
from datacube.plan.rules.prune_bands import prune_bands
from datacube.plan.rules.resample_below import resample_below
from datacube.plan.rules.slice_below import slice_below
from datacube.plan.rules.slice_below_moves import slice_below_moves
from datacube.plan.rules.slice_into_scan import slice_into_scan
from datacube.plan.rules.trim_below import trim_below
from datacube.plan.rules.trim_below_moves import trim_below_moves
from datacube.plan.rules.trim_below_resample import trim_below_resample
from datacube.plan.rules.trim_into_scan import trim_into_scan

type Rule = Callable[[Plan], Plan]

RULES: tuple[Rule, ...] = (
    fold_trim,
    fold_resample,
    fold_moves,
    fold_take,
    trim_below,
    trim_below_moves,
    trim_below_resample,
    trim_into_scan,
    slice_below,
    slice_below_moves,
    slice_into_scan,
    cut_source,
    narrow_source,
    resample_below,
    prune_bands,
)
"""Each looks at the top of a plan and returns it unchanged where it does not apply."""


def rewrite(plan: Plan, rules: tuple[Rule, ...] = RULES) -> Plan:
    """Apply `rules` everywhere in `plan` until none applies."""
    return _rewrite(plan, rules, {})


def rewrite_encode(encode: Encode, rules: tuple[Rule, ...] = RULES) -> Encode:
    """Rewrite every plan below the root, which keeps its fields and domain."""
    done: dict[str, Plan] = {}
    source = encode.source
    if not isinstance(source, Picture):
        made = _rewrite(source, rules, done)
        return encode if made is source else replace(encode, source=made)
    plans = [_rewrite(layer.source, rules, done) for layer in source.layers]
    if all(new is old.source for new, old in zip(plans, source.layers, strict=True)):
        return encode
    layers = tuple(
        Colour(source=new, rule=old.rule) for new, old in zip(plans, source.layers, strict=True)
    )
    return replace(encode, source=replace(source, layers=layers))


def _rewrite(plan: Plan, rules: tuple[Rule, ...], done: dict[str, Plan]) -> Plan:
    """Rewrite the top, then what is below it, then the top again; shared parts once.

    Without recursion: a plan may be deeper than Python's stack.
    """
    stack = [(plan.key, plan)]
    while stack:
        key, now = stack[-1]
        if key in done:
            stack.pop()
            continue
        now = _at_top(now, rules)
        below = [child for child in children(now) if child.key not in done]
        if below:
            stack[-1] = key, now
            stack.extend((child.key, child) for child in below)
            continue
        made = rebuilt(now, lambda child: done[child.key])
        if made.key == now.key:
            done[key] = done[made.key] = made
            stack.pop()
        else:
            stack[-1] = key, made
    return done[plan.key]


def _at_top(plan: Plan, rules: tuple[Rule, ...]) -> Plan:
    while True:
        before = plan
        for rule in rules:
            plan = rule(plan)
        if plan is before or plan.key == before.key:
            return before
