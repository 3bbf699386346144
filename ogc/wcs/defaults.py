"""Places that are taken on axes of which a request says nothing (WCS before 2.0)."""

from collections.abc import Iterable

from datacube.axes import TimeAxis
from datacube.cube import Coverage
from datacube.encode.described import first_coordinate
from datacube.plan.names import is_time
from datacube.plan.query import Slice, Trim
from datacube.times import iso_text, parse_period
from ogc.xml import number


def default_subsets(
    given: Iterable[Trim | Slice], coverage: Coverage
) -> tuple[tuple[Slice, ...], tuple[str, ...]]:
    """Return slices of the axes that none of `given` cuts, and a note of each.

    The newest acquisition, and the first place of every other axis before the plane.
    """
    named = {"time" if is_time(one.axis) else one.axis.casefold() for one in given}
    slices: list[Slice] = []
    notes: list[str] = []
    for axis in coverage.outer_axes:
        name = "time" if isinstance(axis, TimeAxis) else axis.name
        if name.casefold() in named:
            continue
        if isinstance(axis, TimeAxis):
            text = iso_text(axis.ends[1])
            slices.append(Slice(axis=axis.name, at=parse_period(text)))
        else:
            place = first_coordinate(axis)
            text = number(place)
            slices.append(Slice(axis=axis.name, at=place))
        notes.append(f"Default value used: {name}={text}")
    return tuple(slices), tuple(notes)
