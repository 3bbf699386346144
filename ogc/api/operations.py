"""Pages of which pygeoapi's own would say what is not so, made of its parts."""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from pygeoapi.api import (
    API,
    CONFORMANCE_CLASSES,
    APIRequest,
    describe_collections,
    landing_page,
    openapi_,
)
from pygeoapi.api.collection import gen_collection
from pygeoapi.api.coverages import CONFORMANCE_CLASSES as COVERAGE_CLASSES
from pygeoapi.formats import F_HTML, F_JSON, F_JSONLD, FORMAT_TYPES
from pygeoapi.openapi import get_oas
from pygeoapi.util import render_j2_template, to_json

from datacube.errors import UnknownNameError
from ogc.api.collections import Document, amend
from ogc.api.edr.documents import EDR_CLASSES, describe_queries
from ogc.api.maps_conformance import MAP_CLASSES
from ogc.api.openapi import amend_openapi
from ogc.api.tiles_documents import REL, describe_set, every_set, list_sets

PAGE_FORMATS = (F_JSON, F_HTML, F_JSONLD)
"""Values of `f` on pages, the usual one first."""
_NOT_OFFERED = ("/coverage-subset", "/conf/html")
CONFORMS_TO = sorted(
    {
        *CONFORMANCE_CLASSES,
        *MAP_CLASSES,
        *EDR_CLASSES,
        *(name for name in COVERAGE_CLASSES if not name.endswith(_NOT_OFFERED)),
    }
)
"""pygeoapi's classes without those for which the coverage route has no parameter or format."""

if TYPE_CHECKING:
    from datacube.cube import Coverage

type Answered = tuple[dict[str, str], int, str | bytes]
"""`(headers, status, body)`, as pygeoapi answers."""


def landing(api: API, request: APIRequest) -> Answered:
    """Send the first page, with links to what pygeoapi does not know."""
    headers, status, body = landing_page(api, request)
    if status == HTTPStatus.OK and request.format not in {F_HTML, F_JSONLD}:
        document = json.loads(body)
        base = api.base_url
        kept = [link for link in document["links"] if "/TileMatrixSets" not in link["href"]]
        document["links"] = [
            *kept,
            *(
                {
                    "rel": f"{REL}/{relation}",
                    "type": media_type,
                    "title": title,
                    "href": f"{base}/{path}",
                }
                for relation, path, media_type, title in (
                    ("tiling-schemes", "tileMatrixSets", "application/json", "Tile matrix sets"),
                    ("map", "map", "image/png", "Map of all collections"),
                    ("tilesets-map", "map/tiles", "application/json", "Tile sets of all"),
                )
            ),
        ]
        body = to_json(document, api.pretty_print)
    return headers, status, body


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
    """List the coverages."""
    if request.format == F_JSONLD:
        listed: Answered = describe_collections(api, request)
        return listed
    document = {
        "collections": [_described(api, request, name) for name in api.config["resources"]],
        "links": [
            {
                "type": FORMAT_TYPES[name],
                "rel": request.get_linkrel(name),
                "title": f"This document as {name}",
                "href": f"{api.get_collections_url()}?f={name}",
            }
            for name in PAGE_FORMATS
        ],
    }
    return _rendered(api, request, "collections/index.html", document)


def collection(api: API, request: APIRequest, name: str) -> Answered:
    """Describe one coverage."""
    if request.format == F_JSONLD:
        described: Answered = describe_collections(api, request, name)
        return described
    return _rendered(api, request, "collections/collection.html", _described(api, request, name))


def openapi(api: API, request: APIRequest) -> Answered:
    """Describe the interface; the document is made once a revision."""
    if not api.openapi:
        api.openapi = amend_openapi(get_oas(api.config))
    answered: Answered = openapi_(api, request)
    return answered


def _described(api: API, request: APIRequest, name: str) -> Document:
    coverage: Coverage = api.config["resources"][name]["providers"][0]["data"]
    document = gen_collection(api, request, name, request.locale)
    page = request.format == F_HTML
    amend(document, coverage, page=page)
    # pygeoapi's page reads parameters as an older draft of EDR wrote them.
    return document if page else describe_queries(document, coverage, _url(api, name))


def _url(api: API, name: str) -> str:
    return f"{api.base_url}/collections/{name}"


def _rendered(api: API, request: APIRequest, template: str, document: Document) -> Answered:
    headers: dict[str, str] = request.get_response_headers(**api.api_headers)
    if request.format != F_HTML:
        text: str = to_json(document, api.pretty_print)
        return headers, HTTPStatus.OK, text
    page = document | {"base_url": api.base_url, "collections_path": api.get_collections_url()}
    templates = api.config["server"]["templates"]
    html: str = render_j2_template(api.tpl_config, templates, template, page, request.locale)
    return headers, HTTPStatus.OK, html
