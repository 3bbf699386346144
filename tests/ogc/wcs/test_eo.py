"""EO-WCS: scenes as datasets, found by place and time, described and read."""

import numpy as np
import pytest
import rasterio
import shapely
from lxml import etree
from rasterio.io import MemoryFile

from ogc.wcs.eo.names import DEFAULT_COUNT, PROFILES, SCHEMA, WCSEO
from tests.builders.made import T_TIMES
from tests.ogc.conftest import Schemas
from tests.ogc.wcs.conftest import Asker, content, parts
from tests.ogc.wcs.parts_2_1 import check_descriptions
from tests.ogc.wcs.test_metadata import CAPABILITIES, DESCRIBE, GRIDS
from tests.ogc.wcs.test_metadata import NAMES as WCS_NAMES

SET = "service=WCS&version=2.0.1&request=DescribeEOCoverageSet"
NAMES = {**WCS_NAMES, "wcseo": WCSEO, "eop": "http://www.opengis.net/eop/2.0"}
NAMES["gmlcov"] = "http://www.opengis.net/gmlcov/1.0"
LOCATION = (WCSEO, SCHEMA)
SECTION = "sections=CoverageDescriptions"


def _ids(asker: Asker, query: str) -> list[str]:
    root = etree.fromstring(content(asker.get(f"{SET}&{query}")))
    found = root.iterfind("wcs:CoverageDescriptions/wcs:CoverageDescription/wcs:CoverageId", NAMES)
    return [str(one.text) for one in found]


def _counts(asker: Asker, query: str) -> tuple[int, int]:
    root = etree.fromstring(content(asker.get(f"{SET}&{query}")))
    return int(str(root.get("numberMatched"))), int(str(root.get("numberReturned")))


def test_capabilities_name_the_profile_and_the_series(asker: Asker, schemas: Schemas) -> None:
    body = content(asker.get(f"{CAPABILITIES}&acceptversions=2.0.1"))
    schemas.check(body, LOCATION, GRIDS)
    root = etree.fromstring(body)
    assert set(PROFILES) <= {str(one.text) for one in root.iter(f"{{{NAMES['ows']}}}Profile")}
    path = "wcs:Contents/wcs:Extension/wcseo:DatasetSeriesSummary"
    series = root.findall(path, NAMES)
    ids = [one.findtext("wcseo:DatasetSeriesId", None, NAMES) for one in series]
    assert ids == ["T", "U", "W"]
    assert series[0].findtext(".//gml:beginPosition", None, NAMES) == f"{T_TIMES[0]}T00:00:00Z"
    assert series[0].findtext(".//gml:endPosition", None, NAMES) == f"{T_TIMES[-1]}T00:00:00Z"
    constraint = root.find(".//ows:Constraint[@name='CountDefault']", NAMES)
    assert constraint is not None
    assert constraint.findtext("ows:DefaultValue", None, NAMES) == str(DEFAULT_COUNT)


@pytest.mark.parametrize(
    ("section", "kept", "left"),
    [
        ("CoverageSummary", "wcs:CoverageSummary", "wcs:Extension"),
        ("DatasetSeriesSummary", "wcs:Extension", "wcs:CoverageSummary"),
    ],
)
def test_sections_of_the_contents(
    asker: Asker, schemas: Schemas, section: str, kept: str, left: str
) -> None:
    body = content(asker.get(f"{CAPABILITIES}&sections={section}"))
    schemas.check(body, LOCATION, GRIDS)
    (contents,) = etree.fromstring(body)
    assert contents.find(kept, NAMES) is not None
    assert contents.find(left, NAMES) is None


@pytest.mark.parametrize("series", ["T", "U", "W"])
def test_a_set_is_valid_and_has_every_scene(asker: Asker, schemas: Schemas, series: str) -> None:
    body = content(asker.get(f"{SET}&eoid={series}"))
    schemas.check(body, LOCATION, GRIDS)
    root = etree.fromstring(body)
    own = asker.made.coverage(series)
    scenes = root.findall("wcs:CoverageDescriptions/wcs:CoverageDescription", NAMES)
    assert len(scenes) == len(own.acquisitions)
    described = root.findall(".//wcseo:DatasetSeriesDescription", NAMES)
    assert [one.findtext("wcseo:DatasetSeriesId", None, NAMES) for one in described] == [series]
    for scene, acquisition in zip(scenes, own.acquisitions, strict=True):
        kind = scene.findtext(".//wcs:CoverageSubtype", None, NAMES)
        assert kind == ("ReferenceableDataset" if series == "W" else "RectifiedDataset")
        begin = str(scene.findtext(".//wcseo:EOMetadata//gml:beginPosition", None, NAMES))
        assert begin.startswith(f"{acquisition.first:%Y-%m-%dT%H:%M:%S}")
        places = str(scene.findtext(".//eop:Footprint//gml:posList", None, NAMES)).split()
        ring = np.array(places, float).reshape(-1, 2)[:, ::-1]
        assert shapely.Polygon(ring).is_valid


def test_footprints_have_latitude_first(asker: Asker) -> None:
    """W lies from 0 to 15 degrees east and from 50 to 60 degrees north."""
    root = etree.fromstring(content(asker.get(f"{SET}&eoid=W")))
    for places in root.iterfind(".//eop:Footprint//gml:posList", NAMES):
        corners = np.array(str(places.text).split(), float).reshape(-1, 2)
        assert (corners.min(axis=0).tolist(), corners.max(axis=0).tolist()) == ([50, 0], [60, 15])


@pytest.mark.parametrize(
    ("subset", "kept"),
    [
        ('subset=phenomenonTime("2020-01-15","2020-05-01")', [1, 2]),
        ('subset=phenomenonTime("2022-01-01",*)', [5, 6]),
        ("subset=Lat(10,20)&subset=Long(10,20)", list(range(7))),
        ("subset=Lat(40,50)", []),
        ("subset=Long(-20,-10)", []),
        ("containment=contains&subset=Lat(10,20)", []),
        ("containment=contains&subset=Lat(-1,31)&subset=Long(-1,31)", list(range(7))),
        ('containment=CONTAINS&subset=phenomenonTime("2020-01-01","2020-02")', [0, 1]),
        ("subset=Lat,http://www.opengis.net/def/crs/EPSG/0/4326(29,40)", list(range(7))),
    ],
)
def test_place_and_time_select(asker: Asker, subset: str, kept: list[int]) -> None:
    every = _ids(asker, "eoid=T")
    assert len(every) == len(T_TIMES)
    assert _ids(asker, f"eoid=T&{subset}") == [every[at] for at in kept]


def test_counts_and_sections(asker: Asker) -> None:
    assert _counts(asker, "eoid=T,U") == (2 + 7 + 2, 2 + 7 + 2)
    assert _counts(asker, "eoid=T,U&count=4") == (11, 4)
    assert _counts(asker, "eoid=T&count=0") == (8, 0)
    assert _counts(asker, f"eoid=T&{SECTION}") == (7, 7)
    assert _counts(asker, "eoid=T&sections=DatasetSeriesDescriptions") == (1, 1)
    assert len(_ids(asker, f"eoid=T&count=3&{SECTION}")) == 3


@pytest.mark.parametrize("count", ["", "&count=0", "&count=1"])
def test_what_is_cut_by_a_count_is_valid(asker: Asker, schemas: Schemas, count: str) -> None:
    schemas.check(content(asker.get(f"{SET}&eoid=T{count}")), LOCATION, GRIDS)


EO = f"""<e:DescribeEOCoverageSet xmlns:e="{WCSEO}" xmlns="http://www.opengis.net/wcs/2.0"
 service="WCS" version="2.0.1" count="3"><e:eoId>T</e:eoId><e:eoId>U</e:eoId>
 <e:containment>CONTAINS</e:containment>
 <e:Sections><e:Section>CoverageDescriptions</e:Section></e:Sections>
 <DimensionTrim><Dimension>phenomenonTime</Dimension><TrimLow>"2020-02-01"</TrimLow>
 <TrimHigh>"2021-12-31"</TrimHigh></DimensionTrim></e:DescribeEOCoverageSet>"""
SAME = (
    f"{SET}&count=3&eoid=T,U&containment=contains&{SECTION}"
    '&subset=phenomenonTime("2020-02-01","2021-12-31")'
)


def test_xml_and_soap_ask_the_same(asker: Asker, schemas: Schemas) -> None:
    schemas.check(EO.encode(), LOCATION, GRIDS)
    wanted = content(asker.get(SAME))
    assert (len(_ids(asker, SAME)), _counts(asker, SAME)) == (3, (4, 3))
    assert content(asker.post(EO)) == wanted
    reply = asker.soap(EO)
    assert reply.media_type == "application/soap+xml"
    inner = etree.fromstring(content(reply)).find(f".//{{{WCSEO}}}EOCoverageSetDescription")
    assert inner is not None
    assert etree.tostring(inner, method="c14n2") == etree.tostring(
        etree.fromstring(wanted), method="c14n2"
    )
    schemas.check(etree.tostring(inner), LOCATION, GRIDS)


def test_a_coverage_is_a_series_of_its_scenes(asker: Asker) -> None:
    """Capabilities list coverages, and the OGC's suite asks for the first of them."""
    named = asker.made.coverage("U_1").id
    assert len(_ids(asker, f"eoid={named}&{SECTION}")) == 2
    for timeless in ("A", "G"):
        assert _ids(asker, f"eoid={timeless}&{SECTION}") == []


def test_a_scene_alone_is_described_and_read(asker: Asker, schemas: Schemas) -> None:
    for at, name in enumerate(_ids(asker, f"eoid=T&{SECTION}")):
        assert _ids(asker, f"eoid={name}") == [name]
        body = content(asker.get(f"{DESCRIBE}{name},{name},T"))
        schemas.check(body, LOCATION, GRIDS)
        reply = asker.coverage(f"{name}&subset=Lat(0,10)")
        with MemoryFile(content(reply)) as file, file.open() as opened:
            for plane, band in zip(opened.read(), ("b4", "b8"), strict=True):
                np.testing.assert_array_equal(plane, asker.made.arrays["T"][band][at, 40:])


def test_the_gml_of_a_scene_has_the_metadata_of_what_is_cut(asker: Asker, schemas: Schemas) -> None:
    (name, *_) = _ids(asker, f"eoid=T&{SECTION}")
    gmlcov = (NAMES["gmlcov"], "http://schemas.opengis.net/gmlcov/1.0/gmlcovAll.xsd")
    asked = f"{name}&subset=Lat(10,20)&subset=Long(5,40)"
    whole = content(asker.coverage(f"{asked}&format=application/gml%2Bxml"))
    (head, _) = parts(asker.coverage(f"{asked}&mediatype=multipart/related"))
    for body in (whole, head.get_payload(decode=True)):
        assert isinstance(body, bytes)
        schemas.check(body, gmlcov, GRIDS, LOCATION)
        observed = etree.fromstring(body).find("gmlcov:metadata/gmlcov:Extension/*", NAMES)
        assert observed is not None
        assert observed.tag == f"{{{WCSEO}}}EOMetadata"
        assert observed.findtext(".//gml:beginPosition", None, NAMES) == f"{T_TIMES[0]}T00:00:00Z"
        ring = str(observed.findtext(".//gml:posList", None, NAMES)).split()
        corners = np.array(ring, float).reshape(-1, 2)
        assert (corners.min(axis=0).tolist(), corners.max(axis=0).tolist()) == ([10, 5], [20, 30])
        (product,) = (one.text for one in observed.iterfind(".//eop:identifier", NAMES))
        assert name == f"T..{product}"
    general = f"{name}&format=application/gml%2Bxml&outputtype=GeneralGridCoverage"
    found = etree.fromstring(content(asker.coverage(general)))
    assert found.find(f"{{*}}Metadata/{{{WCSEO}}}EOMetadata") is not None
    assert b"EOMetadata" not in content(asker.coverage("T&format=application/gml%2Bxml"))


def test_scenes_are_described_in_2_1(asker: Asker, schemas: Schemas) -> None:
    names = _ids(asker, f"eoid=T,W&{SECTION}")
    query = "service=WCS&version=2.1.0&request=DescribeCoverage&coverageid="
    described = check_descriptions(content(asker.get(query + ",".join(names))), schemas)
    products = [one.findtext(".//eop:identifier", None, NAMES) for one in described]
    assert [name.partition("..")[2] for name in names] == products


def test_the_grid_of_a_scene_is_that_of_its_cells(asker: Asker) -> None:
    (name, _) = _ids(asker, f"eoid=U&{SECTION}")
    with MemoryFile(content(asker.coverage(name))) as file, file.open() as opened:
        values, transform = opened.read(1), opened.transform
    np.testing.assert_array_equal(values, asker.made.arrays["U"]["B04"][0])
    assert transform == rasterio.Affine(10, 0, 499_980, 0, -10, 5_200_020)
    described = etree.fromstring(content(asker.get(DESCRIBE + name)))
    corner = str(described.findtext(".//gml:lowerCorner", None, NAMES)).split()
    assert [float(one) for one in corner] == [499_980, 5_197_020]


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        (SET, "emptyEoIdList", 404),
        (f"{SET}&eoid=nothing", "NoSuchDatasetSeriesOrCoverage", 404),
        (f"{SET}&eoid=T..nothing", "NoSuchDatasetSeriesOrCoverage", 404),
        (f"{SET}&eoid=T&containment=near", "InvalidParameterValue", 400),
        (f"{SET}&eoid=T&subset=height(1,2)", "InvalidAxisLabel", 404),
        (f"{SET}&eoid=T&subset=Lat(1,2)&subset=Lat(1,2)", "InvalidAxisLabel", 404),
        (f"{SET}&eoid=T&subset=Lat(1)", "InvalidSubsetting", 404),
        (f"{SET}&eoid=T&subset=Lat(2,1)", "InvalidSubsetting", 404),
        (f'{SET}&eoid=T&subset=Lat("2020-01","2021-01")', "InvalidSubsetting", 404),
        (f'{SET}&eoid=T&subset=phenomenonTime("2021","2020")', "InvalidSubsetting", 404),
        (f"{SET}&eoid=T&subset=Long,EPSG:32633(1,2)", "InvalidSubsetting", 404),
        (f"{SET}&eoid=T&count=-1", "InvalidParameterValue", 400),
        (f"{SET}&eoid=T&sections=Nothing", "InvalidParameterValue", 400),
        (f"{DESCRIBE}T..nothing", "NoSuchCoverage", 404),
        (f"{SET}&eoid={'a,' * 200}", "InvalidParameterValue", 400),
    ],
)
def test_exceptions(asker: Asker, query: str, code: str, status: int) -> None:
    reply = asker.get(query)
    assert isinstance(reply.body, bytes)
    assert (reply.status, f'exceptionCode="{code}"'.encode() in reply.body) == (status, True), (
        reply.body
    )


def test_too_many_scenes_are_refused_before_they_are_read(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A series of millions is named in the answer, and none of its scenes is decoded."""
    everything = f"eoid=T&{SECTION}"
    assert len(_ids(asker, everything)) > 1
    monkeypatch.setattr("ogc.wcs.eo.scenes.MOST_SCENES", 1)
    monkeypatch.setattr("ogc.wcs.eo.describe_eo_coverage_set.MOST_SCENES", 1)
    refused = asker.get(f"{SET}&{everything}")
    assert refused.status >= 400
    assert isinstance(refused.body, bytes)
    assert b"allowed are 1" in refused.body
    # What the box or the time leaves out does not count, nor does what is not told.
    assert _ids(asker, f"{everything}&subset=Lat(-80,-79)") == []
    assert asker.get(f"{SET}&eoid=T&sections=DatasetSeriesDescriptions").status == 200
