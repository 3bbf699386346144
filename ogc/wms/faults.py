"""Exceptions of WMS: OGC 06-042, table E.1, and OGC 01-068r3, annex A.3."""

from types import MappingProxyType

from lxml import etree

from ogc.faults import Fault, FaultTable, Report
from ogc.kvp import Kvp
from ogc.service_exceptions import exception_report
from ogc.wms.fault_pictures import PictureFault, picture_fault
from ogc.wms.versions import Version, negotiated
from ogc.xml import MEDIA_TYPE, typed_document

OLD_MEDIA_TYPE = "application/vnd.ogc.se_xml"
"""Of exceptions in 1.1.1."""
EXCEPTION_FORMATS = MappingProxyType(
    {
        Version.V1_3_0: ("XML", "INIMAGE", "BLANK"),
        Version.V1_1_1: (
            OLD_MEDIA_TYPE,
            "application/vnd.ogc.se_inimage",
            "application/vnd.ogc.se_blank",
        ),
    }
)
"""As capabilities list them; a request may spell them either way."""
_SCHEMA = "http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd"
_OLD_TYPE = "http://schemas.opengis.net/wms/1.1.1/exception_1_1_1.dtd"
_OLD_CODES = MappingProxyType({"InvalidCRS": "InvalidSRS"})

# WMS prescribes no status. With 400 GDAL, QGIS and OWSLib all show the text of the
# exception; OWSLib hides it behind a 404, and a browser would draw a document sent with 200.
FAULTS = MappingProxyType(
    {
        "failure": Fault(exception_code=None, status=500),
        "invalid-request": Fault(exception_code=None, status=400),
        "missing-parameter/time": Fault(exception_code="MissingDimensionValue", status=400),
        "place-needed": Fault(exception_code="MissingDimensionValue", status=400),
        "invalid-parameter/crs": Fault(exception_code="InvalidCRS", status=400),
        "invalid-parameter/time": Fault(exception_code="InvalidDimensionValue", status=400),
        "invalid-parameter/i": Fault(exception_code="InvalidPoint", status=400),
        "invalid-parameter/j": Fault(exception_code="InvalidPoint", status=400),
        "invalid-parameter/x": Fault(exception_code="InvalidPoint", status=400),
        "invalid-parameter/y": Fault(exception_code="InvalidPoint", status=400),
        "invalid-parameter/updatesequence": Fault(
            exception_code="InvalidUpdateSequence", status=400
        ),
        "current-update-sequence": Fault(exception_code="CurrentUpdateSequence", status=400),
        "dimension-value": Fault(exception_code="InvalidDimensionValue", status=400),
        "time-selection": Fault(exception_code="InvalidDimensionValue", status=400),
        "out-of-domain": Fault(exception_code="InvalidDimensionValue", status=400),
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
        "unavailable": Fault(exception_code=None, status=503),
    }
)


def encode(report: Report) -> bytes:
    """Write a ServiceExceptionReport of 1.3.0."""
    return exception_report(report, version=str(Version.V1_3_0), schema=_SCHEMA)


def encode_old(report: Report) -> bytes:
    """Write a ServiceExceptionReport of 1.1.1."""
    root = etree.Element("ServiceExceptionReport", version=str(Version.V1_1_1))
    exception = etree.SubElement(root, "ServiceException")
    exception.text = report.message
    code = report.fault.exception_code
    if code:
        exception.set("code", _OLD_CODES.get(code, code))
    return typed_document(root, _OLD_TYPE)


TABLE = FaultTable(faults=FAULTS, encode=encode, media_type=MEDIA_TYPE)
_OLD_TABLE = FaultTable(faults=FAULTS, encode=encode_old, media_type=OLD_MEDIA_TYPE)


def table(kvp: Kvp) -> FaultTable:
    """Return how a request wants its exception: by its version, and by EXCEPTIONS.

    Never fails: a picture is drawn only where its size and format can be made out.
    """
    asked = {value.strip().casefold() for key, value in kvp if key == "exceptions"}
    kinds = {text.rpartition("_")[2] for text in asked}
    wanted = PictureFault.of(kvp) if kinds & {"inimage", "blank"} else None
    if wanted is not None:
        blank = "blank" in kinds

        def drawn(report: Report) -> bytes:
            return picture_fault(wanted, "" if blank else report.message)

        return FaultTable(faults=FAULTS, encode=drawn, media_type=wanted.media_type, status=200)
    versions = {value for key, value in kvp if key in {"version", "wmtver"}}
    old = len(versions) == 1 and negotiated(kvp) is Version.V1_1_1
    return _OLD_TABLE if old else TABLE
