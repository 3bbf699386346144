"""Slices of time end in the scan: one stack."""

from dataclasses import replace

from datacube.plan.nodes import Plan, Scan, Slice
from datacube.plan.places import is_timed


def slice_into_scan(plan: Plan) -> Plan:
    """Scan only the one stack.

    >>> from datacube.plan.rules.examples import timed_scan
    >>> made = slice_into_scan(Slice(source=timed_scan(), axis=0, index=1))
    >>> made.stacks == timed_scan().stacks[1:], made.domain.outer
    (True, ())
    """
    if not isinstance(plan, Slice) or not isinstance(plan.source, Scan):
        return plan
    scan = plan.source
    # The stored arrays have every other axis.
    if plan.axis != 0 or not is_timed(scan):
        return plan
    return replace(scan, stacks=(scan.stacks[plan.index],), domain=plan.domain)
