"""Pictures as GeoTIFF: colours with a place on the Earth."""

import rasterio.crs
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from datacube.encode.answer import EncodeJob
from datacube.plan.nodes import Picture
from datacube.render.paint import paint
from datacube.render.scenes import named_scenes

_TILE_PX = 256
_BANDS = 4


def encode_picture_geotiff(job: EncodeJob, picture: Picture) -> bytes:
    """Write red, green, blue and alpha, 0 or 255, in the CRS of the picture.

    Deflated tiles of 256 px; equal pictures give equal bytes. The scenes stand in the
    metadata item `source_scenes`.
    """
    rgba = paint(picture, job.compute)
    rows, columns = picture.grid.shape
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": _BANDS,
        "dtype": "uint8",
        "crs": rasterio.crs.CRS.from_wkt(picture.grid.crs.to_wkt()),
        "transform": picture.grid.transform,
        "compress": "DEFLATE",
        "zlevel": 1,
        "predictor": 2,
        "interleave": "pixel",
        "photometric": "RGB",
        "alpha": "UNSPECIFIED",
        "tiled": True,
        "blockxsize": _TILE_PX,
        "blockysize": _TILE_PX,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.colorinterp = (
                ColorInterp.red,
                ColorInterp.green,
                ColorInterp.blue,
                ColorInterp.alpha,
            )
            for band in range(_BANDS):
                target.write(rgba[..., band], band + 1)
            if job.scenes:
                target.update_tags(source_scenes=named_scenes(job.scenes))
        return bytes(memory.getbuffer())
