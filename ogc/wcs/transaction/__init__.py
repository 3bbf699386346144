"""Transactions (OGC 13-057r1): coverages come, change and go by requests of those who may write."""

from collections.abc import Mapping
from types import MappingProxyType

from ogc.exchange import Operation
from ogc.wcs.transaction import delete_coverage, insert_coverage, update_coverage

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "insertcoverage": insert_coverage.answer,
        "updatecoverage": update_coverage.answer,
        "deletecoverage": delete_coverage.answer,
    }
)
"""By name in lower case; each takes `sent` and `writing` besides."""
