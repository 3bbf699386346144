"""Transactions (OGC 13-057r1): coverages come, change and go by requests of those who may write."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from ogc.exchange import Reply, Session, Site
from ogc.kvp import Kvp
from ogc.wcs.transaction import delete_coverage, insert_coverage, update_coverage
from ogc.wcs.transaction.writing import NOBODY, NOTHING, Sent, Writing


class Transaction(Protocol):
    """An operation that writes."""

    def __call__(
        self,
        kvp: Kvp,
        session: Session,
        site: Site,
        *,
        sent: Sent = NOTHING,
        writing: Writing = NOBODY,
    ) -> Reply:
        """Answer it; failures are CubeErrors."""
        ...


OPERATIONS: Mapping[str, Transaction] = MappingProxyType(
    {
        "insertcoverage": insert_coverage.answer,
        "updatecoverage": update_coverage.answer,
        "deletecoverage": delete_coverage.answer,
    }
)
"""By name in lower case."""
