"""Requirements as tables: what is asked, and what the answer has to be."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from httpx2 import Response
from lxml import etree
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

type Changes = Mapping[str, str | None]
"""Parameters that differ from those of the base request; `None` leaves one out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and the media type or the exception that has to answer it."""

    changes: Changes = field(default_factory=dict)
    media: str | None = None
    """Start of the media type of an answer with 200."""
    code: str | None = None
    """Of the exception, instead."""
    status: int = 400
    """Of the exception."""


def requirements(**rows: Case) -> pytest.MarkDecorator:
    """Run a test with `case` for each requirement; `__` stands for a colon, `_` for a hyphen."""
    return cases({name.replace("__", ":").replace("_", "-"): case for name, case in rows.items()})


def cases(rows: Mapping[str, Case]) -> pytest.MarkDecorator:
    """Run a test with `case` for each requirement, by its name."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=name, marks=pytest.mark.requirement(name))
            for name, case in rows.items()
        ],
    )


def ask(
    client: TestClient, base: Mapping[str, str], changes: Changes, path: str = "/ows"
) -> Response:
    """Send a base request with changes."""
    query = {key: value for key, value in {**base, **changes}.items() if value is not None}
    reply: Response = client.get(path, params=query)
    return reply


def code_of(reply: Response) -> str | None:
    """Return the exception code of an OWS or WMS report."""
    for element in etree.fromstring(reply.content).iter("{*}Exception", "{*}ServiceException"):
        return element.get("exceptionCode") or element.get("code")
    return None


def check(reply: Response, case: Case) -> None:
    """Fail unless an answer is what its case expects."""
    if case.media is None:
        assert (reply.status_code, code_of(reply)) == (case.status, case.code), reply.text
        return
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith(case.media), reply.headers
    if case.media.startswith("image/"):
        assert picture(reply).size


def picture(reply: Response) -> NDArray[np.uint8]:
    """Return the pixels `(y, x, RGBA)` of a picture."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("image/"), reply.text
    return np.asarray(Image.open(io.BytesIO(reply.content)).convert("RGBA"))
