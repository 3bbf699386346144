"""Acquisitions that a request lists, one by one or by intervals."""

from collections.abc import Sequence

import numpy as np

from datacube.axes import TimeAxis
from datacube.errors import InvalidParameterError
from datacube.plan.cut import Asked, cut
from datacube.plan.names import axis_position
from datacube.plan.nodes import Plan, Slice, Table, Take
from datacube.protocols import CatalogView


def pick_times(plan: Plan, asked: Sequence[Asked], view: CatalogView) -> Plan:
    """Keep the acquisitions that any of the trims and slices of time selects; the axis stays.

    They come in the order of the axis, each once.

    Raises
    ------
    InvalidParameterError
        If the axis is not one of time.
    TimeSelectionError, UnknownNameError
        If one selects no acquisition, or there is no such axis.
    """
    domain = plan.domain
    at = axis_position(domain, asked[0].axis)
    axis = domain.axes[at]
    if not isinstance(axis, TimeAxis):
        raise InvalidParameterError(
            f"axis {axis.name!r} has no times to choose from", parameter="time"
        )
    chosen: set[int] = set()
    for one in asked:
        made = cut(plan, (one,), view)
        if isinstance(made, Slice):
            chosen.add(made.index)
            continue
        part = made.domain.axes[at]
        if isinstance(part, TimeAxis):
            kept = np.isin(axis.times.references, part.times.references)
            chosen.update(np.flatnonzero(kept).tolist())
    indices = tuple(sorted(chosen))
    if len(indices) == axis.size:
        return plan
    times = axis.keep(indices)
    return Take(
        source=plan,
        axis=at,
        index=Table(axes=(at,), indices=indices),
        domain=domain.having(at, times),
        places=tuple(k for k in range(len(domain.axes)) if k != at),
    )
