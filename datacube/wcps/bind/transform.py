"""Binding of `crsTransform`."""

from collections.abc import Mapping
from dataclasses import replace
from math import isclose

from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import Grid, crs_name
from datacube.plan.crs import OFFERED, parse_crs
from datacube.plan.names import axis_position
from datacube.plan.nodes import Domain
from datacube.plan.warping import Frame, axis_names, box_in, warp
from datacube.wcps.bind.intervals import Part, number, parts
from datacube.wcps.bind.methods import declared_method, method_named
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Extents, Raster
from datacube.wcps.syntax import AxisPoint, AxisTrim, CrsTransform, SubsetItem


def bind_transform(node: CrsTransform, scope: Scope) -> Raster:
    """Bind `crsTransform(x, crs, {method}, {resolutions}, {extent})`.

    The result's rows run from north to south whatever the signs of the resolutions.

    Raises
    ------
    InvalidParameterError
        If the axes are given different CRSs, or there is no map to warp.
    UnknownNameError
        If CRS, method or axis does not exist.
    """
    raster = scope.raster(node.source)
    method = method_named(node.method) if node.method else declared_method(raster.about)
    crs = _target(node, raster)
    frame = _resolutions(Frame(crs=crs), node.resolutions, scope)
    frame = _extent(frame, node.extent, scope)
    return replace(raster, plan=warp(raster.plan, frame, method))


def _target(node: CrsTransform, raster: Raster) -> CRS:
    if isinstance(node.crs, str):
        return _output_crs(node.crs)
    domain = raster.own_domain
    plane = {len(domain.axes) - 1, len(domain.axes) - 2}
    named: dict[int, CRS] = {}
    for one in node.crs:
        at = axis_position(domain, one.axis)
        if domain.grid is None or at not in plane:
            raise InvalidParameterError(
                f"axis {one.axis!r} is not of a map; crsTransform warps its x and y"
            )
        named[at] = _output_crs(one.crs)
    crss = tuple(named.values())
    if set(named) != plane or crss[0] != crss[-1]:
        told = ", ".join(f'{one.axis}:"{one.crs}"' for one in node.crs)
        raise InvalidParameterError(f"crsTransform needs one CRS for both x and y, not {told}")
    return crss[0]


def _output_crs(text: str) -> CRS:
    try:
        return parse_crs(text)
    except UnknownNameError as error:
        raise UnknownNameError("output-crs", error.name, OFFERED) from None


def _resolutions(frame: Frame, points: tuple[AxisPoint, ...], scope: Scope) -> Frame:
    for point in points:
        step = abs(number(scope.bind(point.at), scope))
        if not step:
            raise InvalidParameterError(f"the resolution of axis {point.axis!r} is 0")
        if _is_x(frame.crs, point.axis):
            frame = replace(frame, x_step=step)
        else:
            frame = replace(frame, y_step=step)
    return frame


def _extent(frame: Frame, items: tuple[SubsetItem, ...], scope: Scope) -> Frame:
    for item in items:
        if not isinstance(item, AxisPoint | AxisTrim):
            value = scope.bind(item)
            if isinstance(value, Extents):
                frame = _of_domain(frame, value)
                continue
        for part in parts((item,), scope):
            frame = _of_part(frame, part, scope)
    return frame


def _of_domain(frame: Frame, extents: Extents) -> Frame:
    """Take the frame of another coverage.

    Where that is in another CRS, its box is taken, and a resolution that equals its own
    means as many cells as it has.
    """
    grid = extents.domain.plane
    x0, y0, x1, y1 = box_in(grid.bbox, grid.crs, frame.crs)
    made = replace(frame, x=(x0, x1), y=(y0, y1))
    if grid.crs == frame.crs:
        return replace(made, like=grid)
    if frame.x_step is not None and isclose(frame.x_step, abs(grid.x.step), rel_tol=1e-5):
        made = replace(made, x_step=(x1 - x0) / grid.x.size)
    if frame.y_step is not None and isclose(frame.y_step, abs(grid.y.step), rel_tol=1e-5):
        made = replace(made, y_step=(y1 - y0) / grid.y.size)
    return made


def _of_part(frame: Frame, part: Part, scope: Scope) -> Frame:
    if part.crs is not None and part.crs != frame.crs:
        raise InvalidParameterError(
            f"the extent is in {crs_name(frame.crs)}, not in {crs_name(part.crs)}"
        )
    ends = _ends(part, frame.crs, scope)
    frame = replace(frame, like=None)
    return replace(frame, x=ends) if _is_x(frame.crs, part.axis) else replace(frame, y=ends)


def _ends(part: Part, crs: CRS, scope: Scope) -> tuple[float, float]:
    known: tuple[float, float] | tuple[()]
    if part.interval is not None and not part.interval.indices:
        low, high = part.interval.low, part.interval.high
        known = () if isinstance(low, str) or isinstance(high, str) else (low, high)
    elif part.low is None or part.high is None or part.indices:
        known = ()
    else:
        known = (number(part.low, scope), number(part.high, scope))
    if not known:
        raise InvalidParameterError(
            f"the extent of axis {part.axis!r} needs two coordinates in {crs_name(crs)}"
        )
    return known


def _is_x(crs: CRS, name: str) -> bool:
    """Tell whether a usual spelling means x, not y."""
    x, y, _ = axis_names(crs)
    one = RegularAxis(name=x, uom="", start=0, step=1, size=1)
    domain = Domain(grid=Grid(crs=crs, x=one, y=replace(one, name=y)))
    try:
        return axis_position(domain, name) == 1
    except UnknownNameError:
        raise UnknownNameError("axis", name, (x, y)) from None


BINDERS: Mapping[type, Binder] = {CrsTransform: bind_transform}
