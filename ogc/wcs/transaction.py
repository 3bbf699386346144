"""Transactions (OGC 13-057r1): coverages are written by ingest alone, so they are refused."""

from typing import NoReturn

from ogc.exchange import Session, Site
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp

OPERATIONS = ("InsertCoverage", "UpdateCoverage", "DeleteCoverage")


def answer(kvp: Kvp, session: Session, site: Site) -> NoReturn:  # noqa: ARG001 operations share one signature
    """Refuse the operation.

    Raises
    ------
    UnsupportedError
    """
    raise UnsupportedError(
        f"{kvp.one('request')} is off: nobody who asks over the network may write, and "
        "coverages are made by `copernicube ingest`",
        parameter="REQUEST",
    )
