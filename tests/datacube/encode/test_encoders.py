from dataclasses import replace

import cv2
import numpy as np
import pytest

from datacube.encode import ENCODERS
from datacube.errors import InvalidParameterError
from datacube.plan.colour import Grey, Stretch
from datacube.plan.formats import COVERAGE_FORMATS, GEOTIFF, PICTURE_FORMATS
from datacube.plan.nodes import Colour, Picture
from datacube.render.paint import paint
from datacube.service_provider import Credits
from tests.builders.plans import Held, held, reflectance, utm_grid


def source() -> Held:
    return held((reflectance("B04"),), utm_grid(20, 30))


def picture(cells: Held) -> Picture:
    return Picture(
        layers=(Colour(source=cells.plan, rule=Grey(stretch=Stretch(low=0, high=4000))),),
        grid=cells.plan.domain.plane,
        transparent=True,
        background=(255, 0, 0),
    )


def test_every_format_has_an_encoder() -> None:
    assert set(ENCODERS) >= {*PICTURE_FORMATS, *COVERAGE_FORMATS}


def test_a_map_as_png() -> None:
    cells = source()
    body = ENCODERS["image/png"](cells.job("image/png", source=picture(cells)))
    assert isinstance(body, bytes)
    decoded = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    painted = paint(picture(cells), cells.compute)
    np.testing.assert_array_equal(np.asarray(decoded)[..., [2, 1, 0, 3]], painted)


def test_a_map_as_jpeg_shows_its_background() -> None:
    cells = source()
    cells.valid["B04"][:] = False
    body = ENCODERS["image/jpeg"](cells.job("image/jpeg", source=picture(cells)))
    assert isinstance(body, bytes)
    decoded = np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR))
    assert np.abs(decoded.astype(int) - (0, 0, 255)).max() <= 3


@pytest.mark.parametrize("name", [name for name in COVERAGE_FORMATS if name != GEOTIFF])
def test_a_map_is_no_coverage(name: str) -> None:
    cells = source()
    with pytest.raises(InvalidParameterError, match="allowed: image/png, image/jpeg"):
        ENCODERS[name](cells.job(name, source=picture(cells)))


PICTURES = ("image/png", "image/jpeg", "image/png; mode=8bit", "image/gif", "image/webp")


@pytest.mark.parametrize("name", PICTURES)
def test_a_map_asks_for_no_producers(name: str) -> None:
    def credits_() -> Credits:
        raise AssertionError("a picture has no place for them")

    cells = source()
    assert ENCODERS[name](replace(cells.job(name, source=picture(cells)), credits=credits_))


@pytest.mark.parametrize("name", COVERAGE_FORMATS)
def test_a_coverage_asks_once_for_its_producers(name: str) -> None:
    asked: list[str] = []

    def credits_() -> Credits:
        asked.append(name)
        return Credits(attribution="Somebody")

    body = ENCODERS[name](replace(source().job(name), credits=credits_))
    assert isinstance(body, bytes)
    assert b"Somebody" in body
    assert asked == [name]
