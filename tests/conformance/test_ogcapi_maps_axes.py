"""General subsetting of OGC API Maps 1.0 (OGC 20-058, 12): axes beside space and time."""

import numpy as np
import pytest

from tests.acceptance.clients import rgba
from tests.builders.made import HEIGHTS_M
from tests.conformance.ogcapi import ROOT, declared, get, links, parameters
from tests.conformance.wcs20 import Server

DAY = "datetime=2020-05-01"


def maps(server: Server) -> list[tuple[str, str, tuple[float, float]]]:
    """Return the map, and the name and the interval of each further axis, of collections."""
    found = []
    for one in get(server.client, f"{ROOT}/collections?f=json").json()["collections"]:
        page = get(server.client, f"{ROOT}/collections/{one['id']}?f=json").json()
        for name, axis in one["extent"].items():
            if name not in {"spatial", "temporal"} and links(page, "map"):
                ((low, high),) = axis["interval"]
                found.append((links(page, "map")[0], name, (low, high)))
    assert found
    return found


@pytest.mark.requirement("maps10:/req/general-subsetting/conformance-success")
def test_the_class_is_declared(server: Server) -> None:
    assert declared(server.client, "ogcapi-maps-1/1.0", "general-subsetting")


@pytest.mark.requirement("maps10:/req/general-subsetting/uniform-additional-dimensions")
def test_axes_are_described_alike(server: Server) -> None:
    seen = 0
    for one in get(server.client, f"{ROOT}/collections?f=json").json()["collections"]:
        for name in one["extent"].keys() - {"spatial", "temporal"}:
            axis = one["extent"][name]
            ((low, high),) = axis["interval"]
            assert low <= high
            assert axis["definition"].startswith("http")
            assert axis.get("uom", "1")
            if name != "vertical":
                assert axis["grid"]["cellsCount"] >= 1
                assert isinstance(axis["grid"].get("coordinates", []), list)
            seen += 1
    assert seen


@pytest.mark.requirement("maps10:/req/general-subsetting/subset-definition")
def test_the_parameter_is_described(server: Server) -> None:
    path = "/collections/{collectionId}/map"
    assert parameters(server.client, path)["subset"]["schema"] == {"type": "string"}


@pytest.mark.requirement("maps10:/req/general-subsetting/subset-response")
def test_places_within_the_axis_are_shown(server: Server) -> None:
    for address, name, (low, high) in maps(server):
        wide = f"{name}({low + 0.3 * (high - low):g}:{low + 0.7 * (high - low):g})"
        for subset in (wide, f"{name}({(low + high) / 2:g})"):
            reply = get(server.client, f"{address}&width=16&subset={subset}")
            assert reply.headers["content-type"].startswith("image/")


@pytest.mark.requirement("maps10:/req/general-subsetting/subset-definition/invalid")
def test_what_lies_beyond_is_refused(server: Server) -> None:
    for address, name, (low, high) in maps(server):
        beyond = f"{name}({low - 2 * (high - low):g}:{low - (high - low):g})"
        for subset, allowed in ((beyond, (400, 404)), ("nonexistent_dim_xyz(0:100)", (400,))):
            reply = server.client.get(f"{address}&width=16&subset={subset}")
            assert reply.status_code in allowed, reply.text


@pytest.mark.requirement("maps10:/req/general-subsetting/map-success")
@pytest.mark.parametrize("at", range(len(HEIGHTS_M)))
def test_the_cells_are_those_of_the_place(server: Server, at: int) -> None:
    path = f"{ROOT}/collections/W/styles/u/map?f=png&{DAY}&width=30&height=20"
    shown = rgba(get(server.client, f"{path}&subset=height({HEIGHTS_M[at]})").content)
    stored = server.made.arrays["W"]["u"][2, at].astype(float)
    grey = np.rint(255 * np.clip(stored, 0, 1))
    np.testing.assert_array_equal(shown[..., 3] == 255, np.isfinite(stored))
    np.testing.assert_array_equal(shown[..., 0][np.isfinite(grey)], grey[np.isfinite(grey)])
