"""Trims end in the scan: fewer cells, times and slots."""

from dataclasses import replace

from datacube.grid import Window
from datacube.plan.nodes import Plan, Scan, Stack, Trim
from datacube.plan.places import is_timed, slot_cells, stored_window
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
    if is_timed(scan):
        numbers = kept_indices(scan.domain.outer[0], domain.outer[0])
        if numbers is not None:
            stacks = tuple(stacks[i] for i in numbers)
    trimmed = replace(scan, domain=domain, stacks=stacks)
    stored = stored_window(trimmed, domain.window)
    return replace(trimmed, stacks=tuple(_touching(scan, stack, stored) for stack in stacks))


def _touching(scan: Scan, stack: Stack, stored: Window) -> Stack:
    return replace(
        stack, slots=tuple(s for s in stack.slots if slot_cells(scan, s, stored) is not None)
    )
