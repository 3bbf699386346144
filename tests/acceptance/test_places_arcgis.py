"""What ArcGIS is known to send, replayed: it names Web Mercator EPSG:102100, and asks with KVP."""

import httpx2
import pytest

from tests.acceptance.clients import rgba
from tests.acceptance.places import Case, case_of, check_colours

MERCATOR = ("north", "antimeridian", "pole")
SIZE = "WIDTH=160&HEIGHT=160&FORMAT=image/png&TRANSPARENT=TRUE"


@pytest.fixture(params=MERCATOR)
def case(request: pytest.FixtureRequest) -> Case:
    return case_of(request.param, "EPSG:3857")


@pytest.mark.parametrize(("version", "key"), [("1.1.1", "SRS"), ("1.3.0", "CRS")])
@pytest.mark.parametrize("code", ["102100", "102113"])
def test_maps(places_url: str, case: Case, version: str, key: str, code: str) -> None:
    box = ",".join(map(repr, case.view.box))
    place = case.place
    answer = httpx2.get(
        f"{places_url}/ows?SERVICE=WMS&VERSION={version}&REQUEST=GetMap&LAYERS={place.layer}"
        f"&STYLES={place.style}&{key}=EPSG:{code}&BBOX={box}&{SIZE}&TIME={place.time}",
        timeout=60,
    )
    assert answer.headers["content-type"] == "image/png", answer.text
    check_colours(case, rgba(answer.content))
