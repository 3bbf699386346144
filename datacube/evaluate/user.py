"""Running the functions that operators add."""

import numpy as np

from datacube.cells import Values
from datacube.errors import InvalidParameterError
from datacube.evaluate.logic import Call, Operands
from datacube.evaluate.part import Part, all_valid


def call_user(call: Call, args: Operands, out: Values) -> Part:
    """Apply a user's function; any null operand makes a cell null.

    Raises
    ------
    InvalidParameterError
        If the function fails, or gives another shape than its arguments have.
    """
    function = call.user
    if function is None:
        raise TypeError("a call without a function")
    arrays = [np.broadcast_to(part.values, out.shape) for part in args]
    try:
        made = np.asarray(function.body(*arrays))
    except Exception as error:  # the operator's code may raise anything
        raise InvalidParameterError(f"function {function.name!r} failed: {error}") from error
    if made.shape != out.shape:
        raise InvalidParameterError(
            f"function {function.name!r} gave shape {made.shape}, not its arguments' {out.shape}"
        )
    np.copyto(out, made, casting="unsafe")
    return Part(out, all_valid(args), nan=True)
