"""Larger domains on the same lattices."""

from collections.abc import Mapping
from dataclasses import replace

from datacube.axes import RegularAxis
from datacube.errors import OutOfDomainError
from datacube.plan.nodes import Domain, Extend, Plan, Trim


def extend(plan: Plan, ranges: Mapping[int, tuple[int, int]]) -> Plan:
    """Give regular axes, named by position, other ranges of cells; new cells are null.

    Ranges are half-open. A range that is shorter than the axis cuts it.

    Raises
    ------
    OutOfDomainError
        If a range has no cell in common with its axis.
    """
    larger = smaller = plan.domain
    for at, (first, stop) in ranges.items():
        axis = plan.domain.axes[at]
        if not isinstance(axis, RegularAxis):
            raise TypeError(f"axis {axis.name!r} is not regular")
        begin, end = max(first, axis.first), min(stop, axis.stop)
        if begin >= end:
            raise OutOfDomainError(
                f"cells {first}:{stop - 1} miss axis {axis.name!r} with "
                f"{axis.first}:{axis.stop - 1}"
            )
        smaller = smaller.having(at, replace(axis, first=begin, size=end - begin))
        larger = larger.having(at, replace(axis, first=first, size=stop - first))
    if smaller != plan.domain:
        plan = Trim(source=plan, domain=smaller)
    return plan if larger == smaller else Extend(source=plan, domain=larger)


def padded(plan: Plan, hulls: Mapping[int, tuple[int, int]]) -> Plan:
    """Extend regular axes so that they hold half-open ranges too."""
    domain: Domain = plan.domain
    ranges = {}
    for at, (first, stop) in hulls.items():
        axis = domain.axes[at]
        ranges[at] = min(first, axis.first), max(stop, axis.stop)
    return extend(plan, ranges)
