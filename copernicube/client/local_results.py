"""Queries answered by the store on this machine."""

from collections.abc import Iterator
from pathlib import Path

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from copernicube.client.assembling import assemble
from copernicube.client.questions import (
    Cells,
    Number,
    Numbers,
    Question,
    Result,
    Single,
    decoded_type,
    numbers,
)
from datacube.encode.answer import Answer
from datacube.encode.chunks import chunk_shape
from datacube.engine import Session
from datacube.evaluate.schedule import as_dask
from datacube.plan.functions import apply
from datacube.plan.nodes import Bands, Pick, Plan


def local_results(session: Session, question: Question) -> Iterator[Result]:
    """Answer a query: numbers and files at once, cells lazily.

    Raises
    ------
    RequestError
        Whatever is wrong with the query, or what numbers and files would cost.
    """
    for single in question.single():
        processor = session.processor(compat=question.compat is not None, uploads=question.uploads)
        for found in processor.results(single.question.text):
            yield _taken(found, single) if isinstance(found, Answer) else _made(session, found)


def body_of(answer: Answer) -> bytes:
    """Return the bytes of an answer, and delete the file that it may lie in."""
    body = answer.body
    if isinstance(body, bytes):
        return body
    return _read_once(body)


def _read_once(path: Path) -> bytes:
    try:
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


def _taken(answer: Answer, single: Single) -> bytes | str:
    body = body_of(answer)
    return body if single.encoded else body.decode()


def _made(session: Session, plan: Plan) -> Numbers | Cells:
    if not plan.domain.axes:
        cells = session.compute(plan)
        found: dict[str, Number] = {
            name: values.item() if bool(valid) else None
            for name, values, valid in zip(cells.names, cells.values, cells.valid, strict=True)
        }
        return numbers(found)
    chunks = None if plan.domain.grid is not None else chunk_shape(plan.domain)
    arrays = as_dask(_with_nan(plan), session.engine.cells, chunks=chunks)
    return assemble(plan.domain, {name: finite(array) for name, array in arrays.items()})


def _with_nan(plan: Plan) -> Plan:
    """Return the plan in types in which null is NaN; of truths it is false."""
    picks = []
    for field in plan.fields:
        one: Plan = Bands(picks=(Pick(source=plan, field=field.name, name=field.name),))
        if field.dtype != "bool":
            one = apply(f"cast {decoded_type(field.dtype)}", one)
        picks.append(Pick(source=one, field=one.fields[0].name, name=field.name))
    return Bands(picks=tuple(picks))


def finite(array: da.Array) -> da.Array:
    """Return numbers that are not finite as NaN, as files have them."""
    if array.dtype.kind != "f":
        return array
    made: da.Array = da.map_blocks(_finite, array, dtype=array.dtype)  # type: ignore[no-untyped-call]  # Dask has no types
    return made


def _finite(block: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(np.isfinite(block), block, np.array(np.nan, block.dtype))
