"""The record of one layer or coverage, at `/records/<name>`."""

from urllib.parse import quote

from datacube.cube import Collection, Coverage, acquisition_years
from datacube.protocols import CatalogView
from datacube.service_provider import attribution
from ogc.crs import hull, lonlat_bbox
from ogc.exchange import Reply, Site, reply_document
from ogc.records.iso19139 import MEDIA_TYPE, Link, Record, encode

PATH = "/records"


def record_url(root: str, name: str) -> str:
    """Return the address of a record below the server's root."""
    return f"{root}{PATH}/{quote(name)}"


def handle(name: str, view: CatalogView, root: str) -> Record:
    """Describe a collection, as a series, or a coverage, as one data set.

    `root` is the server's address without a slash at its end.

    Raises
    ------
    UnknownNameError
        If neither is offered under this name.
    """
    collection = next((each for each in view.collections() if each.id == name), None)
    if collection is None:
        coverage = view.coverage(name)
        collection = view.collection(coverage.cube.collection)
        return _record(collection, (coverage,), root, one=coverage)
    coverages = tuple(view.coverage(cube.name) for cube in view.cubes(name))
    return _record(collection, coverages, root)


def answer(name: str, view: CatalogView, site: Site) -> Reply:
    """Answer a request for a record.

    Raises
    ------
    UnknownNameError
    """
    body = encode(handle(name, view, site.root), site.provider)
    return reply_document(body, MEDIA_TYPE, view.revision)


def _record(
    collection: Collection,
    coverages: tuple[Coverage, ...],
    root: str,
    *,
    one: Coverage | None = None,
) -> Record:
    """Describe `one` coverage, else a collection by all of its."""
    name, title = (one.id, one.cube.title) if one else (collection.id, collection.title)
    mapped = [coverage for coverage in coverages if coverage.mappable]
    axes = [coverage.time for coverage in coverages if coverage.time is not None]
    ends = [end for axis in axes for end in axis.ends]
    years = acquisition_years(coverages)
    finest = min(mapped, key=lambda c: abs(c.grid.x.step), default=None)
    return Record(
        id=name,
        title=title,
        abstract=collection.description or title,
        series=one is None,
        keywords=tuple(dict.fromkeys((collection.id, *_bands(coverages), "Earth observation"))),
        licence=collection.licence,
        attribution=attribution(collection.attribution, years),
        lonlat=hull([lonlat_bbox(coverage.grid) for coverage in mapped]) if mapped else None,
        times=(min(ends), max(ends)) if ends else None,
        crss=tuple(dict.fromkeys(coverage.grid.crs for coverage in mapped)),
        resolution=None if finest is None else (abs(finest.grid.x.step), finest.grid.x.uom),
        links=_links(name, root, series=one is None, mapped=bool(mapped)),
    )


def _links(name: str, root: str, *, series: bool, mapped: bool) -> tuple[Link, ...]:
    ows, links = f"{root}/ows?", []
    if mapped:
        wms = f"{ows}service=WMS&request=GetCapabilities"
        links.append(Link(url=wms, protocol="OGC:WMS", name=name))
    if not series:
        wcs = f"{ows}service=WCS&version=2.0.1&request=DescribeCoverage&coverageId={quote(name)}"
        links.append(Link(url=wcs, protocol="OGC:WCS", name=name))
        links.append(Link(url=f"{root}/zarr/{quote(name)}", protocol="WWW:LINK", name="Zarr"))
    links.append(Link(url=f"{root}/ogcapi", protocol="WWW:LINK", name="OGC API"))
    return tuple(links)


def _bands(coverages: tuple[Coverage, ...]) -> list[str]:
    return [band.title or band.name for coverage in coverages for band in coverage.bands]
