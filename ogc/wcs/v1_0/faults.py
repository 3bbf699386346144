"""Exceptions of WCS 1.0.0 (OGC 03-065r6, annex A.6)."""

from types import MappingProxyType

from ogc.faults import Fault, FaultTable, Report
from ogc.service_exceptions import exception_report

MEDIA_TYPE = "application/vnd.ogc.se_xml"
_SCHEMA = "http://schemas.opengis.net/wcs/1.0.0/OGC-exception.xsd"
_INVALID = Fault(exception_code="InvalidParameterValue", status=400)
_UNKNOWN = Fault(exception_code="CoverageNotDefined", status=400)

# With 400 QGIS, GDAL and OWSLib show the text of the exception; the standard has no status.
FAULTS = MappingProxyType(
    {
        "failure": Fault(exception_code=None, status=500),
        "invalid-request": _INVALID,
        "missing-parameter": Fault(exception_code="MissingParameterValue", status=400),
        "invalid-parameter/updatesequence": Fault(
            exception_code="InvalidUpdateSequence", status=400
        ),
        "unknown-name/collection": _UNKNOWN,
        "unknown-name/coverage": _UNKNOWN,
        "unknown-name/cube": _UNKNOWN,
        "unknown-name/format": Fault(exception_code="InvalidFormat", status=400),
        "out-of-domain": _INVALID,
        "time-selection": _INVALID,
        "not-supported": Fault(exception_code="OperationNotSupported", status=400),
        "revision": _INVALID,
        "limit-exceeded": Fault(exception_code=None, status=413),
        "unavailable": Fault(exception_code=None, status=503),
    }
)


def encode(report: Report) -> bytes:
    """Write a ServiceExceptionReport of 1.2.0, which is that of WCS 1.0.0."""
    return exception_report(report, version="1.2.0", schema=_SCHEMA)


TABLE = FaultTable(faults=FAULTS, encode=encode, media_type=MEDIA_TYPE)
