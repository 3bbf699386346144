"""A store with cubes of every kind of axes, asked through the dispatcher."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from datacube.errors import CubeError
from ogc.exchange import Reply
from ogc.posted import read_posted
from ogc.service import dispatch, refuse
from tests.builders.made import Made, add_examples, make_store
from tests.builders.multipart import parts_of
from tests.ogc.fakes import SITE

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Sends requests and gives what comes back."""

    made: Made

    def get(self, query: str) -> Reply:
        return dispatch(query, self.made.local.engine.session, SITE)

    def post(self, document: str, content_type: str = "text/xml") -> Reply:
        try:
            posted = read_posted(content_type, document.encode())
        except CubeError as error:
            return refuse(error, "")
        return dispatch(posted, self.made.local.engine.session, SITE)

    def soap(self, document: str) -> Reply:
        envelope = f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{document}</s:Body></s:Envelope>'
        return self.post(envelope, "application/soap+xml")

    def coverage(self, query: str) -> Reply:
        return self.get(f"service=WCS&version=2.0.1&request=GetCoverage&coverageid={query}")

    def raster(self, query: str) -> tuple[NDArray[np.generic], MemoryFile]:
        """Return the cells of a GeoTIFF and the file."""
        file = MemoryFile(content(self.coverage(query)))
        with file.open() as opened:
            return opened.read(), file


def content(reply: Reply) -> bytes:
    """Return the body of an answer that must succeed."""
    assert reply.status == 200, reply.body
    return reply.body.read_bytes() if isinstance(reply.body, Path) else reply.body


def parts(reply: Reply) -> list[Message]:
    """Return the parts of a multipart answer."""
    return parts_of(reply.media_type, content(reply))


@pytest.fixture(scope="session")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Return a way to ask for A, B, T, G, L, P, W and U of `add_examples`."""
    made = add_examples(make_store(tmp_path_factory.mktemp("every-kind")))
    yield Asker(made=made)
    made.local.catalog.close()
