"""OWSLib draws and reads known places by every service it speaks."""

from dataclasses import replace

import pytest
from owslib.coverage.wcs100 import WebCoverageService_1_0_0
from owslib.coverage.wcs201 import WebCoverageService_2_0_1
from owslib.wms import WebMapService
from rasterio.transform import array_bounds

from tests.acceptance.clients import raster, rgba
from tests.acceptance.places import Case, cases, check_colours, check_values


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
@pytest.mark.parametrize("case", cases("owslib-wms"))
def test_maps(places_url: str, case: Case, version: str) -> None:
    service = WebMapService(f"{places_url}/ows", version=version)
    answer = service.getmap(
        layers=[case.place.layer],
        styles=[case.place.style],
        srs=case.view.crs,
        bbox=case.view.box,
        size=(case.view.width_px, case.view.height_px),
        format="image/png",
        transparent=True,
        time=case.place.time,
    )
    check_colours(case, rgba(answer.read()))


@pytest.mark.parametrize("case", cases("owslib-wcs-1.0"))
def test_coverages_of_wcs_1_0(places_url: str, case: Case) -> None:
    answer = WebCoverageService_1_0_0(f"{places_url}/ows", None, None).getCoverage(
        identifier=case.place.coverage,
        bbox=case.view.box,
        crs=case.view.crs,
        time=[case.place.time],
        width=case.view.width_px,
        height=case.view.height_px,
        format="GeoTIFF",
        Band=",".join(case.place.bands),
    )
    check_values(case, raster(answer.read()).values)


@pytest.mark.parametrize("case", cases("owslib-wcs-2.0.1"))
def test_coverages_of_wcs_2_0(places_url: str, case: Case) -> None:
    x0, y0, x1, y1 = case.view.box
    answer = WebCoverageService_2_0_1(f"{places_url}/ows", None, None).getCoverage(
        identifier=case.place.coverage,
        format="image/tiff",
        subsets=[("E", x0, x1), ("N", y0, y1), ("ansi", case.place.time)],
        subsettingcrs=f"http://www.opengis.net/def/crs/EPSG/0/{case.view.crs.split(':')[1]}",
        scalesize=f"E({case.view.width_px}),N({case.view.height_px})",
        rangesubset=",".join(case.place.bands),
    )
    made = raster(answer.read())
    # Cells of another CRS are square ones that GDAL suggests, so the box is not to the digit.
    rows, columns = made.values.shape[1:]
    box = array_bounds(rows, columns, made.transform)
    pixel = (x1 - x0) / case.view.width_px
    assert box == pytest.approx(case.view.box, abs=pixel)
    view = replace(case.view, box=box, width_px=columns, height_px=rows)
    check_values(replace(case, view=view), made.values)
