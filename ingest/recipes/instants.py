"""When a file's cells are of: from a variable, the file's name, a tag, or the recipe."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacube.errors import CubeError, UnsupportedSourceError
from datacube.times import Acquisition, Period, iso_text, parse_period
from ingest.recipes.cf_time import decode_times
from ingest.recipes.durations import parse_duration
from ingest.recipes.recipe import AxisRecipe, NamePattern
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.source import Coordinate

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTimes:
    """The acquisitions of one file."""

    acquisitions: tuple[Acquisition, ...]
    """In the order of the file's dimension."""
    dimension: str | None
    """None where the whole file is of one time."""


def file_times(axis: AxisRecipe, source: SourceFile, dims: Sequence[str]) -> FileTimes:
    """Return the times of a file whose variables have `dims`.

    Raises
    ------
    UnsupportedSourceError
        If they cannot be found, or one is there twice.
    """
    if axis.file_name is not None:
        return _single(axis, _in_name(axis.file_name, source.name))
    if axis.tag is not None:
        text = source.tags.get(axis.tag.name)
        if text is None:
            raise UnsupportedSourceError(
                f"{source.name} has no tag {axis.tag.name!r}; it has {_few(source.tags)}"
            )
        return _single(axis, _Found(value=_instant(text, axis.tag.format, source.name)))
    dimension, found = _along_dimension(axis, source, dims)
    references = [each.start for each in found]
    for before, after in zip(sorted(references), sorted(references)[1:], strict=False):
        if before == after:
            raise UnsupportedSourceError(
                f"{source.name}: {axis.name} has the time {iso_text(before)} more than once"
            )
    return FileTimes(
        acquisitions=tuple(_valid(axis, _Found(value=each)) for each in found)
        if axis.validity != "bounds"
        else _bounded(axis, source, dimension, references),
        dimension=dimension,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Times as they were written."""

    value: Period | None = None
    start: Period | None = None
    end: Period | None = None


def _single(axis: AxisRecipe, found: _Found) -> FileTimes:
    return FileTimes(acquisitions=(_valid(axis, found),), dimension=None)


def _valid(axis: AxisRecipe, found: _Found) -> Acquisition:
    """Give a time its area of validity; the last moment is inclusive."""
    first = found.start or found.value
    if first is None:
        raise ValueError("no time was found")
    reference = (found.value or first).start
    last = reference
    if found.end is not None:
        last = found.end.end - _MICROSECOND
    elif axis.validity not in (None, "bounds"):
        last = parse_duration(str(axis.validity)).after(reference) - _MICROSECOND
    if not first.start <= reference <= last:
        raise UnsupportedSourceError(
            f"the time {iso_text(reference)} does not lie in its area of validity, "
            f"{iso_text(first.start)} to {iso_text(last)}"
        )
    return Acquisition(reference=reference, first=first.start, last=last)


def _in_name(pattern: NamePattern, name: str) -> _Found:
    match = re.search(pattern.pattern, name)
    if match is None:
        raise UnsupportedSourceError(
            f"the name {name} does not match the pattern {pattern.pattern!r}"
        )
    groups = {key: text for key, text in match.groupdict().items() if text is not None}
    return _Found(**{key: _instant(text, pattern.format, name) for key, text in groups.items()})


def _instant(text: str, form: str | None, name: str) -> Period:
    """Read a time; the period is as long as what was written."""
    try:
        if form is None:
            return parse_period(text)
        start = datetime.strptime(text, form)  # noqa: DTZ007  # given a zone just below
    except (ValueError, CubeError) as error:
        allowed = "ISO 8601" if form is None else f"the format {form!r}"
        raise UnsupportedSourceError(f"{name}: {text!r} is no time in {allowed}") from error
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    return Period(start=start, end=_precise(start, form), text=text)


def _precise(start: datetime, form: str) -> datetime:
    """Return the end of the period that a format's finest part tells."""
    for parts, duration in (
        (("%f", "%S", "%c", "%s", "%X", "%T"), "PT1S"),
        (("%M",), "PT1M"),
        (("%H", "%I"), "PT1H"),
        (("%d", "%j", "%x", "%D"), "P1D"),
        (("%m", "%b", "%B"), "P1M"),
    ):
        if any(part in form for part in parts):
            return parse_duration(duration).after(start)
    return parse_duration("P1Y").after(start)


def _along_dimension(
    axis: AxisRecipe, source: SourceFile, dims: Sequence[str]
) -> tuple[str | None, list[Period]]:
    if axis.values is not None:
        texts = [str(value) for value in axis.values]
        return axis.dimension, [_instant(text, None, source.name) for text in texts]
    if axis.origin is not None:
        return _counted(axis, source, dims)
    coordinate = time_coordinate(axis, source, dims)
    if coordinate is None:
        raise UnsupportedSourceError(
            f"{source.name}: no coordinates for {axis.name}; give the axis a variable, file_name, "
            "tag, values, or origin and resolution"
        )
    instants = _decoded(coordinate, coordinate.values.tolist())
    dimension = coordinate.dim if coordinate.dim in dims else None
    return dimension, [Period(start=t, end=t + _MICROSECOND, text=iso_text(t)) for t in instants]


def time_coordinate(axis: AxisRecipe, source: SourceFile, dims: Sequence[str]) -> Coordinate | None:
    """Return the coordinates of time: those named, else of the dimension that counts times."""
    if axis.variable is not None:
        found = source.coordinate(axis.variable)
        if found is None:
            known = ", ".join(sorted(source.variables)[:20])
            raise UnsupportedSourceError(
                f"{source.name} has no variable {axis.variable!r} of one dimension; it has {known}"
            )
        return found
    names = [axis.dimension] if axis.dimension is not None else dims
    for dim in names:
        found = source.coordinates_of(dim)
        if found is not None and " since " in str(found.attributes.get("units", "")):
            return found
    return None


def _decoded(coordinate: Coordinate, values: Sequence[float]) -> tuple[datetime, ...]:
    units = str(coordinate.attributes.get("units", ""))
    return decode_times(values, units, str(coordinate.attributes.get("calendar", "standard")))


def _bounded(
    axis: AxisRecipe, source: SourceFile, dimension: str | None, references: Sequence[datetime]
) -> tuple[Acquisition, ...]:
    dims = [dimension] if dimension else []
    coordinate = time_coordinate(axis, source, dims)
    if coordinate is None or coordinate.bounds is None:
        raise UnsupportedSourceError(f"{source.name}: the times of {axis.name} have no bounds")
    low, high = (_decoded(coordinate, coordinate.bounds[:, n].tolist()) for n in (0, 1))
    found = []
    for reference, first, end in zip(references, low, high, strict=True):
        last = max(end - _MICROSECOND, reference) if reference == end else end - _MICROSECOND
        if not first <= reference <= last:
            raise UnsupportedSourceError(
                f"{source.name}: the time {iso_text(reference)} lies outside its bounds"
            )
        found.append(Acquisition(reference=reference, first=first, last=last))
    return tuple(found)


def _counted(
    axis: AxisRecipe, source: SourceFile, dims: Sequence[str]
) -> tuple[str | None, list[Period]]:
    if axis.dimension is not None and axis.dimension not in dims:
        raise UnsupportedSourceError(
            f"{source.name} has no dimension {axis.dimension!r}; it has {', '.join(dims)}"
        )
    size = axis.size or 1
    if size > 1 and axis.resolution is None:
        raise UnsupportedSourceError(f"{axis.name} has {size} times and no resolution")
    start = _instant(str(axis.origin), None, source.name).start
    step = parse_duration(str(axis.resolution)) if axis.resolution is not None else None
    instants = [start if step is None else step.after(start, n) for n in range(size)]
    return axis.dimension, [
        Period(start=t, end=t + _MICROSECOND, text=iso_text(t)) for t in instants
    ]


def _few(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:20]) or "none"
