"""Coverages as documents, read by schemas, by rasdaman's client and by plain parsers."""

import json
from typing import Any

import numpy as np
import pytest
from lxml import etree
from wcs.parser import parse_describe_coverage

from datacube.axes import IrregularAxis
from datacube.encode import describe
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.encode_parameters import parse_parameters
from datacube.plan.nodes import Domain, Field, Held
from tests.builders.plans import geographic_grid, time_axis, utm_grid
from tests.builders.results import encoded, index_axis, result
from tests.ogc.conftest import Schemas, schemas  # noqa: F401 a fixture is used by its name

GML, JSON, COVERAGE_JSON = (
    "application/gml+xml",
    "application/json",
    "application/prs.coverage+json",
)
GENERAL = "outputType=GeneralGridCoverage"
NAMES = {
    "gml": "http://www.opengis.net/gml/3.2",
    "cis": "http://www.opengis.net/cis/1.1/gml",
    "gmlcov": "http://www.opengis.net/gmlcov/1.0",
    "r": "http://www.opengis.net/gml/3.3/rgrid",
    "meta": "urn:x-copernicube:metadata",
    "wcs": "http://www.opengis.net/wcs/2.0",
}
CIS = (NAMES["cis"], "http://schemas.opengis.net/cis/1.1/gml/cisAll.xsd")
GMLCOV = (NAMES["gmlcov"], "http://schemas.opengis.net/gmlcov/1.0/gmlcovAll.xsd")
GRIDS = (NAMES["r"], "http://schemas.opengis.net/gml/3.3/rgrid.xsd")
WCS = (NAMES["wcs"], "http://schemas.opengis.net/wcs/2.0/wcsAll.xsd")

CUBE = Domain(outer=(time_axis(),), grid=utm_grid(3, 4))
VALUES = np.arange(24, dtype=np.int16).reshape(CUBE.shape)
FIELDS = (
    Field(name="a", dtype="int16", nodata=-1, nulls=(-9, -1)),
    Field(name="b", dtype="float32", nodata=None),
)


def cube() -> Held:
    known = {"a": np.ones(CUBE.shape, np.bool_)}
    known["a"][0, 0, 0] = False
    arrays: dict[str, Any] = {"a": VALUES, "b": VALUES.astype(np.float32) / 4}
    return result(CUBE, arrays, valid=known, fields=FIELDS)


def flat() -> Held:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    return result(Domain(grid=geographic_grid(3, 4)), {"v": values})


def one(root: etree._Element, path: str) -> str:
    found = root.find(path, NAMES)
    assert found is not None
    return str(found.text)


def test_a_flat_coverage_in_cis_1_0_is_rectified(schemas: Schemas) -> None:  # noqa: F811 the fixture
    body = encoded(flat(), GML)
    schemas.check(body, GMLCOV)
    root = etree.fromstring(body)
    assert root.tag == f"{{{NAMES['gmlcov']}}}RectifiedGridCoverage"
    assert one(root, "gml:rangeSet/gml:DataBlock/gml:tupleList") == "0 1 2 3 4 5 6 7 8 9 10 11"
    # Latitude first, as EPSG:4326 says; centres of the first cell.
    assert one(root, ".//gml:origin/gml:Point/gml:pos") == "49.995 10.005"
    vectors = [v.text for v in root.findall(".//gml:offsetVector", NAMES)]
    assert vectors == ["0 0.01", "-0.01 0"]


def test_times_in_cis_1_0_are_referenceable(schemas: Schemas) -> None:  # noqa: F811 the fixture
    body = encoded(cube(), GML)
    schemas.check(body, GMLCOV, GRIDS)
    root = etree.fromstring(body)
    assert root.tag == f"{{{NAMES['gmlcov']}}}ReferenceableGridCoverage"
    tuples = one(root, "gml:rangeSet/gml:DataBlock/gml:tupleList").split(" ")
    # x runs fastest, then y, then time.
    assert tuples[:3] == ["null,0", "1,0.25", "2,0.5"]
    assert tuples[-1] == "23,5.75"


def test_cis_1_1(schemas: Schemas) -> None:  # noqa: F811 the fixture
    body = encoded(cube(), GML, f"{GENERAL};metadata=by <me>\x01")
    root = etree.fromstring(body)
    assert one(root, "cis:Metadata/meta:covMetadata/meta:metadata") == "by <me> "
    schemas.check(body, CIS)
    grid = root.find("cis:DomainSet/cis:GeneralGrid", NAMES)
    assert grid is not None
    assert grid.get("axisLabels") == "ansi E N"
    cells = [[str(v.text) for v in cv] for cv in root.findall(".//cis:CV", NAMES)]
    # As EPSG:32633 lists its axes: north fastest.
    expected = VALUES.transpose(0, 2, 1).ravel()
    assert [int(cell[0]) for cell in cells[1:]] == expected[1:].tolist()
    assert cells[0] == ["null", "0"]
    schemas.check(encoded(flat(), GML, GENERAL), CIS)


@pytest.mark.parametrize("parameters", ["", GENERAL])
def test_a_grid_without_a_crs(schemas: Schemas, parameters: str) -> None:  # noqa: F811 the fixture
    domain = Domain(outer=(index_axis("i", 2), index_axis("j", 3, first=5)))
    made = result(domain, {"v": np.arange(6, dtype=np.float64).reshape(2, 3)})
    body = encoded(made, GML, parameters)
    schemas.check(body, CIS if parameters else GMLCOV)
    assert b"Index1D" in body


@pytest.mark.parametrize("parameters", ["", GENERAL])
def test_descriptions_have_no_values(schemas: Schemas, parameters: str) -> None:  # noqa: F811 the fixture
    body, kind = describe(CUBE, FIELDS, "S2", "gml", parse_parameters(parameters))
    assert kind == GML
    assert b"rangeSet" not in body
    if not parameters:
        schemas.check(body, WCS, GRIDS)
        return
    read = parse_describe_coverage(body)
    assert [axis.name for axis in read.bbox.axes] == ["ansi", "E", "N"]
    assert [nil.nil_value for nil in read.range_type["a"].nil_values] == ["-9", "-1"]
    assert read.range_type["b"].definition.endswith("/float32")


def test_descriptions_as_json() -> None:
    body, kind = describe(CUBE, FIELDS, "S2", "application/json", parse_parameters(GENERAL))
    assert kind == JSON
    read = json.loads(body)
    grid = read["domainSet"]["generalGrid"]
    assert [axis["axisLabel"] for axis in grid["axis"]] == ["ansi", "E", "N"]
    assert grid["axis"][0]["coordinate"][0] == "2023-08-10T10:00:31.024Z"
    assert (grid["axis"][1]["lowerBound"], grid["axis"][1]["resolution"]) == (303_000, 10)
    assert [axis["upperBound"] for axis in grid["gridLimits"]["axis"]] == [1, 303, 202]
    assert [field["name"] for field in read["rangeType"]["field"]] == ["a", "b"]
    with pytest.raises(UnknownNameError, match="unknown format 'png'; offered: application/gml"):
        describe(CUBE, FIELDS, "S2", "png", parse_parameters(""))


def test_cis_1_1_as_json() -> None:
    read = json.loads(encoded(cube(), JSON, GENERAL))
    values = read["rangeSet"]["dataBlock"]["values"]
    expected = VALUES.transpose(0, 2, 1).ravel().tolist()
    assert values[0::2] == [None, *expected[1:]]
    assert values[1::2] == [value / 4 for value in expected]


def test_coverage_json() -> None:
    read = json.loads(encoded(cube(), COVERAGE_JSON))
    axes = read["domain"]["axes"]
    assert axes["x"] == {"start": 303_005, "stop": 303_035, "num": 4}
    assert axes["y"] == {"start": 5_397_995, "stop": 5_397_975, "num": 3}
    assert len(axes["t"]["values"]) == 2
    systems = {tuple(r["coordinates"]): r["system"]["type"] for r in read["domain"]["referencing"]}
    assert systems == {("t",): "TemporalRS", ("x", "y"): "ProjectedCRS"}
    first = read["ranges"]["a"]
    assert (first["dataType"], first["axisNames"], first["shape"]) == (
        "integer",
        ["t", "x", "y"],
        [2, 4, 3],
    )
    expected = VALUES.transpose(0, 2, 1).ravel().tolist()
    assert first["values"] == [None, *expected[1:]]
    assert read["ranges"]["b"]["values"] == [value / 4 for value in expected]


def test_coverage_json_of_booleans_and_heights() -> None:
    axis = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0))
    made = result(Domain(outer=(axis,)), {"v": np.array([True, False])})
    read = json.loads(encoded(made, COVERAGE_JSON))
    assert read["domain"]["axes"] == {"height": {"values": [2.0, 10.0]}}
    assert read["ranges"]["v"]["values"] == [1, 0]


@pytest.mark.parametrize(("kind", "parameters"), [(COVERAGE_JSON, ""), (JSON, GENERAL)])
def test_complex_numbers_are_no_json_coverage(kind: str, parameters: str) -> None:
    made = result(Domain(outer=(index_axis("x", 1),)), {"v": np.zeros(1, np.complex64)})
    with pytest.raises(InvalidParameterError, match="take re and im"):
        encoded(made, kind, parameters)
