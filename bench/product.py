"""A full Sentinel-2 product in ESA's layout: the bundled sample, repeated, in all its images."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.data import CACHE, SIDE_PX
from tests.builders import presets
from tests.builders.safe import build_safe
from tests.builders.surface import Surface, real_surface

FOLDER = CACHE / "product"


def product() -> Path:
    """Make the product unless it is there, which takes minutes; return its SAFE folder."""
    if not FOLDER.exists():
        draft = FOLDER.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        build_safe(draft, _with_noise(real_surface(SIDE_PX)), presets.north("05.09"))
        draft.rename(FOLDER)
    return next(FOLDER.glob("*.SAFE"))


def _with_noise(surface: Surface) -> Surface:
    """Add 1 bit, so that no two tiles are equal: about what the sample has in water."""
    rng = np.random.default_rng(0)
    return replace(
        surface,
        layers=tuple(
            replace(
                layer,
                reflectance=layer.reflectance
                + rng.integers(0, 2, layer.reflectance.shape, dtype=np.int32),
            )
            for layer in surface.layers
        ),
    )
