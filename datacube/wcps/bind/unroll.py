"""Binding a body over iterators: once for all places, or place by place where it must be.

Where a body cannot be bound once (a trim that keeps other numbers of cells at other places,
an index that is not affine, anything that must be known at binding), the first iterators up
to the one to blame stand still, and the body is bound for each of their places. Both ways
give the same cells.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.plan.functions import apply
from datacube.plan.nodes import Bands, Construct, Domain, Literal, Pick, Plan, Relabel
from datacube.plan.types import common
from datacube.wcps.bind.align import align
from datacube.wcps.bind.following import with_index_axis
from datacube.wcps.bind.idle import idle_places
from datacube.wcps.bind.iterations import Iteration
from datacube.wcps.bind.iterators import NotVectorisableError
from datacube.wcps.bind.scope import Scope
from datacube.wcps.bind.values import Raster

MOST_BODIES = 10_000
"""Most bodies that one query binds place by place."""

type Body = Callable[[Scope], tuple[Raster, ...]]
"""Binds the parts of a body, such as value and condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A body over the places of iterators."""

    plans: tuple[Plan, ...]
    """One a part of the body, all on one domain."""
    outer: tuple[str, ...]
    """Iterators further out that the plans depend on."""
    positions: tuple[int, ...]
    """Where the iterators' axes stand in the plans' domain, in the order of the iterators."""

    @property
    def outer_first(self) -> bool:
        """Whether the axes of iterators further out come before these."""
        return self.positions[0] == len(self.outer)


def bind_over(node: object, iterations: Sequence[Iteration], scope: Scope, body: Body) -> Over:
    """Bind a body over iterators.

    Parameters
    ----------
    node
        The syntax that is bound: what is found out about it is remembered.
    iterations
        The iterators, outermost first.
    scope
        Around the node.
    body
        Binds the body in the scope that it gets.

    Raises
    ------
    NotVectorisableError
        If an iterator further out must stand still.
    LimitExceededError
        If more than `MOST_BODIES` bodies were bound in this query; places at which nothing is
        selected share one.
    InvalidParameterError
        If parts of the body have different shapes at different places.
    """
    account = scope.context.unrolling
    standing = account.nodes.get(id(node), len(iterations) if account.always else 0)
    while True:
        try:
            return _bound(node, iterations, standing, scope, body)
        except NotVectorisableError as error:
            names = _identities(iterations, scope, standing)
            blamed = [at for at, name in enumerate(names) if name in error.iterators]
            if not blamed:
                raise
            standing += max(blamed) + 1
            _check_number(node, iterations[:standing], scope, error)
        except InvalidParameterError:
            # Some other thing may have to be known at binding, such as a factor of `scale`.
            places = prod(iteration.axis.size for iteration in iterations)
            if standing == len(iterations) or places > MOST_BODIES:
                raise
            standing = len(iterations)
        account.nodes[id(node)] = standing


def _check_number(
    node: object, iterations: Sequence[Iteration], scope: Scope, error: NotVectorisableError
) -> None:
    number = prod(iteration.axis.size for iteration in iterations)
    number -= len(_idle(node, iterations, scope))
    if number > MOST_BODIES:
        raise LimitExceededError(
            f"{error}; so the iterators' {number:,} places are planned one by one, "
            f"and {MOST_BODIES:,} are allowed"
        ) from error


def _idle(node: object, still: Sequence[Iteration], scope: Scope) -> frozenset[int]:
    return idle_places(node, still[0], scope) if len(still) == 1 else frozenset()


def _identities(iterations: Sequence[Iteration], scope: Scope, standing: int) -> list[str]:
    depth = len(scope.iterators)
    return [f"{it.variable}@{depth + at}" for at, it in enumerate(iterations[standing:])]


def _bound(
    node: object, iterations: Sequence[Iteration], standing: int, scope: Scope, body: Body
) -> Over:
    still, moving = iterations[:standing], iterations[standing:]
    names = _identities(iterations, scope, standing)
    inner = scope
    for name, iteration in zip(names, moving, strict=True):
        inner = inner.iterating(name, iteration.axis)
    places = list(product(*(range(iteration.axis.size) for iteration in still)))
    idle = _idle(node, still, scope)
    bodies: list[tuple[Raster, ...]] = []
    numbers: list[int] = []  # of the body at each place
    resting: int | None = None
    for place in places:
        if still and place[0] in idle:
            if resting is not None:
                numbers.append(resting)
                continue
            resting = len(bodies)
        there = inner
        for iteration, at in zip(still, place, strict=True):
            there = there.having(iteration.variable, iteration.standing(at))
        for name, iteration in zip(names, moving, strict=True):
            there = there.having(iteration.variable, iteration.moving(name))
        if still:
            _count(scope)
        numbers.append(len(bodies))
        bodies.append(_aligned(body(there), names, inner))
    if not still:
        return _over(bodies[0], names)
    made = _same(bodies, inner)
    return _constructed([made[number] for number in numbers], still, names)


def _count(scope: Scope) -> None:
    account = scope.context.unrolling
    account.bodies += 1
    if account.bodies > MOST_BODIES:
        raise LimitExceededError(
            f"more than {MOST_BODIES:,} places of iterators would be planned one by one; "
            "bounds that move evenly, and slices, are planned at once for any number of places"
        )


def _aligned(parts: tuple[Raster, ...], names: Sequence[str], scope: Scope) -> tuple[Raster, ...]:
    """Make the parts of a body agree, on all of the moving iterators."""
    axes = tuple(axis for name, axis in scope.iterators if name in names)
    anchor = Raster(plan=Literal(value=0, domain=Domain(outer=axes)), iterators=tuple(names))
    return align((*parts, anchor), scope)[:-1]


def _over(parts: tuple[Raster, ...], names: Sequence[str]) -> Over:
    outer = parts[0].iterators[: len(parts[0].iterators) - len(names)]
    return Over(
        plans=tuple(part.plan for part in parts),
        outer=outer,
        positions=tuple(range(len(outer), len(outer) + len(names))),
    )


def _same(bodies: Sequence[tuple[Raster, ...]], scope: Scope) -> list[tuple[Raster, ...]]:
    """Make bodies agree in domains and fields, part by part."""
    width = len(bodies[0])
    rasters = align(_alike([part for parts in bodies for part in parts]), scope)
    columns = []
    for at in range(width):
        column = rasters[at::width]
        plans = _same_fields([raster.plan for raster in column])
        columns.append([replace(r, plan=plan) for r, plan in zip(column, plans, strict=True)])
    return list(zip(*columns, strict=True))


def _constructed(
    bodies: Sequence[tuple[Raster, ...]], still: Sequence[Iteration], names: Sequence[str]
) -> Over:
    """Lay the bodies out along the iterators that stood still."""
    axes = tuple(iteration.axis for iteration in still)
    plans = tuple(
        Construct(parts=tuple(part.plan for part in column), axes=axes)
        for column in zip(*bodies, strict=True)
    )
    over = _over(bodies[0][:1], names)
    moved = tuple(len(still) + at for at in over.positions)
    return Over(plans=plans, outer=over.outer, positions=(*range(len(still)), *moved))


def _alike(parts: list[Raster]) -> list[Raster]:
    """Count cells from 0 along the axes in which the parts differ."""
    domains = [part.own_domain for part in parts if part.own_axes]
    if not domains or all(domain == domains[0] for domain in domains):
        return parts
    shapes = sorted({domain.shape for domain in domains})
    if len(shapes) > 1:
        shown = " and ".join(" x ".join(map(str, shape)) for shape in shapes[:2])
        raise InvalidParameterError(
            f"the body has different numbers of cells at different places ({shown}); reduce "
            "them, as in avg(...), or trim to equal sizes"
        )
    shared = domains[0]
    for at, axis in enumerate(domains[0].axes):
        if any(domain.axes[at] != axis for domain in domains):
            shared = with_index_axis(shared, at, axis.size)
    if shared.grid is not None and any(domain.grid != shared.grid for domain in domains):
        shared = Domain(outer=shared.axes)
    return [part if not part.own_axes else _relabelled(part, shared) for part in parts]


def _relabelled(part: Raster, own: Domain) -> Raster:
    outer = part.plan.domain.axes[: len(part.iterators)]
    domain = Domain(outer=(*outer, *own.outer), grid=own.grid)
    if domain == part.plan.domain:
        return part
    plan = Relabel(source=part.plan, domain=domain)
    return Raster(plan=plan, iterators=part.iterators, about=part.about)


def _same_fields(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """Give all parts the first one's names and types that hold the values of all.

    Raises
    ------
    InvalidParameterError
        If the numbers of bands differ.
    """
    first = plans[0].fields
    if any(len(plan.fields) != len(first) for plan in plans):
        raise InvalidParameterError("the body has different numbers of bands at different places")
    types = [common(tuple(plan.fields[at].dtype for plan in plans)) for at in range(len(first))]
    wanted = [(field.name, dtype) for field, dtype in zip(first, types, strict=True)]
    return tuple(
        plan if [(f.name, f.dtype) for f in plan.fields] == wanted else _converted(plan, wanted)
        for plan in plans
    )


def _converted(plan: Plan, wanted: Sequence[tuple[str, str]]) -> Plan:
    picks: list[Pick] = []
    for field, (name, dtype) in zip(plan.fields, wanted, strict=True):
        one: Plan = Bands(picks=(Pick(source=plan, field=field.name, name=field.name),))
        if field.dtype != dtype:
            one = apply(f"cast {dtype}", one)
        picks.append(Pick(source=one, field=one.fields[0].name, name=name))
    return Bands(picks=tuple(picks))
