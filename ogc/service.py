"""From the parameters of a request to the operation of a service, and from failures to faults."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from datacube.errors import CubeError
from ogc import soap
from ogc.exchange import Operation, Reply, Session, Sessions, Site, headed, revision_header
from ogc.faults import FaultTable, UnsupportedError, retry_headers
from ogc.kvp import Kvp, as_of, shown
from ogc.posted import Posted
from ogc.related import MULTIPART, joined
from ogc.turns import Lane
from ogc.wcps import faults as wcps_faults
from ogc.wcps import process
from ogc.wcs import describe_coverage, get_coverage
from ogc.wcs import faults as wcs_faults
from ogc.wcs import faults_by_version as wcs_faults_by_version
from ogc.wcs import get_capabilities as wcs_capabilities
from ogc.wcs.eo import describe_eo_coverage_set
from ogc.wcs.transaction import OPERATIONS as TRANSACTIONS
from ogc.wcs.transaction.writing import NOBODY, Writing
from ogc.wms import faults as wms_faults
from ogc.wms import service as wms
from ogc.wmts import faults as wmts_faults
from ogc.wmts import service as wmts

__all__ = ["Reply", "Session", "Sessions", "Site", "dispatch", "lane_of", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One OGC service at this endpoint."""

    name: str
    operations: Mapping[str, Operation]
    """By name in lower case."""
    offered: tuple[str, ...]
    """Names of the operations as they are spelled."""
    faults: FaultTable
    faults_of: Callable[[Kvp], FaultTable] | None = None
    """How one request wants its failures told, where that is not always the same."""
    transactions: Mapping[str, Operation] = MappingProxyType({})
    """Operations for those who may write, by name in lower case."""


WMS = Service(
    name="WMS",
    operations=wms.OPERATIONS,
    offered=wms.OFFERED,
    faults=wms_faults.TABLE,
    faults_of=wms_faults.table,
)
WCS = Service(
    name="WCS",
    operations=MappingProxyType(
        {
            "getcapabilities": wcs_capabilities.answer,
            "describecoverage": describe_coverage.answer,
            "getcoverage": get_coverage.answer,
            "processcoverages": process.answer,
            "describeeocoverageset": describe_eo_coverage_set.answer,
        }
    ),
    offered=(
        "GetCapabilities",
        "DescribeCoverage",
        "GetCoverage",
        "ProcessCoverages",
        "DescribeEOCoverageSet",
    ),
    faults=wcs_faults.TABLE,
    faults_of=wcs_faults_by_version.table,
    transactions=TRANSACTIONS,
)
WCPS = Service(
    name="WCPS",
    operations=MappingProxyType({"processcoverages": process.answer}),
    offered=("ProcessCoverages",),
    faults=wcps_faults.TABLE,
)
WMTS = Service(
    name="WMTS", operations=wmts.OPERATIONS, offered=wmts.OFFERED, faults=wmts_faults.TABLE
)
SERVICES = MappingProxyType({"WMS": WMS, "WMTS": WMTS, "WCS": WCS, "WCPS": WCPS})
_REQUEST = re.compile(r"(?:^|&)request=([a-z]+)(?:&|$)", re.IGNORECASE)
_LANES = MappingProxyType(
    {
        "getcapabilities": Lane.DOCUMENT,
        "describecoverage": Lane.DOCUMENT,
        "describeeocoverageset": Lane.DOCUMENT,
        "getlegendgraphic": Lane.DOCUMENT,
        "getmap": Lane.PICTURE,
        "getfeatureinfo": Lane.PICTURE,
        "gettile": Lane.PICTURE,
    }
)
_WMTS = re.compile(r"(?:^|&)(?:service=wmts|request=gettile)(?:&|$)", re.IGNORECASE)
_WMS = re.compile(
    r"(?:^|&)(?:service=wms|request=(?:getmap|getfeatureinfo|getlegendgraphic))(?:&|$)",
    re.IGNORECASE,
)


def dispatch(
    asked: str | Posted, sessions: Sessions, site: Site, writing: Writing = NOBODY
) -> Reply:
    """Answer a request given as a query string, or as the body of a POST.

    Never raises: whatever fails is told in the exception format of the service that
    was asked, or of OWS Common where no service can be made out. It carries the
    revision, too, once one is pinned.
    """
    service = _likely_service(asked) if isinstance(asked, str) else WCS
    table = service.faults
    enveloped = isinstance(asked, Posted) and asked.soap
    headers: tuple[tuple[str, str], ...] = ()
    try:
        posted = Posted(kvp=Kvp.parse(asked)) if isinstance(asked, str) else asked
        kvp = posted.read()
        service = _fault_service(kvp)
        table = service.faults_of(kvp) if service.faults_of else service.faults
        session = sessions(as_of(kvp))
        headers = (revision_header(session.view.revision),)
        operation = _find_operation(kvp)
        if posted.uploads and operation is process.answer:
            operation = partial(process.answer, uploads=posted.uploads)
        writes = next((one for one in TRANSACTIONS.values() if one is operation), None)
        if writes is not None:
            operation = partial(writes, sent=posted.sent, writing=writing)
        if enveloped and operation is get_coverage.answer:
            # OGC 09-149r1, 6: the envelope holds the coverage, the file is its attachment.
            kvp = Kvp(pairs=(*kvp.pairs, ("mediatype", MULTIPART)))
        if enveloped:
            return soap.enclosed(operation(kvp, session, site))
        return joined(operation(kvp, session, site))
    except Exception as error:  # noqa: BLE001 the last resort: the table logs what is no CubeError
        told = _told(error, table)
        told = headed(told, headers)
        return soap.fault(told) if enveloped else told


def refuse(error: CubeError, parameters: str, *, enveloped: bool = False) -> Reply:
    """Tell why a request is not even begun, as the service wants that its parameters name."""
    service = _likely_service(parameters)
    table = service.faults
    if service.faults_of is not None:
        with suppress(CubeError):
            table = service.faults_of(Kvp.parse(parameters))
    told = _told(error, table)
    return soap.fault(told) if enveloped else told


def lane_of(parameters: str) -> Lane:
    """Return which work a request waits for, by parameters that may not be readable."""
    match = _REQUEST.search(parameters)
    return _LANES.get(match[1].casefold(), Lane.DATA) if match else Lane.DATA


def _told(error: Exception, table: FaultTable) -> Reply:
    report = table.report(error)
    headers = retry_headers(error)
    # Whoever is to ask again has to learn it, even where a picture tells why.
    status = report.fault.status if headers else table.status or report.fault.status
    return Reply(
        status=status, media_type=table.media_type, body=table.encode(report), headers=headers
    )


def _likely_service(parameters: str) -> Service:
    """Return the service that parameters ask for which may not be readable."""
    if _WMTS.search(parameters):
        return WMTS
    return WMS if _WMS.search(parameters) else WCS


def _fault_service(kvp: Kvp) -> Service:
    """Return the service in whose format a failure is told; never fails."""
    named = {value.strip().upper() for key, value in kvp if key == "service"}
    asked = {value.strip().casefold() for key, value in kvp if key == "request"}
    if "WMTS" in named or (not named & SERVICES.keys() and "gettile" in asked):
        return WMTS
    if "WMS" in named or (not named & SERVICES.keys() and asked & wms.ALONE):
        return WMS
    if "WCPS" in named or "processcoverages" in asked or _is_query(kvp):
        return WCPS
    return WCS


def _is_query(kvp: Kvp) -> bool:
    """Tell whether a query came alone, as users of WCPS send it."""
    return ("query" in kvp or "q" in kvp) and "service" not in kvp and "request" not in kvp


def _find_operation(kvp: Kvp) -> Operation:
    if _is_query(kvp):
        return process.answer
    asked = kvp.one("service", default="").upper()
    spelled = kvp.one("request", default="ProcessCoverages" if asked == "WCPS" else None)
    request = spelled.casefold()
    name = kvp.one("service", default="WMS" if request in wms.ALONE else None).upper()
    service = SERVICES.get(name)
    if service is None:
        raise UnsupportedError(
            f"service {shown(name)} is not offered; offered are {', '.join(SERVICES)}",
            parameter="SERVICE",
        )
    operation = service.operations.get(request) or service.transactions.get(request)
    if operation is None:
        raise UnsupportedError(
            f"{service.name} request {shown(spelled)} is not offered; "
            f"offered are {', '.join(service.offered)}",
            parameter="REQUEST",
        )
    return operation
