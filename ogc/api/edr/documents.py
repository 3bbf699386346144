"""What the description of a collection says of its EDR queries, and the classes that are met."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pyproj import CRS

from datacube.axes import IrregularAxis, TimeAxis
from datacube.cube import Band, Coverage
from datacube.encode.described import describe_band, unit_code
from datacube.grid import crs_url
from ogc.api.collections import AXIS_URL
from ogc.api.edr.request import METRES, Kind, format_names
from ogc.crs import CRS84
from ogc.wms.dimensions import VERTICAL

type Document = dict[str, Any]

_SPEC = "http://www.opengis.net/spec/ogcapi-edr-1"
EDR_CLASSES = (
    *(f"{_SPEC}/1.0/conf/{name}" for name in ("core", "collections", "json", "covjson", "oas30")),
    *(
        f"{_SPEC}/1.1/conf/{name}"
        for name in (
            "core",
            "collections",
            "json",
            "geojson",
            "edr-geojson",
            "covjson",
            "oas30",
            *Kind,
        )
    ),
)
_TITLES = {
    Kind.POSITION: "Values at places",
    Kind.AREA: "Cells in an area",
    Kind.CUBE: "Cells in a box",
    Kind.TRAJECTORY: "Values along a line",
    Kind.RADIUS: "Cells around places",
    Kind.CORRIDOR: "Cells on both sides of a line",
}
_UNITS = {Kind.RADIUS: ("within_units",), Kind.CORRIDOR: ("width_units", "height_units")}


def describe_queries(document: Document, coverage: Coverage, url: str) -> Document:
    """Add to the description of a collection what EDR clients read; `url` is the collection's.

    A coverage without a place on the Earth stays as it is: no query is for it.
    """
    if not coverage.mappable:
        return document
    names = {name for kind in Kind for name in format_names(kind)}
    product = f"{url.rpartition('/')[0]}/{coverage.cube.collection}"
    document["links"].append(collection_link(product, "The collection that it belongs to"))
    document["data_queries"] = {str(kind): {"link": _link(kind, coverage, url)} for kind in Kind}
    document["parameter_names"] = parameter_names(coverage.bands)
    document["output_formats"] = sorted(names)
    for axis in coverage.outer_axes:
        if not isinstance(axis, TimeAxis) and axis.name.casefold() in VERTICAL:
            values = axis.coefficients if isinstance(axis, IrregularAxis) else ()
            document["extent"]["vertical"] = {
                "definition": AXIS_URL,
                "interval": [list(axis.extent)],
                **({"values": [f"{value:g}" for value in values]} if values else {}),
                "vrs": f"{axis.name} in {axis.uom}",
            }
    return document


def collection_link(href: str, title: str) -> Document:
    """Return the link that EDR wants of every collection: to what it is a member of."""
    return {"href": href, "type": "application/json", "rel": "collection", "title": title}


def parameter_names(bands: Iterable[Band]) -> Document:
    """Describe bands as EDR describes parameters, by name."""
    return {band.name: _parameter(band) for band in bands}


def _link(kind: Kind, coverage: Coverage, url: str) -> Document:
    formats = list(format_names(kind))
    variables: Document = {
        "title": _TITLES[kind],
        "query_type": str(kind),
        "output_formats": formats,
        "default_output_format": formats[0],
        "crs_details": [_crs(crs) for crs in (CRS84, coverage.grid.crs)],
    }
    variables |= {name: list(METRES) for name in _UNITS.get(kind, ())}
    return {"href": f"{url}/{kind}", "rel": "data", "title": _TITLES[kind], "variables": variables}


def _crs(crs: CRS) -> Document:
    return {"crs": crs_url(crs), "wkt": _wkt(crs)}


@lru_cache(maxsize=512)
def _wkt(crs: CRS) -> str:
    return crs.to_wkt()


def _parameter(band: Band) -> Document:
    integer = band.numpy_dtype.kind in "iu"
    vocabulary = "http://vocab.nerc.ac.uk/standard_name"
    observed = {"id": f"{vocabulary}/{band.standard_name}/"} if band.standard_name else {}
    code = unit_code(band)
    return {
        "type": "Parameter",
        "id": band.name,
        "name": band.title,
        "description": describe_band(band),
        "data-type": "integer" if integer else "float",
        "unit": {
            "label": code,
            "symbol": {"value": code, "type": "http://www.opengis.net/def/uom/UCUM/"},
        },
        "observedProperty": {**observed, "label": band.title},
    }
