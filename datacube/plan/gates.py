"""Conditions without which a cell is null, whatever else would be computed of it."""

from collections.abc import Mapping

from datacube.plan.emptiness import STRICT
from datacube.plan.nodes import Apply, Bands, Literal, Pick, Plan

type Gates = Mapping[tuple[str, int], Pick]
"""Fields that have to be true, by their node's key and their position."""


def common_gates(source: Plan) -> Gates:
    """Return the conditions without which every field of a plan is null in a cell."""
    found = [_needed(source, at) for at in range(len(source.fields))]
    return {key: pick for key, pick in found[0].items() if all(key in one for one in found)}


def truth_gates(plan: Plan, at: int = 0) -> Gates:
    """Return the conditions without which a field of a plan is not true, itself among them."""
    plan, at = _picked(plan, at)
    name = plan.fields[at].name
    itself = Pick(source=plan, field=name, name=f"{plan.key}:{at}")
    found: dict[tuple[str, int], Pick] = {(plan.key, at): itself}
    match plan:
        case Apply(function="and", args=args, compat=False):
            for arg in args:
                found |= truth_gates(arg, _of(arg, at))
        case Apply(function="is not null", args=(arg,), compat=False):
            found |= _needed(arg, _of(arg, at))
        case _:
            pass
    return found


def _needed(plan: Plan, at: int) -> Gates:
    """Return the conditions without which a field of a plan is null in a cell."""
    plan, at = _picked(plan, at)
    match plan:
        case Apply(function="switch", args=(condition, value, Literal(value=None)), compat=False):
            gates = truth_gates(condition, _of(condition, at))
            return {**gates, **_needed(value, _of(value, at))}
        case Apply(function=name, args=args, compat=False, user=None) if name in STRICT:
            parts = (_needed(arg, _of(arg, at)) for arg in args)
            return {key: pick for part in parts for key, pick in part.items()}
        case _:
            return {}


def _picked(plan: Plan, at: int) -> tuple[Plan, int]:
    """Look through the choice of bands."""
    while isinstance(plan, Bands):
        pick = plan.picks[at]
        at = [f.name for f in pick.source.fields].index(pick.field)
        plan = pick.source
    return plan, at


def _of(arg: Plan, at: int) -> int:
    """Return the position of an operand's field: one with a single field goes with every."""
    return min(at, len(arg.fields) - 1)
