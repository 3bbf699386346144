"""A server as a source of Datasets: its list of collections, and its Zarr views."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from obstore.store import HTTPStore
from pyproj import CRS
from zarr.storage import ObjectStore

from copernicube.client.asking import TIMEOUT_S, Server, fetch_json
from copernicube.client.offers import BandOffer, Offer
from copernicube.client.questions import Question, Result
from copernicube.client.remote_results import remote_results
from datacube.encode.cf import GRID_MAPPING
from datacube.errors import InvalidParameterError, StoreError
from datacube.explain.values import Level
from datacube.grid import index_crs
from ogc.crs import parse_crs
from ogc.zarr.address import ViewAddress

MOST_LISTED = 10_000
"""Collections asked for at once: as many as a server lists on a page."""
CHUNK_PX = 2048
"""Side of a Dask chunk: whole chunks of a view, which are smaller."""
_INDEX_CRS = re.compile(r"/OGC/0/Index(?P<count>[0-2])D$")


class RemoteSource:
    """Reads a server's immutable views; chunks come over HTTP when they are computed."""

    def __init__(self, location: str, as_of: int | None) -> None:
        """Ask a server for its collections, and pin the revision that it answers from.

        Raises
        ------
        RevisionError
            If the revision was purged.
        RequestError
            If the server refuses; the message is the server's.
        StoreError
            If there is no such server, or it fails.
        """
        self._location = location.rstrip("/").removesuffix("/ogcapi")
        wanted = "" if as_of is None else f"&as_of={as_of}"
        path = f"ogcapi/collections?f=json&limit={MOST_LISTED}{wanted}"
        page, revision = self._document(path)
        if not revision.isdecimal():
            raise StoreError(f"{self._location} is no Copernicube: it tells no revision")
        self._revision = int(revision)
        self._collections: list[dict[str, Any]] = list(page["collections"])
        while (asked := _next_page(page)) is not None:
            pinned = f"{asked}&as_of={revision}" if "as_of=" not in asked else asked
            page, _ = self._document(f"ogcapi/collections?{pinned}")
            self._collections += page["collections"]

    @property
    def location(self) -> str:
        """The server's address."""
        return self._location

    @property
    def revision(self) -> int:
        """The pinned revision."""
        return self._revision

    def offers(self) -> tuple[Offer, ...]:
        """Return every coverage, by id."""
        # A product of several cubes is a collection, too, but no coverage.
        single = (each for each in self._collections if "copernicube:cube" in each)
        return tuple(map(_offer, single))

    def times(self, coverage_id: str) -> NDArray[np.datetime64[Any]]:
        """Return the acquisitions in ascending order, UTC, `datetime64[us]`."""
        address = ViewAddress(coverage_id=coverage_id, revision=self._revision)
        view = self._open(address)
        if "time" not in view:
            return np.array([], "datetime64[us]")
        decoded = xr.decode_cf(view[["time"]])
        return np.asarray(decoded["time"].values, "datetime64[us]")

    def open_stored(self, address: ViewAddress, bands: tuple[str, ...]) -> xr.Dataset:
        """Return the cells as stored: the view's attributes, arrays of Dask.

        Raises
        ------
        RequestError, StoreError
        """
        view = self._open(address)
        kept = view.drop_vars([name for name in view.data_vars if name != GRID_MAPPING])
        for name in bands:
            variable = view.variables[name]
            outer = len(variable.dims) - 2
            # An array of one axis has long chunks already.
            sides = (*([1] * outer), CHUNK_PX, CHUNK_PX) if outer >= 0 else (CHUNK_PX**2,)
            chunks = dict(zip(variable.dims, sides, strict=True))
            kept[name] = (variable.dims, variable.chunk(chunks).data, variable.attrs)
        return kept

    def _open(self, address: ViewAddress) -> xr.Dataset:
        path = f"zarr/{address.path}"
        # Asked first on its own: what a server says of a wrong request, Zarr would not repeat.
        self._document(f"{path}/zarr.json")
        store = HTTPStore.from_url(
            f"{self._location}/{path}",
            client_options={"allow_http": True, "timeout": timedelta(seconds=TIMEOUT_S)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=TIMEOUT_S)},
        )
        view: xr.Dataset = xr.open_zarr(
            ObjectStore(store, read_only=True), chunks=None, decode_cf=False, consolidated=True
        )
        if GRID_MAPPING in view:
            view[GRID_MAPPING].load()
        return view

    def results(self, question: Question) -> Iterator[Result]:
        """Answer a query of WCPS on the server, cells lazily.

        Raises
        ------
        RequestError, StoreError
        """
        server = Server(location=self._location, revision=self._revision)
        return remote_results(server, question)

    def explain(self, question: Question, level: Level) -> str:
        """Tell what a query of WCPS would do and cost on the server, as text.

        Raises
        ------
        RequestError, StoreError
        """
        server = Server(location=self._location, revision=self._revision)
        return server.answer(question, explain=level).body.decode()

    def _document(self, path: str) -> tuple[dict[str, Any], str]:
        """Return a JSON document and the revision that the server answered from."""
        return fetch_json(f"{self._location}/{path}")


def _next_page(page: dict[str, Any]) -> str | None:
    """Return the parameters of the next page of collections, None on the last."""
    links = (link["href"] for link in page.get("links", ()) if link.get("rel") == "next")
    return next((href.partition("?")[2] for href in links), None)


def _offer(document: dict[str, Any]) -> Offer:
    try:
        extent = document["extent"]
        west, south, east, north = map(float, extent["spatial"]["storageCrsBbox"][0])
        temporal = extent.get("temporal")
        return Offer(
            coverage_id=document["id"],
            cube=document["copernicube:cube"],
            collection=document["copernicube:collection"],
            title=document["copernicube:title"],
            crs=_crs(document["storageCrs"], tuple(document["copernicube:axes"])),
            bbox=(west, south, east, north),
            resolution=float(document["copernicube:resolution"]),
            bands=tuple(
                BandOffer(name=b["name"], title=b["title"], aliases=tuple(b["aliases"]))
                for b in document["copernicube:bands"]
            ),
            times=None if temporal is None else tuple(temporal["interval"][0]),
            time_count=0 if temporal is None else int(temporal["grid"]["cellsCount"]),
            axes=tuple(document["copernicube:axes"]),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise InvalidParameterError(
            f"the server's collection {document.get('id')!r} lacks {error}; "
            "it is no Copernicube, or a newer one",
            parameter="location",
        ) from error


def _crs(text: str, axes: tuple[str, ...]) -> CRS:
    """Return the CRS of a plane; that of index axes has no entry in a register."""
    match = _INDEX_CRS.search(text)
    if match is None:
        return parse_crs(text)
    count = int(match["count"])
    return index_crs(*axes[len(axes) - count :])
