"""WCS 2.0.1: the CRS extension (OGC 11-053r1), by every binding."""

import numpy as np
import pytest
import rasterio
from pyproj import CRS
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from tests.conformance.wcs20 import (
    NOT_FOUND,
    SCHEMAS,
    TIFF,
    Answered,
    Binding,
    Extension,
    Server,
    by_binding,
)
from tests.ogc.conftest import Schemas

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
PROFILE = "http://www.opengis.net/spec/WCS_service-extension_crs/1.0/conf/"
BOX = ("E(600000,1200000)", "N(700000,1400000)")
"""In EPSG:3857, within A."""


def crs(*, subsetting: str = "", output: str = "", wrapped: bool = False) -> Extension:
    """Return both parameters; `wrapped` is the element of the standard's text."""
    named = {"subsettingCrs": subsetting, "outputCrs": output}
    kvp = tuple((key.upper(), value) for key, value in named.items() if value)
    space = 'xmlns:c="http://www.opengis.net/wcs/crs/1.0"'
    inner = "".join(f"<c:{key} {space}>{value}</c:{key}>" for key, value in named.items() if value)
    return Extension(
        kvp=kvp, xml=f"<c:GetCoverageCrs {space}>{inner}</c:GetCoverageCrs>" if wrapped else inner
    )


def srs_name(answer: Answered) -> str:
    """Return the CRS of a coverage in GML."""
    assert answer.status == 200, answer.bytes
    (envelope,) = answer.root.iter("{*}Envelope")
    return envelope.get("srsName", "")


@by_binding("crs:req1-profile", "crs:req19-20-gridded-coverage-profile")
def test_the_profiles_are_listed(server: Server, binding: Binding) -> None:
    profiles = server.capabilities(binding).texts("Profile")
    assert {f"{PROFILE}crs", f"{PROFILE}crs-gridded-coverage"} <= set(profiles)


@by_binding("crs:req2-capabilities-valid", "crs:req3-crs-metadata")
def test_the_service_tells_its_crss(server: Server, binding: Binding, schemas: Schemas) -> None:
    answer = server.capabilities(binding)
    schemas.check(answer.bytes, *SCHEMAS)
    (metadata,) = answer.root.iter("{*}ServiceMetadata")
    assert metadata.find("{*}Extension/{http://www.opengis.net/wcs/crs/1.0}CrsMetadata") is not None


@by_binding("crs:req4-crs-supported-resolves", "crs:req5-crs-supported-unique")
def test_every_crs_is_one_and_listed_once(server: Server, binding: Binding) -> None:
    urls = server.capabilities(binding).texts("crsSupported")
    assert len(urls) == len(set(urls)) >= 4
    for url in urls:
        assert url.startswith("http://www.opengis.net/def/crs/")
        # PROJ's own resolver of such addresses; no network.
        assert CRS.from_user_input(url.replace("http", "https", 1)) is not None


@by_binding("crs:req6-request", "crs:req17-18-encoding")
def test_both_parameters_in_one_element(server: Server, binding: Binding) -> None:
    both = crs(subsetting=f"{EPSG}3857", output=f"{EPSG}4326", wrapped=True)
    assert srs_name(server.cells(binding, "A", *BOX, extension=both)) == f"{EPSG}4326"


@by_binding("crs:req7-subsettingcrs-default")
def test_bounds_are_in_the_native_crs_where_none_is_named(server: Server, binding: Binding) -> None:
    cut = ("Lat(3,9)", "Lon(4,8)")
    named = server.cells(binding, "A", *cut, extension=crs(subsetting=f"{EPSG}4326"))
    assert srs_name(named) == f"{EPSG}4326"
    np.testing.assert_array_equal(named.tuples(), server.cells(binding, "A", *cut).tuples())


@pytest.mark.parametrize("name", ["no CRS", "http://www.opengis.net/def/crs/EPSG/0/1", "4326x"])
@by_binding("crs:req8-subsettingcrs-identifier", "crs:req9-subsettingcrs-available")
def test_an_unknown_crs_of_bounds(server: Server, binding: Binding, name: str) -> None:
    answer = server.cells(binding, "A", *BOX, extension=crs(subsetting=name))
    answer.fails("SubsettingCrs-NotSupported", NOT_FOUND)


@by_binding("crs:req10-outputcrs-default")
def test_the_result_is_in_the_crs_of_the_bounds(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", *BOX, extension=crs(subsetting=f"{EPSG}3857"))
    assert srs_name(answer) == f"{EPSG}3857"
    native = server.cells(binding, "A")
    assert srs_name(native) == f"{EPSG}4326"


@pytest.mark.parametrize("name", ["no CRS", "http://www.opengis.net/def/crs/EPSG/0/1", "4326x"])
@by_binding("crs:req11-outputcrs-identifier", "crs:req12-outputcrs-available")
def test_an_unknown_crs_of_the_result(server: Server, binding: Binding, name: str) -> None:
    answer = server.cells(binding, "A", extension=crs(output=name))
    answer.fails("OutputCrs-NotSupported", NOT_FOUND)


@by_binding("crs:req13-bounds-in-subsettingcrs", "crs:req15-subsettingcrs-encoding")
def test_bounds_cut_in_their_crs(server: Server, binding: Binding) -> None:
    both = crs(subsetting=f"{EPSG}3857")
    answer = server.cells(binding, "A", *BOX, form=TIFF, extension=both)
    with rasterio.MemoryFile(answer.file) as file, file.open() as made:
        assert made.crs.to_epsg() == 3857
        assert made.bounds == pytest.approx((600000, 700000, 1200000, 1400000), abs=made.res[0])


@by_binding("crs:req14-result-in-outputcrs", "crs:req16-outputcrs-encoding")
def test_the_result_is_in_every_crs_that_is_listed(
    server: Server, binding: Binding, schemas: Schemas
) -> None:
    for url in server.capabilities(binding).texts("crsSupported"):
        # The zone of U holds 30 by 30 degrees but for their edge.
        cut = ("Lat(3,9)", "Lon(4,8)")
        answer = server.cells(binding, "A", *cut, extension=crs(output=url))
        assert srs_name(answer) == url
        schemas.check(answer.bytes, *SCHEMAS)


@by_binding("crs:req21-24-gridded-coverages")
def test_cells_are_those_that_gdal_warps(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", form=TIFF, extension=crs(output=f"{EPSG}3857"))
    with rasterio.MemoryFile(answer.file) as file, file.open() as made:
        got, wanted = made.read(1), np.zeros(made.shape, np.int16)
        reproject(
            server.made.arrays["A"]["v"],
            wanted,
            src_transform=from_origin(0, 30, 0.5, 0.5),
            src_crs="EPSG:4326",
            dst_transform=made.transform,
            dst_crs="EPSG:3857",
            resampling=Resampling.nearest,
        )
    assert got.size > 3000
    assert (got == wanted).mean() > 0.999
    # An index grid has no place that it could be brought from.
    answer = server.cells(binding, "G", extension=crs(output=f"{EPSG}4326"))
    answer.fails("OutputCrs-NotSupported", NOT_FOUND)
