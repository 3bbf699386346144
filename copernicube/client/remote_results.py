"""Queries answered by a server: cells when they are computed, piece by piece."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from itertools import product
from math import ceil, prod
from typing import Any

import dask
import dask.array as da
import h5netcdf
import numpy as np
from numpy.typing import NDArray

from copernicube.client.asking import Server
from copernicube.client.assembling import assemble
from copernicube.client.described import Shape, read_description
from copernicube.client.questions import (
    Cells,
    Number,
    Question,
    Result,
    Single,
    decoded_type,
    numbers,
)
from datacube.errors import RequestError, StoreError
from datacube.plan.nodes import Domain
from datacube.wcps import syntax

PIECE_BYTES = 2**26
"""Most bytes, of all bands and before they are packed, that are asked for at once."""
_CIS = "outputType=GeneralGridCoverage"

type _Window = tuple[tuple[int, int], ...]
"""First and last index along each axis, both inclusive, as `CRS:1` counts them."""
type _Piece = tuple[NDArray[Any], ...]
"""The cells of a piece, by band."""


def remote_results(server: Server, question: Question) -> Iterator[Result]:
    """Answer a query: numbers and files at once, cells lazily.

    The server describes cells first; they are asked for by windows when they are computed.

    Raises
    ------
    RequestError, StoreError
        As the server says.
    """
    for single in question.single():
        if single.encoded or single.described:
            reply = server.answer(single.question)
            if reply.body:
                yield reply.body if single.encoded else reply.body.decode()
            continue
        shape = _shape(server, single)
        if shape is None:
            reply = server.answer(single.question)
            if reply.body:
                yield reply.body.decode()
        elif shape.dtypes:
            yield (
                _cells(server, single, shape)
                if shape.domain.axes
                else _number(server, single, shape)
            )


def _shape(server: Server, single: Single) -> Shape | None:
    """Return what the result is; without a band where `where` does not hold, None of a text."""
    result = syntax.Describe(source=single.query.result, format="json", parameters=_CIS)
    try:
        described = server.answer(single.returning(result)).body
    except RequestError:
        # A text has no description. What else is wrong, the query itself will be told.
        return None
    if not described:
        return Shape(domain=Domain(), dtypes=())
    return read_description(json.loads(described))


def _number(server: Server, single: Single, shape: Shape) -> Result:
    """Ask for numbers as text; in double, in which text has every digit."""
    result = single.query.result
    if any(dtype in ("float32", "float16") for _, dtype in shape.dtypes):
        result = syntax.Cast(type="double", operand=result)
    text = server.answer(single.returning(result, where=False)).body.decode().strip()
    parts = _split(text) if len(shape.dtypes) > 1 else [text]
    if len(parts) != len(shape.dtypes):
        raise StoreError(f"the server answers {text[:80]!r} for {len(shape.dtypes)} numbers")
    return numbers(
        {name: _read(part, dtype) for part, (name, dtype) in zip(parts, shape.dtypes, strict=True)}
    )


def _split(text: str) -> list[str]:
    """Split `{ 1, (2,3) }` at the commas that are not of a complex number."""
    inner = text.removeprefix("{").removesuffix("}")
    parts: list[str] = []
    for piece in inner.split(","):
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += f",{piece}"
        else:
            parts.append(piece)
    return [part.strip() for part in parts]


def _read(text: str, dtype: str) -> Number:
    if text.upper() == "NULL":
        return None
    match np.dtype(dtype).kind:
        case "b":
            return text in ("t", "true")
        case "i" | "u":
            return int(float(text)) if "." in text or "e" in text else int(text)
        case "c":
            real, imaginary = text.strip("()").split(",")
            return complex(float(real), float(imaginary))
        case _:
            return float(text)


def _cells(server: Server, single: Single, shape: Shape) -> Cells:
    """Return lazy arrays: a request for each piece, which makes all bands of it."""
    types = tuple(decoded_type(dtype) for _, dtype in shape.dtypes)
    cell_bytes = sum(np.dtype(dtype).itemsize for dtype in types)
    lengths = _lengths(shape.domain.shape, max(1, PIECE_BYTES // cell_bytes))
    cuts = [
        [min(length, size - at * length) for at in range(ceil(size / length))]
        for size, length in zip(shape.domain.shape, lengths, strict=True)
    ]
    question = replace(single, query=replace(single.query, where=None))
    pieces: dict[tuple[int, ...], Any] = {}
    for place in product(*(range(len(cut)) for cut in cuts)):
        window = tuple(
            (axis.first + at * length, min(axis.first + (at + 1) * length, axis.stop) - 1)
            for axis, at, length in zip(shape.domain.axes, place, lengths, strict=True)
        )
        asked = _asked(question, shape, window)
        pieces[place] = dask.delayed(_fetch, pure=True)(_Kept(server), _Kept(asked), types)  # type: ignore[attr-defined]  # Dask has no types
    arrays = {
        name: _stacked(pieces, cuts, at, types[at]) for at, (name, _) in enumerate(shape.dtypes)
    }
    return assemble(shape.domain, arrays)


def _lengths(shape: tuple[int, ...], cells: int) -> tuple[int, ...]:
    """Return the longest pieces of at most so many cells, cut along the first axes first."""
    lengths = list(shape)
    for at, size in enumerate(shape):
        rest = prod(lengths[at + 1 :])
        lengths[at] = max(1, min(size, cells // rest))
    return tuple(lengths)


def _asked(single: Single, shape: Shape, window: _Window) -> Question:
    """Return the question for a piece as netCDF; the whole result is not cut."""
    result, domain = single.query.result, shape.domain
    if any(dtype == "uint64" for _, dtype in shape.dtypes):
        # It has no number to spare for null; here it becomes double all the same.
        result = syntax.Cast(type="double", operand=result)
    whole = tuple((axis.first, axis.stop - 1) for axis in domain.axes)
    trims = tuple(
        syntax.AxisTrim(axis=axis.name, crs="CRS:1", low=_index(first), high=_index(last))
        for axis, (first, last), all_of_it in zip(domain.axes, window, whole, strict=True)
        if (first, last) != all_of_it
    )
    if trims:
        result = syntax.Subset(source=result, items=trims)
    return single.returning(syntax.Encode(source=result, format="netcdf"), where=False)


def _index(at: int) -> syntax.Expr:
    number = syntax.Number(value=abs(at))
    return number if at >= 0 else syntax.Unary(operator="-", operand=number)


def _stacked(
    pieces: Mapping[tuple[int, ...], Any], cuts: list[list[int]], band: int, dtype: str
) -> da.Array:
    def block(place: tuple[int, ...]) -> Any:  # noqa: ANN401  # nested lists of arrays
        at = len(place)
        if at < len(cuts):
            return [block((*place, k)) for k in range(len(cuts[at]))]
        shape = tuple(cut[k] for cut, k in zip(cuts, place, strict=True))
        return da.from_delayed(pieces[place][band], shape=shape, dtype=np.dtype(dtype))  # type: ignore[no-untyped-call]  # Dask has no types

    made: da.Array = da.block(block(()))  # type: ignore[no-untyped-call]  # as above
    return made


class _Kept:
    """Hides a value from Dask, which would walk through its dataclasses."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401  # a server or a question
        self.value = value

    def __dask_tokenize__(self) -> object:
        return repr(self.value)


def _fetch(server: _Kept, question: _Kept, types: tuple[str, ...]) -> _Piece:
    body = server.value.answer(question.value).body
    with h5netcdf.File(BytesIO(body), "r") as file:
        variables = [
            variable
            for name, variable in file.variables.items()
            if name not in file.dimensions and name != "spatial_ref"
        ]
        if len(variables) != len(types):
            raise StoreError(f"the server sends {len(variables)} bands instead of {len(types)}")
        return tuple(_read_array(v, dtype) for v, dtype in zip(variables, types, strict=True))


def _read_array(variable: h5netcdf.Variable, dtype: str) -> NDArray[Any]:
    """Return cells in a type; null is NaN, or false of truths."""
    raw = np.asarray(variable[...])
    fill = variable.attrs.get("_FillValue")
    valid = np.ones(raw.shape, bool) if fill is None else raw != np.asarray(fill).reshape(())
    if dtype == "bool":
        truths: NDArray[Any] = (raw == 1) & valid
        return truths
    made = raw.astype(dtype)
    made[~valid] = np.nan
    return made
