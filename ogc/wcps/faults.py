"""Exceptions of queries: those of WCS, and what rasdaman's clients know beside them."""

from types import MappingProxyType

from ogc.faults import Fault, FaultTable
from ogc.wcs import faults as wcs_faults

FAULTS = MappingProxyType(
    {
        **wcs_faults.FAULTS,
        "query-syntax": Fault(exception_code="SyntaxError", status=400),
        "unknown-name": Fault(exception_code="SemanticError", status=400),
        "unknown-name/crs": Fault(exception_code="SubsettingCrs-NotSupported", status=404),
        "unknown-name/output-crs": Fault(exception_code="OutputCrs-NotSupported", status=404),
        "unknown-name/format": Fault(exception_code="UnsupportedEncodingFormat", status=501),
        "unknown-name/interpolation": Fault(
            exception_code="InterpolationMethodNotSupported", status=501
        ),
        "invalid-parameter/subset": Fault(exception_code="InvalidSubsetting", status=404),
    }
)
TABLE = FaultTable(faults=FAULTS, encode=wcs_faults.encode, media_type=wcs_faults.TABLE.media_type)
