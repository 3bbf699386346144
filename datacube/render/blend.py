"""Painting over what is there with colours that let it shine through.

Formula: W3C Compositing and Blending Level 1, 5.1, "source over"; colours are not multiplied
by their alpha.
"""

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from datacube.plan.colour import OPAQUE, ColourRule, Composite, Grey
from datacube.render.palettes import palette

type Colours = NDArray[np.uint8]
"""Shape `(..., 4)`: red, green, blue, alpha."""


def is_opaque(rule: ColourRule) -> bool:
    """Tell whether what a rule paints hides all below it."""
    match rule:
        case Composite(alpha=alpha, alpha_band=alpha_band):
            return alpha == OPAQUE and not alpha_band
        case Grey(alpha=alpha):
            return alpha == OPAQUE
        case _:
            return bool((palette(rule)[:, 3] == OPAQUE).all())


def blend_over(canvas: Colours, painted: Colours, where: Valid) -> None:
    """Paint over a canvas in place, where `where` is true; shapes `(y, x, 4)` and `(y, x)`."""
    over, under = painted[where].astype(np.float32), canvas[where].astype(np.float32)
    share = over[:, 3:] / OPAQUE
    left = (1 - share) * under[:, 3:] / OPAQUE
    alpha = share + left
    # Where nothing is seen the colours are 0, whatever they are divided by.
    rgb = (over[:, :3] * share + under[:, :3] * left) / np.maximum(alpha, 1e-9)
    canvas[where] = np.rint(np.concatenate([rgb, alpha * OPAQUE], axis=1)).astype(np.uint8)


def over_background(colours: Colours, background: tuple[int, int, int]) -> Colours:
    """Return colours over an opaque background."""
    share = colours[..., 3:].astype(np.float32) / OPAQUE
    rgb = colours[..., :3] * share + np.array(background, np.float32) * (1 - share)
    made = np.full(colours.shape, OPAQUE, np.uint8)
    made[..., :3] = np.rint(rgb)
    return made
