import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datacube.render.gif import encode_gif
from datacube.render.paint import Indexed
from datacube.render.palette import indexed
from datacube.render.png import encode_png

type Pixels = NDArray[np.uint8]


def smooth() -> Pixels:
    """Return 200 x 300 pixels of some thousand colours, with a clear corner."""
    row, column = np.mgrid[0:200, 0:300]
    made = np.stack([row, column * 0.8, (row + column) / 2, row * 0 + 255], axis=-1)
    made[:20, :30] = 0
    return made.astype(np.uint8)


def read(body: bytes) -> Pixels:
    """Return what Pillow makes of a file, `(row, column, RGBA)`."""
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))


def test_few_colours_are_kept_exactly() -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (255, 4), dtype=np.uint8)
    colours[:, 3] = 255
    picture = colours[rng.integers(0, 255, (64, 80))]
    picture[5:9, 5:9] = 0
    np.testing.assert_array_equal(indexed(picture).rgba(), picture)
    for body in (encode_gif(indexed(picture)), encode_png(indexed(picture))):
        np.testing.assert_array_equal(read(body), picture)


def test_many_colours_become_near_ones() -> None:
    picture = smooth()
    made = indexed(picture)
    assert len(made.palette) == 256
    np.testing.assert_array_equal(made.rgba()[..., 3], picture[..., 3])
    off = np.abs(made.rgba().astype(int) - picture)[..., :3]
    # 255 boxes share a sheet of 200 x 240 x 1 colours: sides of about 14.
    assert off.mean() < 5
    assert off.max() < 28


def test_equal_pictures_give_equal_bytes() -> None:
    assert encode_gif(indexed(smooth())) == encode_gif(indexed(smooth()))


def test_a_picture_of_nothing() -> None:
    clear = np.zeros((3, 4, 4), np.uint8)
    assert not read(encode_gif(indexed(clear)))[..., 3].any()


def test_every_clear_colour_of_a_palette_is_transparent() -> None:
    colours = np.array([[0, 0, 0, 0], [9, 8, 7, 255], [0, 0, 0, 0]], np.uint8)
    image = Indexed(np.arange(12, dtype=np.uint8).reshape(3, 4) % 3, colours)
    for body in (encode_gif(image), encode_png(image)):
        np.testing.assert_array_equal(read(body), image.rgba())
