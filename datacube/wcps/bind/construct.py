"""Coverage constructors of WCPS 1.0: `coverage n over $x x(0:9) values ...`, `value list <...>`.

The axes of the iterators come first, in their order; axes that the value keeps follow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError
from datacube.grid import Grid, index_crs
from datacube.plan.nodes import Domain, Relabel
from datacube.plan.types import common
from datacube.wcps import syntax
from datacube.wcps.bind.iterations import Iteration, bind_iterators
from datacube.wcps.bind.iterators import NotVectorisableError, affine, held, iterators_of
from datacube.wcps.bind.scope import Binder, Scope, describe
from datacube.wcps.bind.unroll import Over, bind_over
from datacube.wcps.bind.values import About, Constant, Raster, Value


def bind_construct(node: syntax.Construct, scope: Scope) -> Raster:
    """Bind `coverage name over iterators values value`.

    Iterators over the two axes of a plane make a plane, y before x whatever their order;
    two index axes that come last make one in their own order.

    Raises
    ------
    RequestError
        If iterators or value do not fit.
    """
    iterations = _y_first(bind_iterators(node.iterators, scope))
    over = bind_over(node, iterations, scope, lambda inner: (inner.raster(node.value),))
    return constructed(over, iterations, node.name)


def constructed(over: Over, iterations: Sequence[Iteration], name: str) -> Raster:
    """Return a body over iterators as a coverage of their axes.

    Raises
    ------
    NotVectorisableError
        If an iterator further out must stand still, as its axis comes after these.
    InvalidParameterError
        If the body has an axis of its own that is called as one that is walked over.
    """
    (plan,) = over.plans
    if not over.outer_first:
        raise NotVectorisableError("a coverage inside is planned place by place", over.outer)
    _check_names(plan.domain, len(over.outer))
    domain = planar(plan.domain, iterations, skip=len(over.outer))
    if domain != plan.domain:
        plan = Relabel(source=plan, domain=domain)
    return Raster(plan=plan, iterators=over.outer, about=About(identifier=name))


def _check_names(domain: Domain, skip: int) -> None:
    names = [axis.name for axis in domain.axes[skip:]]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidParameterError(
            f"the coverage would have two axes called {twice[0]!r}: one that is walked over, one "
            "of the values; slice or reduce the values along it, or name the walked one otherwise"
        )


def _y_first(iterations: Sequence[Iteration]) -> tuple[Iteration, ...]:
    if [iteration.side for iteration in iterations[-2:]] != ["x", "y"]:
        return tuple(iterations)
    *others, x, y = iterations
    return (*others, y, x)


def planar(domain: Domain, iterations: Sequence[Iteration], *, skip: int = 0) -> Domain:
    """Make the last two axes a plane where they are one: of one CRS, or both index axes.

    The first `skip` axes are no part of it.
    """
    if domain.grid is not None or len(domain.outer) < skip + 2:
        return domain
    y, x = domain.outer[-2:]
    if not isinstance(y, RegularAxis) or not isinstance(x, RegularAxis):
        return domain
    if y.index and x.index:
        grid = Grid(crs=index_crs(y.name, x.name), y=y, x=x)
        return Domain(outer=domain.outer[:-2], grid=grid)
    sides = {iteration.axis.name: iteration.side for iteration in iterations}
    whole = sides.get(y.name) == "y" and sides.get(x.name, "x") == "x"
    if not whole or y.crs is None or x.crs is None or y.crs != x.crs:
        return domain
    grid = Grid(crs=y.crs, y=replace(y, crs=None), x=replace(x, crs=None))
    return Domain(outer=domain.outer[:-2], grid=grid)


def bind_value_list(node: syntax.ValueList, scope: Scope) -> Raster:
    """Bind `coverage name over iterators value list <...>`, row by row.

    The type holds all values: int64, float64, bool or complex128, unless they have
    suffixes or casts.

    Raises
    ------
    InvalidParameterError
        If there are more values than places, or fewer, or a value is no number.
    """
    iterations = bind_iterators(node.iterators, scope)
    axes = tuple(iteration.axis for iteration in iterations)
    places = prod(axis.size for axis in axes)
    if places != len(node.values):
        shape = " x ".join(str(axis.size) for axis in axes)
        raise InvalidParameterError(
            f"{len(node.values)} values for {places} places ({shape}); each place has one"
        )
    numbers = [_constant(scope.bind(value)) for value in node.values]
    known = [number for number in numbers if number.value is not None]
    dtype = common(tuple(map(_dtype, known))) if known else "float64"
    values = np.array([0 if n.value is None else n.value for n in numbers], dtype=dtype)
    valid = np.array([n.value is not None for n in numbers])
    domain = planar(Domain(outer=axes), iterations)
    return Raster(plan=held(values, valid, domain), about=About(identifier=node.name))


def _constant(value: Value) -> Constant:
    if isinstance(value, Constant):
        return value
    index = affine(value)
    if index is not None and not index.terms:
        return Constant(value=index.offset, dtype="int64")
    names = iterators_of(value)
    if names:
        raise NotVectorisableError("a value list with iterators is planned place by place", names)
    raise InvalidParameterError(f"a value list holds numbers, not {describe(value)}")


def _dtype(number: Constant) -> str:
    """Return the type of a number; integers without a suffix have 64 bits."""
    if number.dtype is not None:
        return number.dtype
    value: object = number.value
    match value:
        case bool():
            return "bool"
        case int():
            return "int64" if value < 2**63 else "uint64"
        case float():
            return "float64"
        case _:
            return "complex128"


BINDERS: Mapping[type, Binder] = {
    syntax.Construct: bind_construct,
    syntax.ValueList: bind_value_list,
}
