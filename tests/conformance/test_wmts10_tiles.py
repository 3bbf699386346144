"""WMTS 1.0.0: GetTile and GetFeatureInfo by KVP, XML and SOAP."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from tests.conformance.wmts10 import (
    CAPABILITIES,
    INFO,
    INVALID,
    MISSING,
    TILE,
    Answered,
    Binding,
    asked,
    by_binding,
)

NS = {"w": "http://www.opengis.net/wmts/1.0", "ows": "http://www.opengis.net/ows/1.1"}
OUTSIDE = "TileOutOfRange"
REQUIRED = ("LAYER", "STYLE", "FORMAT", "TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL")
OPERATIONS = {"gettile": TILE, "getfeatureinfo": INFO}


def pixels(found: Answered) -> NDArray[np.uint8]:
    assert found.status == 200, found.body
    return np.asarray(Image.open(io.BytesIO(found.body)).convert("RGBA"))


@pytest.mark.parametrize("binding", Binding)
@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        pytest.param(
            operation,
            name,
            id=f"{operation}-{name.lower()}",
            marks=pytest.mark.requirement(f"wmts10:{operation}:missing:{name.lower()}"),
        )
        for operation in OPERATIONS
        for name in REQUIRED
        # Values at a place depend on no format of tiles, and clients leave it out.
        if (operation, name) != ("getfeatureinfo", "FORMAT")
    ],
)
def test_a_parameter_is_missing(
    demo: TestClient, binding: Binding, operation: str, parameter: str
) -> None:
    asked(demo, binding, OPERATIONS[operation], {parameter: None}).fails(MISSING, parameter)


@pytest.mark.parametrize("binding", Binding)
@pytest.mark.parametrize(
    ("operation", "parameter", "value", "code"),
    [
        pytest.param(
            operation,
            name,
            value,
            code,
            id=f"{operation}-{name.lower()}-{value}",
            marks=pytest.mark.requirement(f"wmts10:{operation}:invalid:{name.lower()}"),
        )
        for operation in OPERATIONS
        for name, value, code in (
            ("LAYER", "nothing", INVALID),
            ("STYLE", "nothing", INVALID),
            ("FORMAT", "image/nothing", INVALID),
            ("TILEMATRIXSET", "nothing", INVALID),
            ("TILEMATRIX", "nothing", INVALID),
            ("TILEMATRIX", "99", INVALID),
            ("TILEROW", "nothing", INVALID),
            ("TILECOL", "nothing", INVALID),
            ("TILEROW", "-1", OUTSIDE),
            ("TILECOL", "-1", OUTSIDE),
            ("TILEROW", "8192", OUTSIDE),
            ("TILECOL", "8192", OUTSIDE),
            ("TIME", "nothing", INVALID),
        )
    ],
)
def test_a_parameter_is_wrong(
    demo: TestClient, binding: Binding, operation: str, parameter: str, value: str, code: str
) -> None:
    found = asked(demo, binding, OPERATIONS[operation], {parameter: value})
    found.fails(code, parameter)


@pytest.mark.requirement("wmts10:gettile:invalid:limits")
@pytest.mark.parametrize("parameter", ["TILEROW", "TILECOL"])
def test_tiles_outside_the_limits(demo: TestClient, parameter: str) -> None:
    root = asked(demo, Binding.KVP_GET, CAPABILITIES).root
    kind = "Row" if parameter == "TILEROW" else "Col"
    (limits,) = (
        one
        for layer in root.iterfind("w:Contents/w:Layer", NS)
        if layer.findtext("ows:Identifier", namespaces=NS) == TILE["LAYER"]
        for link in layer.iterfind("w:TileMatrixSetLink", NS)
        if link.findtext("w:TileMatrixSet", namespaces=NS) == TILE["TILEMATRIXSET"]
        for one in link.iterfind("w:TileMatrixSetLimits/w:TileMatrixLimits", NS)
        if one.findtext("w:TileMatrix", namespaces=NS) == TILE["TILEMATRIX"]
    )
    first = int(str(limits.findtext(f"w:MinTile{kind}", namespaces=NS)))
    last = int(str(limits.findtext(f"w:MaxTile{kind}", namespaces=NS)))
    for good in (first, last):
        assert asked(demo, Binding.KVP_GET, TILE, {parameter: str(good)}).status == 200
    for bad in (first - 1, last + 1):
        asked(demo, Binding.KVP_GET, TILE, {parameter: str(bad)}).fails(OUTSIDE, parameter)


@by_binding("gettile:request-mandatory", "gettile:valid:format", "gettile:valid:size")
@pytest.mark.parametrize(
    ("media", "name"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/webp", "WEBP")]
)
def test_a_tile(demo: TestClient, binding: Binding, media: str, name: str) -> None:
    found = asked(demo, binding, TILE, {"FORMAT": media})
    assert found.media == media
    with Image.open(io.BytesIO(found.body)) as image:
        assert (image.format, image.size) == (name, (256, 256))
    assert pixels(found)[..., :3].std() > 0


@pytest.mark.requirement("wmts10:gettile:bindings-agree")
@pytest.mark.parametrize("binding", Binding)
def test_the_bindings_agree(demo: TestClient, binding: Binding) -> None:
    plain = pixels(asked(demo, Binding.KVP_GET, TILE))
    np.testing.assert_array_equal(pixels(asked(demo, binding, TILE)), plain)


@by_binding("gettile:sample-dimension:default", "gettile:sample-dimension:current")
@pytest.mark.parametrize("time", ["default", "current", None])
def test_the_time_of_a_tile(demo: TestClient, binding: Binding, time: str | None) -> None:
    assert pixels(asked(demo, binding, TILE, {"TIME": time})).shape == (256, 256, 4)


@pytest.mark.requirement("wmts10:gettile:transparency")
def test_what_no_data_covers_is_clear(demo: TestClient) -> None:
    shown = pixels(
        asked(demo, Binding.KVP_GET, TILE, {"TILEMATRIX": "9", "TILEROW": "198", "TILECOL": "148"})
    )
    assert (shown[..., 3] == 0).any()
    assert (shown[..., 3] == 255).any()


@by_binding("getfeatureinfo:request-mandatory", "getfeatureinfo:valid:format")
@pytest.mark.parametrize("media", ["text/html", "text/plain", "application/json"])
def test_feature_info(demo: TestClient, binding: Binding, media: str) -> None:
    found = asked(demo, binding, INFO, {"INFOFORMAT": media})
    assert (found.status, found.media) == (200, media)
    assert found.body


@pytest.mark.parametrize("binding", Binding)
@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        pytest.param(
            name,
            value,
            code,
            id=f"{name.lower()}-{value}",
            marks=pytest.mark.requirement(f"wmts10:getfeatureinfo:{kind}:{name.lower()}"),
        )
        for name, kind, value, code in (
            ("I", "missing", None, MISSING),
            ("J", "missing", None, MISSING),
            ("INFOFORMAT", "missing", None, MISSING),
            ("INFOFORMAT", "invalid", "text/nothing", INVALID),
            ("I", "invalid", "nothing", INVALID),
            ("J", "invalid", "nothing", INVALID),
            ("I", "out-of-range", "-1", "PointIJOutOfRange"),
            ("I", "out-of-range", "256", "PointIJOutOfRange"),
            ("J", "out-of-range", "-1", "PointIJOutOfRange"),
            ("J", "out-of-range", "256", "PointIJOutOfRange"),
        )
    ],
)
def test_a_place_is_wrong(
    demo: TestClient, binding: Binding, parameter: str, value: str | None, code: str
) -> None:
    asked(demo, binding, INFO, {parameter: value}).fails(code, parameter)
