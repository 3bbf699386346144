"""Answers requests for members of views; knows no web server.

A view never changes, so whatever goes out of it may be kept for ever. A chunk without
data is 404, which Zarr reads as nodata; a failure is never 404, or it would be read so.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

from datacube.cells import Cells
from datacube.encode.zarr import MEDIA_TYPE, METADATA_KEY, has_member, view_member, view_metadata
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import Window
from datacube.plan import nodes, query
from datacube.plan.bind import Bound
from datacube.protocols import CatalogView, Principal
from datacube.service_provider import Credits
from ogc.api.get_coverage import check_names
from ogc.exchange import Reply, headed, revision_header, scenes_header
from ogc.kvp import Kvp, as_of
from ogc.problem import problem
from ogc.zarr.address import ViewAddress, parse_path

FOR_EVER = ("Cache-Control", "public, max-age=31536000, immutable")
KEPT = 128
"""Number of bound views kept, the last used."""
_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.IGNORECASE)


class ViewSession(Protocol):
    """The engine at one revision, for one principal."""

    @property
    def view(self) -> CatalogView:
        """The catalogue at the pinned revision."""
        ...

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    def bind(self, asked: query.Encode) -> Bound:
        """Bind a query; reads no cells."""
        ...

    def compute(self, plan: nodes.Plan, window: Window | None = None) -> Cells:
        """Evaluate a window of a bound plan."""
        ...

    def etag(self, bound: Bound) -> str:
        """Return the digest of a plan, its slots and the asker's access."""
        ...

    def credits(self, plan: nodes.Plan) -> Credits:
        """Return whom a view of a plan names as its sources."""
        ...


type ViewSessions = Callable[[int | None], ViewSession]
"""Opens a session `as_of` a revision, None for the newest; may raise RevisionError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRequest:
    """A GET or HEAD below `/zarr/`."""

    path: str
    """What follows `/zarr/`, percent-decoded."""
    parameters: str = ""
    """The query string."""
    range_header: str = ""
    if_none_match: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """A bound view."""

    plan: nodes.Plan
    title: str
    etag: str
    scenes: tuple[str, ...]


class Views:
    """The views of all coverages; safe for use by many threads."""

    def __init__(self, sessions: ViewSessions) -> None:
        self._sessions = sessions
        self._kept: OrderedDict[tuple[str, frozenset[str]], _View] = OrderedDict()
        self._guard = threading.Lock()

    def answer(self, request: ViewRequest, url: str) -> Reply:
        """Answer a request; `url` is the address of `/zarr` as clients reach it.

        Never raises: whatever fails is a problem document.
        """
        headers: tuple[tuple[str, str], ...] = ()
        key = ""
        try:
            address, key = parse_path(request.path)
            # Asked for every request, because a revision may have been purged meanwhile.
            session = self._sessions(_revision(address, request.parameters))
            headers = (revision_header(session.view.revision),)
            if address.revision is None:
                session.view.coverage(address.coverage_id)
                pinned = replace(address, revision=session.view.revision)
                return _redirect(f"{url}/{pinned.path}", key, session.view.revision)
            return _member(self._bound(address, session), key, request, session)
        except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
            # Zarr would take 404 for the chunk of a view that does not exist for nodata.
            status = HTTPStatus.NOT_FOUND if _is_document(key) else HTTPStatus.BAD_REQUEST
            return headed(problem(error, not_found=status), headers)

    def _bound(self, address: ViewAddress, session: ViewSession) -> _View:
        key = (str(address), session.principal.access)
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _bind(address, session)
        with self._guard:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _revision(address: ViewAddress, parameters: str) -> int | None:
    """Return the revision that a request is about, None for the present."""
    kvp = Kvp.parse(parameters)
    check_names(kvp, ("as_of",))
    wanted = as_of(kvp)
    if address.revision is None:
        return wanted
    if wanted not in (None, address.revision):
        raise InvalidParameterError(
            f"as_of {wanted} is not the revision {address.revision} of this view; "
            "allowed is the bare name with as_of",
            parameter="as_of",
        )
    return address.revision


def _is_document(key: str) -> bool:
    return key == "" or key.endswith(METADATA_KEY)


def _bind(address: ViewAddress, session: ViewSession) -> _View:
    crs = session.view.coverage(address.coverage_id).cube.crs
    bound = session.bind(query.Encode(source=address.source(crs), media_type=MEDIA_TYPE))
    plan = bound.encode.source
    if isinstance(plan, nodes.Picture):
        raise InvalidParameterError("a view is of a coverage", parameter="coverage")
    return _View(
        plan=plan,
        title=bound.encode.title,
        etag=session.etag(bound),
        scenes=nodes.contributing_scenes(plan),
    )


def _member(view: _View, key: str, request: ViewRequest, session: ViewSession) -> Reply:
    revision = revision_header(session.view.revision)
    tag = f'"{view.etag}"'
    document = _is_document(key)
    headers = (
        revision,
        FOR_EVER,
        ("ETag", tag),
        *(scenes_header(view.scenes) if document else ()),
    )
    if tag in request.if_none_match and (key == "" or has_member(view.plan, key)):
        # Who has the tag under this address got the bytes with it: no cell is read again.
        return Reply(status=304, media_type="", body=b"", headers=headers)
    body: bytes | None
    if key in ("", METADATA_KEY):
        body = view_metadata(view.plan, title=view.title, credits_=session.credits(view.plan))
    else:
        body = view_member(view.plan, key, session.compute)
    if body is None:
        told = problem(UnknownNameError("member", key[:80], ()))
        return headed(told, (revision, FOR_EVER))
    media_type = "application/json" if document else "application/octet-stream"
    whole = Reply(status=200, media_type=media_type, body=body, headers=headers)
    return _part(whole, body, request.range_header)


def _part(whole: Reply, body: bytes, asked: str) -> Reply:
    """Cut a reply to one range of bytes; several, or what is no range, give the whole."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or not (match["first"] or match["last"]):
        return whole
    size = len(body)
    if match["first"]:
        start = int(match["first"])
        stop = min(int(match["last"]) + 1, size) if match["last"] else size
    else:
        start, stop = max(0, size - int(match["last"])), size
    if start >= stop:
        content_range = ("Content-Range", f"bytes */{size}")
        refused = problem(
            InvalidParameterError(f"range {asked} is not within {size} bytes", parameter="Range")
        )
        return replace(refused, status=416, headers=(*whole.headers, content_range))
    content_range = ("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    return replace(
        whole, status=206, body=body[start:stop], headers=(*whole.headers, content_range)
    )


def _redirect(view: str, key: str, revision: int) -> Reply:
    location = f"{view}/{quote(key)}" if key else view
    return Reply(
        status=307,
        media_type="text/plain",
        body=b"",
        headers=(
            ("Location", location),
            ("Cache-Control", "no-cache"),
            revision_header(revision),
        ),
    )
