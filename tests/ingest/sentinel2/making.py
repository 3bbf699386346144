"""What several tests of the Sentinel-2 reader share."""

from pathlib import Path

from ingest.scene import CubeChoice, Scene
from ingest.sentinel2 import Sentinel2Reader
from tests.builders.product import Product

SIZE = 300
"""Rows and columns at 10 m of the surface that most synthetic products show."""


def cube_of(product: Product) -> str:
    """Return the name of the cube that takes `product` unless another is chosen."""
    return f"S2_{product.level}_{product.epsg}"


def open_one(place: Path | str, choice: CubeChoice | None = None) -> Scene:
    """Open a source of exactly one scene, which has to be readable."""
    (scene,) = Sentinel2Reader().open(str(place), choice or CubeChoice())
    assert isinstance(scene, Scene)
    return scene
