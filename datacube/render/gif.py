"""GIF (GIF89a) of one picture, through GDAL."""

import numpy as np
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from datacube.render.paint import Indexed

LONGEST_PX = 65_535
"""Longest side that the format holds."""


def encode_gif(image: Indexed) -> bytes:
    """Return a GIF; equal pictures give equal bytes.

    What is clear is transparent; every other colour is opaque.
    """
    rows, columns = image.indices.shape
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 1,
        "dtype": "uint8",
        # Without one rasterio warns; the format has no place for it.
        "transform": Affine(1, 0, 1, 0, -1, 0),
    }
    indices, clear = image.indices, np.flatnonzero(image.palette[:, 3] == 0)
    if clear.size:
        # The format has one transparent index, a palette may have several clear colours.
        profile["nodata"] = int(clear[0])
    if clear.size > 1:
        indices = np.where(np.isin(indices, clear), np.uint8(clear[0]), indices)
    colours = {
        at: (int(red), int(green), int(blue), 255)
        for at, (red, green, blue, _) in enumerate(image.palette)
    }
    # Else GDAL leaves the transform in a file of its own beside the picture.
    aside = rasterio.Env(GDAL_PAM_ENABLED=False)
    with aside, MemoryFile() as raw, MemoryFile(ext=".gif") as made:
        with raw.open(**profile) as file:
            file.write(indices, 1)
            file.write_colormap(1, colours)
        with raw.open() as file:
            copy(file, made.name, driver="GIF")
        body: bytes = made.read()
    return body
