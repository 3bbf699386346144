"""GetMap of WMS 1.3.0, asked of the layers of the OGC's suite."""

import numpy as np
import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.conformance.asked import Case, ask, check, picture, requirements

BASE = {
    "VERSION": "1.3.0",
    "REQUEST": "GetMap",
    "LAYERS": "cite_Lakes",
    "STYLES": "",
    "CRS": "CRS:84",
    "BBOX": "0.0000025,-0.0019975,0.0040025,0.0000025",  # centres of pixels in centres of cells
    "WIDTH": "200",
    "HEIGHT": "100",
    "FORMAT": "image/png",
}
PNG = "image/png"
TWO, THREE = "cite_Lakes,cite_Forests", "cite_Lakes,cite_Forests,cite_Streams"


@requirements(
    wms13__getmap__bbox_direct=Case(media=PNG),
    wms13__getmap__no_service=Case(changes={"SERVICE": None}, media=PNG),
    wms13__getmap__extra_getmap_param=Case(changes={"UNKNOWN": "1"}, media=PNG),
    wms13__getmap__bbox_minx_gt_maxx=Case(changes={"BBOX": "0.004,-0.002,0,0"}),
    wms13__getmap__bbox_minx_eq_maxx=Case(changes={"BBOX": "0,-0.002,0,0"}),
    wms13__getmap__bbox_miny_gt_maxy=Case(changes={"BBOX": "0,0,0.004,-0.002"}),
    wms13__getmap__bbox_miny_eq_maxy=Case(changes={"BBOX": "0,0,0.004,0"}),
    wms13__getmap__bbox_exponential=Case(changes={"BBOX": "0,-2e-3,4E-3,0"}, media=PNG),
    wms13__getmap__invalid_crs=Case(changes={"CRS": "EPSG:undefined"}, code="InvalidCRS"),
    wms13__getmap__invalid_format=Case(changes={"FORMAT": "image/x"}, code="InvalidFormat"),
    wms13__getmap__invalid_layer=Case(changes={"LAYERS": "x"}, code="LayerNotDefined"),
    wms13__getmap__first_layer_invalid=Case(
        changes={"LAYERS": "x,cite_Lakes", "STYLES": ","}, code="LayerNotDefined"
    ),
    wms13__getmap__second_layer_invalid=Case(
        changes={"LAYERS": "cite_Lakes,x", "STYLES": ","}, code="LayerNotDefined"
    ),
    wms13__getmap__two_layers=Case(changes={"LAYERS": TWO, "STYLES": ","}, media=PNG),
    wms13__getmap__three_layers=Case(changes={"LAYERS": THREE, "STYLES": ",,"}, media=PNG),
    wms13__getmap__styles_default_single=Case(changes={"STYLES": ""}, media=PNG),
    wms13__getmap__styles_default_multiple=Case(changes={"LAYERS": THREE}, media=PNG),
    wms13__getmap__styles_default_commas=Case(changes={"LAYERS": THREE, "STYLES": ",,"}, media=PNG),
    wms13__getmap__styles_direct=Case(changes={"STYLES": "Lakes"}, media=PNG),
    wms13__getmap__styles_some_default=Case(
        changes={"LAYERS": TWO, "STYLES": ",Forests"}, media=PNG
    ),
    wms13__getmap__styles_two=Case(changes={"LAYERS": TWO, "STYLES": "Lakes,Forests"}, media=PNG),
    wms13__getmap__styles_three=Case(
        changes={"LAYERS": THREE, "STYLES": "Lakes,Forests,Streams"}, media=PNG
    ),
    wms13__getmap__styles_invalid=Case(changes={"STYLES": "x"}, code="StyleNotDefined"),
    wms13__getmap__exceptions_default=Case(changes={"LAYERS": "x"}, code="LayerNotDefined"),
    wms13__getmap__exceptions_xml=Case(
        changes={"LAYERS": "x", "EXCEPTIONS": "XML"}, code="LayerNotDefined"
    ),
    wms13__getmap__exceptions_inimage=Case(
        changes={"LAYERS": "x", "EXCEPTIONS": "INIMAGE"}, media=PNG
    ),
    wms13__getmap__layerlimit=Case(changes={"LAYERS": ",".join(["cite_Lakes"] * 11), "STYLES": ""}),
)
def test_get_map(cite: TestClient, case: Case) -> None:
    check(ask(cite, BASE, case.changes), case)


@pytest.mark.requirement("wms13:getmap:no-version")
def test_a_map_needs_a_version(cite: TestClient) -> None:
    reply = ask(cite, BASE, {"VERSION": None})
    assert b"<ServiceException" in reply.content, reply.content[:200]


@pytest.mark.requirement("wms13:getmap:exceptions-inimage-drawn")
def test_an_exception_is_drawn(cite: TestClient) -> None:
    drawn = picture(ask(cite, BASE, {"LAYERS": "x", "EXCEPTIONS": "INIMAGE"}))
    assert drawn.shape == (100, 200, 4)
    assert len(np.unique(drawn.reshape(-1, 4), axis=0)) > 1


@pytest.mark.requirement("wms13:getmap:exceptions-blank-red")
def test_a_blank_exception_has_the_background(cite: TestClient) -> None:
    changes = {"LAYERS": "x", "EXCEPTIONS": "BLANK", "BGCOLOR": "0xFF0000"}
    drawn = picture(ask(cite, BASE, changes))
    assert (drawn == (255, 0, 0, 255)).all()


@pytest.mark.requirement("wms13:getmap:exceptions-blank-transparent")
def test_a_blank_exception_is_transparent(cite: TestClient) -> None:
    changes = {"LAYERS": "x", "EXCEPTIONS": "BLANK", "TRANSPARENT": "TRUE"}
    assert (picture(ask(cite, BASE, changes))[..., 3] == 0).all()


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(box, id=name, marks=pytest.mark.requirement(f"wms13:getmap:{name}"))
        for name, box in (
            ("bbox-no-overlap", "10,10,10.1,10.1"),
            ("bbox-outside-crs", "200,0,201,1"),
        )
    ],
)
def test_a_box_beside_the_layer_is_empty(cite: TestClient, box: str) -> None:
    drawn = picture(ask(cite, BASE, {"BBOX": box, "TRANSPARENT": "TRUE"}))
    assert (drawn[..., 3] == 0).all()


@pytest.mark.requirement("wms13:getmap:bbox-pixel-interpretation")
def test_the_box_is_the_outer_edge_of_pixels(cite: TestClient) -> None:
    whole = picture(ask(cite, BASE, {"TRANSPARENT": "TRUE"}))[..., 3]
    changes = {"BBOX": "0.0020025,-0.0009975,0.0040025,0.0000025", "WIDTH": "100", "HEIGHT": "50"}
    part = picture(ask(cite, BASE, changes | {"TRANSPARENT": "TRUE"}))[..., 3]
    assert (part == whole[:50, 100:]).all()
    assert part.any()


@pytest.mark.requirement("wms13:getmap:crs-axis-order")
def test_epsg_4326_has_latitude_first(cite: TestClient) -> None:
    turned = picture(
        ask(cite, BASE, {"CRS": "EPSG:4326", "BBOX": "-0.0019975,0.0000025,0.0000025,0.0040025"})
    )
    assert (turned == picture(ask(cite, BASE, {}))).all()


@pytest.mark.parametrize(
    ("asked", "background"),
    [
        pytest.param(
            asked, background, marks=pytest.mark.requirement(f"wms13:getmap:{name}"), id=name
        )
        for name, asked, background in (
            ("transparent-default", {}, (255, 255, 255, 255)),
            ("transparent-false", {"TRANSPARENT": "FALSE"}, (255, 255, 255, 255)),
            ("transparent-true", {"TRANSPARENT": "TRUE"}, (0, 0, 0, 0)),
            ("no-bgcolor", {"BGCOLOR": None}, (255, 255, 255, 255)),
            ("blue-bgcolor", {"BGCOLOR": "0x0000FF"}, (0, 0, 255, 255)),
        )
    ],
)
def test_the_background(
    cite: TestClient, asked: dict[str, str | None], background: tuple[int, ...]
) -> None:
    drawn = picture(ask(cite, BASE, asked))
    empty = picture(ask(cite, BASE, {"TRANSPARENT": "TRUE"}))[..., 3] == 0
    alpha = background[3]
    assert empty.any()
    assert (drawn[empty][:, 3] == alpha).all()
    assert alpha == 0 or (drawn[empty] == background).all()
    assert (drawn[~empty] == (0x2B, 0x6C, 0xB0, 255)).all()


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(8, 5, marks=pytest.mark.requirement("wms13:getmap:small-size")),
        pytest.param(1024, 768, marks=pytest.mark.requirement("wms13:getmap:large-size")),
    ],
)
def test_the_size(cite: TestClient, width: int, height: int) -> None:
    drawn = picture(ask(cite, BASE, {"WIDTH": f"{width}", "HEIGHT": f"{height}"}))
    assert drawn.shape == (height, width, 4)


def _told(cite: TestClient) -> etree._Element:
    return etree.fromstring(cite.get("/ows?SERVICE=WMS&REQUEST=GetCapabilities").content)


@pytest.mark.requirement("wms13:getmap:each-format")
def test_each_format_draws(cite: TestClient) -> None:
    formats = [one.text or "" for one in _told(cite).findall(".//{*}GetMap/{*}Format")]
    assert {"image/png", "image/gif"} <= set(formats)
    for name in formats:
        reply = ask(cite, BASE, {"FORMAT": name})
        assert reply.headers["content-type"].startswith(name.split(";")[0])
        assert picture(reply).shape == (100, 200, 4)


@pytest.mark.requirement("wms13:getmap:each-layer-crs-combination")
@pytest.mark.requirement("wms13:getmap:each-style")
@pytest.mark.requirement("wms13:getmap:crs-inherited")
def test_each_layer_draws_in_each_crs_and_style(cite: TestClient) -> None:
    root = _told(cite)
    shared = [one.text or "" for one in root.findall("{*}Capability/{*}Layer/{*}CRS")]
    layers = root.findall(".//{*}Layer[{*}Name]")
    assert len(layers) == 13
    for layer in layers:
        boxes = {one.get("CRS"): one for one in layer.findall("{*}BoundingBox")}
        name = layer.findtext("{*}Name")
        for crs in shared:
            box = boxes[crs]
            asked = {
                "LAYERS": name,
                "CRS": crs,
                "BBOX": ",".join(box.get(key, "") for key in ("minx", "miny", "maxx", "maxy")),
                "WIDTH": "20",
                "HEIGHT": "10",
            }
            for style in layer.findall("{*}Style/{*}Name"):
                assert picture(ask(cite, BASE, asked | {"STYLES": style.text})).shape[:2] == (
                    10,
                    20,
                )
