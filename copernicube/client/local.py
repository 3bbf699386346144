"""A store on this machine as a source of Datasets."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.buffer.cpu import Buffer

from copernicube.client.local_results import local_results
from copernicube.client.offers import BandOffer, Offer
from copernicube.client.questions import Question, Result
from copernicube.config import Place
from copernicube.wiring import open_local
from datacube.cells import Cells
from datacube.cube import Band, Coverage
from datacube.encode.cf import GRID_MAPPING, axis_values, cf_coordinates
from datacube.encode.chunks import chunk_shape
from datacube.encode.zarr import MEDIA_TYPE, METADATA_KEY, view_member, view_metadata
from datacube.errors import StoreError
from datacube.evaluate.schedule import as_dask
from datacube.explain.forms import to_text
from datacube.explain.values import Level
from datacube.grid import Window
from datacube.plan import nodes, query
from datacube.service_provider import Credits
from datacube.times import iso_text
from ogc.zarr.address import ViewAddress


class LocalSource:
    """Reads the store itself; chunks are evaluated by Dask when they are computed."""

    def __init__(self, location: str, as_of: int | None, *, catalog: str = "") -> None:
        """Open a store for reading, pinned to a revision.

        Raises
        ------
        StoreError
            If there is no store.
        RevisionError
            If the revision does not exist, or was purged.
        """
        self._location = location
        place = Place(store=location, catalog=catalog)
        self._session = open_local(place, read_only=True).engine.session(as_of)

    @property
    def location(self) -> str:
        """The folder or address of the store."""
        return self._location

    @property
    def revision(self) -> int:
        """The pinned revision."""
        return self._session.revision

    def offers(self) -> tuple[Offer, ...]:
        """Return every coverage, by id."""
        view = self._session.view
        return tuple(_offer(view.coverage(each)) for each in view.coverage_ids())

    def times(self, coverage_id: str) -> NDArray[np.datetime64[Any]]:
        """Return the acquisitions in ascending order, UTC, `datetime64[us]`."""
        axis = self._session.view.coverage(coverage_id).time
        return np.array([], "datetime64[us]") if axis is None else axis_values(axis)

    def open_stored(self, address: ViewAddress, bands: tuple[str, ...]) -> xr.Dataset:
        """Return the cells as stored: attributes as a served view has them, arrays of Dask.

        Raises
        ------
        RequestError
        """
        crs = self._session.view.coverage(address.coverage_id).cube.crs
        bound = self._session.bind(query.Encode(source=address.source(crs), media_type=MEDIA_TYPE))
        plan = bound.encode.source
        if isinstance(plan, nodes.Picture):
            raise StoreError(f"{address} is bound as a picture")
        described = _described(plan, bound.encode.title, self._session.credits(plan))
        # What has no plane has no tiles either.
        chunks = None if plan.domain.grid is not None else chunk_shape(plan.domain)
        arrays = as_dask(plan, self._session.engine.cells, chunks=chunks)
        kept = described.drop_vars(list(arrays))
        for name in bands:
            variable = described.variables[name]
            kept[name] = (variable.dims, arrays[name], variable.attrs)
        return kept

    def results(self, question: Question) -> Iterator[Result]:
        """Answer a query of WCPS: numbers and files at once, cells lazily.

        Raises
        ------
        RequestError
        """
        return local_results(self._session, question)

    def explain(self, question: Question, level: Level) -> str:
        """Tell what a query of WCPS would do and cost, as text; no cell is read.

        Raises
        ------
        RequestError
        """
        told = self._session.explain(
            question.text, compat=question.compat is not None, uploads=question.uploads
        )
        return to_text(told, level)


def _described(plan: nodes.Plan, title: str, credits_: Credits) -> xr.Dataset:
    """Return the plan's view with all its attributes and coordinates; cells are not readable.

    Read from the bytes that a server would send, so that both ways give the same.
    """
    keys = [f"{coordinate.name}/c/0" for coordinate in cf_coordinates(plan.domain)]
    # Of a view without a CRS the last is None.
    members = {key: view_member(plan, key, _no_cells) for key in (*keys, f"{GRID_MAPPING}/c")}
    members[METADATA_KEY] = view_metadata(plan, title=title, credits_=credits_)
    store = zarr.storage.MemoryStore(
        {key: Buffer.from_bytes(body) for key, body in members.items() if body is not None},
        read_only=True,
    )
    described: xr.Dataset = xr.open_zarr(store, chunks=None, decode_cf=False, consolidated=True)
    if GRID_MAPPING in described:
        described[GRID_MAPPING].load()
    return described


def _no_cells(_plan: nodes.Plan, _window: Window) -> Cells:
    raise StoreError("a coordinate has no cells to compute")


def _offer(coverage: Coverage) -> Offer:
    times = [iso_text(acquisition.reference) for acquisition in coverage.time or ()]
    return Offer(
        coverage_id=coverage.id,
        cube=coverage.cube.name,
        collection=coverage.cube.collection,
        title=coverage.cube.title,
        crs=coverage.cube.crs,
        bbox=coverage.grid.bbox,
        resolution=coverage.grid.x.step,
        bands=tuple(_band(band) for band in coverage.bands),
        times=(times[0], times[-1]) if times else None,
        time_count=len(times),
        axes=tuple(axis.name for axis in coverage.domain_axes),
    )


def _band(band: Band) -> BandOffer:
    return BandOffer(name=band.name, title=band.title, aliases=band.aliases)
