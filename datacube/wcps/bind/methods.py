"""Names of interpolation methods."""

from collections.abc import Mapping

from datacube.errors import UnknownNameError
from datacube.plan.query import Method
from datacube.wcps.bind.values import About

METHODS: Mapping[str, Method] = {
    "near": Method.NEAREST,
    "nearest": Method.NEAREST,
    "bilinear": Method.LINEAR,
    "linear": Method.LINEAR,
    "cubic": Method.CUBIC,
    "cubicspline": Method.CUBIC_SPLINE,
    "lanczos": Method.LANCZOS,
    "average": Method.AVERAGE,
    "rms": Method.ROOT_MEAN_SQUARE,
    "mode": Method.MODE,
    "max": Method.GREATEST,
    "min": Method.LEAST,
    "med": Method.MEDIAN,
    "median": Method.MEDIAN,
    "q1": Method.FIRST_QUARTILE,
    "q3": Method.THIRD_QUARTILE,
}
"""By name, in lower case; also as the last part of an OGC URL."""


def method_named(text: str) -> Method:
    """Return a method by its name, the last part of an OGC URL, or with hyphens.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    plain = text.strip().casefold().rpartition("/")[2].replace("-neighbor", "")
    found = METHODS.get(plain.replace("-", "").replace("_", ""))
    if found is None:
        raise UnknownNameError("interpolation", text, tuple(METHODS))
    return found


def declared_method(about: About) -> Method:
    """Return the method that all fields declare as their default, nearest where they do not."""
    named = {METHODS.get(name.casefold()) for _, name in about.interpolations}
    one = named.pop() if len(named) == 1 else None
    return Method.NEAREST if one is None else one
