"""Background and void of OGC API - Maps, part 1 (OGC 20-058)."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.conformance.ogcapi import CUBE, ROOT, drawn, get, links

WORLD = f"{CUBE}/map?f=png&crs=CRS:84&bbox=-180,-120,180,120&width=120&height=80"
"""Twenty degrees beyond each pole are no place: the upper and lower ten rows, pixels 3 degrees."""
BLUE, NAVY, WHITE = (0, 0, 255, 255), (0, 0, 128, 255), (255, 255, 255, 255)
EMPTY = "bbox=10,10,11,11&width=8&height=8"


@pytest.mark.requirement("maps10:/req/background/map-success")
@pytest.mark.requirement("maps10:/req/background/bgcolor-definition")
@pytest.mark.requirement("maps10:/req/background/transparent-definition")
@pytest.mark.parametrize(
    ("asked", "colour"),
    [
        ("", (0, 0, 0, 0)),
        ("&transparent=true", (0, 0, 0, 0)),
        ("&transparent=false", WHITE),
        ("&bgcolor=0x0000FF", BLUE),
        ("&bgcolor=0000ff", BLUE),
        ("&bgcolor=nAvY", NAVY),
        ("&bgcolor=MidnightBlue", (25, 25, 112, 255)),
        ("&bgcolor=navy&transparent=false", NAVY),
        ("&bgcolor=navy&transparent=true", (0, 0, 0, 0)),
    ],
)
def test_where_nothing_is_there_is_the_background(
    demo: TestClient, asked: str, colour: tuple[int, ...]
) -> None:
    assert (drawn(demo, f"{CUBE}/map?f=png&{EMPTY}{asked}") == colour).all()


@pytest.mark.requirement("maps10:/req/background/void-color-definition")
@pytest.mark.requirement("maps10:/req/background/void-transparent-definition")
@pytest.mark.parametrize(
    ("asked", "void", "beside"),
    [
        ("void-color=00FF00", (0, 255, 0, 255), (0, 0, 0, 0)),
        ("void-color=nAvY&transparent=false", NAVY, WHITE),
        ("bgcolor=CC00CC", (0xCC, 0, 0xCC, 255), (0xCC, 0, 0xCC, 255)),
        ("bgcolor=CC00CC&void-color=navy", NAVY, (0xCC, 0, 0xCC, 255)),
        ("bgcolor=CC00CC&void-transparent=true", (0, 0, 0, 0), (0xCC, 0, 0xCC, 255)),
        ("void-color=navy&void-transparent=true", (0, 0, 0, 0), (0, 0, 0, 0)),
        ("void-transparent=false", WHITE, (0, 0, 0, 0)),
        ("", (0, 0, 0, 0), (0, 0, 0, 0)),
    ],
)
def test_where_the_system_has_no_place_there_is_the_void(
    demo: TestClient, asked: str, void: tuple[int, ...], beside: tuple[int, ...]
) -> None:
    shown = drawn(demo, f"{WORLD}&{asked}")
    assert (shown[:10] == void).all()
    assert (shown[70:] == void).all()
    # The oceans far from the scene.
    assert (shown[10:70, 60:] == beside).all()


@pytest.mark.requirement("maps10:/req/background/void-color-definition")
@pytest.mark.parametrize(
    ("asked", "colour"),
    [
        ("void-color=00FF00", (0, 255, 0)),
        ("void-color=nAvY", (0, 0, 128)),
        ("bgcolor=CC00CC", (0xCC, 0, 0xCC)),
    ],
)
def test_the_void_as_the_suite_asks_for_it(
    cite: TestClient, asked: str, colour: tuple[int, ...]
) -> None:
    """The suite asks the first collection for the world and more, and looks at the corners."""
    first = get(cite, f"{ROOT}/collections?f=json").json()["collections"][0]
    (address,) = links(first, "map")
    path = f"{address.partition('?')[0]}?f=image/png&bbox=-180,-120,180,120&width=400&height=400"
    shown = drawn(cite, f"{path}&{asked}")
    assert (shown[[0, 0, -1, -1], [0, -1, 0, -1], :3] == colour).all()


@pytest.mark.requirement("maps10:/req/background/void-color-mercator")
def test_the_void_of_the_square_of_web_mercator(demo: TestClient) -> None:
    half = 20_037_508.342789244
    box = ",".join(f"{side * 2 * half}" for side in (-1, -1, 1, 1))
    asked = f"crs=EPSG:3857&bbox={box}&bbox-crs=EPSG:3857&width=8&height=8&void-color=navy"
    shown = (drawn(demo, f"{CUBE}/map?f=png&{asked}") == NAVY).all(axis=-1)
    wanted = np.ones((8, 8), bool)
    wanted[2:6, 2:6] = False
    np.testing.assert_array_equal(shown, wanted)
