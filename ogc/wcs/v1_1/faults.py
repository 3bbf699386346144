"""Exceptions of WCS 1.1.1, as OWS Common 1.1 reports (OGC 06-121r3)."""

from ogc.faults import FaultTable, Report
from ogc.wcs.faults import add_exception
from ogc.wcs.v1_0 import faults as v1_0
from ogc.wcs.v1_1.names import OWS
from ogc.xml import MEDIA_TYPE, XSI, Vocabulary, document

_XML = Vocabulary(namespaces={"ows": OWS, "xsi": XSI})
_SCHEMA = "http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd"


def encode(report: Report) -> bytes:
    """Write an ows:ExceptionReport."""
    root = _XML.root("ows:ExceptionReport", version="1.1.0")
    _XML.attribute(root, "xsi:schemaLocation", f"{OWS} {_SCHEMA}")
    add_exception(_XML, root, report)
    return document(root)


TABLE = FaultTable(faults=v1_0.FAULTS, encode=encode, media_type=MEDIA_TYPE)
