import cv2
import numpy as np
import pytest
from rasterio.io import MemoryFile

from datacube.render.paint import Indexed
from datacube.render.webp import encode_webp

SCENES = ("S2A_ONE", "S2B_HÖHE")
PALETTE = np.array([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 0, 0]], np.uint8)


def smooth(*, alpha: bool) -> np.ndarray:
    y, x = np.mgrid[0:64, 0:80]
    rgba = np.stack([3 * y, 3 * x, x + y, np.full_like(x, 255)], axis=-1).astype(np.uint8)
    if alpha:
        rgba[10:30, 20:40] = 0
    return rgba


def decoded(body: bytes) -> np.ndarray:
    """Return `(y, x, red/green/blue/alpha)`; opaque where the file has no alpha."""
    bgra = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert bgra is not None
    code = cv2.COLOR_BGRA2RGBA if bgra.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return cv2.cvtColor(bgra, code)


@pytest.mark.parametrize("scenes", [(), SCENES])
@pytest.mark.parametrize("alpha", [False, True])
def test_colours_are_close_and_transparency_is_exact(
    scenes: tuple[str, ...], *, alpha: bool
) -> None:
    wanted = smooth(alpha=alpha)
    made = decoded(encode_webp(wanted, scenes=scenes))
    np.testing.assert_array_equal(made[..., 3], wanted[..., 3])
    known = wanted[..., 3] == 255
    assert np.abs(made[known].astype(int) - wanted[known]).mean() < 4


@pytest.mark.parametrize("scenes", [(), SCENES])
def test_few_colours_are_kept(scenes: tuple[str, ...]) -> None:
    indices = np.random.default_rng(3).integers(0, 3, (64, 80)).astype(np.uint8)
    made = decoded(encode_webp(Indexed(indices, PALETTE), scenes=scenes))
    np.testing.assert_array_equal(made[..., 3], PALETTE[indices][..., 3])
    known = made[..., 3] == 255
    np.testing.assert_array_equal(made[known], PALETTE[indices][known])


def test_the_description_names_the_scenes() -> None:
    body = encode_webp(smooth(alpha=True), scenes=SCENES)
    exif = body.split(b"EXIF", 1)[1]
    assert "S2A_ONE, S2B_HÖHE\0".encode() in exif
    assert len(body) == int.from_bytes(body[4:8], "little") + 8
    assert body == encode_webp(smooth(alpha=True), scenes=SCENES)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_reads_it() -> None:
    for image in (smooth(alpha=True), smooth(alpha=False)):
        with MemoryFile(encode_webp(image, scenes=SCENES)) as file, file.open() as data:
            assert (data.driver, data.shape) == ("WEBP", (64, 80))
            data.read()
