"""Pages of which pygeoapi's own would say what is not so, made of its parts."""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pygeoapi.api import API, CONFORMANCE_CLASSES, APIRequest, describe_collections
from pygeoapi.api.collection import gen_collection
from pygeoapi.api.processes import describe_processes
from pygeoapi.formats import F_HTML, F_JSON, F_JSONLD, FORMAT_TYPES
from pygeoapi.util import render_j2_template, to_json

from datacube.errors import UnknownNameError
from datacube.grid import crs_url
from datacube.protocols import CatalogView
from ogc.api.collections import Document, Resources, amend, band_schema
from ogc.api.conformance import COVERAGE_CLASSES, PROCESS_CLASSES
from ogc.api.edr.documents import EDR_CLASSES, describe_queries
from ogc.api.maps import MAX_COLLECTIONS
from ogc.api.maps_conformance import MAP_CLASSES
from ogc.api.openapi import describe_api
from ogc.api.people import addresses
from ogc.api.products import describe_product, extent_of, product_ids
from ogc.api.tiles_documents import REL, describe_set, every_set, list_sets
from ogc.api.zones import of_collection
from ogc.crs import COMMON
from ogc.kvp import Kvp, integer
from ogc.tiles.layers import find_layers

PAGE_FORMATS = (F_JSON, F_HTML)
"""Values of `f` on pages, the usual one first."""
MAX_LISTED = 10_000
"""Collections on a page at most."""
DEFAULT_LISTED = 100
"""Collections on a page that says no limit."""
CONFORMS_TO = sorted(
    {
        *CONFORMANCE_CLASSES,
        *MAP_CLASSES,
        *EDR_CLASSES,
        *COVERAGE_CLASSES,
        *PROCESS_CLASSES,
    }
)

if TYPE_CHECKING:
    from datacube.cube import Coverage

type Answered = tuple[dict[str, str], int, str | bytes]
"""`(headers, status, body)`, as pygeoapi answers."""
_ENTRANCES = (
    ("service-desc", "openapi?f=json", "application/vnd.oai.openapi+json;version=3.0", "OpenAPI"),
    ("service-doc", "openapi?f=html", "text/html", "The interface, for people"),
    ("conformance", "conformance", "application/json", "Conformance classes"),
    ("data", "collections", "application/json", "Collections"),
    (f"{REL}/conformance", "conformance", "application/json", "Conformance classes"),
    (f"{REL}/data", "collections", "application/json", "Collections"),
    (f"{REL}/tiling-schemes", "tileMatrixSets", "application/json", "Tile matrix sets"),
    (f"{REL}/map", "map", "image/png", "Map of all collections"),
    (f"{REL}/tilesets-map", "map/tiles", "application/json", "Tile sets of all"),
    (f"{REL}/processes", "processes", "application/json", "Processes"),
    (f"{REL}/job-list", "jobs", "application/json", "Jobs"),
)
"""Links of the first page: relation, path, media type, title."""


def landing(api: API, request: APIRequest) -> Answered:
    """Send the first page."""
    told = api.config["metadata"]["identification"]
    document = {
        "title": told["title"],
        "description": told["description"],
        **_dataset_map(api.config["resources"].view),
        "links": [
            *_selves(api.base_url, request),
            *(
                {"rel": rel, "type": kind, "title": title, "href": f"{api.base_url}/{path}"}
                for rel, path, kind, title in _ENTRANCES
            ),
        ],
    }
    return _rendered(api, request, "landing_page.html", document)


def _dataset_map(view: CatalogView) -> Document:
    """Say where the map of the dataset lies; nothing where it is of too many collections."""
    if len(view.collections()) > MAX_COLLECTIONS:
        return {}
    coverages = [coverage for layer in find_layers(view) for coverage in layer.coverages]
    if not coverages:
        return {}
    return {"crs": [crs_url(crs) for crs in COMMON], "extent": extent_of(coverages)}


def tile_matrix_sets(api: API, request: APIRequest) -> Answered:
    """List the tile matrix sets."""
    document = list_sets(api.config["resources"].view, api.base_url)
    return _rendered(api, request, "tilematrixsets/index.html", document)


def tile_matrix_set(api: API, request: APIRequest, name: str) -> Answered:
    """Define one tile matrix set."""
    sets = {tiles.id: tiles for tiles in every_set(api.config["resources"].view)}
    if name not in sets:
        raise UnknownNameError("tile-matrix-set", name[:80], tuple(sets))
    document = describe_set(sets[name])
    return _rendered(api, request, "tilematrixsets/tilematrixset.html", document)


def conformance(api: API, request: APIRequest) -> Answered:
    """List the classes that the service conforms to."""
    return _rendered(api, request, "conformance.html", {"conformsTo": CONFORMS_TO})


def collections(api: API, request: APIRequest) -> Answered:
    """List the collections and the coverages, a page of them at a time.

    Raises
    ------
    InvalidParameterError
        If `limit` or `offset` is no number that is allowed.
    """
    kvp = Kvp.parse(urlencode(dict(request.params)))
    limit = integer(kvp.one("limit", default=str(DEFAULT_LISTED)), "limit", low=1, high=MAX_LISTED)
    offset = integer(kvp.one("offset", default="0"), "offset", low=0, high=2**31)
    resources: Resources = api.config["resources"]
    names = (*resources, *product_ids(resources.view))
    shown = names[offset : offset + limit]
    url = api.get_collections_url()
    steps = [
        ("next", offset + limit, "Next page") if offset + limit < len(names) else None,
        ("prev", max(0, offset - limit), "Previous page") if offset else None,
    ]
    document = {
        "collections": [_brief(_described(api, request, name)) for name in shown],
        "numberMatched": len(names),
        "numberReturned": len(shown),
        "links": [
            *_selves(url, request),
            *(
                {
                    "rel": step[0],
                    "type": FORMAT_TYPES[request.format or F_JSON],
                    "title": step[2],
                    "href": f"{url}?f={request.format or F_JSON}&limit={limit}&offset={step[1]}",
                }
                for step in steps
                if step is not None
            ),
        ],
    }
    return _rendered(api, request, "collections/index.html", document)


def collection(api: API, request: APIRequest, name: str) -> Answered:
    """Describe one collection or coverage; a coverage as linked data, too.

    Raises
    ------
    UnknownNameError
        If a collection of several cubes is wanted as linked data.
    """
    resources: Resources = api.config["resources"]
    if request.format == F_JSONLD:
        if name not in resources:
            raise UnknownNameError("format", F_JSONLD, PAGE_FORMATS)
        linked: Answered = describe_collections(api, request, name)
        return linked
    document = _described(api, request, name)
    if request.format == F_HTML:
        document["addresses"] = addresses(name, resources.view, api.base_url)
        document["mappable"] = any(link["rel"] == f"{REL}/map" for link in document["links"])
    return _rendered(api, request, "collections/collection.html", document)


def schema(api: API, request: APIRequest, name: str) -> Answered:
    """Describe the bands of a coverage, or those that any coverage of a collection has."""
    resources: Resources = api.config["resources"]
    coverages = (
        (resources.view.coverage(name),)
        if name in resources
        else of_collection(name, resources.view)
    )
    bands = {band.name: band for one in coverages for band in one.bands}
    url = f"{api.get_collections_url()}/{name}"
    document: Document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{url}/schema",
        "type": "object",
        "title": name,
        "properties": {
            band.name: band_schema(band) | {"x-ogc-propertySeq": number}
            for number, band in enumerate(bands.values(), start=1)
        },
    }
    if request.format == F_HTML:
        document |= {"dataset_path": url}
    headers, status, body = _rendered(api, request, "collections/schema.html", document)
    if request.format != F_HTML:
        headers["Content-Type"] = "application/schema+json"
    return headers, status, body


def openapi(api: API, request: APIRequest) -> Answered:
    """Describe the interface."""
    document = describe_api(api.config["metadata"], api.base_url)
    if request.format == F_HTML:
        return _rendered(api, request, "openapi/swagger.html", document)
    headers: dict[str, str] = request.get_response_headers(**api.api_headers)
    headers["Content-Type"] = "application/vnd.oai.openapi+json;version=3.0"
    return headers, HTTPStatus.OK, json.dumps(document)


def process(api: API, request: APIRequest, name: str) -> Answered:
    """Describe a process."""
    wanted = request.format
    # pygeoapi's page looks for a template among the cubes.
    request._format = F_JSON  # noqa: SLF001 it has no setter
    _, _, body = describe_processes(api, request, name)
    request._format = wanted  # noqa: SLF001 it has no setter
    return _rendered(api, request, "processes/process.html", json.loads(body))


def jobs(api: API, request: APIRequest) -> Answered:
    """List the jobs: there are none, as every process answers at once."""
    if request.format == F_HTML:
        return _rendered(api, request, "jobs/index.html", {"jobs": {"jobs": []}, "links": []})
    document = {"jobs": [], "links": _selves(f"{api.base_url}/jobs", request)}
    return _rendered(api, request, "jobs/index.html", document)


def _selves(url: str, request: APIRequest) -> list[dict[str, Any]]:
    return [
        {
            "rel": request.get_linkrel(name),
            "type": FORMAT_TYPES[name],
            "title": f"This document as {name}",
            "href": f"{url}?f={name}",
        }
        for name in PAGE_FORMATS
    ]


def _brief(document: Document) -> Document:
    """Leave out of a list what is most of its bytes: every CRS in WKT, once a kind of query."""
    for asked in document.get("data_queries", {}).values():
        asked["link"]["variables"].pop("crs_details", None)
    return document


def _described(api: API, request: APIRequest, name: str) -> Document:
    resources: Resources = api.config["resources"]
    if name not in resources:
        return describe_product(name, resources.view, resources.site)
    coverage: Coverage = resources[name]["providers"][0]["data"]
    document = gen_collection(api, request, name, request.locale)
    amended = amend(document, coverage, page=request.format == F_HTML)
    return describe_queries(amended, coverage, f"{api.get_collections_url()}/{name}")


def _rendered(api: API, request: APIRequest, template: str, document: Document) -> Answered:
    headers: dict[str, str] = request.get_response_headers(**api.api_headers)
    if request.format != F_HTML:
        text: str = to_json(document, api.pretty_print)
        return headers, HTTPStatus.OK, text
    page = document | {"base_url": api.base_url, "collections_path": api.get_collections_url()}
    templates = api.config["server"]["templates"]
    html: str = render_j2_template(api.tpl_config, templates, template, page, request.locale)
    return headers, HTTPStatus.OK, html
