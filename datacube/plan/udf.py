"""Functions that the operator of a service adds to the language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.nodes import Apply, Field, Plan

type CellFunction = Callable[..., NDArray[Any]]
"""Takes arrays of one shape and returns one of that shape, cell by cell, whatever the shape is.

It is called for blocks, in any order and on several threads. It writes into none of its
arguments. Cells where an argument is null hold some number; what is made of them is not used.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFunction:
    """One such function with its signature."""

    name: str
    """`namespace.name`, in lower case."""
    parameters: tuple[str, ...]
    """Names of the arguments, for people."""
    dtype: str | None
    """NumPy name of the type of the result; None: the first argument's."""
    body: CellFunction
    version: str = "1"
    """Changed whenever results change: part of the key of plans and so of ETags."""
    documentation: str = ""

    @property
    def key(self) -> str:
        """What tells this function from others in a plan's digest."""
        return f"{self.name}@{self.version}"


type UserFunctions = Mapping[str, UserFunction]
"""By `namespace.name` in lower case."""


def user_apply(
    functions: UserFunctions, name: str, args: tuple[Plan, ...], *, compat: bool = False
) -> Apply:
    """Return the node of a user's function applied to plans of equal domains.

    An argument with one field goes with every field of the others.

    Raises
    ------
    UnknownNameError
        If there is no such function.
    InvalidParameterError
        If the number of arguments or of their fields does not fit.
    """
    function = functions.get(name.lower())
    if function is None:
        raise UnknownNameError("function", name, tuple(sorted(functions)))
    if len(args) != len(function.parameters):
        wanted = ", ".join(function.parameters)
        raise InvalidParameterError(
            f"{name}({wanted}) takes {len(function.parameters)} arguments, not {len(args)}"
        )
    width = max(len(arg.fields) for arg in args)
    if any(len(arg.fields) not in (1, width) for arg in args):
        raise InvalidParameterError(f"{name}: the numbers of bands of its arguments differ")
    named = next(arg for arg in args if len(arg.fields) == width)
    result = tuple(
        Field(
            name=field.name,
            dtype=function.dtype or args[0].fields[min(at, len(args[0].fields) - 1)].dtype,
            nodata=None,
        )
        for at, field in enumerate(named.fields)
    )
    return Apply(function=function.name, args=args, result=result, compat=compat, user=function)
