"""What the requirements of OGC API are asked of, and how answers are read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from httpx2 import Response
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from tests.conformance import asked

ROOT = "/ogcapi"
CUBE = f"{ROOT}/collections/S2_L1C_32618"
ONE = f"{CUBE}_20m"
"""Bands of one grid, at one time."""
MANY = f"{ROOT}/collections/S2_L2A_3035"
"""At 140 times."""
BOUNDS = (442680.0, 4167180.0, 450840.0, 4175340.0)
"""Of `CUBE` and `ONE` in EPSG:32618."""
UTM = "http://www.opengis.net/def/crs/EPSG/0/32618"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
JSON, HTML, PNG, TIFF = "application/json", "text/html", "image/png", "image/tiff"
PROBLEM = "application/problem+json"
COVJSON, GEOJSON = "application/prs.coverage+json", "application/geo+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An address and what has to answer it."""

    path: str
    media: str = PROBLEM
    status: int = 200


def failing(path: str, status: int = 400) -> Row:
    """Return a row that a problem document answers."""
    return Row(path=path, status=status)


def rows(table: Mapping[str, Row]) -> pytest.MarkDecorator:
    """Run a test with `row` for each requirement, by its name."""
    return pytest.mark.parametrize(
        "row",
        [
            pytest.param(row, id=name, marks=pytest.mark.requirement(name))
            for name, row in table.items()
        ],
    )


def get(client: TestClient, path: str, **headers: str) -> Response:
    """Ask, and fail unless the answer has the status 200."""
    reply: Response = client.get(path, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply


def check(client: TestClient, row: Row) -> Response:
    """Fail unless an answer is what its row expects."""
    reply: Response = client.get(row.path)
    assert reply.status_code == row.status, reply.text[:500]
    assert reply.headers["content-type"].startswith(row.media), reply.headers
    if row.media == PROBLEM:
        assert reply.json()["status"] == row.status
        assert reply.json()["detail"]
    return reply


def links(document: Mapping[str, object], relation: str) -> list[str]:
    """Return the addresses of a document's links of one relation, short or as an address."""
    found = document["links"]
    assert isinstance(found, list)
    return [one["href"] for one in found if one["rel"] in {relation, f"{REL}/{relation}"}]


def drawn(client: TestClient, path: str) -> NDArray[np.uint8]:
    """Return the pixels `(y, x, RGBA)` of a picture."""
    return asked.picture(get(client, path))


def cells(reply: Response) -> NDArray[np.float64]:
    """Return the cells `(band, y, x)` of a GeoTIFF, as GDAL reads them."""
    with MemoryFile(reply.content) as file, file.open() as data:
        read: NDArray[np.float64] = data.read().astype(np.float64)
    return read


def declared(client: TestClient, standard: str, part: str) -> bool:
    """Tell whether the conformance document names a class."""
    classes = get(client, f"{ROOT}/conformance?f=json").json()["conformsTo"]
    return f"http://www.opengis.net/spec/{standard}/conf/{part}" in classes


def parameters(client: TestClient, path: str) -> dict[str, dict[str, object]]:
    """Return the parameters that the OpenAPI document gives a path, by name."""
    document = get(client, f"{ROOT}/openapi?f=json").json()
    found = document["paths"][path]["get"]["parameters"]
    return {one["name"]: one for one in found}
