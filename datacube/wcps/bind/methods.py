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
    "average": Method.AVERAGE,
    "mode": Method.MODE,
}
"""By name, in lower case; also as the last part of an OGC URL."""


def method_named(text: str, allowed: tuple[Method, ...]) -> Method:
    """Return a method by its name.

    Raises
    ------
    UnknownNameError
        If there is none of that name, or it is not allowed here.
    """
    found = METHODS.get(text.strip().casefold().rpartition("/")[2].replace("-neighbor", ""))
    if found is None or found not in allowed:
        offered = tuple(name for name, method in METHODS.items() if method in allowed)
        raise UnknownNameError("interpolation", text, offered)
    return found


def declared_method(about: About, allowed: tuple[Method, ...]) -> Method:
    """Return the method that all fields declare as their default, nearest where they do not."""
    named = {METHODS.get(name.casefold()) for _, name in about.interpolations}
    one = named.pop() if len(named) == 1 else None
    return one if one in allowed and one is not None else Method.NEAREST
