"""The catalogue as pygeoapi's resources: every coverage is a collection."""

from collections.abc import Iterator, Mapping
from typing import Any

from datacube.axes import IrregularAxis, TimeAxis
from datacube.cube import Band, Coverage
from datacube.errors import UnknownNameError
from datacube.grid import crs_url, transformer
from datacube.protocols import Bbox, CatalogView
from datacube.times import iso_text
from ogc.api.get_coverage import FORMATS
from ogc.crs import CRS84
from ogc.exchange import Site

CRS84_URL = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
AXIS_URL = "http://www.opengis.net/def/crs/OGC/0/Index1D"
"""What an axis means that has no definition of its own."""
_WORLD = (-180.0, -90.0, 180.0, 90.0)
PROVIDER = "ogc.api.provider.CoverageProvider"

type Document = dict[str, Any]
"""A JSON document, as pygeoapi takes and gives it."""


class Resources(Mapping[str, Document]):
    """The coverages of one revision, described when they are asked for.

    Descriptions come from the catalogue alone: no store is opened. A revision never
    changes, so each is made once.
    """

    def __init__(self, view: CatalogView, site: Site) -> None:
        self._view = view
        self._site = site
        self._ids: tuple[str, ...] | None = None
        self._made: dict[str, Document] = {}

    @property
    def view(self) -> CatalogView:
        """The catalogue at the revision that is described."""
        return self._view

    @property
    def site(self) -> Site:
        """What the services say of themselves."""
        return self._site

    def __getitem__(self, coverage_id: str) -> Document:
        if coverage_id not in self._made:
            try:
                coverage = self._view.coverage(coverage_id)
            except UnknownNameError as error:
                raise KeyError(coverage_id) from error
            collection = self._view.collection(coverage.cube.collection)
            self._made[coverage_id] = describe(coverage, collection.description, self._site)
        return self._made[coverage_id]

    def __iter__(self) -> Iterator[str]:
        if self._ids is None:
            self._ids = tuple(self._view.coverage_ids())
        return iter(self._ids)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __deepcopy__(self, memo: object) -> "Resources":
        # pygeoapi copies its whole configuration for its HTML pages; the catalogue is not copied.
        return self


def describe(coverage: Coverage, description: str, site: Site) -> Document:
    """Return a coverage as pygeoapi configures a resource."""
    links = coverage_links(coverage.id, site, mappable=coverage.mappable)
    return {
        "type": "collection",
        "title": title(coverage),
        "description": description or title(coverage),
        "keywords": [coverage.cube.collection, *(band.name for band in coverage.bands)],
        "links": links,
        "extents": _extents(coverage),
        "providers": [{"type": "coverage", "name": PROVIDER, "data": coverage}],
    }


def coverage_links(name: str, site: Site, *, mappable: bool, zarr: bool = True) -> list[Document]:
    """Return the links of a coverage, or of a collection, to what serves it."""
    root = site.url.removesuffix("/ogcapi")
    url = f"{site.url}/collections/{name}"
    links = [
        _link(f"{url}/coverage?f={form}", media_type, "coverage", f"Coverage as {form}")
        for form, media_type in FORMATS.items()
    ]
    if mappable:
        links += [
            _link(f"{url}/map?f=png", "image/png", "map", "Map of the newest valid pixels"),
            _link(f"{url}/map/tiles", "application/json", "tilesets-map", "Tile sets of maps"),
            _link(f"{url}/styles", "application/json", "styles", "Styles of maps"),
            _service(f"{root}/ows?service=WMS&request=GetCapabilities", "WMS"),
            _service(f"{root}/wmts/1.0.0/WMTSCapabilities.xml", "WMTS"),
        ]
    if zarr:
        described = f"service=WCS&version=2.0.1&request=DescribeCoverage&coverageId={name}"
        links += [
            _link(
                f"{url}/coverage/domainset", "application/json", "coverage-domainset", "Domain set"
            ),
            _link(
                f"{url}/coverage/rangetype", "application/json", "coverage-rangetype", "Range type"
            ),
            _service(f"{root}/ows?{described}", "WCS"),
            {
                "href": f"{root}/zarr/{name}",
                "type": "application/vnd.zarr; version=3",
                "rel": "alternate",
                "title": "Zarr view of the present",
            },
        ]
    return links


def _service(href: str, name: str) -> Document:
    return {"href": href, "type": "application/xml", "rel": "service", "title": f"{name} of it"}


def _extents(coverage: Coverage) -> Document:
    # pygeoapi wants a box of everything; `amend` takes this one away again.
    box = lonlat_bbox(coverage) if coverage.mappable else _WORLD
    made: Document = {"spatial": {"bbox": list(box), "crs": CRS84_URL}}
    if coverage.time is not None:
        made["temporal"] = dict(zip(("begin", "end"), interval(coverage.time), strict=True))
    for axis in coverage.axes:
        made[axis.name] = {
            "url": AXIS_URL,
            "range": list(axis.extent),
            "units": axis.uom,
            **({"values": list(axis.coefficients)} if isinstance(axis, IrregularAxis) else {}),
        }
    return made


def title(coverage: Coverage) -> str:
    """Name a coverage for people."""
    grid = coverage.grid
    return f"{coverage.cube.title}, {grid.x.step:g} {grid.x.uom}"


def interval(axis: TimeAxis) -> tuple[str, str]:
    """First and last reference time, ISO 8601."""
    first, last = axis.ends
    return iso_text(first), iso_text(last)


def lonlat_bbox(coverage: Coverage) -> Bbox:
    """Longitude-latitude box around the coverage, to seven decimals, about a centimetre."""
    change = transformer(coverage.cube.crs, CRS84)
    west, south, east, north = change.transform_bounds(*coverage.grid.bbox, densify_pts=21)
    return round(west, 7), round(south, 7), round(east, 7), round(north, 7)


def amend(document: Document, coverage: Coverage, *, page: bool = False) -> Document:
    """Complete pygeoapi's description of a collection, and drop what leads nowhere.

    Besides what OGC API has (`crs`, `storageCrs`, `storageCrsBbox`, the grid of the axes),
    members beginning with `copernicube:` tell our own client which cube it is. On a `page`
    for people pygeoapi draws the box, so there the world stays for what has none.
    """
    document["links"] = [link for link in document["links"] if _leads_somewhere(link["href"])]
    crs = crs_url(coverage.cube.crs)
    document["crs"] = [CRS84_URL, crs] if coverage.mappable else [crs]
    document["storageCrs"] = crs
    extent = document["extent"]
    extent["spatial"]["storageCrsBbox"] = [list(coverage.grid.bbox)]
    if not coverage.mappable and not page:
        for name in ("bbox", "crs"):
            extent["spatial"].pop(name, None)
    if coverage.time is not None:
        extent["temporal"]["grid"] = {"cellsCount": coverage.time.size}
    document["copernicube:collection"] = coverage.cube.collection
    document["copernicube:cube"] = coverage.cube.name
    document["copernicube:title"] = coverage.cube.title
    document["copernicube:resolution"] = coverage.grid.x.step
    document["copernicube:axes"] = [axis.name for axis in coverage.domain_axes]
    document["copernicube:bands"] = [
        {"name": band.name, "title": band.title, "aliases": list(band.aliases)}
        for band in coverage.bands
    ]
    return document


def _leads_somewhere(href: str) -> bool:
    path, _, asked = href.partition("?")
    if path.endswith("/coverage"):
        return asked.removeprefix("f=") in FORMATS
    return not path.endswith("/queryables")


def band_schema(band: Band) -> Document:
    """Describe a band as a property of the collection's schema."""
    integer = band.numpy_dtype.kind in "iu"
    schema: Document = {
        "title": band.title,
        "type": "integer" if integer else "number",
        "x-ogc-unit": band.unit,
        "x-ogc-unitLang": "UCUM",
        **({} if band.gapless else {"x-ogc-nodata": band.nodata}),
    }
    if (band.scale, band.offset) != (1, 0):
        schema["x-ogc-scale"], schema["x-ogc-offset"] = band.scale, band.offset
    if band.standard_name:
        schema["x-ogc-definition"] = f"http://vocab.nerc.ac.uk/standard_name/{band.standard_name}/"
    if band.classes:
        schema["oneOf"] = [{"const": c.value, "title": c.title} for c in band.classes]
    return schema


def _link(href: str, media_type: str, relation: str, text: str) -> Document:
    rel = f"http://www.opengis.net/def/rel/ogc/1.0/{relation}"
    return {"href": href, "type": media_type, "rel": rel, "title": text}
