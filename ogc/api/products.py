"""A collection of several cubes, described as OGC API describes collections."""

from collections.abc import Sequence

from datacube.cube import Collection, Coverage
from datacube.grid import crs_url
from datacube.protocols import CatalogView
from ogc.api.collections import CRS84_URL, Document, coverage_links, interval
from ogc.api.edr.documents import collection_link, parameter_names
from ogc.api.zones import of_collection
from ogc.crs import CRS84, hull
from ogc.exchange import Site
from ogc.tiles.layers import plane_bbox


def product_ids(view: CatalogView) -> tuple[str, ...]:
    """Return the collections whose name no coverage has, by id."""
    taken = frozenset(view.coverage_ids())
    return tuple(found.id for found in view.collections() if found.id not in taken)


def describe_product(name: str, view: CatalogView, site: Site) -> Document:
    """Describe a collection of cubes.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    collection = view.collection(name)
    coverages = of_collection(name, view)
    url = f"{site.url}/collections/{name}"
    bands = {band.name: band for one in coverages for band in one.bands}
    return {
        "id": name,
        "title": collection.title,
        "description": collection.description or collection.title,
        "keywords": sorted(bands),
        "links": [
            *(_page(url, form) for form in ("json", "html")),
            {
                "href": f"{url}/schema?f=json",
                "rel": "http://www.opengis.net/def/rel/ogc/1.0/schema",
                "type": "application/schema+json",
                "title": "Bands",
            },
            collection_link(f"{site.url}/collections", "All collections"),
            *coverage_links(name, site, mappable=bool(coverages), zarr=False),
            *(
                {
                    "href": f"{site.url}/collections/{one.id}",
                    "rel": "item",
                    "type": "application/json",
                    "title": f"Coverage in {one.cube.crs.name}",
                }
                for one in coverages
            ),
        ],
        "parameter_names": parameter_names(bands.values()),
        "extent": extent_of(coverages),
        "crs": [CRS84_URL, *dict.fromkeys(crs_url(one.cube.crs) for one in coverages)],
        "copernicube:coverages": [one.id for one in coverages],
        **_credit(collection),
    }


def _page(url: str, form: str) -> Document:
    media_type = "application/json" if form == "json" else "text/html"
    return {
        "href": f"{url}?f={form}",
        "rel": "self" if form == "json" else "alternate",
        "type": media_type,
        "title": f"This document as {form}",
    }


def _credit(collection: Collection) -> Document:
    return {"attribution": collection.attribution} if collection.attribution else {}


def extent_of(coverages: Sequence[Coverage]) -> Document:
    """Return the hull of coverages in longitude, latitude and time, as OGC API spells it."""
    made: Document = {}
    if coverages:
        box = hull([plane_bbox(one.grid, CRS84) for one in coverages])
        made["spatial"] = {"bbox": [[round(side, 7) for side in box]], "crs": CRS84_URL}
    times = [interval(one.time) for one in coverages if one.time is not None]
    if times:
        first, last = min(start for start, _ in times), max(end for _, end in times)
        made["temporal"] = {"interval": [[first, last]]}
    return made
