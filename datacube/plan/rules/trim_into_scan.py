"""Trims end in the scan: fewer cells, times and slots."""

from dataclasses import replace

from datacube.grid import Window
from datacube.plan.nodes import Plan, Scan, Stack, Trim
from datacube.plan.windows import kept_indices


def trim_into_scan(plan: Plan) -> Plan:
    """Scan only the trimmed domain, and only slots that have cells in it.

    >>> from datacube.plan.rules.examples import part, scan
    >>> made = trim_into_scan(Trim(source=scan(), domain=part(2, 4)))
    >>> made.domain == part(2, 4), len(made.stacks)
    (True, 1)
    """
    if not isinstance(plan, Trim) or not isinstance(plan.source, Scan):
        return plan
    scan, domain = plan.source, plan.domain
    stacks = scan.stacks
    if domain.outer:
        numbers = kept_indices(scan.domain.outer[0], domain.outer[0])
        if numbers is not None:
            stacks = tuple(stacks[i] for i in numbers)
    kept = tuple(_touching(scan, stack, domain.plane.window) for stack in stacks)
    return replace(scan, domain=domain, stacks=kept)


def _touching(scan: Scan, stack: Stack, window: Window) -> Stack:
    slots = tuple(
        slot
        for slot in stack.slots
        if (covered := slot.window(scan.group.name)) is not None
        and covered.window.coarser(scan.level).intersect(window) is not None
    )
    return replace(stack, slots=slots)
