"""GetMap of WMS 1.3.0: what the OGC's suite asks of every server, and of its own layers."""

from collections.abc import Iterator

import numpy as np
import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.conformance.asked import Case, cases, check, code_of, picture
from tests.conformance.wms13 import DRAWN, LAYERS, Box, ask, capabilities, share, whites

BASE = {
    "VERSION": "1.3.0",
    "REQUEST": "GetMap",
    "LAYERS": "cite_Lakes",
    "STYLES": "",
    "CRS": "CRS:84",
    "BBOX": "-0.0025,-0.0025,0.0025,0.0025",
    "WIDTH": "200",
    "HEIGHT": "200",
    "FORMAT": "image/png",
}
LAKE = {"BBOX": "0,-0.0020,0.0040,0", "WIDTH": "200", "HEIGHT": "100"}
PNG = Case(media="image/png")
TWO, THREE = "cite_Lakes,cite_Forests", "cite_Lakes,cite_Forests,cite_Streams"
ABSENT = {"LAYERS": "NonExistant"}


@cases(
    {
        "wms13:getmap:bbox-direct": PNG,
        "wms13:getmap:crs-direct": Case(changes={"CRS": "EPSG:3857"}, media="image/png"),
        "wms13:getmap:crs-inherited": Case(changes={"CRS": "EPSG:4326"}, media="image/png"),
        "wms13:getmap:two-layers": Case(changes={"LAYERS": TWO}, media="image/png"),
        "wms13:getmap:three-layers": Case(changes={"LAYERS": THREE}, media="image/png"),
        "wms13:getmap:styles-direct": Case(changes={"STYLES": "Lakes"}, media="image/png"),
        "wms13:getmap:two-styles": Case(
            changes={"LAYERS": TWO, "STYLES": "Lakes,Forests"}, media="image/png"
        ),
        "wms13:getmap:three-styles": Case(
            changes={"LAYERS": THREE, "STYLES": "Lakes,Forests,Streams"}, media="image/png"
        ),
        "wms13:getmap:styles-default-single-layer": PNG,
        "wms13:getmap:styles-default-multiple-layers": Case(
            changes={"LAYERS": THREE}, media="image/png"
        ),
        "wms13:getmap:styles-default-commas": Case(
            changes={"LAYERS": THREE, "STYLES": ",,"}, media="image/png"
        ),
        "wms13:getmap:styles-some-default": Case(
            changes={"LAYERS": THREE, "STYLES": ",Forests,"}, media="image/png"
        ),
        "wms13:getmap:no-service": Case(changes={"SERVICE": None}, media="image/png"),
    }
)
def test_a_map_is_drawn(cite: TestClient, case: Case) -> None:
    check(ask(cite, BASE, case.changes), case)


@cases(
    {
        "wms13:getmap:bbox-minx-gt-maxx": Case(changes={"BBOX": "0.004,-0.002,0,0"}),
        "wms13:getmap:bbox-minx-eq-maxx": Case(changes={"BBOX": "0,-0.002,0,0"}),
        "wms13:getmap:bbox-miny-gt-maxy": Case(changes={"BBOX": "0,0,0.004,-0.002"}),
        "wms13:getmap:bbox-miny-eq-maxy": Case(changes={"BBOX": "0,0,0.004,0"}),
        "wms13:getmap:invalid-crs": Case(changes={"CRS": "EPSG:UNDEFINED"}, code="InvalidCRS"),
        "wms13:getmap:invalid-format": Case(
            changes={"FORMAT": "image/undefined"}, code="InvalidFormat"
        ),
        "wms13:getmap:invalid-layer": Case(changes=ABSENT, code="LayerNotDefined"),
        "wms13:getmap:first-layer-invalid": Case(
            changes={"LAYERS": "NonExistant,cite_Lakes"}, code="LayerNotDefined"
        ),
        "wms13:getmap:second-layer-invalid": Case(
            changes={"LAYERS": "cite_Lakes,NonExistant"}, code="LayerNotDefined"
        ),
        "wms13:getmap:invalid-style": Case(changes={"STYLES": "x"}, code="StyleNotDefined"),
        "wms13:getmap:first-style-invalid": Case(
            changes={"LAYERS": TWO, "STYLES": "x,"}, code="StyleNotDefined"
        ),
        "wms13:getmap:second-style-invalid": Case(
            changes={"LAYERS": TWO, "STYLES": ",x"}, code="StyleNotDefined"
        ),
        "wms13:getmap:exceptions-default": Case(changes=ABSENT, code="LayerNotDefined"),
        "wms13:getmap:exceptions-xml": Case(
            changes=ABSENT | {"EXCEPTIONS": "XML"}, code="LayerNotDefined"
        ),
        "wms13:getmap:no-version": Case(changes={"VERSION": None}),
    }
)
def test_an_exception_is_told(cite: TestClient, case: Case) -> None:
    reply = ask(cite, BASE, case.changes)
    assert reply.headers["content-type"].startswith("text/xml")
    assert code_of(reply) == case.code


@pytest.mark.requirement("wms13:getmap:layerlimit")
def test_as_many_layers_as_the_limit_says(cite: TestClient) -> None:
    most = int(capabilities(cite).findtext("{*}Service/{*}LayerLimit") or "0")
    assert picture(ask(cite, BASE, {"LAYERS": ",".join(["cite_Lakes"] * most)})).any()
    over = ask(cite, BASE, {"LAYERS": ",".join(["cite_Lakes"] * (most + 1))})
    assert (over.status_code, code_of(over)) == (413, None)


@pytest.mark.requirement("wms13:getmap:exceptions-inimage-mime")
def test_an_exception_is_drawn(cite: TestClient) -> None:
    reply = ask(cite, BASE, ABSENT | {"EXCEPTIONS": "INIMAGE"})
    assert reply.headers["content-type"] == BASE["FORMAT"]
    drawn = picture(reply)
    assert drawn.shape == (200, 200, 4)
    assert len(np.unique(drawn.reshape(-1, 4), axis=0)) > 1


@pytest.mark.requirement("wms13:getmap:exceptions-blank-mime")
@pytest.mark.requirement("wms13:getmap:exceptions-blank-red")
def test_a_blank_exception_has_the_background(cite: TestClient) -> None:
    reply = ask(cite, BASE, ABSENT | {"EXCEPTIONS": "BLANK", "BGCOLOR": "0xFF0000"})
    assert reply.headers["content-type"] == BASE["FORMAT"]
    assert (picture(reply) == (255, 0, 0, 255)).all()


@pytest.mark.requirement("wms13:getmap:exceptions-blank-transparent")
def test_a_blank_exception_is_transparent(cite: TestClient) -> None:
    changes = ABSENT | {"EXCEPTIONS": "BLANK", "TRANSPARENT": "TRUE"}
    assert (picture(ask(cite, BASE, changes))[..., 3] == 0).all()


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(box, id=name, marks=pytest.mark.requirement(f"wms13:getmap:{name}"))
        for name, box in (
            ("bbox-no-overlap", "10,10,10.1,10.1"),
            ("bbox-outside-crs", "200,100,201,101"),
        )
    ],
)
def test_a_box_beside_the_layer_is_empty(cite: TestClient, box: str) -> None:
    drawn = picture(ask(cite, BASE, {"BBOX": box, "TRANSPARENT": "TRUE"}))
    assert (drawn[..., 3] == 0).all()


@pytest.mark.requirement("wms13:basic:bbox-exponential")
def test_numbers_with_exponents_draw_the_same_map(cite: TestClient) -> None:
    water, roads = ("Streams", "Lakes", "Ponds"), ("Bridges", "RoadSegments", "DividedRoutes")
    names = (*water, *roads, "Buildings", "MapNeatline")
    asked = BASE | {
        "LAYERS": ",".join(f"cite_{name}" for name in names),
        "WIDTH": "400",
        "HEIGHT": "200",
    }
    plain = picture(ask(cite, asked, {"BBOX": "-0.005,-0.0025,0.005,0.0025"}))
    powers = picture(ask(cite, asked, {"BBOX": "-.0005E1,-25E-4,+05E-3,.00025E+1"}))
    assert (plain == powers).all()
    colours = {tuple(pixel) for pixel in np.unique(plain.reshape(-1, 4), axis=0).tolist()}
    # A road hides the bridge.
    assert colours == {DRAWN[name] for name in names if name != "Bridges"} | {(255,) * 4}


@pytest.mark.requirement("wms13:basic:bbox-pixel-interpretation")
def test_the_box_goes_around_the_outside_of_pixels(cite: TestClient) -> None:
    """The suite's box has water at every border pixel, if its edges are those of pixels."""
    asked = {"BBOX": "0.0016,-0.0012,0.0026,-0.0005", "WIDTH": "10", "HEIGHT": "7"}
    drawn = picture(ask(cite, BASE, asked))
    edge: tuple[Box, ...] = ((0, 0, 10, 1), (0, 6, 10, 1), (0, 1, 1, 5), (9, 1, 1, 5))
    assert [whites(drawn, box) for box in edge] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("asked", "background"),
    [
        pytest.param(asked, background, marks=pytest.mark.requirement(f"wms13:{name}"), id=name)
        for name, asked, background in (
            ("getmap:transparent-default", {}, (255, 255, 255, 255)),
            ("getmap:transparent-false", {"TRANSPARENT": "FALSE"}, (255, 255, 255, 255)),
            ("basic:transparent-true", {"TRANSPARENT": "TRUE"}, (0, 0, 0, 0)),
            ("basic:no-bgcolor", {"BGCOLOR": None}, (255, 255, 255, 255)),
            ("basic:blue-bgcolor", {"BGCOLOR": "0x0000FF"}, (0, 0, 255, 255)),
        )
    ],
)
def test_the_background(
    cite: TestClient, asked: dict[str, str | None], background: tuple[int, ...]
) -> None:
    drawn = picture(ask(cite, BASE, LAKE | asked))
    shore = drawn[:, :25].reshape(-1, 4), drawn[:50, 150:].reshape(-1, 4)
    for beside in shore:
        assert (beside[:, 3] == background[3]).all()
        assert background[3] == 0 or (beside == background).all()
    assert (drawn[35:65, 65:75] == DRAWN["Lakes"]).all()


@pytest.mark.requirement("wms13:basic:basic-polygons-sanity-check")
def test_polygons_have_their_shape(cite: TestClient) -> None:
    """A diamond around the origin, and two squares, of which the suite's picture shows both."""
    asked = {"LAYERS": "cite_BasicPolygons", "BBOX": "-2.5,-1.5,2.5,6.5"}
    drawn = picture(ask(cite, BASE, asked | {"WIDTH": "100", "HEIGHT": "160"}))
    x, y = np.meshgrid(-2.5 + (np.arange(100) + 0.5) / 20, 6.5 - (np.arange(160) + 0.5) / 20)
    away = (
        np.abs(x) + np.abs(y) - 1,
        np.maximum(np.abs(x + 0.5), np.abs(y - 4.5)) - 1.5,
        np.maximum(np.abs(x - 0.5), np.abs(y - 3.5)) - 1.5,
    )
    nearest = np.minimum.reduce(away)
    covered = (drawn == DRAWN["BasicPolygons"]).all(axis=-1)
    # A pixel of 0.05 degrees at an outline may go either way.
    assert covered[nearest < -0.06].all()
    assert not covered[nearest > 0.06].any()
    assert (np.abs(nearest) < 0.06).mean() < 0.1


@pytest.mark.requirement("wms13:basic:blue-lake-sanity-check")
@pytest.mark.requirement("wms13:basic:aspect-ratio")
def test_a_map_is_stretched_to_its_size(cite: TestClient) -> None:
    """Where WIDTH and HEIGHT have not the ratio of BBOX, pixels are no squares (7.3.3.8)."""
    plain = picture(ask(cite, BASE, LAKE))
    lake = (plain == DRAWN["Lakes"]).all(axis=-1)
    assert 0.2 < lake.mean() < 0.4
    wide = picture(ask(cite, BASE, LAKE | {"WIDTH": "400"}))
    # Pixels half as wide have other middles: at the shore they may go either way.
    assert ((wide == DRAWN["Lakes"]).all(axis=-1)[:, ::2] != lake).mean() < 0.01


@pytest.mark.requirement("wms13:basic:layer-order")
def test_the_last_layer_lies_on_top(cite: TestClient) -> None:
    asked = {"BBOX": "-0.0045,-0.0025,0.0045,0.0025"}
    lake, forest = (
        (picture(ask(cite, BASE, asked | {"LAYERS": f"cite_{name}"})) == DRAWN[name]).all(axis=-1)
        for name in ("Lakes", "Forests")
    )
    both = lake & forest
    assert both.sum() > 100
    for names in (("Lakes", "Forests"), ("Forests", "Lakes")):
        drawn = picture(ask(cite, BASE, asked | {"LAYERS": ",".join(f"cite_{n}" for n in names)}))
        assert (drawn[both] == DRAWN[names[-1]]).all()


@pytest.mark.requirement("wms13:getmap:large-size")
def test_the_largest_map_has_the_size_that_was_asked_for(cite: TestClient) -> None:
    service = capabilities(cite).find("{*}Service")
    assert service is not None
    side = {key: service.findtext(f"{{*}}Max{key.title()}") for key in ("WIDTH", "HEIGHT")}
    drawn = picture(ask(cite, BASE, side))
    assert drawn.shape == (int(side["HEIGHT"] or 0), int(side["WIDTH"] or 0), 4)
    assert min(drawn.shape[:2]) >= 768


@pytest.mark.requirement("wms13:getmap:small-size")
def test_a_small_map_has_the_size_that_was_asked_for(cite: TestClient) -> None:
    assert picture(ask(cite, BASE, {"WIDTH": "8", "HEIGHT": "5"})).shape == (5, 8, 4)


@pytest.mark.requirement("wms13:getmap:each-format")
def test_each_format_draws(cite: TestClient) -> None:
    formats = [one.text or "" for one in capabilities(cite).findall(".//{*}GetMap/{*}Format")]
    assert {"image/png", "image/gif"} <= set(formats)
    for name in formats:
        reply = ask(cite, BASE, {"FORMAT": name})
        assert reply.headers["content-type"].startswith(name.split(";")[0])
        assert picture(reply).shape == (200, 200, 4)


@pytest.mark.requirement("wms13:getmap:each-layer")
@pytest.mark.requirement("wms13:getmap:each-crs")
@pytest.mark.requirement("wms13:getmap:each-layer-crs-combination")
@pytest.mark.requirement("wms13:getmap:each-style")
def test_each_layer_draws_in_each_crs_and_style(cite: TestClient) -> None:
    """Over the box that is advertised, in its axis order, a layer covers something."""
    seen = 0
    for layer, crs, box in boxes(capabilities(cite)):
        name = layer.findtext("{*}Name")
        for style in layer.findall("{*}Style/{*}Name"):
            asked = {"LAYERS": name, "CRS": crs, "BBOX": box, "STYLES": style.text}
            drawn = picture(ask(cite, BASE, asked | {"WIDTH": "100", "HEIGHT": "100"}))
            assert drawn.shape == (100, 100, 4)
            assert share(drawn) > 0, (name, crs, style.text)
            seen += 1
    assert seen >= 3 * len(LAYERS)


def boxes(root: etree._Element) -> Iterator[tuple[etree._Element, str, str]]:
    """Find layers, their CRSs, and the box of each as it is advertised."""
    shared = [one.text or "" for one in root.findall("{*}Capability/{*}Layer/{*}CRS")]
    for layer in root.findall(".//{*}Layer[{*}Name]"):
        own = [one.text or "" for one in layer.findall("{*}CRS")]
        told = {one.get("CRS"): one for one in layer.findall("{*}BoundingBox")}
        for crs in (*shared, *own):
            corners = (told[crs].get(key, "") for key in ("minx", "miny", "maxx", "maxy"))
            yield layer, crs, ",".join(corners)
