"""Results of queries over arrays in memory, as encoders get them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.axes import RegularAxis
from datacube.cells import Cells, Valid
from datacube.encode import ENCODERS
from datacube.encode.answer import EncodeJob
from datacube.grid import Window
from datacube.plan.encode_parameters import parse_parameters
from datacube.plan.nodes import Domain, Encode, Field, Held, HeldCells, Plan
from datacube.protocols import Limits

NO_LIMITS = Limits()
"""Those of a server that sets none."""

type Arrays = Mapping[str, NDArray[Any]]


def index_axis(name: str, size: int, first: int = 0) -> RegularAxis:
    """Return an axis of indices."""
    return RegularAxis(name=name, uom="1", start=0, step=1, first=first, size=size, index=True)


def result(
    domain: Domain,
    arrays: Arrays,
    *,
    valid: Mapping[str, Valid] | None = None,
    fields: Sequence[Field] = (),
) -> Held:
    """Return a plan over arrays of the domain's shape; by default all of it is valid."""
    known = {name: np.ones(domain.shape, np.bool_) for name in arrays} | dict(valid or {})
    cells = Cells(
        tuple(arrays),
        tuple(np.asarray(array).reshape(domain.shape) for array in arrays.values()),
        tuple(known[name] for name in arrays),
    )
    plain = tuple(
        Field(name=name, dtype=np.asarray(array).dtype.name, nodata=None)
        for name, array in arrays.items()
    )
    held = HeldCells(key=str(id(cells)), cells=cells)
    return Held(held=held, domain=domain, fields=tuple(fields) or plain)


def compute(plan: Plan, window: Window) -> Cells:
    """Answer a plan of `result`."""
    assert isinstance(plan, Held)
    assert window.intersect(plan.domain.window) == window
    at = window.slices(plan.domain.window)
    cells = plan.held.cells
    return Cells(cells.names, tuple(v[at] for v in cells.values), tuple(v[at] for v in cells.valid))


def encode_job(
    plan: Plan,
    media_type: str,
    parameters: str = "",
    *,
    compat: bool = False,
    limits: Limits = NO_LIMITS,
) -> EncodeJob:
    """Return the job of encoding a plan of `result`."""
    node = Encode(
        source=plan,
        media_type=media_type,
        title="made",
        parameters=parse_parameters(parameters),
        compat=compat,
    )
    return EncodeJob(node=node, compute=compute, scenes=(), limits=limits)


def encoded(
    plan: Plan,
    media_type: str,
    parameters: str = "",
    *,
    compat: bool = False,
    limits: Limits = NO_LIMITS,
) -> bytes:
    """Encode a plan of `result`."""
    job = encode_job(plan, media_type, parameters, compat=compat, limits=limits)
    body = ENCODERS[media_type](job)
    return body if isinstance(body, bytes) else body.read_bytes()
