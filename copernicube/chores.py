"""The chores of the upkeep; a new one is entered in `CHORES`."""

from collections.abc import Callable

from copernicube.config import Settings
from copernicube.deepening import make_deepening
from copernicube.overviews import overview_chore
from copernicube.upkeep import Chore, Upkeep
from copernicube.wiring import Local, open_local
from datacube.catalog.leases import CatalogLease


def _deepening(local: Local, settings: Settings) -> Chore:
    return make_deepening(local, settings.deep_cubes)


CHORES: tuple[Callable[[Local, Settings], Chore], ...] = (overview_chore, _deepening)
"""What makes each chore over an opened store, in the order in which they take turns."""


def make_upkeep(settings: Settings) -> Upkeep:
    """Return the upkeep of the store of `settings`; of a store that cannot be written, none of it.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """
    local = open_local(settings.place, limits=settings.limits, map_days=settings.default_map_days)
    chores = () if local.catalog.read_only else tuple(make(local, settings) for make in CHORES)
    return Upkeep(chores, CatalogLease(local.catalog.database))
