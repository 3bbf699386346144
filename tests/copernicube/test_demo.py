"""The queries that the demo prints are true of its cubes."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from copernicube import demo
from copernicube.wiring import open_local


def test_the_composite_shows_land(demo_store: Path) -> None:
    (answer,) = open_local(str(demo_store)).engine.session().query(demo.COMPOSITE)
    assert isinstance(answer.body, bytes)
    picture = np.asarray(Image.open(BytesIO(answer.body)))[..., :3]
    assert picture.shape == (500, 500, 3)
    # A forest: not black, greener than it is red or blue, and with something to see in it.
    red, green, blue = picture.reshape(-1, 3).mean(axis=0)
    assert green > red > 20
    assert green > blue
    assert picture.std() > 10


def test_the_series_has_a_number_a_date(demo_store: Path) -> None:
    (answer,) = open_local(str(demo_store)).engine.session().query(demo.SERIES)
    assert isinstance(answer.body, bytes)
    numbers = [float(text) for text in answer.body.decode().split(",")]
    assert len(numbers) == 140
    assert -0.2 < min(numbers) < max(numbers) < 1
