"""Who writes, with what: the right to it, what came with a request, and the bounds on it."""

from dataclasses import dataclass
from pathlib import Path

from datacube.encode.xml import Element
from datacube.protocols import ANONYMOUS, Principal
from datacube.writing import NotAllowedError, WriteCoverages
from ogc.exchange import Reply, revision_header
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.wcs.names import OLD_VERSIONS, parse_version
from ogc.wcs.transaction.names import NAMESPACE
from ogc.xml import MEDIA_TYPE, Vocabulary, document

_XML = Vocabulary(namespaces={"wcst": NAMESPACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionLimits:
    """Who may write, from where, and how much at once."""

    tokens: str = ""
    """File with a line `name:hash` for each who may write; the hash is SHA-256 of the token."""
    hosts: str = ""
    """Origins that coverages are fetched from, as `https://host`, parted by commas; empty: none."""
    file_bytes: int = 2**30
    """Body of a request with files, and a file that is fetched."""
    decoded_bytes: int = 4 * 2**30
    """Cells of one change, as they are stored."""
    seconds: float = 120.0
    """How long a file is fetched."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Writing:
    """Who asks, and what they may do."""

    principal: Principal = ANONYMOUS
    writer: WriteCoverages | None = None
    """None: transactions are off."""
    limits: TransactionLimits = TransactionLimits()


NOBODY = Writing()


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file beside a request."""

    name: str
    """Of the part of a form, or the id by which the request refers to it."""
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sent:
    """What came with a request beside its parameters."""

    documents: tuple[tuple[str, Element], ...] = ()
    """GML, by the element that it stood in."""
    files: tuple[SentFile, ...] = ()

    def file(self, name: str) -> Path | None:
        """Return the file of a name or id."""
        wanted = name.removeprefix("cid:").strip("<>")
        return next((file.path for file in self.files if file.name == wanted), None)


NOTHING = Sent()


def writer_of(kvp: Kvp, writing: Writing) -> WriteCoverages:
    """Return what writes for who asks.

    Raises
    ------
    NotAllowedError
        If they may not, or nobody may.
    UnsupportedError
        If the request is not of WCS 2.
    """
    operation = kvp.one("request")
    if writing.writer is None:
        raise NotAllowedError(
            f"{operation} is off: nobody who asks over the network may write, and "
            "coverages are made by `copernicube ingest`"
        )
    if not writing.principal.may_write:
        raise NotAllowedError(
            f"{operation} is for those who may write: send `Authorization: Bearer TOKEN` with a "
            "token that the operator gave"
        )
    version = parse_version(kvp)
    if version in OLD_VERSIONS:
        raise UnsupportedError(
            f"{operation} of WCS {shown(version)} is not offered; offered is 2.0.1",
            parameter="VERSION",
        )
    return writing.writer


def done(revision: int, coverage_id: str = "") -> Reply:
    """Answer a change: with the id of a new coverage, else with nothing, as the schema has it."""
    body = b""
    if coverage_id:
        root = _XML.root("wcst:InsertCoverageResponse")
        root.text = coverage_id
        body = document(root)
    return Reply(
        status=200,
        media_type=MEDIA_TYPE,
        body=body,
        headers=(revision_header(revision), ("Cache-Control", "no-store")),
    )
