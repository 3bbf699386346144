"""Putting the engine together: which catalogue, which store, which styles and encoders."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from copernicube.config import (
    CHUNK_CACHE_BYTES,
    PICTURE_CACHE_BYTES,
    Place,
    Settings,
    load_object_store_access,
    load_provider,
    load_settings,
)
from copernicube.functions import load_functions
from datacube.catalog import SqlCatalog, open_catalog, rebuild_catalog, refuse_gaps
from datacube.encode import ENCODERS
from datacube.encode.kept import KeptDocuments
from datacube.encode.kept_files import KeptFiles
from datacube.engine import Engine
from datacube.errors import StoreError
from datacube.evaluate.cluster import Cluster
from datacube.protocols import Limits
from datacube.render.styles import DEFAULT_STYLES
from datacube.store import KeptChunks, ZarrStore, open_store
from ingest.recipes.registered import RegisteredCells
from ingest.sentinel2.offers import OFFERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A store on this machine, opened."""

    engine: Engine
    catalog: SqlCatalog
    store: ZarrStore


class StoreCells(RegisteredCells):
    """Cells of a store, which travel to other processes as its address alone.

    Those reopen it, once each, with the keys of their own environment.
    """

    def __init__(self, location: str, store: ZarrStore) -> None:
        super().__init__(store, load_object_store_access())
        self._location = location

    def __reduce__(self) -> tuple[object, ...]:
        return cells_at, (self._location,)


@lru_cache(maxsize=8)
def cells_at(location: str) -> StoreCells:
    """Open the cells of a store for reading, once a process.

    Raises
    ------
    StoreError
        If there is no store: a worker of a cluster has to see it where its client does.
    """
    return StoreCells(location, open_store(location, read_only=True))


def cluster_at(scheduler: str, worth_bytes: int | None = None) -> Cluster | None:
    """Name the cluster of a scheduler; none where it is empty.

    `worth_bytes` is the setting SCHEDULER_BYTES, read from the environment where it is not told.

    Raises
    ------
    InvalidParameterError
        If it is no address.
    """
    if not scheduler:
        return None
    worth = load_settings().scheduler_bytes if worth_bytes is None else worth_bytes
    return Cluster(scheduler, worth_bytes=worth)


def kept_pictures(settings: Settings) -> KeptDocuments | KeptFiles:
    """Return where a server keeps finished maps."""
    memory = KeptDocuments(settings.picture_cache_bytes)
    if not settings.picture_folder:
        return memory
    return KeptFiles(memory, Path(settings.picture_folder), settings.picture_folder_bytes)


def open_local(  # noqa: PLR0913  # each setting of the engine
    location: str | Place,
    *,
    limits: Limits | None = None,
    map_days: int = 30,
    read_only: bool = False,
    chunk_cache_bytes: int = CHUNK_CACHE_BYTES,
    pictures: KeptDocuments | KeptFiles | None = None,
    cluster: Cluster | None = None,
) -> Local:
    """Open the store at `location`, a folder; a store that is not there yet is made.

    A `Place` tells where the catalogue is, too, if not in the store.

    `map_days` are the days before a layer's newest acquisition that a map without
    TIME may show. `read_only` opens what exists and refuses to write. `chunk_cache_bytes`
    bound the decoded chunks that maps keep in memory; `pictures` keep the finished maps.
    `cluster` takes bulk work.

    Raises
    ------
    StoreError
        If there is no store and none can be made, or it cannot be read.
    """
    place = Place.of(location)
    store = open_store(place.store, read_only=read_only)
    catalog = open_catalog(place.catalog_address, read_only=read_only, offers=OFFERS)
    cells = StoreCells(store.location.name, store)
    engine = Engine(
        catalog=catalog,
        cells=cells,
        pictures=KeptDocuments(PICTURE_CACHE_BYTES) if pictures is None else pictures,
        map_cells=cells.over(store.keeping(KeptChunks(chunk_cache_bytes))),
        styles=DEFAULT_STYLES,
        encoders=ENCODERS,
        limits=limits or Limits(),
        default_map_days=map_days,
        cluster=cluster,
        functions=load_functions(),
        provider=load_provider(),
    )
    return Local(engine=engine, catalog=catalog, store=store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a catalogue was, or would be, rebuilt from."""

    revisions: int
    """Records of commits found."""
    cubes: int
    """Cubes found in the store."""


def rebuild_local(location: str | Place, *, dry_run: bool = False) -> Rebuilt:
    """Make a lost catalogue anew from the records in the store; `dry_run` only counts.

    Raises
    ------
    StoreError
        If there is a catalogue already, no store, or no record.
    StoreDamagedError
        If records are missing in between, or one cannot be read.
    """
    place = Place.of(location)
    store = open_store(place.store, read_only=True)
    records = list(store.commit_records())
    slots_found = store.slots_found()
    if not records:
        raise StoreError(f"{place.store} holds no record of a commit to rebuild from")
    refuse_gaps([revision for revision, _ in records])
    if not dry_run:
        rebuild_catalog(records, slots_found, place.catalog_address)
    return Rebuilt(revisions=len(records), cubes=len(slots_found))
