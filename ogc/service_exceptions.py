"""The report of a failure in services older than OWS Common: WMS, and WCS 1.0.0."""

from ogc.faults import Report
from ogc.xml import XSI, Vocabulary, document

_OGC = "http://www.opengis.net/ogc"
_XML = Vocabulary(namespaces={"": _OGC, "xsi": XSI})


def exception_report(report: Report, *, version: str, schema: str) -> bytes:
    """Write a ServiceExceptionReport of a version, whose schema is at an address."""
    root = _XML.root("ServiceExceptionReport", version=version)
    _XML.attribute(root, "xsi:schemaLocation", f"{_OGC} {schema}")
    exception = _XML.add(root, "ServiceException", report.message)
    if report.fault.exception_code:
        exception.set("code", report.fault.exception_code)
    if report.locator:
        exception.set("locator", report.locator)
    return document(root)
