"""What an encoder gets and what a service sends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from datacube.cells import Cells
from datacube.grid import Window
from datacube.plan.digest import digest
from datacube.plan.nodes import Encode, Plan
from datacube.protocols import Limits
from datacube.service_provider import Credits

type Compute = Callable[[Plan, Window], Cells]
"""Evaluates a part of a plan. The window is in the indices of the plan's domain, `(..., y, x)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeJob:
    """One bound plan to be written in one format."""

    node: Encode
    """Rewritten by the rules; its fields and domain are those that were asked."""
    compute: Compute
    """Evaluates at once and within the time limit; call it per block to bound memory."""
    scenes: tuple[str, ...]
    """Product ids of the contributing scenes, sorted."""
    limits: Limits
    credits: Callable[[], Credits] = Credits
    """Tells what the file says of its producers; asked only where its format has a place for it."""


type Encoder = Callable[[EncodeJob], bytes | Path]
"""Returns the body, or a complete temporary file that the receiver deletes."""

type Encoders = Mapping[str, Encoder]
"""Encoders by media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer: nothing of it can fail any more."""

    body: bytes | Path
    """The bytes, or a temporary file that the sender deletes."""
    media_type: str
    revision: int
    """The revision that the request was pinned to."""
    scenes: tuple[str, ...] = ()
    """Product ids of the contributing scenes, sorted."""
    etag: str = ""
    """Without quotes; equal for equal plans over equal slots and access class."""
    notes: tuple[str, ...] = ()
    """What was chosen for the asker: defaults used, pyramid levels read."""


def answer_tag(*parts: object) -> str:
    """Return the digest of what makes an answer, and of the program that makes it.

    A newer version may paint the same cells otherwise: what clients have of an older one is no
    answer of it.
    """
    return digest("answer", _program_version(), *parts)


@cache
def _program_version() -> str:
    return version("copernicube")
