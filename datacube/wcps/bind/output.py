"""What leaves a query: encoded files, descriptions, polygons."""

from collections.abc import Mapping

from datacube.errors import InvalidParameterError
from datacube.plan.encode_parameters import check_options, parse_parameters
from datacube.plan.formats import media_type
from datacube.plan.nodes import Encode
from datacube.wcps import syntax
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Encoded, Polygons, Raster, Value


def _encode(expr: syntax.Encode, scope: Scope) -> Value:
    raster = _coverage(expr.source, scope)
    parameters, media = parse_parameters(expr.parameters), media_type(expr.format)
    check_options(parameters, media)
    return Encoded(
        root=Encode(
            source=raster.plan,
            media_type=media,
            title=raster.about.identifier or "",
            parameters=parameters,
            compat=scope.context.compat,
        )
    )


def _describe(expr: syntax.Describe, scope: Scope) -> Value:
    raster = _coverage(expr.source, scope)
    return scope.context.describe(raster.plan, raster.about, expr.format, expr.parameters)


def _polygonize(expr: syntax.Polygonize, scope: Scope) -> Value:
    raster = _coverage(expr.source, scope)
    return Polygons(plan=raster.plan, format=expr.format, connectedness=expr.connectedness)


def _coverage(expr: syntax.Expr, scope: Scope) -> Raster:
    if scope.iterators:
        raise InvalidParameterError("only a whole result is encoded, not what an iterator walks")
    return scope.raster(expr)


BINDERS: Mapping[type, Binder] = {
    syntax.Encode: _encode,
    syntax.Describe: _describe,
    syntax.Polygonize: _polygonize,
}
