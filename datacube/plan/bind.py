"""Binding: from what is asked to typed nodes, against one view of the catalogue."""

from dataclasses import dataclass

from datacube.plan import query
from datacube.plan.bind_coverage import bind_coverage
from datacube.plan.bind_map import bind_map
from datacube.plan.encoding import EncodeParameters
from datacube.plan.formats import COVERAGE_JSON, CSV, GML, JSON, NETCDF, ZARR
from datacube.plan.meant import KeepMeant, made_anew
from datacube.plan.nodes import Encode, Field
from datacube.plan.style import StyleBook
from datacube.protocols import CatalogView, Limits

DEFAULT_MAP_DAYS = 30
"""Days, of 24 hours, before a layer's newest acquisition that a map without a time may show."""

_ANY_AXES = frozenset({NETCDF, ZARR, GML, JSON, COVERAGE_JSON, CSV})
"""Formats that hold coverages of any axes; the others hold planes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A bound plan with what was decided on the way."""

    encode: Encode
    notes: tuple[str, ...]
    """What was chosen for the asker: defaults used, pyramid levels read."""
    revision: int
    """The revision it was bound at."""


def bind(
    asked: query.Encode,
    view: CatalogView,
    styles: StyleBook,
    limits: Limits,
    *,
    default_map_days: int = DEFAULT_MAP_DAYS,
    keep: KeepMeant = made_anew,
) -> Bound:
    """Resolve every name, CRS, axis, type and slot of a query at the view's revision.

    Reads the catalogue, never cells. `keep` may keep what layers of maps mean at the view.

    Raises
    ------
    RequestError
        Whatever is wrong with the request: an unknown name, a place or time outside
        the coverage, a map over its limits.
    """
    if isinstance(asked.source, query.Map):
        source, notes = bind_map(
            asked.source, view, styles, limits, default_map_days=default_map_days, keep=keep
        )
        encode = Encode(source=source, media_type=asked.media_type, options=asked.options)
        return Bound(encode=encode, notes=notes, revision=view.revision)
    keep_plane = asked.media_type not in _ANY_AXES
    plan, coverage_id = bind_coverage(asked.source, view, keep_plane=keep_plane)
    encode = Encode(
        source=plan,
        media_type=asked.media_type,
        options=asked.options,
        title=coverage_id,
        parameters=EncodeParameters(
            output_type=asked.output_type,
            nodata=_nil_numbers(plan.fields) if asked.media_type == GML else (),
        ),
    )
    return Bound(encode=encode, notes=(), revision=view.revision)


def _nil_numbers(fields: tuple[Field, ...]) -> tuple[float, ...]:
    """Return the number of each field that its description gives for null; none if one has none."""
    numbers = tuple(field.nulls[0] if field.nulls else field.nodata for field in fields)
    return tuple(number for number in numbers if number is not None) if None not in numbers else ()
