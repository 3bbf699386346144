"""From the parameters of a request to the operation of the tile service."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ogc.exchange import Operation, Reply, Sessions, Site, headed, revision_header
from ogc.faults import UnsupportedError, retry_headers
from ogc.kvp import Kvp, as_of, shown
from ogc.wmts import get_capabilities, get_feature_info, get_tile
from ogc.wmts.faults import TABLE
from ogc.wmts.kept import KeptDocuments

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "getcapabilities": get_capabilities.answer,
        "gettile": get_tile.answer,
        "getfeatureinfo": get_feature_info.answer,
    }
)
"""By name in lower case."""
OFFERED = ("GetCapabilities", "GetTile", "GetFeatureInfo")


def dispatch(read: Callable[[], Kvp], sessions: Sessions, site: Site, kept: KeptDocuments) -> Reply:
    """Answer a request whose parameters `read` returns, with a document in `kept` if there is one.

    Never raises: whatever fails, reading included, is told as an ows:ExceptionReport.
    """
    headers: tuple[tuple[str, str], ...] = ()
    try:
        kvp = read()
        operation = _find_operation(kvp)
        session = sessions(as_of(kvp))
        headers = (revision_header(session.view.revision),)
        if operation is get_capabilities.answer:
            return get_capabilities.answer_kept(kept, kvp, session, site)
        return operation(kvp, session, site)
    except Exception as error:  # noqa: BLE001 the last resort: the table logs what is no CubeError
        return headed(refuse(error), headers)


def refuse(error: Exception) -> Reply:
    """Tell why a request is not answered."""
    report = TABLE.report(error)
    return Reply(
        status=report.fault.status,
        media_type=TABLE.media_type,
        body=TABLE.encode(report),
        headers=retry_headers(error),
    )


def _find_operation(kvp: Kvp) -> Operation:
    service, spelled = kvp.one("service"), kvp.one("request")
    if service.upper() != "WMTS":
        raise UnsupportedError(
            f"service {shown(service)} is not offered here; offered is WMTS", parameter="SERVICE"
        )
    operation = OPERATIONS.get(spelled.casefold())
    if operation is None:
        raise UnsupportedError(
            f"WMTS request {shown(spelled)} is not offered; offered are {', '.join(OFFERED)}",
            parameter="REQUEST",
        )
    return operation
