"""The mosaics that overviews are made of: what a map without them would show, band by band."""

from collections.abc import Sequence

from datacube.cube import Aggregate, Band
from datacube.grid import Grid
from datacube.overviews import TimeRange
from datacube.plan import nodes
from datacube.plan.bind_map import Shown, layer_source
from datacube.plan.bind_map_axes import MapPlaces
from datacube.plan.bind_map_time import slots_in
from datacube.plan.colour import Classes
from datacube.plan.map_layers import LayerCubes
from datacube.plan.query import Method
from datacube.plan.style import BandTerm, Style
from datacube.protocols import CatalogView

_UNBOUNDED = 2**31


def mosaic(
    layer: LayerCubes,
    bands: Sequence[Band],
    grid: Grid,
    shown: TimeRange | None,
    view: CatalogView,
) -> nodes.Plan | None:
    """Return the bands of a layer on a grid, from the scenes' levels as a map reads them.

    Measured bands are interpolated, classes, flags and directions are the nearest. None where
    no scene lies.
    """
    picks: list[nodes.Pick] = []
    for method, some in (
        (Method.LINEAR, [band for band in bands if band.aggregate is Aggregate.MEAN]),
        (Method.NEAREST, [band for band in bands if band.aggregate is not Aggregate.MEAN]),
    ):
        if not some:
            continue
        style = Style(
            name="",
            title="",
            abstract="",
            terms=tuple(BandTerm(band=band.name) for band in some),
            rule=Classes(classes=()),
            method=method,
        )
        frame = Shown(grid=grid, times=slots_in(shown), places=_NO_PLACES)
        source = layer_source(layer, style, frame, view, most=_UNBOUNDED)
        if source is not None:
            picks += [
                nodes.Pick(source=source, field=field.name, name=band.name)
                for field, band in zip(source.fields, some, strict=True)
            ]
    return nodes.Bands(picks=tuple(picks)) if picks else None


_NO_PLACES = MapPlaces(choices=(), notes=())
