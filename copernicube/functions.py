"""Functions that packages installed by the operator add to WCPS.

A package names them in its own `pyproject.toml`::

    [project.entry-points."copernicube.functions"]
    "image.stretch" = "my_package.functions:STRETCH"

where `STRETCH` is a `datacube.plan.udf.UserFunction` of that name.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from datacube.errors import InvalidParameterError
from datacube.plan.udf import UserFunction, UserFunctions

GROUP = "copernicube.functions"
"""Entry points that are read."""


def load_functions() -> UserFunctions:
    """Load every function that an installed package offers.

    Raises
    ------
    InvalidParameterError
        If an entry point gives something else, or another function than its name says.
    """
    return functions_of(entry_points(group=GROUP))


def functions_of(points: Iterable[EntryPoint]) -> UserFunctions:
    """Load the functions of some entry points, by their names."""
    found: dict[str, UserFunction] = {}
    for point in points:
        function = point.load()
        if not isinstance(function, UserFunction):
            raise InvalidParameterError(
                f"entry point {point.name!r} of {GROUP} gives a {type(function).__name__}, "
                "not a UserFunction"
            )
        if function.name != point.name.lower() or "." not in point.name:
            raise InvalidParameterError(
                f"entry point {point.name!r} of {GROUP} gives {function.name!r}; "
                "both are namespace.name, in lower case"
            )
        found[function.name] = function
    return found
