"""Making the operands of an operator agree on their axes."""

from collections.abc import Sequence
from dataclasses import replace

from datacube.axes import Axis
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Domain, Literal, Plan, Relabel, Spread
from datacube.wcps.bind.scope import Scope
from datacube.wcps.bind.values import About, Raster


def align(rasters: Sequence[Raster], scope: Scope) -> tuple[Raster, ...]:
    """Repeat rasters along each other's iterators, and numbers over each other's axes.

    The results have equal domains. Coverages go together cell by cell where their planes
    are the same cells of the same lattice, and where other axes have equal sizes;
    constructed coverages, whose axes are mere indices, go with any of equal shape.

    Raises
    ------
    InvalidParameterError
        If two coverages have different axes.
    """
    used = {name for raster in rasters for name in raster.iterators}
    iterators = tuple((name, axis) for name, axis in scope.iterators if name in used)
    own = _common_domain([r for r in rasters if r.own_axes])
    domain = Domain(outer=(*(axis for _, axis in iterators), *own.outer), grid=own.grid)
    names = tuple(name for name, _ in iterators)
    return tuple(
        replace(raster, plan=_spread(raster, names, domain), iterators=names) for raster in rasters
    )


def about_of(rasters: Sequence[Raster]) -> About:
    """Return what is known of the first operand that is no mere number."""
    return next((r.about for r in rasters if r.own_axes), About())


def _common_domain(rasters: Sequence[Raster]) -> Domain:
    if not rasters:
        return Domain()
    # A place on the Earth says more than an index.
    first = max(rasters, key=lambda r: _rank(r.own_domain)).own_domain
    for raster in rasters:
        check_equal(first, raster.own_domain)
    return first


def _rank(domain: Domain) -> int:
    return sum(1 for axis in domain.axes if not getattr(axis, "index", False))


def check_equal(one: Domain, other: Domain) -> None:
    """Refuse two domains whose cells do not belong together one by one.

    Raises
    ------
    InvalidParameterError
        With both domains.
    """
    if one == other:
        return
    fits = one.shape == other.shape
    if fits and one.grid is not None and other.grid is not None:
        indices = any(getattr(d.plane.x, "index", False) for d in (one, other))
        same = one.grid.same_lattice(other.grid) and one.grid.window == other.grid.window
        fits = indices or same
    if not fits:
        raise InvalidParameterError(
            f"the operands differ in their axes: {_told(one)} and {_told(other)}; subset, "
            "scale or crsTransform one of them to the other's grid"
        )


def _told(domain: Domain) -> str:
    return ", ".join(f"{axis.name} ({axis.size} cells{_extent(axis)})" for axis in domain.axes)


def _extent(axis: Axis) -> str:
    bounds = getattr(axis, "bounds", None)
    return "" if bounds is None else f", {bounds[0]:g} to {bounds[1]:g}"


def _spread(raster: Raster, names: tuple[str, ...], domain: Domain) -> Plan:
    plan = raster.plan
    if isinstance(plan, Literal):
        return Literal(value=plan.value, domain=domain)
    own = len(domain.axes) - len(names)
    places = [names.index(name) for name in raster.iterators]
    if raster.own_axes:
        places += range(len(names), len(names) + own)
    # The axes that a plan keeps must equal those of the result.
    kept = tuple(domain.axes[at] for at in places)
    if plan.domain.axes != kept or (raster.own_axes and plan.domain.grid != domain.grid):
        grid = domain.grid if raster.own_axes else None
        outer = kept[:-2] if grid is not None else kept
        plan = Relabel(source=plan, domain=Domain(outer=outer, grid=grid))
    if tuple(places) == tuple(range(len(domain.axes))):
        return plan
    return Spread(source=plan, domain=domain, places=tuple(places))
