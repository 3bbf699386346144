"""What a layer of a map means at one revision, which all its tiles share."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from datacube.plan import query
from datacube.plan.bind_map_axes import MapPlaces, choose_places
from datacube.plan.bind_map_time import MapSlots, choose_time
from datacube.plan.bind_style import choose_style
from datacube.plan.map_layers import LayerCubes, find_layer
from datacube.plan.style import Style, StyleBook
from datacube.protocols import CatalogView


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What a layer, its style and the choices of a map mean at a view, wherever the map lies."""

    layer: LayerCubes
    style: Style
    times: MapSlots
    places: MapPlaces


type KeepMeant = Callable[[Hashable, Callable[[], Meant]], Meant]
"""Returns what is made, or was made before for an equal key at the same view."""


def made_anew(_key: Hashable, make: Callable[[], Meant]) -> Meant:
    """Keep nothing."""
    return make()


def meant_by(
    one: query.MapLayer,
    asked: query.Map,
    view: CatalogView,
    styles: StyleBook,
    default_map_days: int,
    keep: KeepMeant,
) -> Meant:
    """Return what a layer of a map means; see `bind_map` for what is raised."""

    def make() -> Meant:
        layer = find_layer(one.layer, view)
        return Meant(
            layer=layer,
            style=choose_style(one.style, styles, layer.collection, layer.bands),
            times=choose_time(asked.time, layer.coverages, default_map_days),
            places=choose_places(asked.choices, layer.coverages),
        )

    if not isinstance(one.style, str):
        return make()
    return keep((one, asked.time, asked.choices), make)
