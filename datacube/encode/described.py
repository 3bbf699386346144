"""What a description of a coverage states, whatever it is written in."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log10

import numpy as np

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.cube import Band
from datacube.encode.xml import number
from datacube.grid import crs_url, y_first
from datacube.plan.axis_order import crs_order
from datacube.plan.nodes import Domain, Field
from datacube.times import iso_text

_ANSI_EPOCH = datetime(1600, 12, 31, tzinfo=UTC)
_ANSI_CRS = "http://www.opengis.net/def/crs/OGC/0/AnsiDate"
_AXIS_CRS = "http://www.opengis.net/def/crs/OGC/0/Index1D"
"""Of an axis that has none of its own: height above ground, ensemble member, ..."""
DATA_TYPES = {
    "bool": "boolean",
    "int8": "signedByte",
    "uint8": "unsignedByte",
    "int16": "signedShort",
    "uint16": "unsignedShort",
    "int32": "signedInt",
    "uint32": "unsignedInt",
    "int64": "signedLong",
    "uint64": "unsignedLong",
    "float16": "float16",
    "float32": "float32",
    "float64": "float64",
    "complex64": "cfloat32",
    "complex128": "cfloat64",
}
"""NumPy name of a type to its OGC name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A coverage, stored or computed."""

    id: str
    title: str
    domain: Domain
    fields: tuple[Field, ...]
    about: str = ""
    """What it is, in a sentence; empty: nothing is said."""
    time_first: bool = False
    """Axes are listed as text nests them, `ansi E N`: what clients of rasdaman expect."""

    @property
    def time(self) -> TimeAxis | None:
        """The first axis of time."""
        return next((axis for axis in self.domain.outer if isinstance(axis, TimeAxis)), None)

    @property
    def mapped_axes(self) -> tuple[Axis, ...]:
        """Axes with the plane first as its CRS lists it, time last: `E N height ansi`.

        GDAL takes the first two as the plane.
        """
        return self.nested_axes if self.time_first else (*self._plane(), *self._others())

    @property
    def grid_axes(self) -> tuple[Axis, ...]:
        """Axes of the grid as they are listed: `run_axes`, or as the CRS does."""
        return self.nested_axes if self.time_first else self.run_axes

    @property
    def run_axes(self) -> tuple[Axis, ...]:
        """Axes as cells run along them, the fastest first: x, y, further axes, time."""
        grid = self.domain.grid
        return (*(() if grid is None else grid.axes[::-1]), *self._others())

    @property
    def nested_axes(self) -> tuple[Axis, ...]:
        """Axes as text nests them: outer ones first, then the plane as its CRS lists it."""
        axes = self.domain.axes
        return tuple(axes[at] for at in crs_order(self.domain))

    def crs_of(self, axes: tuple[Axis, ...]) -> str:
        """Return the OGC name of the CRS of axes in an order; each plane counts once."""
        plane = {axis.name for axis in self._plane()}
        names: list[str] = []
        for axis in axes:
            if isinstance(axis, TimeAxis):
                names.append(_ANSI_CRS)
            elif axis.name in plane and self.domain.grid is not None:
                names += [] if plane_named(names, self.domain) else [crs_url(self.domain.grid.crs)]
            elif isinstance(axis, RegularAxis) and axis.crs is not None:
                # A CRS of one axis is named as it is: nothing was left out.
                alone = len(axis.crs.axis_info) == 1
                names.append(crs_url(axis.crs) + ("" if alone else f"?axis-label={axis.name}"))
            else:
                names.append(_AXIS_CRS)
        if len(names) == 1:
            return names[0]
        numbered = "&".join(f"{at}={name}" for at, name in enumerate(names, start=1))
        return f"http://www.opengis.net/def/crs-compound?{numbered}"

    def _plane(self) -> tuple[Axis, ...]:
        grid = self.domain.grid
        if grid is None:
            return ()
        return grid.axes if y_first(grid) else grid.axes[::-1]

    def _others(self) -> tuple[Axis, ...]:
        outer = self.domain.outer
        times = tuple(axis for axis in outer if isinstance(axis, TimeAxis))
        return (*(axis for axis in outer if not isinstance(axis, TimeAxis)), *times)


def plane_named(names: list[str], domain: Domain) -> bool:
    """Tell whether the plane's CRS stands in a list of names."""
    return domain.grid is not None and crs_url(domain.grid.crs) in names


def ansi_days(when: datetime) -> float:
    """Return the OGC's AnsiDate: days since 1600-12-31.

    >>> ansi_days(datetime(1601, 1, 1, 12, tzinfo=UTC))
    1.5
    """
    return (when - _ANSI_EPOCH) / timedelta(days=1)


def from_ansi_days(days: float) -> datetime:
    """Return the time of an AnsiDate, to the millisecond, below which such a number is not exact.

    >>> from_ansi_days(1.5).isoformat()
    '1601-01-01T12:00:00+00:00'

    Raises
    ------
    OverflowError
        If it is not of the years 1 to 9999.
    """
    return _ANSI_EPOCH + timedelta(milliseconds=round(days * 86_400_000))


def extent(axis: Axis) -> tuple[float, float]:
    """Return the outer edges of the cells, or the areas of validity of times in AnsiDate."""
    if isinstance(axis, TimeAxis):
        first, last = axis.times.validity()
        return ansi_days(first), ansi_days(last)
    return axis.extent


def first_coordinate(axis: Axis) -> float:
    """Return the coordinate of the first cell: its centre, or where places are listed its own."""
    if isinstance(axis, TimeAxis):
        return ansi_days(axis.ends[0])
    return float(axis.select(axis.first, axis.first).coordinates()[0])


def bounds_text(axis: Axis) -> tuple[str, str]:
    """Return the extent as CIS 1.1 writes it: times as their first and last coefficient."""
    if isinstance(axis, TimeAxis):
        first, last = axis.ends
        return iso_text(first), iso_text(last)
    low, high = axis.extent
    return number(low), number(high)


def listed_places(axis: TimeAxis | IrregularAxis) -> tuple[str, ...]:
    """Return the coefficients as text: times in ISO 8601."""
    if isinstance(axis, TimeAxis):
        return tuple(iso_text(acquisition.reference) for acquisition in axis)
    return tuple(number(place) for place in axis.coefficients)


def uom_label(axis: Axis) -> str:
    """Return the unit of an axis as a name: `GridSpacing` where places count indices."""
    if isinstance(axis, RegularAxis) and axis.index:
        return "GridSpacing"
    return ncname(axis.uom)


def ncname(text: str) -> str:
    """Return `text` as an XML id.

    >>> ncname("10m cube")
    '_10m_cube'
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", text)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def data_type_url(field: Field) -> str:
    """Return the OGC name of a field's type, by which rasdaman's clients tell it."""
    return f"http://www.opengis.net/def/dataType/OGC/0/{DATA_TYPES[field.dtype]}"


def nil_values(field: Field) -> tuple[float, ...]:
    """Return the numbers that stand for null."""
    if field.nulls:
        return field.nulls
    gapless = field.band is not None and field.band.gapless
    return () if field.nodata is None or gapless else (field.nodata,)


def describe_field(field: Field) -> str:
    """State what the numbers of a field mean."""
    return f"computed, {field.dtype}" if field.band is None else describe_band(field.band)


def describe_band(band: Band) -> str:
    """State what the stored numbers of a band mean."""
    if band.classes:
        listed = ", ".join(f"{c.value} {c.title}" for c in band.classes)
        return f"{band.title}; {band.dtype} classes: {listed}"
    if band.scale == 1 and band.offset == 0:
        return f"{band.title}; {band.dtype} in unit {band.unit}"
    offset = f" + {number(band.offset)}" if band.offset else ""
    return (
        f"{band.title}; stored as {band.dtype}, "
        f"value = stored * {number(band.scale)}{offset} in unit {band.unit}"
    )


def unit_code(band: Band) -> str:
    """Return the UCUM unit of the stored numbers, where one step has such a name.

    Ratios that are scaled by a power of ten have: `10*-4` for reflectance x 10000.
    For any other scale it is the unit of the decoded value, and the description
    of the field tells how to decode.
    """
    if band.unit == "1" and band.offset == 0 and band.scale > 0 and band.scale != 1:
        exponent = round(log10(band.scale))
        if np.isclose(band.scale, 10.0**exponent, rtol=1e-12):
            return f"10*{exponent}"
    return ucum(band.unit)


def ucum(unit: str) -> str:
    """Return a unit as UCUM spells it, which has neither spaces nor signs of powers.

    >>> ucum("mg m^-3"), ucum("kg m**-2 s-1"), ucum("10*-4")
    ('mg.m-3', 'kg.m-2.s-1', '10*-4')
    """
    text = re.sub(r"(?<=[A-Za-z])(\^|\*\*)(?=[-+\d])", "", unit.strip())
    text = re.sub(r"\s*/\s*", "/", text)
    return re.sub(r"[\s:]+", ".", text) or "1"


def allowed_numbers(band: Band) -> tuple[float, float] | None:
    """Return the least and the greatest number that is data; None where all are."""
    if band.classes:
        values = [c.value for c in band.classes]
        return min(values), max(values)
    if band.numpy_dtype.kind not in "iu":
        return None
    limits = np.iinfo(band.numpy_dtype)
    low, high = int(limits.min), int(limits.max)
    if band.gapless:
        return low, high
    return low + (band.nodata == low), high - (band.nodata == high)
