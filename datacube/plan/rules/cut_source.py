"""Trims and slices of time end in the source: fewer cells and times to ask for."""

from dataclasses import replace

from datacube.axes import TimeAxis
from datacube.plan.nodes import Plan, Slice, Source, Trim


def cut_source(plan: Plan) -> Plan:
    """Ask only for the trimmed domain, and only for the one acquisition of a slice.

    >>> from datacube.plan.rules.examples import part, timed_source
    >>> made = cut_source(Slice(source=timed_source(), axis=0, index=1))
    >>> made.at == timed_source().domain.outer[0].acquisitions[1], made.domain.outer
    (True, ())
    """
    match plan:
        case Trim(source=Source() as source, domain=domain):
            return replace(source, domain=domain)
        case Slice(source=Source() as source, axis=0, index=index):
            outer = source.domain.outer
            if not outer or not isinstance(outer[0], TimeAxis):
                return plan
            return replace(source, at=outer[0].acquisitions[index], domain=plan.domain)
        case _:
            return plan
