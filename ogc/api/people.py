"""What people paste into their tools to use a collection."""

from urllib.parse import urlencode

from datacube.cube import Coverage
from datacube.protocols import CatalogView
from datacube.times import iso_text
from ogc.api.zones import of_collection

type Addresses = list[tuple[str, str]]
"""What it is for, and the text to copy."""


def addresses(name: str, view: CatalogView, url: str) -> Addresses:
    """Return the addresses, the query and the line of Python of a collection or coverage.

    `url` is that of the API.
    """
    root = url.removesuffix("/ogcapi")
    offered = (view.coverage(name),) if name in view.coverage_ids() else of_collection(name, view)
    made: Addresses = []
    if any(coverage.mappable for coverage in offered):
        made += [
            ("WMS", f"{root}/ows?service=WMS&request=GetCapabilities"),
            ("WMTS", f"{root}/wmts/1.0.0/WMTSCapabilities.xml"),
        ]
    for coverage in offered[:1]:
        described = {
            "service": "WCS",
            "version": "2.0.1",
            "request": "DescribeCoverage",
            "coverageId": coverage.id,
        }
        line = f'import copernicube; cube = copernicube.open("{root}")["{coverage.cube.name}"]'
        made += [
            ("WCS", f"{root}/ows?{urlencode(described)}"),
            ("WCPS", _query(coverage)),
            ("Python", line),
        ]
    return made


def _query(coverage: Coverage) -> str:
    band = coverage.bands[0].name
    cut = ""
    if coverage.time is not None:
        cut = f'[ansi("{iso_text(coverage.time.ends[1])}")]'
    return f"for $c in ({coverage.id}) return count($c.{band}{cut})"
