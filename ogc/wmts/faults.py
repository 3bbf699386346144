"""Exceptions of WMTS 1.0.0 (OGC 07-057r7, tables 20, 24 and 30), as OWS Common 1.1 reports."""

from dataclasses import replace
from types import MappingProxyType

from datacube.errors import TimeSelectionError, UnknownNameError
from ogc.faults import UNLOCATED, Fault, FaultTable, Report
from ogc.wmts.names import OWS, PARAMETERS
from ogc.xml import MEDIA_TYPE, XSI, Vocabulary, document

_XML = Vocabulary(namespaces={"ows": OWS, "xsi": XSI})
_INVALID = Fault(exception_code="InvalidParameterValue", status=400)

FAULTS = MappingProxyType(
    {
        "failure": Fault(exception_code="NoApplicableCode", status=500),
        "invalid-request": _INVALID,
        "missing-parameter": Fault(exception_code="MissingParameterValue", status=400),
        "invalid-parameter/updatesequence": Fault(
            exception_code="InvalidUpdateSequence", status=400
        ),
        "tile-out-of-range": Fault(exception_code="TileOutOfRange", status=400),
        "point-out-of-range": Fault(exception_code="PointIJOutOfRange", status=400),
        "not-supported": Fault(exception_code="OperationNotSupported", status=501),
        "not-supported/acceptversions": Fault(
            exception_code="VersionNegotiationFailed", status=400
        ),
        "not-supported/version": _INVALID,
        # The OGC's suite expects this of an unknown request, as every request of WMTS is answered.
        "not-supported/request": _INVALID,
        "not-supported/service": _INVALID,
        "not-supported/content-type": Fault(exception_code="InvalidParameterValue", status=415),
        "limit-exceeded": Fault(exception_code="NoApplicableCode", status=413),
        "unavailable": Fault(exception_code="NoApplicableCode", status=503),
    }
)


class WmtsFaultTable(FaultTable):
    """Names the parameter at fault where others name its value."""

    def report(self, error: Exception) -> Report:
        """Classify a failure."""
        told = FaultTable.report(self, error)
        if isinstance(error, UnknownNameError):
            return replace(told, locator=PARAMETERS.get(error.kind, told.locator))
        if isinstance(error, TimeSelectionError):
            return replace(told, locator="TIME")
        return told


def encode(report: Report) -> bytes:
    """Write an ows:ExceptionReport."""
    root = _XML.root("ows:ExceptionReport", version="1.1.0")
    _XML.attribute(
        root,
        "xsi:schemaLocation",
        f"{OWS} http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd",
    )
    exception = _XML.add(
        root, "ows:Exception", exceptionCode=report.fault.exception_code or "NoApplicableCode"
    )
    if report.locator and report.fault.exception_code not in UNLOCATED:
        exception.set("locator", report.locator)
    _XML.add(exception, "ows:ExceptionText", report.message)
    return document(root)


TABLE = WmtsFaultTable(faults=FAULTS, encode=encode, media_type=MEDIA_TYPE)
