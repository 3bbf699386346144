"""Reducers: their names, parameters and the types they give.

The bodies are in `datacube.evaluate.reducers`, under the same names; types and
nulls stand as tables in `docs/reference/wcps-types.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.nodes import Field
from datacube.plan.types import ResultType, always, mean_type, same, sum_type

HISTOGRAM_BYTES = 64 * 2**20
"""Most that the histograms of one partial state may take; above, values are kept instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reducer:
    """The signature of a reducer."""

    name: str
    result: ResultType
    """From the type of a field, in a tuple of one, to that of the result."""
    takes: str = "biuf"
    """NumPy kinds of the types that it takes."""
    parameters: tuple[str, ...] = ()
    """Names of the numbers it needs beside the cells."""
    listed: bool = False
    """It may be given a number for each cell of the axis instead: its coordinates."""
    ordered: bool = False
    """Its result depends on the order of cells along the reduced axes."""
    collects: bool = False
    """It needs all values of a result's cell at once."""


REDUCERS: Mapping[str, Reducer] = {
    r.name: r
    for r in (
        Reducer(name="count", result=always("uint64"), takes="biufc"),
        Reducer(name="add", result=sum_type, takes="biufc"),
        Reducer(name="avg", result=mean_type, takes="biufc"),
        Reducer(name="product", result=mean_type, takes="biufc"),
        Reducer(name="min", result=same),
        Reducer(name="max", result=same),
        Reducer(name="all", result=always("bool"), takes="biufc"),
        Reducer(name="some", result=always("bool"), takes="biufc"),
        Reducer(name="xor", result=always("bool"), takes="biufc"),
        Reducer(name="variance", result=always("float64")),
        Reducer(name="stddev", result=always("float64")),
        Reducer(name="median", result=always("float64"), collects=True),
        Reducer(name="quantile", result=always("float64"), parameters=("p",), collects=True),
        Reducer(name="first", result=same, takes="biufc", ordered=True),
        Reducer(name="last", result=same, takes="biufc", ordered=True),
        Reducer(name="overlay", result=same, takes="biufc", ordered=True),
        Reducer(name="maxtime", result=always("int64"), listed=True, ordered=True),
        Reducer(name="mintime", result=always("int64"), listed=True, ordered=True),
    )
}
"""Every reducer by name.

`count` counts valid cells that are not zero; `all` and `some` take any number but zero as
true, `xor` tells whether an odd number is; `variance` and `stddev` are those of the
population; `overlay` gives the last valid cell that is not zero, else zero; `maxtime` and
`mintime` give the place of the extreme along the axis: its index counted from 0, or its
number where coordinates are given.
"""

REDUCER_ALIASES: Mapping[str, str] = {
    "+": "add",
    "sum": "add",
    "*": "product",
    "mean": "avg",
    "and": "all",
    "or": "some",
    "any": "some",
    "std": "stddev",
    "var": "variance",
}
"""Other spellings, of the condenser's operators and of Python's users."""


def reducer(name: str) -> Reducer:
    """Return a reducer by its name or alias.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists those there are.
    """
    found = REDUCERS.get(REDUCER_ALIASES.get(name, name))
    if found is None:
        raise UnknownNameError("reducer", name, tuple(REDUCERS))
    return found


def reduce_fields(
    operator: str, source_fields: tuple[Field, ...], parameters: tuple[float, ...] = ()
) -> tuple[Field, ...]:
    """Return the fields of a reduction, named as the source's and with their null sets.

    Raises
    ------
    UnknownNameError
        If there is no such reducer.
    InvalidParameterError
        If its parameters, or a field's type, do not fit.
    """
    found = reducer(operator)
    if not (found.listed and parameters) and len(parameters) != len(found.parameters):
        wanted = ", ".join(found.parameters) or "none"
        raise InvalidParameterError(
            f"{operator!r} takes {len(found.parameters)} parameters ({wanted}), "
            f"not {len(parameters)}"
        )
    if found.name == "quantile" and not 0 <= parameters[0] <= 1:
        raise InvalidParameterError(f"'quantile' takes p from 0 to 1, not {parameters[0]}")
    for field in source_fields:
        if field.numpy_dtype.kind not in found.takes:
            raise InvalidParameterError(f"{operator!r} takes no {field.dtype} ({field.name})")
    return tuple(_field(found, field, listed=bool(parameters)) for field in source_fields)


def _field(found: Reducer, source: Field, *, listed: bool) -> Field:
    made = "float64" if found.listed and listed else found.result((source.dtype,))
    other = made == "bool" or found.name == "count" or found.listed
    return Field(name=source.name, dtype=made, nodata=None, nulls=() if other else source.nulls)


def state_bytes(operator: str, dtype: str, result_cells: int, reduced_cells: int) -> int:
    """Return the most memory that the partial state of one field takes.

    Parameters
    ----------
    operator
        Name or alias.
    dtype
        Type of the source's field.
    result_cells
        Cells of the result, or of the part of it that one state makes.
    reduced_cells
        Cells of the source for each cell of the result.
    """
    found = reducer(operator)
    if not found.collects:
        return result_cells * 40
    if has_histogram(dtype, (result_cells,)):
        return result_cells * _levels(dtype) * 8
    # Values and validity, once as they came and once side by side.
    return 2 * result_cells * reduced_cells * (np.dtype(dtype).itemsize + 1)


def has_histogram(dtype: str, shape: tuple[int, ...]) -> bool:
    """Tell whether the median of such a result is made from histograms, in constant memory."""
    made = np.dtype(dtype)
    short = made.kind in "biu" and made.itemsize <= 2
    return short and prod(shape) * _levels(dtype) * 8 <= HISTOGRAM_BYTES


def _levels(dtype: str) -> int:
    made = np.dtype(dtype)
    return 2 if made.kind == "b" else 2 ** (8 * made.itemsize)
