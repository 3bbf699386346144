"""Queries run on made cubes, down to the cells of their results."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from datacube.plan.nodes import Encode, Picture, Plan
from datacube.processing import Processor
from datacube.wcps.bind.scope import Upload, number
from datacube.wcps.bind.values import Constant, Encoded, Raster, Value
from tests.builders.made import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The cells of one result."""

    axes: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[NDArray[Any], ...]
    valid: tuple[Valid, ...]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Of each band."""
        return tuple(v.dtype.name for v in self.values)

    def filled(self, fill: float = np.nan) -> tuple[NDArray[np.float64], ...]:
        """Bands in float64 with `fill` where they are null."""
        return tuple(
            np.where(known, values.astype(np.float64), fill)
            for values, known in zip(self.values, self.valid, strict=True)
        )


def processor(made: Made, *, compat: bool = False, uploads: tuple[Upload, ...] = ()) -> Processor:
    """Return what answers queries on the newest revision."""
    return made.session.processor(compat=compat, uploads=uploads)


def texts(made: Made, query: str, *, compat: bool = False) -> list[str]:
    """Return the bodies of a query's answers, which are all texts."""
    answers = processor(made, compat=compat).answers(query)
    bodies = [answer.body for answer in answers]
    return [body.decode() for body in bodies if isinstance(body, bytes)]


def evaluated(
    made: Made, query: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
) -> list[Evaluated]:
    """Return the cells of every result of a query, those that it encodes as they were before.

    `where` is not looked at.
    """
    asked = processor(made, compat=compat, uploads=uploads)
    found = []
    for result in asked.bind(query):
        value = result.value
        found.append(_cells(made, asked.prepare(_plan(value))))
    return found


def _plan(value: Value) -> Plan:
    match value:
        case Encoded(root=Encode(source=source)) if not isinstance(source, Picture):
            return source
        case Raster(plan=plan):
            return plan
        case Constant():
            return number(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no cells")


def _cells(made: Made, plan: Plan) -> Evaluated:
    cells = made.session.compute(plan)
    assert cells.names == tuple(field.name for field in plan.fields)
    for values, field in zip(cells.values, plan.fields, strict=True):
        assert values.dtype.name == field.dtype, "the plan announced another type"
        assert values.shape == plan.domain.shape
    return Evaluated(
        axes=tuple(axis.name for axis in plan.domain.axes),
        names=cells.names,
        values=cells.values,
        valid=cells.valid,
    )
