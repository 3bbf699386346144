"""Exceptions of WMS 1.3.0 (OGC 06-042, table E.1)."""

from types import MappingProxyType

from ogc.faults import Fault, FaultTable, Report
from ogc.xml import MEDIA_TYPE, XSI, Vocabulary, document

_XML = Vocabulary(namespaces={"": "http://www.opengis.net/ogc", "xsi": XSI})

# WMS 1.3.0 prescribes no status. With 400 GDAL, QGIS and OWSLib all show the text of the
# exception; OWSLib hides it behind a 404, and a browser would draw a document sent with 200.
FAULTS = MappingProxyType(
    {
        "failure": Fault(exception_code=None, status=500),
        "invalid-request": Fault(exception_code=None, status=400),
        "missing-parameter/time": Fault(exception_code="MissingDimensionValue", status=400),
        "invalid-parameter/crs": Fault(exception_code="InvalidCRS", status=400),
        "invalid-parameter/time": Fault(exception_code="InvalidDimensionValue", status=400),
        "invalid-parameter/updatesequence": Fault(
            exception_code="InvalidUpdateSequence", status=400
        ),
        "current-update-sequence": Fault(exception_code="CurrentUpdateSequence", status=400),
        "time-selection": Fault(exception_code="InvalidDimensionValue", status=400),
        "unknown-name/collection": Fault(exception_code="LayerNotDefined", status=400),
        "unknown-name/coverage": Fault(exception_code="LayerNotDefined", status=400),
        "unknown-name/cube": Fault(exception_code="LayerNotDefined", status=400),
        "unknown-name/layer": Fault(exception_code="LayerNotDefined", status=400),
        "unknown-name/style": Fault(exception_code="StyleNotDefined", status=400),
        "unknown-name/crs": Fault(exception_code="InvalidCRS", status=400),
        "unknown-name/format": Fault(exception_code="InvalidFormat", status=400),
        "not-supported": Fault(exception_code="OperationNotSupported", status=400),
        "not-supported/content-type": Fault(exception_code=None, status=415),
        "not-supported/version": Fault(exception_code=None, status=400),
        "revision": Fault(exception_code=None, status=400),
        "limit-exceeded": Fault(exception_code=None, status=413),
    }
)


def encode(report: Report) -> bytes:
    """Write a ServiceExceptionReport."""
    root = _XML.root("ServiceExceptionReport", version="1.3.0")
    _XML.attribute(
        root,
        "xsi:schemaLocation",
        "http://www.opengis.net/ogc http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd",
    )
    exception = _XML.add(root, "ServiceException", report.message)
    if report.fault.exception_code:
        exception.set("code", report.fault.exception_code)
    if report.locator:
        exception.set("locator", report.locator)
    return document(root)


TABLE = FaultTable(faults=FAULTS, encode=encode, media_type=MEDIA_TYPE)
