"""How failures of WCS are told, by the version of the request."""

from collections.abc import Mapping
from types import MappingProxyType

from ogc.faults import FaultTable
from ogc.kvp import Kvp
from ogc.wcs import faults
from ogc.wcs.names import VERSION_1_0, VERSION_1_1, VERSIONS
from ogc.wcs.v1_0 import faults as v1_0
from ogc.wcs.v1_1 import faults as v1_1

_TABLES: Mapping[str, FaultTable] = MappingProxyType(
    {VERSION_1_0: v1_0.TABLE, VERSION_1_1: v1_1.TABLE}
)


def table(kvp: Kvp) -> FaultTable:
    """Return how a request wants its failure told; never fails."""
    named = {value.strip() for key, value in kvp if key == "version"}
    version = VERSIONS.get(named.pop(), "") if len(named) == 1 else ""
    return _TABLES.get(version, faults.TABLE)
