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


def test_the_comment_names_the_scenes_after_the_jfif_header() -> None:
    rgba = np.full((8, 8, 4), 255, np.uint8)
    body = encode_jpeg(rgba, background=(0, 0, 0), scenes=("S2A_ONE", "S2B_TWO"))
    # SOI, APP0 of 16 bytes, then the comment: marker, length, text.
    assert body[:4] == b"\xff\xd8\xff\xe0"
    assert body[20:24] == b"\xff\xfe\x00\x12"
    assert body[24:40] == b"S2A_ONE, S2B_TWO"
    assert encode_jpeg(rgba, background=(0, 0, 0)) == body[:20] + body[40:]
