"""Styles that a request brings along, through the whole engine, against NumPy by hand."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.encode import ENCODERS
from datacube.engine import Engine
from datacube.protocols import Limits
from datacube.render.styles import DEFAULT_STYLES
from ogc.service import dispatch
from tests.builders.fakes import ORIGIN_M, World, optical_cube
from tests.ogc.fakes import SITE
from tests.ogc.test_sld import SLD_1_0

X0, Y0 = ORIGIN_M
RNG = np.random.default_rng(5)
RED = RNG.integers(0, 4000, (40, 60), dtype=np.int16)
INFRARED = RNG.integers(1, 6000, (40, 60), dtype=np.int16)
RED[:5, :5] = -32768
STEPS = (
    "<ChannelSelection><GrayChannel><SourceChannelName>B04</SourceChannelName></GrayChannel>"
    '</ChannelSelection><ColorMap type="intervals">'
    '<ColorMapEntry color="#102030" quantity="1000"/>'
    '<ColorMapEntry color="#405060" quantity="3000"/></ColorMap>'
)


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    media_type: str
    body: bytes

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """Pixels as red, green, blue and alpha."""
        image = cv2.imdecode(np.frombuffer(self.body, np.uint8), cv2.IMREAD_UNCHANGED)
        assert image is not None, self.body
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGRA)
        made: NDArray[np.uint8] = cv2.cvtColor(
            image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGBA
        ).astype(np.uint8)
        return made


@pytest.fixture(scope="module")
def engine() -> Engine:
    world = World()
    world.add(optical_cube(), {"B04": RED, "B08": INFRARED})
    return Engine(
        catalog=world, cells=world, styles=DEFAULT_STYLES, encoders=ENCODERS, limits=Limits()
    )


def get_map(engine: Engine, **parameters: str) -> Answered:
    query = {
        "service": "WMS",
        "version": "1.3.0",
        "request": "GetMap",
        "layers": "S2_L2A",
        "styles": "",
        "crs": "EPSG:32633",
        "bbox": f"{X0},{Y0 - 400},{X0 + 600},{Y0}",
        "width": "60",
        "height": "40",
        "format": "image/png",
        "transparent": "TRUE",
    }
    reply = dispatch(urlencode(query | parameters), engine.session, SITE)
    assert isinstance(reply.body, bytes)
    return Answered(reply.status, reply.media_type, reply.body)


def test_an_expression_is_computed_and_stretched(engine: Engine) -> None:
    style = "wcps(-0.5,1):($c.B08 - $c.B04) / max($c.B08 + $c.B04, 1)"
    made = get_map(engine, styles=style).rgba
    red, infrared = RED.astype(float), INFRARED.astype(float)
    index = (infrared - red) / np.maximum(infrared + red, 1)
    valid = RED != -32768
    np.testing.assert_array_equal(made[..., 3], np.where(valid, 255, 0))
    expected = np.rint(255 * ((index + 0.5) / 1.5).clip(0, 1))
    assert np.abs(made[..., 0] - expected)[valid].max() <= 1


def test_a_descriptor_paints_steps(engine: Engine) -> None:
    made = get_map(engine, sld_body=SLD_1_0.format(STEPS)).rgba
    expected = np.zeros((*RED.shape, 4), np.uint8)
    expected[RED < 3000] = (0x40, 0x50, 0x60, 255)
    expected[RED < 1000] = (0x10, 0x20, 0x30, 255)
    expected[RED == -32768] = 0
    np.testing.assert_array_equal(made, expected)
    assert (expected[..., 3] == 0).mean() > 0.2


def test_a_descriptor_may_name_the_layers_alone(engine: Engine) -> None:
    body = SLD_1_0.format(STEPS)
    named = get_map(engine, sld_body=body)
    assert get_map(engine, sld_body=body, layers="").body == named.body


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"styles": "wcps:avg($c.B04)"}, "gives one number"),
        ({"styles": "wcps:$c.B99"}, "unknown band B99"),
        ({"styles": "wcps:$c.B04 +"}, "is not WCPS"),
        ({"sld": "http://example.org/a.sld"}, "no address is fetched"),
        ({"sld_body": "<a/>"}, "the root is"),
        ({"sld_body": SLD_1_0.format("<ShadedRelief/>")}, "ShadedRelief is not offered"),
        ({"sld_body": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}, "document type"),
        ({"sld_body": SLD_1_0.format(STEPS.replace("B04", "B99"))}, "unknown band B99"),
    ],
)
def test_what_is_wrong_is_told_and_is_no_failure(
    engine: Engine, parameters: dict[str, str], told: str
) -> None:
    answered = get_map(engine, **parameters)
    assert answered.status < 500
    assert answered.media_type.startswith(("text/xml", "application/xml"))
    assert told in answered.body.decode()


def test_an_expression_is_bounded_by_the_cost_limit(engine: Engine) -> None:
    small = replace(engine, limits=Limits(decoded_bytes=1000))
    answered = get_map(small, styles="wcps:$c.B04 + $c.B08")
    assert "is over the limit" in answered.body.decode()
