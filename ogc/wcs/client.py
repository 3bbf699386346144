"""Renders WCS requests; the operations' `parse` reads them back."""

from urllib.parse import urlencode

from datacube.grid import crs_url
from datacube.plan.query import Method
from ogc.related import MULTIPART
from ogc.wcs.describe_coverage import DescribeCoverage
from ogc.wcs.get_coverage import GetCoverage
from ogc.wcs.names import VERSION, VERSION_2_1, method_url
from ogc.wcs.subsets import render_scaling, render_subset


def render_get_coverage(request: GetCoverage) -> str:
    """Return the query string of a GetCoverage request."""
    parameters = [
        ("SERVICE", "WCS"),
        ("VERSION", VERSION_2_1 if request.general else VERSION),
        ("REQUEST", "GetCoverage"),
        ("COVERAGEID", request.coverage_id),
        *(("SUBSET", render_subset(subset)) for subset in request.subsets),
        *render_scaling(request.scaling).items(),
    ]
    if request.media_type:
        parameters.append(("FORMAT", request.media_type))
    if request.multipart:
        parameters.append(("MEDIATYPE", MULTIPART))
    if request.subsetting_crs is not None:
        parameters.append(("SUBSETTINGCRS", crs_url(request.subsetting_crs)))
    if request.output_crs is not None:
        parameters.append(("OUTPUTCRS", crs_url(request.output_crs)))
    if request.bands:
        parameters.append(("RANGESUBSET", ",".join(request.bands)))
    if request.method is not Method.NEAREST:
        parameters.append(("INTERPOLATION", method_url(request.method)))
    parameters += [
        ("INTERPOLATIONPERAXIS", f"{axis},{method_url(method)}") for axis, method in request.methods
    ]
    return urlencode(parameters)


def render_describe_coverage(request: DescribeCoverage) -> str:
    """Return the query string of a DescribeCoverage request."""
    return urlencode(
        {
            "SERVICE": "WCS",
            "VERSION": VERSION_2_1 if request.general else VERSION,
            "REQUEST": "DescribeCoverage",
            "COVERAGEID": ",".join(request.coverage_ids),
        }
    )
