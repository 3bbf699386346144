"""The PyPI client `wcs` against the server, unmodified."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pytest
from lxml import etree
from wcs.model import WCSClientException
from wcs.service import WebCoverageService

from datacube.axes import IrregularAxis, RegularAxis, TimeAxis
from datacube.grid import crs_url
from tests.acceptance.clients import TIMEOUT_S
from tests.builders.made import Made, add_examples, make_store
from tests.builders.served import served

PATHS = ("/ows", "/rasdaman/ows")
NAMES = ("A", "T", "G", "L", "P", "W", "U")
"""Untimed map, series of maps, index grid, line, point in time, four axes, UTM."""
XML = {
    "gml": "http://www.opengis.net/gml/3.2",
    "ows": "http://www.opengis.net/ows/2.0",
    "wcs": "http://www.opengis.net/wcs/2.0",
    "xlink": "http://www.w3.org/1999/xlink",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A served store and what was put into it."""

    url: str
    made: Made

    def get(self, path: str, parameters: str) -> etree._Element:
        response = httpx2.get(f"{self.url}{path}?{parameters}", timeout=TIMEOUT_S)
        assert response.status_code == 200, response.text
        return etree.fromstring(response.content)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = add_examples(make_store(tmp_path_factory.mktemp("wcs") / "store"))
    with served(Path(made.local.store.location.name)) as url:
        yield Server(url=url, made=made)


@pytest.mark.parametrize("path", PATHS)
def test_it_lists_and_describes(demo_url: str, path: str) -> None:
    service = WebCoverageService(f"{demo_url}{path}")
    coverages = service.list_coverages()
    assert coverages
    for name, coverage in coverages.items():
        full = service.list_full_info(name)
        assert full.name == name
        assert coverage.lon.low < coverage.lon.high
        assert coverage.is_local()
        assert full.bbox.axes[0].name == "ansi"
        assert full.bbox.axes[0].coefficients == sorted(full.bbox.axes[0].coefficients)
        for axis, grid in zip(full.bbox.axes[1:], full.grid_bbox.axes[1:], strict=True):
            cells = grid.high - grid.low + 1
            assert abs(axis.resolution) * cells == axis.high - axis.low
        assert full.range_type.fields
        assert full.to_short_str()


@pytest.mark.parametrize("path", PATHS)
def test_every_kind_of_coverage_is_listed(server: Server, path: str) -> None:
    listed = WebCoverageService(f"{server.url}{path}").list_coverages()
    assert set(NAMES) <= set(listed)
    for name in NAMES:
        coverage, own = listed[name], server.made.coverage(name)
        assert coverage.name == name
        regular = all(isinstance(axis, RegularAxis) for axis in own.domain_axes)
        assert coverage.subtype == (
            "RectifiedGridCoverage" if regular else "ReferenceableGridCoverage"
        )
        assert coverage.is_local()
        assert not coverage.is_remote()
        assert (coverage.lon is not None) == own.mappable
    assert (listed["A"].lon.low, listed["A"].lon.high) == (0, 30)
    assert (listed["A"].lat.low, listed["A"].lat.high) == (0, 30)


def test_clients_of_rasdaman_get_the_extent_on_every_axis(server: Server) -> None:
    listed = WebCoverageService(f"{server.url}/rasdaman/ows").list_coverages()
    for name in ("A", "T", "W", "U"):
        box, own = listed[name].bbox, server.made.coverage(name)
        assert box is not None
        assert [axis.name for axis in box.axes] == _order(server.made, name)
        for axis in own.domain_axes:
            found = box[axis.name]
            if isinstance(axis, TimeAxis):
                assert found.low == axis.acquisitions[0].reference
                assert found.high == axis.acquisitions[-1].reference
            else:
                assert (found.low, found.high) == axis.extent
        assert crs_url(own.grid.crs) in box.axes[-1].crs
    assert WebCoverageService(f"{server.url}/ows").list_coverages()["T"].bbox is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_coverage_is_described(server: Server, path: str, name: str) -> None:
    full = WebCoverageService(f"{server.url}{path}").list_full_info(name)
    own = server.made.coverage(name)
    assert (full.name, full.is_local()) == (name, True)
    assert [axis.name for axis in full.bbox.axes] == _order(server.made, name)
    assert [axis.low for axis in full.grid_bbox.axes] == [
        _axis(server.made, name, axis.name).first for axis in full.bbox.axes
    ]
    for found, grid in zip(full.bbox.axes, full.grid_bbox.axes, strict=True):
        axis = _axis(server.made, name, found.name)
        assert grid.high - grid.low + 1 == axis.size
        assert found.is_temporal() == isinstance(axis, TimeAxis)
        match axis:
            case RegularAxis():
                assert found.is_regular()
                # Places of an index grid are its indices; other axes reach to the cells' edges.
                ends = (axis.first, axis.stop - 1) if axis.index else axis.extent
                assert (found.low, found.high, found.resolution) == (*ends, axis.step)
            case TimeAxis():
                assert found.coefficients == [a.reference for a in axis]
            case IrregularAxis():
                assert found.is_irregular()
                np.testing.assert_array_equal(found.coefficients, axis.coefficients)
    assert [field.name for field in full.range_type.fields] == [b.name for b in own.bands]
    for field, band in zip(full.range_type.fields, own.bands, strict=True):
        assert field.is_quantity
        assert field.label == band.title
        assert field.uom == ("10*-4" if band.scale != 1 else band.unit)
        (nil,) = field.nil_values
        np.testing.assert_equal(float(nil.nil_value), band.nodata)
        assert full.range_type[band.name] is field
    assert str(full)
    assert name in full.to_short_str()


def test_a_coverage_that_is_not_there_is_the_clients_exception(server: Server) -> None:
    with pytest.raises(WCSClientException, match=r"NoSuchCoverage: .*nowhere"):
        WebCoverageService(f"{server.url}/rasdaman/ows").list_full_info("nowhere")


@pytest.mark.parametrize(
    ("path", "labels", "runs"),
    [("/ows", "E N ansi", "+1 +2 +3"), ("/rasdaman/ows", "ansi E N", "+2 +3 +1")],
)
def test_time_stands_first_for_clients_of_rasdaman(
    server: Server, path: str, labels: str, runs: str
) -> None:
    document = server.get(path, "service=WCS&version=2.0.1&request=DescribeCoverage&coverageid=U")
    (envelope,) = document.findall(".//gml:Envelope", XML)
    assert envelope.get("axisLabels") == labels
    (names,) = document.findall(".//gml:axisLabels", XML)
    assert names.text == labels
    # Cells run along E, then N, then time, however the axes are listed.
    (rule,) = document.findall(".//gml:GridFunction/gml:sequenceRule", XML)
    assert rule.get("axisOrder") == runs
    (low,) = document.findall(".//gml:GridEnvelope/gml:low", XML)
    (high,) = document.findall(".//gml:GridEnvelope/gml:high", XML)
    own = server.made.coverage("U")
    axes = {axis.name: axis for axis in own.domain_axes}
    assert low.text == " ".join(str(axes[name].first) for name in labels.split())
    assert high.text == " ".join(str(axes[name].stop - 1) for name in labels.split())
    (corner,) = document.findall(".//gml:lowerCorner", XML)
    place = dict(zip(labels.split(), map(float, (corner.text or "").split()), strict=True))
    assert place["E"] == own.grid.bbox[0]
    assert place["N"] == own.grid.bbox[1]


@pytest.mark.parametrize("path", PATHS)
def test_capabilities_tell_that_queries_are_answered(server: Server, path: str) -> None:
    document = server.get(path, "service=WCS&request=GetCapabilities")
    profiles = [each.text for each in document.findall(".//ows:Profile", XML)]
    assert (
        "http://www.opengis.net/spec/WCS_service-extension_processing/2.0/conf/processing"
        in profiles
    )
    (operation,) = document.findall(".//ows:Operation[@name='ProcessCoverages']", XML)
    href = f"{{{XML['xlink']}}}href"
    (get,) = operation.findall(".//ows:Get", XML)
    (post,) = operation.findall(".//ows:Post", XML)
    query = "for $c in (A) return max($c)"
    largest = str(server.made.arrays["A"]["v"].max())
    asked = {"service": "WCS", "version": "2.0.1", "request": "ProcessCoverages", "query": query}
    got = httpx2.get(get.get(href, "").rstrip("?"), params=asked, timeout=TIMEOUT_S)
    posted = httpx2.post(post.get(href, ""), data=asked, timeout=TIMEOUT_S)
    assert (got.text, posted.text) == (largest, largest)
    formats = {each.text for each in document.findall(".//wcs:formatSupported", XML)}
    assert {"image/tiff", "image/jpeg", "image/png", "application/gml+xml"} <= formats


def _order(made: Made, name: str) -> list[str]:
    """Time, further axes, then the plane as its CRS lists it: latitude before longitude."""
    coverage = made.coverage(name)
    plane = [axis.name for axis in coverage.grid.axes]
    if coverage.grid.crs.is_projected:
        plane.reverse()
    return [axis.name for axis in coverage.outer_axes] + [
        name for name in plane if name in {axis.name for axis in coverage.domain_axes}
    ]


def _axis(made: Made, name: str, axis: str) -> TimeAxis | RegularAxis | IrregularAxis:
    return next(each for each in made.coverage(name).domain_axes if each.name == axis)
