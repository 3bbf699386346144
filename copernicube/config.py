"""Settings of the program: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from datacube.errors import InvalidParameterError
from datacube.protocols import Limits
from datacube.service_provider import ServiceProvider
from ingest.rasters import ObjectStoreAccess
from ogc.spool import SpoolLimits
from ogc.turns import QueueLimits
from ogc.wcs.transaction.writing import TransactionLimits

PREFIX = "COPERNICUBE_"
CHUNK_CACHE_BYTES = 256 * 2**20
SCHEDULER_BYTES = 256 * 2**20
PICTURE_CACHE_BYTES = 64 * 2**20
PARTS = MappingProxyType(
    {
        "limits": "LIMIT_",
        "queue": "QUEUE_",
        "spool": "SPOOL_",
        "provider": "PROVIDER_",
        "transaction": "TRANSACTION_",
    }
)
"""Settings that hold others, by what stands between the prefix and the names of those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where cells and their catalogue lie."""

    store: str
    """Folder of the store."""
    catalog: str = field(default="", repr=False)
    """Address of the catalogue, which may hold a password; empty: inside the store."""

    @classmethod
    def of(cls, location: "str | Place") -> "Place":
        """Return a place as it is; what is a text is a store with its catalogue inside."""
        return location if isinstance(location, Place) else cls(store=location)

    @property
    def catalog_address(self) -> str:
        """What `open_catalog` opens."""
        return self.catalog or self.store


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set, each also as `COPERNICUBE_<NAME>` in the environment."""

    store: str = "copernicube-store"
    """Folder of the store."""
    catalog: str = field(default="", repr=False)
    """Address of the catalogue, `postgresql://USER:PASSWORD@HOST/DATABASE`; empty: in the store."""
    host: str = "127.0.0.1"
    """Address that the server listens on."""
    port: int = 8080
    """Port that the server listens on."""
    workers: int = 1
    """Server processes."""
    public_url: str = ""
    """Address that clients use, where it is not that of the request (behind a proxy)."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Peers whose `Forwarded` and `X-Forwarded-*` are believed: addresses and networks, or `*`."""
    default_map_days: int = 30
    """Days before a layer's newest acquisition that a map without TIME may show."""
    chunk_cache_bytes: int = CHUNK_CACHE_BYTES
    """Decoded chunks that maps keep in memory, in each server process."""
    picture_cache_bytes: int = PICTURE_CACHE_BYTES
    """Finished maps that are kept in memory, in each server process."""
    picture_folder: str = ""
    """Folder of finished maps that are kept on disk, for all server processes; empty: none."""
    picture_folder_bytes: int = 10_737_418_240
    """Length of all of them."""
    scheduler: str = ""
    """Scheduler of a Dask cluster that bulk work is sent to, as `tcp://HOST:PORT`; empty: none."""
    scheduler_bytes: int = SCHEDULER_BYTES
    """Decoded bytes of stored chunks from which work is sent to the cluster."""
    upkeep: str = "on"
    """Whether a process beside the server makes what is derived from scenes: `on` or `off`."""
    deep_cubes: str = "*"
    """Names, or patterns, of cubes of which deep blocks are made, parted by commas; empty: none."""
    transactions: str = "off"
    """Whether those with a token may change coverages by WCS: `on` or `off`."""
    provider: ServiceProvider = field(default_factory=ServiceProvider)
    """Who offers the service; each field is `COPERNICUBE_PROVIDER_<NAME>`."""
    limits: Limits = field(default_factory=Limits)
    """Bounds on one request; each field is `COPERNICUBE_LIMIT_<NAME>`."""
    queue: QueueLimits = field(default_factory=QueueLimits)
    """Bounds on requests at once; each field is `COPERNICUBE_QUEUE_<NAME>`."""
    spool: SpoolLimits = field(default_factory=SpoolLimits)
    """Bounds on downloads that are kept; each field is `COPERNICUBE_SPOOL_<NAME>`."""
    transaction: TransactionLimits = field(default_factory=TransactionLimits)
    """Who may write, and how much; each field is `COPERNICUBE_TRANSACTION_<NAME>`."""

    @property
    def place(self) -> Place:
        """Where cells and their catalogue lie."""
        return Place(store=self.store, catalog=self.catalog)

    def __post_init__(self) -> None:
        if self.upkeep not in ("on", "off"):
            raise InvalidParameterError(
                f"COPERNICUBE_UPKEEP={self.upkeep!r} must be on or off",
                parameter="COPERNICUBE_UPKEEP",
            )
        if self.transactions not in ("on", "off"):
            raise InvalidParameterError(
                f"COPERNICUBE_TRANSACTIONS={self.transactions!r} must be on or off",
                parameter="COPERNICUBE_TRANSACTIONS",
            )


type Part = Settings | Limits | QueueLimits | SpoolLimits | ServiceProvider | TransactionLimits
"""What holds settings."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment, defaults where nothing is set.

    >>> load_settings({"COPERNICUBE_PORT": "9000"}).port
    9000

    Raises
    ------
    InvalidParameterError
        If a number is not a positive number.
    """
    environ = os.environ if environ is None else environ
    values = _overrides(Settings(), "", environ)
    return replace(
        Settings(),
        **values,
        limits=replace(Limits(), **_overrides(Limits(), PARTS["limits"], environ)),
        queue=replace(QueueLimits(), **_overrides(QueueLimits(), PARTS["queue"], environ)),
        spool=replace(SpoolLimits(), **_overrides(SpoolLimits(), PARTS["spool"], environ)),
        provider=load_provider(environ),
        transaction=replace(
            TransactionLimits(), **_overrides(TransactionLimits(), PARTS["transaction"], environ)
        ),
    )


def load_provider(environ: Mapping[str, str] | None = None) -> ServiceProvider:
    """Read who offers the data: documents of services say it, and files.

    >>> load_provider({"COPERNICUBE_PROVIDER_NAME": "Institute of Maps"}).name
    'Institute of Maps'
    """
    environ = os.environ if environ is None else environ
    overrides = _overrides(ServiceProvider(), PARTS["provider"], environ)
    return replace(ServiceProvider(), **overrides)


def load_object_store_access(environ: Mapping[str, str] | None = None) -> ObjectStoreAccess:
    """Read how `s3://` places are reached from the usual AWS variables.

    `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or `AWS_S3_ENDPOINT` (GDAL's, a host without
    a scheme), `AWS_REGION` or `AWS_DEFAULT_REGION`, and the keys; without keys, or with
    `AWS_NO_SIGN_REQUEST=YES`, requests are anonymous.

    >>> load_object_store_access({"AWS_S3_ENDPOINT": "eodata.example"}).endpoint_url
    'https://eodata.example'
    """
    environ = os.environ if environ is None else environ
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    host = environ.get("AWS_S3_ENDPOINT")
    if endpoint is None and host:
        plain = environ.get("AWS_HTTPS", "YES").upper() in ("NO", "FALSE", "OFF", "0")
        endpoint = host if "://" in host else f"{'http' if plain else 'https'}://{host}"
    unsigned = environ.get("AWS_NO_SIGN_REQUEST", "").upper() in ("YES", "TRUE", "ON", "1")
    return ObjectStoreAccess(
        endpoint_url=endpoint,
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION"),
        access_key_id=None if unsigned else environ.get("AWS_ACCESS_KEY_ID"),
        secret_access_key=None if unsigned else environ.get("AWS_SECRET_ACCESS_KEY"),
        session_token=None if unsigned else environ.get("AWS_SESSION_TOKEN"),
    )


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which `load_settings` makes `settings` again.

    Server processes get their settings so.
    """
    return {
        f"{PREFIX}{infix}{f.name.upper()}": str(getattr(part, f.name))
        for infix, part in _parts(settings).items()
        for f in fields(part)
        if f.name not in PARTS
    }


def _parts(settings: Settings) -> dict[str, Part]:
    """Return what holds settings, by what stands between the prefix and their names."""
    return {"": settings} | {infix: getattr(settings, name) for name, infix in PARTS.items()}


def _overrides(defaults: Part, infix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in fields(defaults):
        default = getattr(defaults, item.name)
        variable = f"{PREFIX}{infix}{item.name.upper()}"
        if variable in environ and isinstance(default, str | int | float):
            found[item.name] = _typed(environ[variable], default, variable)
    return found


def _typed(text: str, default: str | float, variable: str) -> str | int | float:
    if isinstance(default, str):
        return text
    try:
        number = type(default)(text)
    except ValueError as error:
        raise InvalidParameterError(
            f"{variable}={text!r} is not a number", parameter=variable
        ) from error
    if number < 0 or (number == 0 and default != 0):
        raise InvalidParameterError(f"{variable}={text!r} must be above 0", parameter=variable)
    return number
