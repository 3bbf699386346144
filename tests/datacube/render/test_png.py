import struct
import zlib

import cv2
import numpy as np
import pytest
from rasterio.io import MemoryFile

from datacube.render import png as module
from datacube.render.paint import Indexed, Rgba
from datacube.render.png import encode_png


def picture(rows: int, columns: int, *, opaque: bool = False) -> Rgba:
    rng = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(rows), np.arange(columns))
    rgba = np.stack([ramp, 3 * ramp, 255 - ramp, np.full_like(ramp, 255)], axis=-1)
    rgba = (rgba + rng.integers(0, 9, rgba.shape)).astype(np.uint8)
    rgba[..., 3] = 255
    if not opaque:
        rgba[rng.random((rows, columns)) < 0.3] = 0
        rgba[0, 0] = 0
    return rgba


def opencv(body: bytes) -> Rgba:
    decoded = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    code = cv2.COLOR_BGRA2RGBA if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return np.asarray(cv2.cvtColor(decoded, code), np.uint8)


def chunks(body: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(body):
        (length,) = struct.unpack(">I", body[at : at + 4])
        kind, data = body[at + 4 : at + 8], body[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", body[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + data)
        found.append((kind, data))
        at += 12 + length
    return found


# A map's place stands in its request.
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("rows", "columns"), [(256, 256), (1, 1), (7, 300), (300, 1)])
def test_opencv_and_gdal_decode_the_same(rows: int, columns: int) -> None:
    rgba = picture(rows, columns)
    body = encode_png(rgba)
    np.testing.assert_array_equal(opencv(body), rgba)
    with MemoryFile(body) as file, file.open() as dataset:
        np.testing.assert_array_equal(dataset.read(), np.moveaxis(rgba, -1, 0))


@pytest.mark.parametrize(("rows", "columns"), [(64, 48), (256, 256), (1, 1), (7, 300), (300, 1)])
@pytest.mark.parametrize("scenes", [(), ("S2A_1", "S2B_2")])
def test_an_opaque_picture_has_no_alpha_channel(
    rows: int, columns: int, scenes: tuple[str, ...]
) -> None:
    rgba = picture(rows, columns, opaque=True)
    body = encode_png(rgba, scenes=scenes)
    found = chunks(body)
    assert found[0][1][8:10] == bytes([8, 2])
    assert [data for kind, data in found if kind == b"tEXt"] == (
        [b"Source scenes\0S2A_1, S2B_2"] if scenes else []
    )
    np.testing.assert_array_equal(opencv(body), rgba)


def test_strips_join(monkeypatch: pytest.MonkeyPatch) -> None:
    rgba = picture(100, 60)
    monkeypatch.setattr(module, "_STRIP_BYTES", 60 * 4 * 7)
    np.testing.assert_array_equal(opencv(encode_png(rgba)), rgba)


@pytest.mark.parametrize("smooth", [False, True])
def test_a_palette_stays_one(*, smooth: bool) -> None:
    rng = np.random.default_rng(4)
    palette = rng.integers(0, 256, (5, 4)).astype(np.uint8)
    palette[:, 3] = (255, 255, 0, 255, 255)
    image = Indexed(rng.integers(0, 5, (30, 20)).astype(np.uint8), palette, smooth)
    body = encode_png(image)
    assert [kind for kind, _ in chunks(body)] == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]
    np.testing.assert_array_equal(opencv(body), image.rgba())


def test_scenes_are_named_in_ascii_and_beyond() -> None:
    rgba = picture(4, 4)
    found = dict(chunks(encode_png(rgba, scenes=("S2A_ONE", "S2B_TWO"))))
    assert found[b"tEXt"] == b"Source scenes\0S2A_ONE, S2B_TWO"
    found = dict(chunks(encode_png(rgba, scenes=("Höhe",))))
    assert found[b"iTXt"] == b"Source scenes\0\0\0\0\0" + "Höhe".encode()


def test_many_scenes_are_counted() -> None:
    scenes = tuple(f"S2A_MSIL2A_{number:06d}" for number in range(1000))
    text = dict(chunks(encode_png(picture(4, 4), scenes=scenes)))[b"tEXt"].decode()
    assert len(text) < 4200
    named = text.count("S2A_MSIL2A_")
    assert text.endswith(f"and {1000 - named} more of 1000")


def test_equal_pictures_are_equal_bytes() -> None:
    assert encode_png(picture(90, 80)) == encode_png(picture(90, 80).copy())
