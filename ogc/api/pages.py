"""pygeoapi's documents and HTML pages over one revision of the catalogue.

pygeoapi's own web app keeps one configuration and one OpenAPI document for a process.
Here its functions get an `API` object for the revision that the request is pinned to,
so every process shows a new scene at once, and `as_of` holds for every page.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from pygeoapi import l10n
from pygeoapi.api import API, APIRequest
from pygeoapi.api.processes import describe_processes
from pygeoapi.formats import F_HTML, F_JSONLD

from datacube.errors import UnknownNameError
from datacube.protocols import CatalogView
from datacube.service_provider import ServiceProvider
from ogc.api import operations
from ogc.api.collections import Document, Resources
from ogc.api.get_coverage import check_names
from ogc.api.operations import PAGE_FORMATS, Answered
from ogc.api.processes import RESOURCES, no_such
from ogc.api.products import product_ids
from ogc.exchange import Reply, Session, Site, revision_header
from ogc.kvp import Kvp

TEMPLATES = Path(__file__).parent / "templates"
"""Pages for people that are ours; pygeoapi's stand behind them. None loads from elsewhere."""
KEPT = 32
"""Number of `API` objects kept, the last used."""


class WebRequest(Protocol):
    """What pygeoapi reads of a request; Starlette's has it."""

    @property
    def headers(self) -> Any: ...  # noqa: ANN401, D102 a framework's own type
    @property
    def query_params(self) -> Any: ...  # noqa: ANN401, D102 a framework's own type
    @property
    def scope(self) -> Any: ...  # noqa: ANN401, D102 a framework's own type


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One kind of page."""

    function: Callable[..., Answered]
    """Takes the API, the request and, where the path names something, its name."""
    allowed: tuple[str, ...] = ()
    """Parameters beside `f`, `lang` and `as_of`."""
    formats: tuple[str, ...] = PAGE_FORMATS
    of_collection: bool = False
    """The path names a collection."""


PAGES = MappingProxyType(
    {
        "/": Page(function=operations.landing),
        "/openapi": Page(function=operations.openapi),
        "/conformance": Page(function=operations.conformance),
        "/collections": Page(function=operations.collections, allowed=("limit", "offset")),
        "/collections/{name}": Page(
            function=operations.collection, formats=(*PAGE_FORMATS, F_JSONLD), of_collection=True
        ),
        "/collections/{name}/schema": Page(function=operations.schema, of_collection=True),
        "/tileMatrixSets": Page(function=operations.tile_matrix_sets),
        "/tileMatrixSets/{name}": Page(function=operations.tile_matrix_set),
        "/processes": Page(function=describe_processes, allowed=("limit",)),
        "/processes/{name}": Page(function=operations.process),
        "/jobs": Page(function=operations.jobs),
    }
)
"""The pages by path below the mount."""


class Pages:
    """Answers pages; safe for use by many threads."""

    def __init__(self) -> None:
        self._apis: OrderedDict[tuple[int, str], API] = OrderedDict()
        self._guard = threading.Lock()
        self._rendering = threading.Lock()

    def answer(
        self, page: Page, name: str, request: WebRequest, session: Session, site: Site
    ) -> Reply:
        """Answer one page at the session's revision; `name` is what the path names, or empty.

        Raises
        ------
        InvalidParameterError, UnknownNameError
        """
        view = session.view
        kvp = Kvp.parse(str(request.query_params))
        check_names(kvp, ("f", "lang", "as_of", *page.allowed))
        wanted = kvp.one("f", default="")
        if wanted and wanted not in page.formats:
            raise UnknownNameError("format", wanted[:80], page.formats)
        api = self._api(view, site)
        asked = APIRequest(_without_as_of(request), api.locales)
        if asked.format not in page.formats:
            # No `f`, and an Accept that names nothing a page has: JSON.
            asked._format = None  # noqa: SLF001 it has no setter
        if page.of_collection:
            _check_collection(name, api.config["resources"])
        elif page.function is operations.process and name not in RESOURCES:
            return no_such("process", name, view.revision)
        names = (name,) if name else ()
        if page.function is operations.collections and asked.format != F_HTML:
            return _reply(_kept_list(api, asked, session), view.revision)
        if asked.format != F_HTML:
            return _reply(page.function(api, asked, *names), view.revision)
        with self._rendering:
            # The first configuration that pygeoapi renders with it keeps for the process's life.
            l10n._cfg_cache.clear()  # noqa: SLF001 there is no public way
            return _reply(page.function(api, asked, *names), view.revision)

    def _api(self, view: CatalogView, site: Site) -> API:
        key = (view.revision, site.url)
        with self._guard:
            if key in self._apis:
                self._apis.move_to_end(key)
                return self._apis[key]
        # What pygeoapi looks through on its own are the processes alone, however many cubes
        # there are.
        made = API(_config(dict(RESOURCES), site), {})
        made.config["resources"] = Resources(view, site)
        # No page for people reads them there.
        made.tpl_config["resources"] = {}
        with self._guard:
            self._apis[key] = made
            while len(self._apis) > KEPT:
                self._apis.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request as pygeoapi shall see it."""

    headers: Any
    query_params: Any
    scope: Any


def _without_as_of(request: WebRequest) -> _Asked:
    """Hide the revision, which pygeoapi would repeat: equal documents are equal bytes."""
    kept = {name: value for name, value in request.query_params.items() if name != "as_of"}
    return _Asked(headers=request.headers, query_params=kept, scope=request.scope)


def _kept_list(api: API, asked: APIRequest, session: Session) -> Answered:
    """List the collections, described once a revision."""
    parts = tuple(sorted(asked.params.items()))

    def make() -> bytes:
        _, _, body = operations.collections(api, asked)
        return body if isinstance(body, bytes) else body.encode()

    headers: dict[str, str] = asked.get_response_headers(**api.api_headers)
    return headers, HTTPStatus.OK, session.kept(("collections", api.base_url, parts), make)


def _check_collection(name: str, resources: Resources) -> None:
    if name not in resources and name not in (products := product_ids(resources.view)):
        raise UnknownNameError("collection", name[:80], (*products, *resources))


def _reply(answered: Answered, revision: int) -> Reply:
    headers, status, body = answered
    data = body if isinstance(body, bytes) else body.encode()
    tag = hashlib.sha256(data).hexdigest()[:32]
    return Reply(
        status=int(status),
        media_type=headers.get("Content-Type", "application/json"),
        body=data,
        headers=(
            revision_header(revision),
            ("Content-Language", headers.get("Content-Language", "en-US")),
            ("Vary", "Accept, Accept-Language"),
            *((("ETag", f'"{tag}"'), ("Cache-Control", "no-cache")) if status < 400 else ()),
        ),
    )


def _config(resources: Document, site: Site) -> Document:
    """Return pygeoapi's configuration; made in memory, no file and no variable is needed."""
    return {
        "server": {
            "url": site.url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "language": "en-US",
            "languages": ["en-US"],
            "templates": {"path": str(TEMPLATES)},
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": "", "attribution": ""},
            "admin": False,
        },
        "logging": {"level": "WARNING"},
        "metadata": {
            "identification": {
                "title": site.title,
                "description": site.abstract,
                "keywords": list(site.keywords),
                "keywords_type": "theme",
                "terms_of_service": "",
                "url": site.url.removesuffix("/ogcapi") + "/",
            },
            "license": {
                "name": site.provider.licence or "See each collection",
                "url": f"{site.url}/collections",
            },
            "provider": {
                "name": site.provider.name,
                "url": site.provider.url or site.url.removesuffix("/ogcapi") + "/",
            },
            "contact": _contact(site.provider),
        },
        "resources": resources,
    }


def _contact(provider: ServiceProvider) -> Document:
    contact = {
        "name": provider.contact or provider.name,
        "position": provider.position,
        "address": provider.street,
        "city": provider.city,
        "stateorprovince": provider.region,
        "postalcode": provider.postal_code,
        "country": provider.country,
        "phone": provider.phone,
    }
    # pygeoapi's landing page needs an address, be it empty.
    return {name: text for name, text in contact.items() if text} | {"email": provider.email}
