"""How much a map may ask for; known before anything of it is looked up."""

from collections.abc import Sequence

from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.plan.query import Map, MapLayer, MapTime
from datacube.protocols import Limits


def check_map(asked: Map, limits: Limits) -> None:
    """Refuse a map that is too large, of too many layers or of too many times.

    Raises
    ------
    LimitExceededError
        With what is asked and the limit.
    InvalidParameterError
        If a side is not positive.
    """
    width, height = asked.width_px, asked.height_px
    for name, size in (("width", width), ("height", height)):
        if size < 1:
            raise InvalidParameterError(f"{name} {size} must be at least 1", parameter=name)
        if size > limits.map_side_px:
            raise LimitExceededError(
                f"{name} {size} px is over the limit of {limits.map_side_px} px (LIMIT_MAP_SIDE_PX)"
            )
    if width * height > limits.map_pixels:
        raise LimitExceededError(
            f"{width} x {height} = {width * height} px is over the limit of {limits.map_pixels} px "
            "(LIMIT_MAP_PIXELS)"
        )
    check_shown(asked.layers, asked.time, limits)


def check_shown(layers: Sequence[MapLayer], time: MapTime, limits: Limits) -> None:
    """Refuse too many layers, or too many times of them.

    Raises
    ------
    LimitExceededError
        With what is asked and the limit.
    """
    if len(layers) > limits.map_layers:
        raise LimitExceededError(
            f"{len(layers)} layers are over the limit of {limits.map_layers} (LIMIT_MAP_LAYERS)"
        )
    times = 1 + len(time.further)
    if times > limits.map_times:
        raise LimitExceededError(
            f"{times} times are over the limit of {limits.map_times} (LIMIT_MAP_TIMES)"
        )
