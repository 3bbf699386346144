"""The coverage that a request carries: inline, as a file beside it, or at an address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from datacube.errors import InvalidParameterError
from datacube.plan.query import Slice
from datacube.times import Period
from datacube.writing import CoverageTypeError, Offered, Trimmed
from ogc.kvp import Kvp, MissingParameterError, shown
from ogc.wcs.subsets import parse_subsets
from ogc.wcs.transaction.fetching import fetched
from ogc.wcs.transaction.gml_coverage import GmlCoverage, read_gml
from ogc.wcs.transaction.writing import Sent, TransactionLimits
from ogc.xml_body import read_xml

GML_BYTES = 16 * 2**20
"""Longest GML document in a file; cells in larger ones belong into a file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A coverage that a request carries."""

    offered: Offered
    coverage_id: str = ""
    """What it calls itself; empty of files."""


def is_offered(name: str, kvp: Kvp, sent: Sent) -> bool:
    """Tell whether a request carries a coverage in an element, a part or a parameter."""
    named = {each for each, _ in sent.documents} | {file.name for file in sent.files}
    return bool(named & {name, f"{name}Ref"} or {key for key, _ in kvp} & _keys(name))


def _keys(name: str) -> set[str]:
    return {name.casefold(), f"{name}ref".casefold()}


def slice_time(kvp: Kvp) -> tuple[Period | None, tuple[Trimmed, ...]]:
    """Return the time that SUBSET slices at, and its bounds on other axes.

    Raises
    ------
    InvalidParameterError
        If a time is an interval, or another bound is open or no number.
    """
    when, trims = None, []
    for subset in parse_subsets(kvp.many("subset")):
        if subset.crs is not None:
            raise InvalidParameterError(
                f"the subset of {subset.axis} has a CRS of its own; allowed is the coverage's",
                parameter="SUBSET",
            )
        is_slice = isinstance(subset, Slice)
        low, high = (subset.at,) * 2 if isinstance(subset, Slice) else (subset.low, subset.high)
        if isinstance(low, Period) and isinstance(high, Period):
            if not is_slice and low.start != high.start:
                raise InvalidParameterError(
                    f"{subset.axis} is given from {low.text} to {high.text}; allowed is one time",
                    parameter="SUBSET",
                )
            when = low
        elif isinstance(low, int | float) and isinstance(high, int | float):
            trims.append(Trimmed(axis=subset.axis, low=float(low), high=float(high)))
        else:
            raise InvalidParameterError(
                f"the subset of {subset.axis} has an open end; allowed are two numbers",
                parameter="SUBSET",
            )
    return when, tuple(trims)


@contextmanager
def offer_of(
    name: str, kvp: Kvp, sent: Sent, limits: TransactionLimits, *, when: Period | None = None
) -> Iterator[Found]:
    """Give the coverage in an element, a part or a parameter `name`, or at `<name>Ref`.

    What has to be fetched is deleted at the end.

    Raises
    ------
    InvalidParameterError
        If there is none, or more than one.
    CoverageTypeError
        If it is no coverage that is read.
    """
    documents = [root for each, root in sent.documents if each == name]
    text, ref = (kvp.one(key, default="") for key in (name, f"{name}Ref"))
    file = sent.file(name) or sent.file(f"{name}Ref")
    given = [each for each in (*documents, text, ref, file) if each is not None and each != ""]
    if not given:
        raise MissingParameterError(name)
    if len(given) > 1:
        raise InvalidParameterError(
            f"{name} comes {len(given)} times; allowed is once, inline, as a file or by address",
            parameter=name,
        )
    if documents:
        with _of_gml(read_gml(documents[0]), sent, limits, when) as found:
            yield found
    elif text and not text.startswith("cid:"):
        with _of_gml(read_gml(read_xml(text.encode())), sent, limits, when) as found:
            yield found
    elif file is not None:
        with _of_file(file, sent, limits, when) as found:
            yield found
    else:
        with (
            _referred(text or ref, sent, limits) as path,
            _of_file(path, sent, limits, when) as found,
        ):
            yield found


@contextmanager
def _referred(reference: str, sent: Sent, limits: TransactionLimits) -> Iterator[Path]:
    """Give the file that a reference means: one beside the request, or one to be fetched."""
    beside = sent.file(reference)
    if beside is not None:
        yield beside
    elif reference.startswith("cid:"):
        raise InvalidParameterError(
            f"{shown(reference)} is no part of the request; there are "
            f"{', '.join(file.name for file in sent.files) or 'none'}"
        )
    else:
        with fetched(reference, limits) as path:
            yield path


@contextmanager
def _of_file(
    path: Path, sent: Sent, limits: TransactionLimits, when: Period | None
) -> Iterator[Found]:
    with path.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith(b"<"):
        yield Found(offered=Offered(content=path, times=(when,) if when else ()))
        return
    if path.stat().st_size > GML_BYTES:
        raise CoverageTypeError(
            f"the GML has {path.stat().st_size} bytes; allowed are {GML_BYTES}; send cells "
            "as a file"
        )
    with _of_gml(read_gml(read_xml(path.read_bytes())), sent, limits, when) as found:
        yield found


@contextmanager
def _of_gml(
    gml: GmlCoverage, sent: Sent, limits: TransactionLimits, when: Period | None
) -> Iterator[Found]:
    times = (when,) if when is not None else gml.times
    if gml.cells is not None:
        count = len(gml.cells.values)
        if times and len(times) != count:
            raise CoverageTypeError(f"the coverage has {count} times, {len(times)} are said")
        offered = Offered(content=gml.cells, bands=gml.bands, times=times)
        yield Found(offered=offered, coverage_id=gml.coverage_id)
        return
    with _referred(gml.file, sent, limits) as path:
        offered = Offered(content=path, bands=gml.bands, times=times)
        if not _is_tiff(path):
            # netCDF says its times itself.
            offered = replace(offered, times=(when,) if when else ())
        elif len(times) > 1:
            raise CoverageTypeError(
                f"a GeoTIFF is of one time, the coverage has {len(times)}; send netCDF"
            )
        yield Found(offered=offered, coverage_id=gml.coverage_id)


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in (b"II", b"MM")
