"""The cells of overviews: written once a part, like those of slots, but deleted with it."""

from collections.abc import Iterable, Mapping

from datacube.cells import Values
from datacube.cube import SLOT_AXIS_SIZE
from datacube.overviews import FOLDER, Mosaics, Place, part_window, zoom_group
from datacube.protocols import BandRead
from datacube.store.layout import array_key, slot_key
from datacube.store.zarr_store import ZarrStore


def write_part(
    store: ZarrStore, mosaics: Mosaics, place: Place, number: int, cells: Mapping[str, Values]
) -> tuple[str, ...]:
    """Write the bands of a part durably, nodata where they are not valid.

    Returns the names of those that hold any data; the others are not stored.

    Raises
    ------
    StoreFullError, StoreReadOnlyError
    """
    volume, slot = divmod(number, SLOT_AXIS_SIZE)
    cube, group = mosaics.cube(volume), zoom_group(place[0])
    written = []
    for band in mosaics.bands:
        if band.name not in cells:
            continue
        request = BandRead(
            group=group,
            level=0,
            band=band.name,
            dtype=band.dtype,
            nodata=band.nodata,
            window=part_window(place),
        )
        if store.write(cube, slot, request, cells[band.name]):
            written.append(band.name)
    store.location.sync(_slot_keys(mosaics, place[0], number, written))
    return tuple(written)


def delete_parts(store: ZarrStore, mosaics: Mosaics, numbered: Iterable[tuple[int, int]]) -> None:
    """Delete the cells of parts, by number and zoom."""
    names = [band.name for band in mosaics.bands]
    for number, zoom in numbered:
        for key in _slot_keys(mosaics, zoom, number, names):
            store.location.remove(key)


def delete_overviews(store: ZarrStore, collection: str) -> None:
    """Delete the cells of all overviews that a collection ever had."""
    store.location.remove(f"{FOLDER}/{collection}")


def _slot_keys(mosaics: Mosaics, zoom: int, number: int, bands: Iterable[str]) -> list[str]:
    volume, slot = divmod(number, SLOT_AXIS_SIZE)
    group = zoom_group(zoom).name
    return [slot_key(array_key(mosaics.array(volume), group, 0, band), slot) for band in bands]
