"""WCS 2.1 has no published schema: its documents are checked against those that its parts have.

A description is checked as the GeneralGridCoverage of CIS 1.1 that it describes, and what is of
WCS itself as in WCS 2.0, from which 2.1 has it unchanged.
"""

from copy import deepcopy

from lxml import etree

from tests.ogc.conftest import Schemas

WCS_2_0, WCS_2_1 = "http://www.opengis.net/wcs/2.0", "http://www.opengis.net/wcs/2.1/gml"
CIS = "http://www.opengis.net/cis/1.1/gml"
GML = "http://www.opengis.net/gml/3.2"
_WCS = (WCS_2_0, "http://schemas.opengis.net/wcs/2.0/wcsAll.xsd")
_CIS = (CIS, "http://schemas.opengis.net/cis/1.1/gml/cisAll.xsd")
_EO = (
    "http://www.opengis.net/wcs/wcseo/1.0",
    "http://schemas.opengis.net/wcs/wcseo/1.0/wcsEOAll.xsd",
)
_GRIDS = ("http://www.opengis.net/gml/3.3/rgrid", "http://schemas.opengis.net/gml/3.3/rgrid.xsd")
CHILDREN = [
    *(f"{{{GML}}}description", f"{{{GML}}}name", f"{{{CIS}}}Envelope"),
    *(f"{{{WCS_2_1}}}CoverageId", f"{{{CIS}}}DomainSet", f"{{{CIS}}}RangeType"),
    *(f"{{{CIS}}}Metadata", f"{{{WCS_2_1}}}ServiceParameters"),
]
"""Of a description, in their order; only that of an observation has metadata."""


def _of_2_0(root: etree._Element) -> bytes:
    """Return a document with the elements of WCS 2.1 under their names in 2.0."""
    return etree.tostring(root).replace(WCS_2_1.encode(), WCS_2_0.encode())


def check_capabilities(body: bytes, schemas: Schemas) -> None:
    root = etree.fromstring(body)
    assert root.tag == f"{{{WCS_2_1}}}Capabilities"
    schemas.check(_of_2_0(root), _WCS, _EO, _GRIDS)


def check_descriptions(body: bytes, schemas: Schemas) -> list[etree._Element]:
    """Fail unless every part of a document is valid; return its descriptions."""
    root = etree.fromstring(body)
    assert root.tag == f"{{{WCS_2_1}}}CoverageDescriptions"
    described = list(root)
    assert described
    assert {one.tag for one in described} == {f"{{{WCS_2_1}}}CoverageDescription"}
    for one in described:
        names = [str(child.tag) for child in one]
        assert names == [name for name in CHILDREN if name in names]
        schemas.check(_of_2_0(one[-1]), _WCS)
        schemas.check(_as_coverage(one), _CIS)
        for metadata in one.iterfind(f"{{{CIS}}}Metadata/*"):
            schemas.check(etree.tostring(metadata), _EO)
    return described


def _as_coverage(description: etree._Element) -> bytes:
    """Return a description as the coverage that it describes, without its cells."""
    coverage = etree.Element(f"{{{CIS}}}GeneralGridCoverage", nsmap={"cis11": CIS, "gml": GML})
    coverage.set(f"{{{GML}}}id", str(description.get(f"{{{GML}}}id")))
    for child in description:
        if child.tag.startswith((f"{{{CIS}}}", f"{{{GML}}}")):
            if child.tag == f"{{{CIS}}}RangeType":
                ranges = etree.SubElement(coverage, f"{{{CIS}}}RangeSet")
                etree.SubElement(ranges, f"{{{CIS}}}FileReference").text = "cid:coverage"
            coverage.append(deepcopy(child))
    return etree.tostring(coverage)
