"""Reductions of expressions: over all axes to a number, or over some of them."""

from collections.abc import Iterable
from typing import Literal, Self

from copernicube.client.operators import Operators
from copernicube.client.term import State
from datacube.errors import InvalidParameterError
from datacube.plan.names import is_time
from datacube.wcps import syntax
from datacube.wcps.syntax import Expr

type Dims = str | Iterable[str] | None
"""Axes by any usual spelling; None: all."""
type Every = Literal["year", "month", "day"] | None

_CONDENSE = {"add": "+", "product": "*"}
"""Reducers that have a sign as condensers."""
_PERIODS = {"year": "allyears", "month": "allmonths", "day": "alldays"}


class Reductions(Operators):
    """Reductions skip nulls; of nothing but nulls they give null, and count 0."""

    def mean(self, dim: Dims = None, *, every: Every = None) -> Self:
        """Return the mean, as a double.

        `every` makes one of each year, month or day of the time axis, which then stays with the
        start of each; where there is no acquisition the result is null.
        """
        return self._reduced("avg", dim, every=every)

    def sum(self, dim: Dims = None, *, every: Every = None) -> Self:
        """Return the sum; of truths, how many there are."""
        return self._reduced("add", dim, every=every)

    def prod(self, dim: Dims = None) -> Self:
        """Return the product, as a double."""
        return self._reduced("product", dim)

    def min(self, dim: Dims = None, *, every: Every = None) -> Self:
        """Return the least value."""
        return self._reduced("min", dim, every=every)

    def max(self, dim: Dims = None, *, every: Every = None) -> Self:
        """Return the greatest value."""
        return self._reduced("max", dim, every=every)

    def median(self, dim: Dims = None, *, every: Every = None) -> Self:
        """Return the median, as a double."""
        return self._reduced("median", dim, every=every)

    def quantile(self, q: float, dim: Dims = None, *, every: Every = None) -> Self:
        """Return the value below which the part `q` lies, from 0 to 1, as a double."""
        return self._reduced("quantile", dim, float(q), every=every)

    def std(self, dim: Dims = None) -> Self:
        """Return the standard deviation of the population, as a double."""
        return self._reduced("stddev", dim)

    def var(self, dim: Dims = None) -> Self:
        """Return the variance of the population, as a double."""
        return self._reduced("variance", dim)

    def count(self, dim: Dims = None, *, every: Every = None) -> Self:
        """Return how many cells have a value; `(a > 5).sum()` counts where it is true."""
        return self._reduced("count", dim, every=every)

    def all(self, dim: Dims = None) -> Self:
        """Tell whether all are true."""
        return self._reduced("all", dim)

    def any(self, dim: Dims = None) -> Self:
        """Tell whether one is true."""
        return self._reduced("some", dim)

    def first(self, dim: Dims) -> Self:
        """Return the first value along an axis."""
        return self._reduced("first", dim)

    def last(self, dim: Dims) -> Self:
        """Return the last value along an axis."""
        return self._reduced("last", dim)

    def argmax(self, dim: str) -> Self:
        """Return the index of the greatest value along an axis, the first of equal ones."""
        return self._reduced("maxtime", dim)

    def argmin(self, dim: str) -> Self:
        """Return the index of the least value along an axis, the first of equal ones."""
        return self._reduced("mintime", dim)

    def _reduced(self, operator: str, dim: Dims, *parameters: float, every: Every = None) -> Self:
        # `count` of WCPS counts what is true; every cell that has a value is meant here.
        state = self.notnull().state if operator == "count" else self.state
        state = state.part() if dim is None else state.named()
        numbers = tuple(syntax.Number(value=number) for number in parameters)
        if every is not None:
            return self._of(_every(state, operator, dim, numbers, every))
        if dim is None:
            tree: Expr = syntax.Call(function=operator, args=(state.tree, *numbers))
            return self._of(state.changed(tree, axes=(), crs=None))
        axes = _axes(state, dim)
        tree = _over(state, operator, axes, numbers)
        return self._of(_without(state.changed(tree, nodes=4 + 4 * len(state.axes)), axes))


def _over(state: State, operator: str, axes: tuple[str, ...], parameters: tuple[Expr, ...]) -> Expr:
    """Return a reduction over axes: all others are walked over where a map's are among them.

    So blocks of whole maps are read; a condenser over rows would read a block for each row.
    """
    kept = tuple(axis for axis in state.axes if axis not in axes)
    if not kept:
        return syntax.Call(function=operator, args=(state.tree, *parameters))
    if all(is_time(axis) or axis not in state.axes[-2:] for axis in axes):
        return _condensed(state.tree, operator, axes, parameters)
    names = _variables(kept, time="t")
    iterators = tuple(
        _walk(variable, axis, "domain", state.tree)
        for variable, axis in zip(names, kept, strict=True)
    )
    part = syntax.Subset(
        source=state.tree,
        items=tuple(
            syntax.AxisPoint(axis=axis, at=syntax.Variable(name=variable))
            for variable, axis in zip(names, kept, strict=True)
        ),
    )
    value = syntax.Call(function=operator, args=(part, *parameters))
    return syntax.Construct(name="series", iterators=iterators, value=value)


def _variables(axes: tuple[str, ...], *, time: str) -> list[str]:
    """Return names of iterators along axes, `time` along a time axis."""
    return [time if is_time(axis) else f"i{n}" for n, axis in enumerate(axes, start=1)]


def _walk(variable: str, axis: str, domain: str, source: Expr) -> syntax.Iterator:
    places = syntax.Call(function=domain, args=(source, syntax.Variable(name=axis)))
    return syntax.Iterator(variable=variable, axis=axis, domain=places)


def _axes(state: State, dim: Dims) -> tuple[str, ...]:
    """Return the axes that are named, in array order.

    Raises
    ------
    InvalidParameterError
        If none is.
    """
    names = (dim,) if isinstance(dim, str) else tuple(dim or ())
    asked = {state.axis(name) for name in names}
    if not asked:
        raise InvalidParameterError(
            f"no axis is named; the axes are {', '.join(state.axes)}", parameter="dim"
        )
    return tuple(axis for axis in state.axes if axis in asked)


def _condensed(
    source: Expr,
    operator: str,
    axes: tuple[str, ...],
    parameters: tuple[Expr, ...],
    *,
    time: str = "t",
) -> Expr:
    """Return a condenser of `source`, which stands in it once for each axis and once more.

    `time` is the name of the iterator along a time axis.
    """
    variables = _variables(axes, time=time)
    return syntax.Condense(
        operator=_CONDENSE.get(operator, operator),
        iterators=tuple(
            _walk(variable, axis, "imagecrsdomain", source)
            for variable, axis in zip(variables, axes, strict=True)
        ),
        where=None,
        using=syntax.Subset(
            source=source,
            items=tuple(
                syntax.AxisPoint(axis=axis, crs="CRS:1", at=syntax.Variable(name=variable))
                for variable, axis in zip(variables, axes, strict=True)
            ),
        ),
        parameters=parameters,
    )


def _without(state: State, gone: tuple[str, ...]) -> State:
    axes = tuple(axis for axis in state.axes if axis not in gone)
    whole = state.axes[-2:] == axes[-2:]
    return state.changed(state.tree, nodes=0, axes=axes, crs=state.crs if whole else None)


def _every(
    state: State, operator: str, dim: Dims, parameters: tuple[Expr, ...], every: str
) -> State:
    """Return a series of reductions, one for each period of the time axis."""
    if every not in _PERIODS:
        raise InvalidParameterError(
            f"every {every!r} is not allowed; allowed are {', '.join(_PERIODS)}", parameter="every"
        )
    named = state.named()
    time = named.axis("time")
    axes = named.axes if dim is None else _axes(named, dim)
    if time not in axes:
        raise InvalidParameterError(
            f"every {every!r} needs the time axis among those that are reduced", parameter="dim"
        )
    moment = syntax.Variable(name="t")
    period = syntax.Subset(
        source=named.tree, items=(syntax.AxisTrim(axis=time, low=moment, high=moment),)
    )
    if axes == named.axes:
        value: Expr = syntax.Call(function=operator, args=(period, *parameters))
    else:
        value = _condensed(period, operator, axes, parameters, time="s")
    domain = syntax.Call(function="domain", args=(named.tree, syntax.Variable(name=time)))
    walk = syntax.Iterator(
        variable="t", axis=time, domain=syntax.Call(function=_PERIODS[every], args=(domain,))
    )
    tree = syntax.Construct(name="series", iterators=(walk,), value=value)
    made = _without(named.changed(tree, nodes=20), axes)
    return made.changed(tree, nodes=0, axes=(time, *made.axes))
