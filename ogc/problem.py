"""Failures as problem documents (RFC 9457), the exception format of OGC API and of views."""

import json
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType

from datacube.errors import RevisionError
from ogc.exchange import Reply
from ogc.faults import Fault, FaultTable, Report, retry_headers

MEDIA_TYPE = "application/problem+json"

FAULTS = MappingProxyType(
    {
        "failure": Fault(exception_code="NoApplicableCode", status=500),
        "invalid-request": Fault(exception_code="InvalidParameterValue", status=400),
        "missing-parameter": Fault(exception_code="MissingParameterValue", status=400),
        "unknown-name": Fault(exception_code="InvalidParameterValue", status=400),
        "unknown-name/collection": Fault(exception_code="NotFound", status=404),
        "unknown-name/coverage": Fault(exception_code="NotFound", status=404),
        "unknown-name/cube": Fault(exception_code="NotFound", status=404),
        "unknown-name/member": Fault(exception_code="NotFound", status=404),
        "unknown-name/layer": Fault(exception_code="NotFound", status=404),
        "unknown-name/style": Fault(exception_code="NotFound", status=404),
        "unknown-name/tile-matrix-set": Fault(exception_code="NotFound", status=404),
        "unknown-name/tile-matrix": Fault(exception_code="NotFound", status=404),
        "tile-out-of-range": Fault(exception_code="NotFound", status=404),
        "query-syntax": Fault(exception_code="SyntaxError", status=400),
        "unknown-name/page": Fault(exception_code="NotFound", status=404),
        "unknown-name/accept": Fault(exception_code="NotAcceptable", status=406),
        "not-supported/method": Fault(exception_code="OperationNotSupported", status=405),
        "revision": Fault(exception_code="NotFound", status=404),
        # OGC API: a part that has no data, in space or in time, is asked for in vain.
        "out-of-domain": Fault(exception_code="NotFound", status=404),
        "time-selection": Fault(exception_code="NotFound", status=404),
        "limit-exceeded": Fault(exception_code="LimitExceeded", status=413),
        "unavailable": Fault(exception_code="ServerBusy", status=503),
    }
)
_GONE = Fault(exception_code="Gone", status=410)


def encode(report: Report) -> bytes:
    """Write a problem document."""
    status = report.fault.status
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": report.fault.exception_code,
        "detail": report.message,
    }
    if report.locator:
        document["parameter"] = report.locator
    return json.dumps(document).encode()


TABLE = FaultTable(faults=FAULTS, encode=encode, media_type=MEDIA_TYPE)


def problem(error: Exception, *, not_found: int = HTTPStatus.NOT_FOUND) -> Reply:
    """Tell a failure; one that is no CubeError is logged and told without its cause.

    `not_found` is the status where 404 would mean something else to the client.
    """
    report = TABLE.report(error)
    if report.fault.status == HTTPStatus.NOT_FOUND:
        report = replace(report, fault=replace(report.fault, status=not_found))
    if isinstance(error, RevisionError) and error.purged:
        report = Report(fault=_GONE, locator=report.locator, message=report.message)
    return Reply(
        status=report.fault.status,
        media_type=MEDIA_TYPE,
        body=encode(report),
        headers=retry_headers(error),
    )
