"""JPEGs as OpenCV decodes them, and their segments as ITU T.81 orders them."""

from collections.abc import Iterator

import cv2
import numpy as np

from datacube.render.jpeg import encode_jpeg


def test_opencv_decodes_it_with_the_background_filled() -> None:
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:, :32] = (200, 100, 50, 255)
    body = encode_jpeg(rgba, background=(10, 20, 250), scenes=("S2A_ONE", "S2B_TWO"))
    decoded = cv2.cvtColor(
        np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)),
        cv2.COLOR_BGR2RGB,
    )
    assert np.abs(decoded[:, :24].astype(int) - (200, 100, 50)).max() <= 4
    assert np.abs(decoded[:, 40:].astype(int) - (10, 20, 250)).max() <= 4


COMMENT = 0xFE
START_OF_SCAN = 0xDA


def segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and content of each segment up to the first scan."""
    assert body[:2] == b"\xff\xd8"
    at, marker = 2, 0
    while marker != START_OF_SCAN:
        assert body[at] == 0xFF
        marker = body[at + 1]
        length = int.from_bytes(body[at + 2 : at + 4], "big")
        yield marker, body[at + 4 : at + 2 + length]
        at += 2 + length


def test_a_comment_after_the_jfif_header_names_the_scenes() -> None:
    rgba = np.full((8, 8, 4), 255, np.uint8)
    plain = list(segments(encode_jpeg(rgba, background=(0, 0, 0))))
    body = encode_jpeg(rgba, background=(0, 0, 0), scenes=("S2A_ONE", "S2B_HÖHE"))
    (marker, jfif), comment, *others = segments(body)
    assert (marker, jfif[:5]) == (0xE0, b"JFIF\0")
    assert comment == (COMMENT, "S2A_ONE, S2B_HÖHE".encode())
    assert [(marker, jfif), *others] == plain
    assert COMMENT not in dict(plain)


def test_many_scenes_are_counted() -> None:
    rgba = np.full((8, 8, 4), 255, np.uint8)
    scenes = tuple(f"S2A_MSIL2A_{number:06d}" for number in range(10_000))
    text = dict(segments(encode_jpeg(rgba, background=(0, 0, 0), scenes=scenes)))[COMMENT].decode()
    named, _, rest = text.rpartition(", and ")
    assert tuple(named.split(", ")) == scenes[: len(named.split(", "))]
    assert rest == f"{10_000 - len(named.split(', '))} more of 10000"
    assert len(text) < 4_200
