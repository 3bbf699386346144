"""EO-WCS (OGC 10-140r1), and the transaction extension (13-057r1) while it is off."""

import numpy as np
import pytest
import shapely
from lxml import etree

from tests.conformance.wcs20 import (
    NOT_FOUND,
    REPORT,
    SCHEMAS,
    WCS,
    Answered,
    Binding,
    Server,
    by_binding,
)
from tests.ogc.conftest import Schemas

SPACE = "http://www.opengis.net/wcs/wcseo/1.0"
LOCATION = (SPACE, "http://schemas.opengis.net/wcs/wcseo/1.0/wcsEOAll.xsd")
PROFILE = "http://www.opengis.net/spec/WCS_application-profile_earth-observation/1.0/conf/eowcs"
ALL = (LOCATION, *SCHEMAS[1:])
DESCRIPTIONS, SERIES = "CoverageDescriptions", "DatasetSeriesDescriptions"


def coverage_set(
    server: Server,
    binding: Binding,
    *ids: str,
    containment: str = "",
    sections: tuple[str, ...] = (),
    subsets: tuple[str, ...] = (),
    count: str = "",
) -> Answered:
    """Ask for descriptions of scenes; subsets are `axis(low,high)`."""
    kvp = [("SERVICE", "WCS"), ("VERSION", "2.0.1"), ("REQUEST", "DescribeEOCoverageSet")]
    kvp += [("EOID", ",".join(ids))] if ids else []
    kvp += [("CONTAINMENT", containment)] if containment else []
    kvp += [("SECTIONS", ",".join(sections))] if sections else []
    kvp += [("SUBSET", one) for one in subsets]
    kvp += [("COUNT", count)] if count else []
    parts = [f"<e:eoId>{name}</e:eoId>" for name in ids]
    parts += [f"<e:containment>{containment.upper()}</e:containment>"] if containment else []
    inner = "".join(f"<e:Section>{one}</e:Section>" for one in sections)
    parts += [f"<e:Sections>{inner}</e:Sections>"] if sections else []
    for one in subsets:
        axis, _, inside = one.rstrip(")").partition("(")
        low, high = inside.split(",")
        ends = f"<TrimLow>{low}</TrimLow><TrimHigh>{high}</TrimHigh>"
        parts.append(f"<DimensionTrim><Dimension>{axis}</Dimension>{ends}</DimensionTrim>")
    head = f'xmlns:e="{SPACE}" xmlns="{WCS}" service="WCS" version="2.0.1"'
    head += f' count="{count}"' if count else ""
    xml = f"<e:DescribeEOCoverageSet {head}>{''.join(parts)}</e:DescribeEOCoverageSet>"
    return server.send(binding, kvp, xml)


def counts(answer: Answered) -> tuple[int, int]:
    assert answer.status == 200, answer.bytes
    matched, returned = (answer.root.get(f"number{end}") for end in ("Matched", "Returned"))
    return int(str(matched)), int(str(returned))


@by_binding("eo:profile", "eo:dataset-series-summary", "eo:count-default")
def test_capabilities(server: Server, binding: Binding, schemas: Schemas) -> None:
    answer = server.capabilities(binding)
    schemas.check(answer.bytes, *ALL)
    assert {PROFILE, f"{PROFILE}_get-kvp", f"{PROFILE}_soap"} <= set(answer.texts("Profile"))
    assert answer.texts("DatasetSeriesId") == ["T", "U", "W"]
    (operation,) = (
        one
        for one in answer.root.iter("{*}Operation")
        if one.get("name") == "DescribeEOCoverageSet"
    )
    constraint = {one.get("name"): one for one in operation.iter("{*}Constraint")}
    assert int(str(constraint["CountDefault"].findtext("{*}DefaultValue"))) > 0


@pytest.mark.parametrize(("section", "kept"), [("CoverageSummary", 0), ("DatasetSeriesSummary", 3)])
@pytest.mark.requirement("wcs20:eo:capabilities-sections")
def test_sections_of_capabilities(server: Server, section: str, kept: int) -> None:
    query = {"service": "WCS", "request": "GetCapabilities", "sections": section}
    root = etree.fromstring(server.client.get("/ows", params=query).content)
    assert len([*root.iter("{*}DatasetSeriesSummary")]) == kept
    assert bool([*root.iter("{*}CoverageSummary")]) == (not kept)


@by_binding("eo:data-model", "eo:dataset-subtype", "eo:footprint", "eo:describe-series")
def test_every_scene_has_its_metadata(server: Server, binding: Binding, schemas: Schemas) -> None:
    answer = coverage_set(server, binding, "T", "U", "W")
    schemas.check(answer.bytes, *ALL)
    assert len(answer.texts("DatasetSeriesId")) == 3
    scenes = [*answer.root.iter("{*}CoverageDescription")]
    assert len(scenes) == 7 + 2 + 3
    assert set(answer.texts("CoverageSubtype")) == {"RectifiedDataset", "ReferenceableDataset"}
    for scene in scenes:
        (metadata,) = scene.iter("{*}EOMetadata")
        assert metadata.findtext(".//{*}identifier")
        begin, end = (metadata.findtext(f".//{{*}}{tag}Position") for tag in ("begin", "end"))
        assert str(begin) <= str(end)
        corners = np.array(str(metadata.findtext(".//{*}posList")).split(), float).reshape(-1, 2)
        assert shapely.Polygon(corners).area > 0


@by_binding("eo:sections")
def test_sections(server: Server, binding: Binding, schemas: Schemas) -> None:
    for sections, matched in (
        ((DESCRIPTIONS,), 7),
        ((SERIES,), 1),
        (("All",), 8),
        ((DESCRIPTIONS, SERIES), 8),
    ):
        answer = coverage_set(server, binding, "T", sections=sections)
        schemas.check(answer.bytes, *ALL)
        assert counts(answer) == (matched, matched)
    wrong = coverage_set(server, binding, "T", sections=("Nothing",))
    wrong.fails("InvalidParameterValue")


@by_binding("eo:containment", "eo:subset")
def test_place_and_time_select(server: Server, binding: Binding) -> None:
    """T covers 0 to 30 degrees on both axes, at seven dates from 2020 to 2023."""
    for containment, subsets, matched in (
        ("overlaps", ("Lat(10,20)", "Long(10,20)"), 7),
        ("contains", ("Lat(10,20)", "Long(10,20)"), 0),
        ("contains", ("Lat(-1,31)", "Long(-1,31)"), 7),
        ("overlaps", ("Lat(40,50)",), 0),
        ("", ('phenomenonTime("2020-01-15","2020-05-01")',), 2),
    ):
        answer = coverage_set(
            server,
            binding,
            "T",
            containment=containment,
            subsets=subsets,
            sections=(DESCRIPTIONS,),
        )
        assert counts(answer) == (matched, matched)
    wrong = coverage_set(server, binding, "T", containment="near")
    wrong.fails("InvalidParameterValue")
    axis = coverage_set(server, binding, "T", subsets=("height(1,2)",))
    axis.fails("InvalidAxisLabel", NOT_FOUND)


@by_binding("eo:paging")
def test_a_count_cuts_what_is_returned(server: Server, binding: Binding) -> None:
    for count, returned in (("4", 4), ("0", 0), ("100", 8)):
        answer = coverage_set(server, binding, "T", count=count)
        assert counts(answer) == (8, returned)


@by_binding("eo:no-ids", "eo:unknown-id")
def test_ids_are_needed_and_exist(server: Server, binding: Binding, schemas: Schemas) -> None:
    none = coverage_set(server, binding)
    none.fails("emptyEoIdList", NOT_FOUND)
    unknown = coverage_set(server, binding, "T", "nothing")
    unknown.fails("NoSuchDatasetSeriesOrCoverage", NOT_FOUND)
    schemas.check(unknown.bytes, REPORT)


@by_binding("eo:coverage-ids")
def test_every_listed_coverage_may_be_asked_for(server: Server, binding: Binding) -> None:
    for name in server.ids():
        assert coverage_set(server, binding, name, sections=(DESCRIPTIONS,)).status == 200


@by_binding("eo:get-coverage")
def test_a_dataset_is_described_and_read(server: Server, binding: Binding) -> None:
    told = coverage_set(server, binding, "T", sections=(DESCRIPTIONS,))
    for at, name in enumerate(told.texts("CoverageId")):
        assert server.describe(binding, name).texts("CoverageId") == [name]
        got = server.cells(binding, name, "Lat(0,10)")
        wanted = server.made.arrays["T"]["b8"][at, 40:]
        np.testing.assert_array_equal(got.tuples()[:, 1], wanted.ravel())


@pytest.mark.parametrize("name", ["InsertCoverage", "UpdateCoverage", "DeleteCoverage"])
@by_binding("transaction:refused-while-off")
def test_nobody_may_write(server: Server, binding: Binding, schemas: Schemas, name: str) -> None:
    kvp = [("SERVICE", "WCS"), ("VERSION", "2.0.1"), ("REQUEST", name), ("COVERAGEID", "A")]
    space = "http://www.opengis.net/wcs_service-extension_transaction/2.0"
    xml = (
        f'<{name} xmlns="{space}" service="WCS" version="2.0.1"><coverageId>A</coverageId></{name}>'
    )
    answer = server.send(binding, kvp, xml)
    answer.fails("OperationNotAllowed", 403)
    schemas.check(answer.bytes, REPORT)
    assert "transaction" not in " ".join(server.capabilities(binding).texts("Profile"))


@pytest.mark.requirement("wcs20:eo:getcoverage-metadata")
def test_the_gml_of_a_scene_has_its_metadata(server: Server) -> None:
    scene = coverage_set(server, Binding.KVP, "T").texts("CoverageId")[0]
    query = {"service": "WCS", "version": "2.0.1", "request": "GetCoverage", "coverageid": scene}
    reply = server.client.get("/ows", params=query | {"format": "application/gml+xml"})
    assert reply.status_code == 200
    assert [*etree.fromstring(reply.content).iter("{*}EOMetadata")]
