"""Who may write: tokens by their hashes, from a file of the operator."""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from datacube.errors import InvalidParameterError
from datacube.protocols import ANONYMOUS, Principal

_LINE = re.compile(r"([A-Za-z0-9._-]{1,100}):([0-9a-f]{64})")
MAX_TOKEN_CHARACTERS = 1000


class Tokens:
    """Names those who send a token. Tokens are known by their hashes alone."""

    def __init__(self, hashes: Sequence[tuple[str, str]]) -> None:
        self._hashes = tuple(hashes)

    @classmethod
    def read(cls, path: str) -> "Tokens":
        """Read the lines `name:hash`; empty ones and those that begin with `#` say nothing.

        Raises
        ------
        InvalidParameterError
            If the file cannot be read, holds none, or has a line of another form.
        """
        try:
            lines = Path(path).read_text("utf-8").splitlines() if path else []
        except (OSError, UnicodeDecodeError) as error:
            raise _bad(f"the file cannot be read: {error}") from error
        found = []
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line.strip())
            if match is None:
                raise _bad(f"line {number} is not name:hash, the hash 64 digits 0-9a-f")
            found.append((match[1], match[2]))
        if not found:
            raise _bad("COPERNICUBE_TRANSACTIONS is on and nobody has a token")
        return cls(found)

    def principal(self, authorization: str) -> Principal:
        """Return who sends a header `Authorization: Bearer TOKEN`; who is not known is anonymous.

        It takes as long for a wrong token as for a right one.
        """
        scheme, _, token = authorization.partition(" ")
        known = ""
        digest = sha256(token.strip()[:MAX_TOKEN_CHARACTERS].encode()).hexdigest()
        for name, each in self._hashes:
            if hmac.compare_digest(each, digest):
                known = name
        if scheme.casefold() != "bearer" or not known:
            return ANONYMOUS
        return Principal(name=known, may_write=True)


def _bad(why: str) -> InvalidParameterError:
    name = "COPERNICUBE_TRANSACTION_TOKENS"
    return InvalidParameterError(f"{name}: {why}", parameter=name)
