"""What a store or a server offers, in terms that are the same for both."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS

from copernicube.client.questions import Question, Result
from datacube.explain.values import Level
from datacube.protocols import Bbox
from ogc.zarr.address import ViewAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class BandOffer:
    """A band as it may be asked for."""

    name: str
    title: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One coverage: a cube on one of its grids."""

    coverage_id: str
    cube: str
    collection: str
    title: str
    crs: CRS
    bbox: Bbox
    """Outer edges of the cells, in `crs`."""
    resolution: float
    """Cell size in the unit of `crs`."""
    bands: tuple[BandOffer, ...]
    times: tuple[str, str] | None
    """First and last acquisition, ISO 8601; None where there is no time axis."""
    time_count: int
    axes: tuple[str, ...]
    """Names of the axes in array order, as OGC texts have them."""


class Source(Protocol):
    """A store on this machine, or a server; pinned to one revision."""

    @property
    def location(self) -> str:
        """What was opened."""
        ...

    @property
    def revision(self) -> int:
        """The revision that everything is read from."""
        ...

    def offers(self) -> tuple[Offer, ...]:
        """Return every coverage, by id."""
        ...

    def times(self, coverage_id: str) -> NDArray[np.datetime64[Any]]:
        """Return the acquisitions of a coverage in ascending order, UTC, `datetime64[us]`.

        Empty where it has no time axis.
        """
        ...

    def open_stored(self, address: ViewAddress, bands: tuple[str, ...]) -> xr.Dataset:
        """Return the cells of a view as stored, not decoded: lazy Dask arrays, CF attributes.

        Raises
        ------
        RequestError
            If the view is cut to nothing; the message says what there is.
        """
        ...

    def results(self, question: Question) -> Iterator[Result]:
        """Answer a query of WCPS: numbers and files at once, cells lazily.

        Raises
        ------
        RequestError
            Whatever is wrong with the query, the place as a note.
        """
        ...

    def explain(self, question: Question, level: Level) -> str:
        """Tell what a query would do and cost, as text; no cell is read.

        Raises
        ------
        RequestError
            Whatever is wrong with the query, the place as a note.
        """
        ...
