"""What the OGC's suite of WMS 1.3.0 does in many of its tests."""

from collections.abc import Mapping

import numpy as np
from httpx2 import Response
from lxml import etree
from numpy.typing import NDArray
from PIL import ImageColor
from starlette.testclient import TestClient

from tests.conformance import asked
from tests.conformance.asked import Changes
from tools import make_cite_store

type Box = tuple[int, int, int, int]
"""Of pixels: `(x, y, width, height)`."""

LAYERS = (*(layer.name for layer in make_cite_store.LAYERS), "Terrain", "Autos")
"""Of the suite, without the prefix of their titles."""
DRAWN = {layer.name: (*ImageColor.getrgb(layer.colour), 255) for layer in make_cite_store.LAYERS}
"""What covers a pixel, red, green, blue and alpha."""


def ask(client: TestClient, base: Mapping[str, str], changes: Changes) -> Response:
    """Send a request with changes, its names in mixed case as the suite has them."""
    query = {_mixed(key): value for key, value in {**base, **changes}.items()}
    return asked.ask(client, {}, query)


def capabilities(client: TestClient) -> etree._Element:
    """Return the root of the document."""
    query = {"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": "1.3.0"}
    return etree.fromstring(ask(client, query, {}).content)


def share(drawn: NDArray[np.uint8]) -> float:
    """Return which part of a map on white is covered."""
    return 1 - whites(drawn, (0, 0, drawn.shape[1], drawn.shape[0])) / drawn[..., 0].size


def whites(drawn: NDArray[np.uint8], box: Box) -> int:
    """Count the white pixels in a box."""
    return int((_part(drawn, box)[..., :3] == 255).all(axis=-1).sum())


def clear(drawn: NDArray[np.uint8], box: Box) -> int:
    """Count the transparent pixels in a box."""
    return int((_part(drawn, box)[..., 3] == 0).sum())


def _part(drawn: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    x, y, width, height = box
    return drawn[y : y + height, x : x + width]


def _mixed(name: str) -> str:
    """Spell a name as the suite does.

    >>> _mixed("BGCOLOR")
    'BgCoLoR'
    """
    return "".join(c.lower() if n % 2 else c.upper() for n, c in enumerate(name))
