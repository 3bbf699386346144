"""Expressions on cubes, which are queries of WCPS that are not yet asked."""

from collections.abc import Iterable, Mapping
from typing import Any, Self, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from copernicube.client.geometry import Geometry
from copernicube.client.offers import Source
from copernicube.client.operators import Operators, choose, state_of
from copernicube.client.questions import (
    Cells,
    Numbers,
    Question,
    Result,
    Rules,
    level_of,
)
from copernicube.client.reductions import Reductions
from copernicube.client.term import Scalar, State, combine, query_of, select
from datacube.errors import InvalidParameterError, StoreError, UnknownNameError
from datacube.wcps import syntax
from datacube.wcps.printer import print_expr, print_query
from datacube.wcps.syntax import Expr

_SHOWN_CHARACTERS = 200


class Expression(Reductions, Geometry):
    """Numbers made of cubes, cell by cell or reduced; a query that prints as WCPS.

    ::

        ndvi = (cube.B08 - cube.B04) / (cube.B08 + cube.B04)
        ndvi.sel(time="2023").median("time").to_xarray()

    Numbers are those that the cube stores, not decoded; types and nulls are those of WCPS.
    Nothing is read before it is computed, by the store or server that has the data.
    """

    def __init__(self, state: State) -> None:
        """Take a part of a query; users begin with a band of a cube."""
        self.state = state

    def _of(self, state: State) -> Self:
        return type(self)(state)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes in array order, as queries have them."""
        return self.state.axes

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands."""
        return self.state.bands

    __iter__: None = None
    """Bands are taken by name; without this Python would count through `__getitem__`."""

    def __getitem__(self, band: str | list[str]) -> Self:
        """Return a band by name, or several in the order wanted.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        if isinstance(band, str):
            return self._of(select(self.state.part(), self._band(band)))
        names = [self._band(name) for name in band]
        return self._of(stacked({name: self[name] for name in names}))

    def __getattr__(self, name: str) -> Self:
        # A copy has no state yet when it is asked for its methods.
        if not name.startswith("_") and name != "state":
            found = self.state.band(name)
            if found is not None:
                return self[found]
            bands = ", ".join(self.state.bands)
            raise AttributeError(f"an expression has no {name!r}; its bands are {bands}")
        raise AttributeError(name)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self.state.bands]

    def _band(self, name: str) -> str:
        found = self.state.band(str(name))
        if found is None:
            raise UnknownNameError("band", str(name), self.state.bands)
        return found

    def to_wcps(self, *, encode: str = "", parameters: str = "") -> str:
        """Return the query, by choice with the format that the result is encoded in."""
        result = None
        if encode:
            result = syntax.Encode(source=self.state.tree, format=encode, parameters=parameters)
        return print_query(query_of(self.state, result))

    def compute(self, *, compat: Rules = None) -> Numbers | Cells:
        """Return a number, or cells in memory; one number a band where there are several.

        Raises
        ------
        RequestError
            Whatever is wrong, or what it would cost.
        """
        found = self._result(compat)
        return found.compute() if isinstance(found, xr.DataArray | xr.Dataset) else found

    def to_xarray(self, *, compat: Rules = None) -> Cells:
        """Return cells as lazy DataArray, of several bands as Dataset; a number has no dimension.

        Null is NaN, and false of truths; so integers become floats.
        """
        found = self._result(compat)
        if isinstance(found, xr.DataArray | xr.Dataset):
            return found
        if isinstance(found, dict):
            return xr.Dataset({name: _point(number) for name, number in found.items()})
        return xr.DataArray(_point(found), name=self.state.bands[0])

    def encode(self, format: str, parameters: str = "", *, compat: Rules = None) -> bytes:  # noqa: A002  # WCPS's word
        """Return a file: `"png"`, `"tiff"`, `"netcdf"`, ..., with WCPS's JSON parameters."""
        return cast("bytes", self._ask(self.to_wcps(encode=format, parameters=parameters), compat))

    def explain(self, level: str = "plan", *, compat: Rules = None) -> str:
        """Tell what computing it would do and cost; no cell is read."""
        question = Question(text=self.to_wcps(), compat=compat)
        return self._source().explain(question, level_of(level))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401, FBT001  # NumPy's protocol
        """Compute one band as an array."""
        found = self.to_xarray()
        if isinstance(found, xr.Dataset):
            raise InvalidParameterError(
                f"an array has one band, not {', '.join(self.bands)}; take one by its name"
            )
        del copy
        return np.asarray(found.values, dtype)

    def _result(self, compat: Rules) -> Numbers | Cells:
        return cast("Numbers | Cells", self._ask(self.to_wcps(), compat))

    def _ask(self, text: str, compat: Rules) -> Result:
        (found,) = self._source().results(Question(text=text, compat=compat))
        return found

    def _source(self) -> Source:
        source = self.state.source
        if source is None:
            raise StoreError("an expression of numbers alone has no store to ask")
        return source

    def __str__(self) -> str:
        return self.to_wcps()

    def __repr__(self) -> str:
        query = query_of(self.state)
        text = " ".join(print_expr(query.result).split())
        if len(text) > _SHOWN_CHARACTERS:
            text = f"{text[:_SHOWN_CHARACTERS]}..."
        cubes = ", ".join(dict.fromkeys(coverage_id for _, coverage_id in self.state.cubes))
        axes = ", ".join(self.axes) or "none: a number"
        return f"<Expression on {cubes}: {text}>\n  axes {axes}; bands {', '.join(self.bands)}"


def stack(bands: Mapping[str, Expression | Scalar]) -> Expression:
    """Return a coverage of several bands: `stack({"red": cube.B04, "nir": cube.B08})`.

    Raises
    ------
    InvalidParameterError
        If there is no expression among them, or they are of several stores.
    """
    return Expression(stacked(bands))


def where(
    condition: Expression, value: Expression | Scalar, other: Expression | Scalar | None = None
) -> Expression:
    """Return `value` where `condition` is true, else `other`; by default null."""
    return Expression(choose(condition, value, other))


def stacked(bands: Mapping[str, Operators | Scalar]) -> State:
    """Return a range of bands by name."""
    names = tuple(bands)
    if not any(isinstance(value, Operators) for value in bands.values()):
        raise InvalidParameterError(
            "stack needs an expression, as in stack({'red': cube.B04, 'nir': cube.B08})"
        )

    def make(*trees: Expr) -> Expr:
        return syntax.Record(
            fields=tuple(
                syntax.RecordField(name=name, value=tree)
                for name, tree in zip(names, trees, strict=True)
            )
        )

    made = combine([state_of(value) for value in bands.values()], make)
    return made.changed(made.tree, nodes=0, bands=names)


def _point(number: complex | None) -> NDArray[Any]:
    return np.asarray(np.nan if number is None else number)
