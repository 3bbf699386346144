"""Who may write through the server, and what writes for them."""

from dataclasses import dataclass, field
from pathlib import Path

from anyio import open_file
from starlette.requests import Request

from copernicube.config import Settings
from copernicube.tokens import Tokens
from copernicube.wiring import Local
from datacube.errors import CubeError, LimitExceededError
from datacube.store.pyramid import reduce_level
from datacube.writing import WriteCoverages
from ingest.job import Destination
from ingest.offered import OfferedCoverages, OfferLimits
from ogc.wcs.transaction.writing import NOBODY, TransactionLimits, Writing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Writers:
    """Those who may write."""

    tokens: Tokens | None = None
    writer: WriteCoverages | None = None
    limits: TransactionLimits = field(default_factory=TransactionLimits)

    def writing(self, request: Request) -> Writing:
        """Return who sends a request, and what they may do."""
        if self.tokens is None:
            return NOBODY
        principal = self.tokens.principal(request.headers.get("authorization", ""))
        return Writing(principal=principal, writer=self.writer, limits=self.limits)


NO_WRITERS = Writers()


def writers_of(settings: Settings, local: Local) -> Writers:
    """Return who may write: nobody, unless the settings say otherwise.

    Raises
    ------
    InvalidParameterError
        If transactions are on and the file of tokens has none.
    """
    if settings.transactions == "off":
        return NO_WRITERS
    limits = settings.transaction
    destination = Destination(
        catalog=local.catalog,
        store=local.store,
        reduce=reduce_level,
        records_present=local.store.commit_records_present,
    )
    return Writers(
        tokens=Tokens.read(limits.tokens),
        writer=OfferedCoverages(destination, OfferLimits(decoded_bytes=limits.decoded_bytes)),
        limits=limits,
    )


async def spool_body(request: Request, path: Path, limits: TransactionLimits) -> CubeError | None:
    """Write the body of a request to a file; return why it is refused, None where it is not."""
    length = 0
    async with await open_file(path, "wb") as file:
        async for chunk in request.stream():
            length += len(chunk)
            if length > limits.file_bytes:
                return LimitExceededError(
                    f"the request is longer than the {limits.file_bytes} bytes allowed "
                    "(TRANSACTION_FILE_BYTES)"
                )
            await file.write(chunk)
    return None
