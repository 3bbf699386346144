"""Exceptions of WCS 2.0.1 and its extensions, as OWS Common 2.0 reports."""

from types import MappingProxyType

from datacube.encode.xml import Element
from ogc.faults import UNLOCATED, Fault, FaultTable, Report
from ogc.wcs.names import OWS
from ogc.xml import MEDIA_TYPE, XSI, Vocabulary, document

_XML = Vocabulary(namespaces={"ows": OWS, "xsi": XSI})
_INVALID = Fault(exception_code="InvalidParameterValue", status=400)

FAULTS = MappingProxyType(
    {
        "failure": Fault(exception_code="NoApplicableCode", status=500),
        "invalid-request": _INVALID,
        "missing-parameter": Fault(exception_code="MissingParameterValue", status=400),
        "empty-coverage-ids": Fault(exception_code="emptyCoverageIdList", status=404),
        "empty-eo-ids": Fault(exception_code="emptyEoIdList", status=404),
        "unknown-name/series": Fault(exception_code="NoSuchDatasetSeriesOrCoverage", status=404),
        "invalid-parameter/subset": Fault(exception_code="InvalidSubsetting", status=404),
        "invalid-parameter/time": Fault(exception_code="InvalidSubsetting", status=404),
        "invalid-parameter/rangesubset": Fault(exception_code="IllegalFieldSequence", status=400),
        "invalid-parameter/scalefactor": Fault(exception_code="InvalidScaleFactor", status=404),
        "invalid-parameter/scaleaxes": Fault(exception_code="InvalidScaleFactor", status=404),
        "invalid-parameter/scaleaxis": Fault(exception_code="ScaleAxisUndefined", status=404),
        "invalid-parameter/scale": Fault(exception_code="InvalidScaleFactor", status=404),
        "invalid-parameter/scalesize": Fault(exception_code="InvalidScaleFactor", status=404),
        "invalid-parameter/scaleextent": Fault(exception_code="InvalidExtent", status=404),
        # The OGC conformance suite expects 404 for what the coverage does not have (core
        # requirements 21, 34, 37 and 41), not 400.
        "unknown-name": Fault(exception_code="InvalidParameterValue", status=404),
        "unknown-name/axis": Fault(exception_code="InvalidAxisLabel", status=404),
        "unknown-name/band": Fault(exception_code="NoSuchField", status=404),
        "unknown-name/collection": Fault(exception_code="NoSuchCoverage", status=404),
        "unknown-name/coverage": Fault(exception_code="NoSuchCoverage", status=404),
        "unknown-name/cube": Fault(exception_code="NoSuchCoverage", status=404),
        "unknown-name/crs": Fault(exception_code="SubsettingCrs-NotSupported", status=404),
        "unknown-name/format": _INVALID,
        "unknown-name/section": _INVALID,
        "repeated-axis": Fault(exception_code="InvalidAxisLabel", status=404),
        "unknown-name/interpolation": Fault(
            exception_code="InterpolationMethodNotSupported", status=404
        ),
        "invalid-parameter/updatesequence": Fault(
            exception_code="InvalidUpdateSequence", status=400
        ),
        "invalid-parameter/interpolation": Fault(
            exception_code="InterpolationMethodNotSupported", status=404
        ),
        "not-supported/interpolation": Fault(
            exception_code="InterpolationMethodNotSupported", status=404
        ),
        "invalid-parameter/outputcrs": Fault(exception_code="OutputCrs-NotSupported", status=404),
        "invalid-parameter/crs": Fault(exception_code="SubsettingCrs-NotSupported", status=404),
        "out-of-domain": Fault(exception_code="InvalidSubsetting", status=404),
        "time-selection": Fault(exception_code="InvalidSubsetting", status=404),
        "not-allowed": Fault(exception_code="OperationNotAllowed", status=403),
        "taken-name": Fault(exception_code="CoverageAlreadyExists", status=409),
        "coverage-type": Fault(exception_code="InvalidCoverageType", status=400),
        "source": Fault(exception_code="InvalidCoverageType", status=400),
        "inconsistent-change": Fault(exception_code="InconsistentChange", status=404),
        "not-supported": Fault(exception_code="OperationNotSupported", status=501),
        "not-supported/content-type": Fault(exception_code="InvalidParameterValue", status=415),
        "not-supported/version": Fault(exception_code="VersionNegotiationFailed", status=400),
        "not-supported/service": _INVALID,
        "revision": Fault(exception_code="InvalidParameterValue", status=404),
        "limit-exceeded": Fault(exception_code="NoApplicableCode", status=413),
        "unavailable": Fault(exception_code="NoApplicableCode", status=503),
    }
)


def encode(report: Report) -> bytes:
    """Write an ows:ExceptionReport."""
    root = _XML.root("ows:ExceptionReport", version="2.0.1")
    _XML.attribute(root, "xsi:schemaLocation", f"{OWS} {OWS_SCHEMA}")
    add_exception(_XML, root, report)
    return document(root)


def add_exception(xml: Vocabulary, root: Element, report: Report) -> None:
    """Append the ows:Exception, which is alike in every version of OWS Common."""
    exception = xml.add(root, "ows:Exception")
    exception.set("exceptionCode", report.fault.exception_code or "NoApplicableCode")
    if report.locator and report.fault.exception_code not in UNLOCATED:
        exception.set("locator", report.locator)
    xml.add(exception, "ows:ExceptionText", report.message)


OWS_SCHEMA = "http://schemas.opengis.net/ows/2.0/owsExceptionReport.xsd"
TABLE = FaultTable(faults=FAULTS, encode=encode, media_type=MEDIA_TYPE)
