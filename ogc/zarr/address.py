"""The address of a view: `<coverage>@<revision>[;bbox=...][;datetime=...]`, and back."""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Self
from urllib.parse import quote

from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.plan import query
from datacube.protocols import Bbox
from datacube.times import Period, parse_period
from ogc.kvp import shown

OPEN = ".."
"""An open end of an interval, as OGC API spells it."""
_FORM = "<coverage>@<revision>[;bbox=<min x>,<min y>,<max x>,<max y>][;datetime=<start>/<end>]"
_TIME = r"(?:\d{4}[0-9T:., Z+-]*|\.\.)"
# The interval's slash is told from the slash before a key by what follows it: no member of
# a view is called like a time. So addresses work whether a client sends `/` or `%2F`.
_ADDRESS = re.compile(
    r"(?P<coverage>[^@;/]+)(?:@(?P<revision>[^;/]*))?"
    rf"(?P<cuts>(?:;(?:datetime={_TIME}(?:/{_TIME})?(?=[;/]|$)|[^;/]*))*)"
    r"(?:/(?P<key>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCut:
    """Times to keep, both ends included; None is an open end."""

    start: Period | None
    end: Period | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an instant or an interval `start/end`; `..` or nothing is an open end.

        Raises
        ------
        InvalidParameterError
            If `text` is neither.
        """
        parts = [part.strip() for part in text.split("/")]
        if len(parts) > 2 or not any(part not in ("", OPEN) for part in parts):
            raise InvalidParameterError(
                f"datetime {shown(text)} is not allowed; allowed is a time, or an interval "
                "start/end of which one end may be '..'",
                parameter="datetime",
            )
        ends = [None if part in ("", OPEN) else parse_period(part) for part in parts]
        if len(ends) == 1:
            return cls(start=ends[0], end=ends[0])
        return cls(start=ends[0], end=ends[1])

    def __str__(self) -> str:
        if self.start == self.end:
            return str(self.start)
        return "/".join(OPEN if end is None else str(end) for end in (self.start, self.end))


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewAddress:
    """Which cells a view holds."""

    coverage_id: str
    revision: int | None
    """None in the bare name, which means the present."""
    bbox: Bbox | None = None
    """`(min x, min y, max x, max y)` in the coverage's own CRS; cells that it touches are kept."""
    times: TimeCut | None = None

    def __str__(self) -> str:
        """Return the one way to write this address, not yet percent-encoded."""
        pinned = "" if self.revision is None else f"@{self.revision}"
        bbox = "" if self.bbox is None else f";bbox={','.join(map(_number, self.bbox))}"
        times = "" if self.times is None else f";datetime={self.times}"
        return f"{self.coverage_id}{pinned}{bbox}{times}"

    @property
    def path(self) -> str:
        """The address as one percent-encoded segment of a URL's path."""
        return quote(str(self), safe="@;=,:")

    def source(self, crs: CRS) -> query.Query:
        """Return the cells of the view as a query; `crs` is the coverage's."""
        found: query.Query = query.Coverage(coverage_id=self.coverage_id)
        if self.bbox is not None:
            found = query.CutBox(source=found, bbox=self.bbox, crs=crs)
        if self.times is not None:
            cut = query.Trim(axis="time", low=self.times.start, high=self.times.end)
            found = query.Subset(source=found, subsets=(cut,))
        return found


def parse_path(path: str) -> tuple[ViewAddress, str]:
    """Read what follows `/zarr/`, percent-decoded, as an address and the key of a member.

    The key is empty for the view itself.

    Raises
    ------
    InvalidParameterError
        If it is no address; the message says what is allowed.
    """
    match = _ADDRESS.fullmatch(path)
    if match is None:
        raise InvalidParameterError(f"{shown(path)} is no view; allowed is {_FORM}")
    bbox, times = None, None
    seen: set[str] = set()
    for cut in match["cuts"].split(";")[1:]:
        name, _, value = cut.partition("=")
        if name in seen or name not in ("bbox", "datetime"):
            what = "given twice" if name in seen else "not known"
            raise InvalidParameterError(
                f"{shown(name)} is {what} in the address of a view; allowed is {_FORM}",
                parameter=name[:80],
            )
        seen.add(name)
        if name == "bbox":
            bbox = parse_bbox(value)
        else:
            times = TimeCut.parse(value)
    address = ViewAddress(
        coverage_id=match["coverage"].strip(),
        revision=_revision(match["revision"]),
        bbox=bbox,
        times=times,
    )
    return address, match["key"] or ""


def parse_bbox(text: str) -> Bbox:
    """Read four numbers, minima first.

    Raises
    ------
    InvalidParameterError
        If there are not four finite numbers, or a minimum is not below its maximum.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) == 4 and all(map(isfinite, numbers)):
        west, south, east, north = numbers
        if west < east and south < north:
            return west, south, east, north
    raise InvalidParameterError(
        f"bbox {shown(text)} is not allowed; allowed are four numbers, "
        "min x,min y,max x,max y, each minimum below its maximum",
        parameter="bbox",
    )


def _revision(text: str | None) -> int | None:
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    raise InvalidParameterError(
        f"revision {shown(text)} is not allowed; allowed is {_FORM}", parameter="revision"
    )


def _number(value: float) -> str:
    """Write a number in the shortest way that reads back equal.

    >>> _number(600000.0), _number(0.1)
    ('600000', '0.1')
    """
    return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
