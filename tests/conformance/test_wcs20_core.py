"""WCS 2.0.1 core (OGC 09-110r4), requirement by requirement, by every binding."""

import io
import json
import zipfile
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import rasterio
import xarray as xr
from lxml import etree

from tests.builders.multipart import bytes_of
from tests.conformance.wcs20 import (
    GML,
    NOT_FOUND,
    REPORT,
    SCHEMAS,
    TIFF,
    Answered,
    Binding,
    Server,
    by_binding,
    listed,
)
from tests.ogc.conftest import Schemas

KINDS = "ABGLPTUW"
"""Maps, an index grid, a line, times at a point, a series of maps, UTM, four axes."""
PLANE = ("Lat(3,9)", "Lon(4,8)")
PROFILE = "http://www.opengis.net/spec/WCS_protocol-binding_{0}/1.0/conf/{0}"


def envelope(answer: Answered) -> etree._Element:
    found = [*answer.root.iter("{*}Envelope", "{*}EnvelopeWithTimePeriod")]
    assert len(found) == 1, answer.bytes
    return found[0]


def bounds(element: etree._Element) -> tuple[object, ...]:
    """Return what an envelope says, without the namespaces of its document."""
    corners = [(one.text or "").split() for one in element]
    return ({str(key): value for key, value in element.items()}, *corners)


@pytest.mark.parametrize("name", KINDS)
@by_binding(
    "core:req1-bounded-by", "core:req2-srs-name", "core:req3-axis-labels", "core:req4-subtype"
)
def test_description_and_coverage_agree(server: Server, binding: Binding, name: str) -> None:
    told, got = server.describe(binding, name), server.cells(binding, name)
    one, other = envelope(told), envelope(got)
    for key in ("srsName", "axisLabels", "srsDimension"):
        assert one.get(key), key
        assert one.get(key) == other.get(key)
    assert told.texts("CoverageSubtype") == [got.name]
    listed_ids = server.capabilities(binding)
    summaries = {
        str(one.findtext("{*}CoverageId")): one.findtext("{*}CoverageSubtype")
        for one in listed_ids.root.iter("{*}CoverageSummary")
    }
    assert summaries[name] == got.name


@by_binding("core:req5-instantiable-subtype", "core:req6-service-parameters")
def test_types_and_formats_of_descriptions(server: Server, binding: Binding) -> None:
    told = server.describe(binding, *KINDS)
    formats = server.capabilities(binding).texts("formatSupported")
    types = told.texts("CoverageSubtype")
    assert len(types) == len(KINDS)
    assert set(types) <= {"GridCoverage", "RectifiedGridCoverage", "ReferenceableGridCoverage"}
    natives = told.texts("nativeFormat")
    assert len(natives) == len(KINDS)
    assert set(natives) <= set(formats)


@by_binding("core:req7-operations", "core:req8-service-metadata", "core:req9-format-supported")
def test_operations_and_formats_of_capabilities(server: Server, binding: Binding) -> None:
    answer = server.capabilities(binding)
    names = {str(one.get("name")) for one in answer.root.iter("{*}Operation")}
    assert {"GetCapabilities", "DescribeCoverage", "GetCoverage"} <= names
    for method in ("Get", "Post"):
        urls = {
            one.get("{http://www.w3.org/1999/xlink}href")
            for one in answer.root.iter(f"{{*}}{method}")
        }
        assert {str(url).rstrip("?") for url in urls} == {"http://testserver/ows"}
    formats = answer.texts("formatSupported")
    assert GML in formats
    assert len(set(formats)) == len(formats)


def every(server: Server, binding: Binding, **head: str) -> list[Answered]:
    """Ask each operation with another service or version."""
    versions = {"versions": head["version"]} if "version" in head else {}
    service = {"service": head["service"]} if "service" in head else {}
    return [
        server.capabilities(binding, **versions, **service),
        server.describe(binding, "A", **head),
        server.cells(binding, "A", *PLANE, head=head),
    ]


@by_binding("core:req10-request-base")
def test_requests_with_service_and_version_are_answered(server: Server, binding: Binding) -> None:
    names = [answer.name for answer in every(server, binding)]
    assert names == ["Capabilities", "CoverageDescriptions", "RectifiedGridCoverage"]


@by_binding("core:req11-service")
def test_another_service_is_refused(server: Server, binding: Binding) -> None:
    for answer in every(server, binding, service="WCS_Bogus"):
        answer.fails("InvalidParameterValue")


@by_binding("core:req12-version")
def test_another_version_is_refused(server: Server, binding: Binding) -> None:
    for answer in every(server, binding, version="9.9.9"):
        answer.fails("VersionNegotiationFailed")


@by_binding("core:req13-capabilities-request", "core:req14-capabilities-response")
def test_capabilities_are_valid_and_wrong_requests_refused(
    server: Server, binding: Binding, schemas: Schemas
) -> None:
    answer = server.capabilities(binding)
    assert (answer.status, answer.name) == (200, "Capabilities")
    assert answer.root.get("version") == "2.0.1"
    schemas.check(answer.bytes, *SCHEMAS)
    wrong = server.send(
        binding,
        [("REQUEST", "GetCapabilities")],
        '<GetCapabilities xmlns="http://www.opengis.net/wcs/2.0"/>',
    )
    wrong.fails("MissingParameterValue")
    schemas.check(wrong.bytes, REPORT)


@by_binding("core:req15-contents", "core:req16-summaries-are-offered")
def test_what_is_listed_is_described(server: Server, binding: Binding) -> None:
    ids = server.capabilities(binding).texts("CoverageId")
    assert set(KINDS) <= set(ids)
    for name in ids:
        assert server.describe(binding, name).texts("CoverageId") == [name]


@by_binding("core:req17-describe-coverage", "core:req20-valid-descriptions")
def test_every_description_is_valid(server: Server, binding: Binding, schemas: Schemas) -> None:
    for name in server.ids():
        answer = server.describe(binding, name)
        assert (answer.status, answer.name) == (200, "CoverageDescriptions")
        schemas.check(answer.bytes, *SCHEMAS)


@by_binding("core:req18-request-structure", "core:req24-exceptions")
def test_no_identifier_is_refused(server: Server, binding: Binding, schemas: Schemas) -> None:
    answer = server.describe(binding)
    answer.fails("emptyCoverageIdList", NOT_FOUND)
    schemas.check(answer.bytes, REPORT)


@by_binding("core:req19-identifiers-are-offered")
def test_an_identifier_of_nothing_is_refused(server: Server, binding: Binding) -> None:
    for names in (("nothing",), ("A", "nothing")):
        answer = server.describe(binding, *names)
        answer.fails("NoSuchCoverage", NOT_FOUND)
        assert [one.get("locator") for one in answer.root.iter("{*}Exception")] == ["nothing"]


@by_binding("core:req21-n-identifiers-n-descriptions", "core:req22-description")
def test_as_many_descriptions_as_identifiers(server: Server, binding: Binding) -> None:
    ids = server.ids()
    for names in (ids, ids[::3], ["A"]):
        answer = server.describe(binding, *names)
        assert [str(one.findtext("{*}CoverageId")) for one in answer.root] == names
    alone = {name: bounds(envelope(server.describe(binding, name))) for name in ids}
    for one in server.describe(binding, *ids).root:
        (own,) = one.iter("{*}Envelope", "{*}EnvelopeWithTimePeriod")
        assert bounds(own) == alone[str(one.findtext("{*}CoverageId"))]


@by_binding("core:req23-one-srs")
def test_domain_and_bounds_are_in_one_crs(server: Server, binding: Binding) -> None:
    for name in KINDS:
        told = server.describe(binding, name)
        (domain,) = told.root.iter("{*}domainSet")
        names = {one.get("srsName") for one in domain.iter(etree.Element) if one.get("srsName")}
        assert names
        assert names == {envelope(told).get("srsName")}


@by_binding("core:req25-get-coverage", "core:req26-request-structure")
def test_the_whole_envelope_is_asked_for(server: Server, binding: Binding) -> None:
    for name in "AGL":
        told = envelope(server.describe(binding, name))
        labels = str(told.get("axisLabels")).split()
        low, high = (str(told.findtext(f"{{*}}{end}Corner")).split() for end in ("lower", "upper"))
        subsets = [f"{a}({x},{y})" for a, x, y in zip(labels, low, high, strict=True)]
        cut = server.cells(binding, name, *subsets)
        np.testing.assert_array_equal(cut.tuples(), server.cells(binding, name).tuples())


@by_binding("core:req27-identifier")
def test_cells_of_what_is_and_what_is_not(server: Server, binding: Binding) -> None:
    assert server.cells(binding, "A").status == 200
    server.cells(binding, "nothing").fails("NoSuchCoverage", NOT_FOUND)


@by_binding("core:req28-format")
def test_formats_are_those_that_are_listed(server: Server, binding: Binding) -> None:
    for form in server.capabilities(binding).texts("formatSupported"):
        cut = ("B", "Lat(10,10.4)", "Lon(4,4.4)") if form.startswith("text/plain") else ("B",)
        answer = server.cells(binding, *cut, form=form)
        assert answer.status == 200, (form, answer.bytes)
    server.cells(binding, "B", form="image/x-nothing").fails("InvalidParameterValue")


@by_binding("core:req29-media-type")
def test_the_only_media_type_is_multipart(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", form=TIFF, head={"mediatype": "multipart/related"})
    assert answer.status == 200
    assert [file.get_content_type() for file in answer.files] == [TIFF]
    if binding is not Binding.SOAP:  # its answers are multipart themselves
        wrong = server.cells(binding, "A", head={"mediatype": "text/plain"})
        wrong.fails("InvalidParameterValue")


@by_binding("core:req30-axis")
def test_axes_are_those_of_the_envelope(server: Server, binding: Binding) -> None:
    for name, axis, cut in (("A", "Lat", "(3,9)"), ("W", "height", "(2,10)"), ("G", "i", "(1,2)")):
        assert axis in str(envelope(server.describe(binding, name)).get("axisLabels")).split()
        assert server.cells(binding, name, f"{axis}{cut}").status == 200
        server.cells(binding, name, f"Q{cut}").fails("InvalidAxisLabel", NOT_FOUND)


@by_binding("core:req31-one-subset-an-axis")
def test_an_axis_has_one_subset(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", "Lat(3,9)", "Lat(4,8)")
    answer.fails("InvalidAxisLabel", NOT_FOUND)


@by_binding("core:req32-trim-bounds", "core:req41-exceptions")
def test_trims_lie_within_the_coverage(server: Server, binding: Binding, schemas: Schemas) -> None:
    assert server.cells(binding, "A", "Lat(3,9)").status == 200
    for wrong in ("Lat(40,50)", "Lat(9,3)", "Lat(-9,-3)", "Lat(a,b)"):
        answer = server.cells(binding, "A", wrong)
        answer.fails("InvalidSubsetting", NOT_FOUND)
        schemas.check(answer.bytes, REPORT)


@by_binding("core:req33-slice-bounds")
def test_slices_lie_within_the_coverage(server: Server, binding: Binding) -> None:
    assert server.cells(binding, "A", "Lat(3.2)").status == 200
    for wrong in ("Lat(40)", "Lat(-0.1)", "Lat(a)"):
        server.cells(binding, "A", wrong).fails("InvalidSubsetting", NOT_FOUND)


@by_binding("core:req34-coverage-is-gmlcov", "core:req37-coverage-of-the-identifier")
def test_every_coverage_is_valid_gml_with_its_values(
    server: Server, binding: Binding, schemas: Schemas
) -> None:
    for name in KINDS:
        answer = server.cells(binding, name)
        schemas.check(answer.bytes, *SCHEMAS)
        np.testing.assert_allclose(answer.tuples(), listed(server.made, name), rtol=1e-6)


def _tiff(body: bytes) -> tuple[int, ...]:
    with rasterio.MemoryFile(body) as file, file.open() as opened:
        return opened.height, opened.width


def _netcdf(body: bytes) -> tuple[int, ...]:
    with xr.open_dataset(io.BytesIO(body), engine="h5netcdf") as file:
        return tuple(file["v"].shape)


def _zarr(body: bytes) -> tuple[int, ...]:
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        return tuple(json.loads(file.read("v/zarr.json"))["shape"])


def _coverage_json(body: bytes) -> tuple[int, ...]:
    return tuple(json.loads(body)["ranges"]["v"]["shape"])


READERS: dict[str, Callable[[bytes], tuple[int, ...]]] = {
    "image/tiff": _tiff,
    "application/netcdf": _netcdf,
    "application/zip": _zarr,
    "image/jp2": _tiff,
    "image/png": _tiff,
    "image/jpeg": _tiff,
    "application/prs.coverage+json": _coverage_json,
}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    "form", [pytest.param(form, id=form.replace("/", "-")) for form in READERS]
)
@pytest.mark.requirement("wcs20:core:req35-format-encoding")
def test_files_are_what_their_format_says(server: Server, form: str) -> None:
    for subsets, shape in (((), (60, 60)), (PLANE, (12, 8))):
        answer = server.cells(Binding.KVP, "B", *subsets, form=form)
        assert answer.root.get("type") == form, answer.bytes
        assert READERS[form](answer.file) == shape


@by_binding("core:req36-multipart")
def test_the_range_is_in_the_format_asked_or_the_native_one(
    server: Server, binding: Binding, schemas: Schemas
) -> None:
    for form, got in (("", TIFF), ("application/netcdf", "application/netcdf")):
        head = {"mediatype": "multipart/related"}
        answer = server.cells(binding, "A", form=form, head=head)
        schemas.check(answer.bytes, *SCHEMAS)
        (file,) = answer.files
        assert file.get_content_type() == got
        assert answer.texts("mimeType") == [got]
        assert bytes_of(file)


@by_binding("core:req38-trim")
def test_a_trim_keeps_the_cells_inside(server: Server, binding: Binding) -> None:
    """A has cells of half a degree from 30 degrees north down to 0, and from 0 to 30 east."""
    values = server.made.arrays["A"]["v"]
    for subset, part in (("Lat(3,9)", values[42:54]), ("Lon(4,8)", values[:, 8:16])):
        answer = server.cells(binding, "A", subset)
        np.testing.assert_array_equal(answer.tuples()[:, 0], part.ravel())
    heights = server.made.arrays["W"]
    answer = server.cells(binding, "W", "height(10,50)", "Lat(52,54)")
    wanted = np.stack([heights[b][:, 1:3, 12:16].ravel() for b in ("u", "v")], axis=-1)
    np.testing.assert_allclose(answer.tuples(), wanted, rtol=1e-6)


@by_binding("core:req39-slice")
def test_a_slice_takes_its_axis_away(server: Server, binding: Binding) -> None:
    values = server.made.arrays["A"]["v"]
    for subset, part, left in (
        ("Lat(12.1)", values[35], "Lon"),
        ("Lon(3.1)", values[:, 6], "Lat"),
    ):
        answer = server.cells(binding, "A", subset)
        assert envelope(answer).get("axisLabels") == left
        np.testing.assert_array_equal(answer.tuples()[:, 0], part)
    series = server.made.arrays["T"]["b8"]
    answer = server.cells(binding, "T", 'ansi("2020-02-01")')
    assert envelope(answer).get("axisLabels") == "Lat Lon"
    np.testing.assert_array_equal(answer.tuples()[:, 1], series[1].ravel())


@by_binding("core:req40-any-sequence")
def test_subsets_may_come_in_any_sequence(server: Server, binding: Binding) -> None:
    subsets = ('ansi("2020-02-01","2020-06-01")', "Lat(12.1)", "Lon(4,8)")
    got = [server.cells(binding, "T", *order) for order in permutations(subsets)]
    assert {answer.status for answer in got} == {200}
    assert len({answer.bytes for answer in got}) == 1
    assert len(got[0].tuples()) == 3 * 8


@by_binding("core:req42-identity")
def test_an_identifier_means_one_coverage(server: Server, binding: Binding) -> None:
    for name in server.capabilities(binding).texts("CoverageId"):
        told = server.describe(binding, name)
        if name not in KINDS:
            continue
        got = server.cells(binding, name)
        assert bounds(envelope(told)) == bounds(envelope(got))
        fields = [
            [one.get("name") for one in document.root.iter("{*}field")] for document in (told, got)
        ]
        assert fields[0] == fields[1] == list(server.made.arrays[name])


@by_binding("core:req43-binding-profile")
def test_the_binding_is_named(server: Server, binding: Binding) -> None:
    assert PROFILE.format(binding) in server.capabilities(binding).texts("Profile")
