"""A cube, and the way from it to an xarray Dataset."""

from collections.abc import Iterable
from html import escape

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import CRS

from copernicube.client.expression import Expression
from copernicube.client.geometry import Crs, Span, checked_bbox
from copernicube.client.offers import BandOffer, Offer, Source
from copernicube.client.queried import Queried
from copernicube.client.term import coverage
from copernicube.client.times import Times, parse_times
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import crs_name, known_crs, transformer
from datacube.protocols import Bbox
from ogc.zarr.address import ViewAddress

_SCALING = ("scale_factor", "add_offset")


class CubeView(Queried):
    """One cube as a user of Python sees it. Nothing is read until cells are computed."""

    def __init__(self, source: Source, offers: tuple[Offer, ...]) -> None:
        """Take the coverages of one cube; the one named like the cube has all bands."""
        (self._whole,) = (o for o in offers if o.coverage_id == o.cube)
        self._native = {o.resolution: o for o in offers if o.coverage_id != o.cube}
        super().__init__(source, self._whole.cube)

    @property
    def name(self) -> str:
        """The cube's name."""
        return self._whole.cube

    @property
    def title(self) -> str:
        """What it is, for people."""
        return self._whole.title

    @property
    def bands(self) -> tuple[str, ...]:
        """Official names of the bands that any scene has."""
        return tuple(band.name for band in self._whole.bands)

    @property
    def crs(self) -> CRS:
        """The CRS of its cells."""
        return self._whole.crs

    @property
    def bbox(self) -> Bbox:
        """Outer edges `(min x, min y, max x, max y)` in `crs` of all that was ingested."""
        return self._whole.bbox

    @property
    def resolutions(self) -> tuple[float, ...]:
        """Cell sizes that bands are native to, finest first, in the unit of `crs`."""
        return tuple(sorted(self._native)) or (self._whole.resolution,)

    @property
    def times(self) -> pd.DatetimeIndex:
        """The acquisitions, in ascending order, UTC without a zone, as in the Datasets."""
        return pd.DatetimeIndex(self._source.times(self._whole.coverage_id), name="time")

    @property
    def time_count(self) -> int:
        """Number of acquisitions."""
        return self._whole.time_count

    @property
    def first_day(self) -> str | None:
        """Date of the first acquisition; None where there is no time axis."""
        return None if self._whole.times is None else self._whole.times[0][:10]

    @property
    def last_day(self) -> str | None:
        """Date of the last acquisition; None where there is no time axis."""
        return None if self._whole.times is None else self._whole.times[1][:10]

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes in array order, as queries have them: `ansi`, `N`, `E`."""
        return self._whole.axes

    @property
    def period(self) -> str:
        """Number of acquisitions, and the dates of the first and the last."""
        if self._whole.times is None:
            return "no time axis"
        return f"{self.time_count} times {self.first_day} to {self.last_day}"

    @property
    def summary(self) -> str:
        """One line for lists."""
        return (
            f"{self.period}, {crs_name(self.crs)}, "
            f"{', '.join(f'{r:g}' for r in self.resolutions)} {self.unit}, "
            f"{' '.join(self.bands)}"
        )

    @property
    def unit(self) -> str:
        """Unit of resolutions and coordinates."""
        if self.crs.is_geographic:
            return "deg"
        return "m" if self.crs.is_projected else "cells"

    def to_xarray(
        self,
        *,
        bbox: Bbox | None = None,
        time: Times = None,
        bands: str | Iterable[str] | None = None,
        resolution: float | None = None,
        bbox_crs: CRS | str | int | None = None,
        decode: bool = True,
    ) -> xr.Dataset:
        """Return cells as a lazy, Dask-backed Dataset with dimensions `time, y, x` or `lat, lon`.

        Cubes of other axes have those: `time, height, lat, lon`, or `i, j`.

        Times ascend; scenes of one time are one entry. The CRS is in the coordinate
        `spatial_ref` (`.odc.crs` and `.rio.crs` find it). A store and a server that
        serves it give identical Datasets.

        Parameters
        ----------
        bbox
            `(min x, min y, max x, max y)`; every cell that it touches is kept.
        time
            `"2023"`, `"2023-08"`, `"2023-08-15"`, a `datetime`: all acquisitions in that
            period; `("2023-05", "2023-09")` or a slice: from the start of the first to the
            end of the last, None is open.
        bands
            Names or aliases, in the order wanted; by default all.
        resolution
            One of `resolutions`: only the bands native to it, on their own grid. By
            default all bands on the finest grid, cells of coarser bands repeated.
        bbox_crs
            CRS of `bbox`, x first: `"EPSG:4326"` is longitude, latitude here. By default
            the cube's own.
        decode
            Physical values as CF says (reflectance as `float32`, NaN where there is no
            data). False gives the numbers as stored, with `_FillValue` and
            `scale_factor` as attributes.

        Raises
        ------
        UnknownNameError
            If a band or resolution is not offered; the message lists what is.
        RequestError
            If box or time select nothing; the message says what there is.
        """
        offer = self._offer(resolution)
        address = ViewAddress(
            coverage_id=offer.coverage_id,
            revision=self._source.revision,
            bbox=None if bbox is None else self._native_bbox(bbox, bbox_crs),
            times=parse_times(time),
        )
        stored = self._source.open_stored(address, _names(offer, bands))
        if decode:
            _scale_in_float32(stored)
        return xr.decode_cf(stored, mask_and_scale=decode, decode_coords="all")

    def expression(self, *, resolution: float | None = None) -> Expression:
        """Return all bands as the beginning of an expression.

        `resolution` is one of `resolutions`: the bands native to it, on their own grid; by
        default all bands on the finest grid.

        Raises
        ------
        UnknownNameError
            If the resolution is not offered; the message lists what is.
        """
        offer = self._offer(resolution)
        plane = len(offer.axes) > 1 and known_crs(offer.crs).on_earth
        return Expression(
            coverage(
                self._source,
                offer.coverage_id,
                (band.name for band in offer.bands),
                axes=offer.axes,
                crs=offer.crs if plane else None,
            )
        )

    def sel(
        self,
        *,
        time: Times = None,
        bbox: Bbox | None = None,
        bbox_crs: Crs | None = None,
        **axes: Span | Times,
    ) -> Expression:
        """Keep intervals of axes of all bands, as `Expression.sel` does."""
        return self.expression().sel(time=time, bbox=bbox, bbox_crs=bbox_crs, **axes)

    __iter__: None = None
    """Bands are taken by name; without this Python would count through `__getitem__`."""

    def __getitem__(self, band: str | list[str]) -> Expression:
        """Return a band, or several, as an expression: `cube["B08"] / 10000`.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        one = isinstance(band, str)
        names = _names(self._whole, band)
        return self.expression()[names[0] if one else list(names)]

    def __getattr__(self, name: str) -> Expression:
        if not name.startswith("_"):
            try:
                return self[name]
            except UnknownNameError as error:
                raise AttributeError(f"a cube has no {name!r}, {error}") from None
        raise AttributeError(name)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self.bands]

    def _offer(self, resolution: float | None) -> Offer:
        if resolution is None:
            return self._whole
        if float(resolution) in self._native:
            return self._native[float(resolution)]
        if float(resolution) == self._whole.resolution:
            return self._whole
        offered = tuple(f"{r:g}" for r in self.resolutions)
        raise UnknownNameError("resolution", f"{resolution:g}", offered)

    def _native_bbox(self, bbox: Bbox, crs: CRS | str | int | None) -> Bbox:
        west, south, east, north = checked_bbox(bbox)
        if crs is None:
            return west, south, east, north
        change = transformer(CRS.from_user_input(crs), self.crs)
        a, b, c, d = change.transform_bounds(west, south, east, north, densify_pts=21)
        return a, b, c, d

    def __repr__(self) -> str:
        return f"<Cube {self.name}: {self.title}>\n  {self.summary}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{escape(band.name)}</code></td><td>{escape(band.title)}</td>"
            f"<td>{self._band_resolution(band):g} {self.unit}</td></tr>"
            for band in self._whole.bands
        )
        west, south, east, north = self.bbox
        return (
            f"<p><b>{escape(self.name)}</b> {escape(self.title)}<br>{escape(crs_name(self.crs))}, "
            f"x {west:g} to {east:g}, y {south:g} to {north:g}<br>"
            f"{self.period}; axes {' '.join(map(escape, self.axes))}</p>"
            "<table><thead><tr><th>band</th><th>title</th><th>resolution</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )

    def _band_resolution(self, band: BandOffer) -> float:
        for resolution, offer in self._native.items():
            if band.name in (b.name for b in offer.bands):
                return resolution
        return self._whole.resolution


def _scale_in_float32(stored: xr.Dataset) -> None:
    """Give scales and offsets the type that decoded values shall have: xarray goes by it.

    `float32` holds every 16-bit number times a scale to seven digits, in half the memory.
    """
    for variable in stored.variables.values():
        if variable.dtype.kind in "iu" and variable.dtype.itemsize <= 2:
            found = {name: variable.attrs[name] for name in _SCALING if name in variable.attrs}
            variable.attrs.update({name: np.float32(value) for name, value in found.items()})


def _names(offer: Offer, asked: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return official names of the bands asked for, each once."""
    if asked is None:
        return tuple(band.name for band in offer.bands)
    spelled = {alias.casefold(): band.name for band in offer.bands for alias in band.aliases}
    spelled |= {band.name.casefold(): band.name for band in offer.bands}
    names: dict[str, None] = {}
    for name in (asked,) if isinstance(asked, str) else tuple(asked):
        if str(name).casefold() not in spelled:
            raise UnknownNameError("band", str(name), tuple(band.name for band in offer.bands))
        names.setdefault(spelled[str(name).casefold()])
    if not names:
        raise InvalidParameterError(
            f"no band is asked for; offered: {', '.join(b.name for b in offer.bands)}",
            parameter="bands",
        )
    return tuple(names)
