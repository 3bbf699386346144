"""Renders WCS requests; the operations' `parse` reads them back."""

from urllib.parse import urlencode

from datacube.plan.query import Method
from ogc.wcs.describe_coverage import DescribeCoverage
from ogc.wcs.get_coverage import GetCoverage
from ogc.wcs.names import VERSION
from ogc.wcs.subsets import render_scaling, render_subset


def render_get_coverage(request: GetCoverage) -> str:
    """Return the query string of a GetCoverage request."""
    parameters = [
        ("SERVICE", "WCS"),
        ("VERSION", VERSION),
        ("REQUEST", "GetCoverage"),
        ("COVERAGEID", request.coverage_id),
        *(("SUBSET", render_subset(subset)) for subset in request.subsets),
        *render_scaling(request.scaling).items(),
        ("FORMAT", request.media_type),
    ]
    if request.bands:
        parameters.append(("RANGESUBSET", ",".join(request.bands)))
    if request.method is not Method.NEAREST:
        parameters.append(("INTERPOLATION", request.method.value))
    return urlencode(parameters)


def render_describe_coverage(request: DescribeCoverage) -> str:
    """Return the query string of a DescribeCoverage request."""
    return urlencode(
        {
            "SERVICE": "WCS",
            "VERSION": VERSION,
            "REQUEST": "DescribeCoverage",
            "COVERAGEID": ",".join(request.coverage_ids),
        }
    )
