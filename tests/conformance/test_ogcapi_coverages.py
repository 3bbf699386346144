"""OGC API - Coverages, draft 19-087, version 0.0.6, by the names of its classes."""

import io

import numpy as np
import pytest
import xarray as xr
from pyproj import Transformer
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from tests.conformance.ogcapi import (
    BOUNDS,
    COVJSON,
    CRS84,
    CUBE,
    JSON,
    MANY,
    ONE,
    REL,
    ROOT,
    TIFF,
    UTM,
    Row,
    cells,
    check,
    declared,
    failing,
    get,
    links,
    parameters,
    rows,
)

COVERAGE = f"{ONE}/coverage?f=tiff&properties=B05"
BOX = (443000.0, 4168000.0, 444000.0, 4169000.0)


@rows(
    {
        "coverages1:core:coverage-op": Row(path=f"{ONE}/coverage", media=TIFF),
        "coverages1:core:collection-unknown": failing(f"{ROOT}/collections/x/coverage", 404),
        "coverages1:core:domainset": Row(path=f"{ONE}/coverage/domainset", media=JSON),
        "coverages1:core:rangetype": Row(path=f"{ONE}/coverage/rangetype", media=JSON),
        "coverages1:core:schema": Row(path=f"{ONE}/schema?f=json", media="application/schema+json"),
        "coverages1:core:format-unknown": failing(f"{ONE}/coverage?f=x"),
        "coverages1:core:unknown-parameter": failing(f"{ONE}/coverage?nothing=1"),
        "coverages1:netcdf:content": Row(
            path=f"{ONE}/coverage?f=netcdf&properties=B05", media="application/netcdf"
        ),
        "coverages1:covjson:content": Row(
            path=f"{ONE}/coverage?f=covjson&properties=B05", media=COVJSON
        ),
        "coverages1:subsetting:axis-unknown": failing(f"{COVERAGE}&subset=Q(1:2)"),
        "coverages1:subsetting:axis-twice": failing(f"{COVERAGE}&subset=E(1:2),E(3:4)"),
        "coverages1:subsetting:outside": failing(f"{COVERAGE}&subset=E(1:2)", 404),
        "coverages1:subsetting:bbox-invalid": failing(f"{COVERAGE}&bbox=1,2,3"),
        "coverages1:subsetting:bbox-crs-unknown": failing(f"{COVERAGE}&bbox=1,2,3,4&bbox-crs=x"),
        "coverages1:subsetting:datetime-invalid": failing(f"{COVERAGE}&datetime=x"),
        "coverages1:subsetting:datetime-without-data": failing(
            f"{COVERAGE}&datetime=1999-01-01", 404
        ),
        "coverages1:fieldselection:unknown": failing(f"{ONE}/coverage?f=tiff&properties=x"),
        "coverages1:scaling:factor-invalid": failing(f"{COVERAGE}&scale-factor=0"),
        "coverages1:scaling:size-invalid": failing(f"{COVERAGE}&scale-size=E(0)"),
        "coverages1:scaling:axes-unknown": failing(f"{COVERAGE}&scale-axes=Q(2)"),
        "coverages1:scaling:exclusive": failing(f"{COVERAGE}&scale-factor=2&width=10"),
        "coverages1:crs:unknown": failing(f"{COVERAGE}&crs=x"),
    }
)
def test_answers(demo: TestClient, row: Row) -> None:
    check(demo, row)


@pytest.mark.requirement("coverages1:core:conformance-success")
@pytest.mark.parametrize(
    "part", ["core", "scaling", "subsetting", "fieldselection", "crs", "geotiff", "netcdf"]
)
def test_conformance_is_declared(demo: TestClient, part: str) -> None:
    assert declared(demo, "ogcapi-coverages-1/0.0", part)


@pytest.mark.requirement("coverages1:core:desc-links")
def test_collections_lead_to_their_coverage(demo: TestClient) -> None:
    page = get(demo, f"{ONE}?f=json").json()
    media = {one["type"]: one["href"] for one in page["links"] if one["rel"] == f"{REL}/coverage"}
    assert {TIFF, "application/netcdf", COVJSON} <= set(media)
    assert get(demo, media[TIFF]).headers["content-type"].startswith(TIFF)
    for relation in ("coverage-domainset", "coverage-rangetype", "schema"):
        for address in links(page, relation):
            get(demo, address)
        assert links(page, relation)


@pytest.mark.requirement("coverages1:core:coverage-success")
@pytest.mark.requirement("coverages1:geotiff:content")
def test_the_coverage_has_every_band_and_cell(demo: TestClient) -> None:
    reply = get(demo, f"{ONE}/coverage?f=tiff")
    with MemoryFile(reply.content) as file, file.open() as data:
        assert tuple(data.bounds) == BOUNDS
        assert data.crs.to_epsg() == 32618
        assert data.res == (20, 20)
        assert [text.split()[0] for text in data.descriptions] == [
            *("B05", "B06", "B07", "B8A", "B11", "B12")
        ]
        assert data.read(1).std() > 0
    assert reply.headers["content-crs"] == f"<{UTM}>"
    assert tuple(map(float, reply.headers["content-bbox"].split(","))) == BOUNDS


@pytest.mark.requirement("coverages1:netcdf:cells")
def test_netcdf_has_the_same_cells(demo: TestClient) -> None:
    content = get(demo, f"{ONE}/coverage?f=netcdf&properties=B05").content
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf", mask_and_scale=False) as data:
        np.testing.assert_array_equal(data["B05"].squeeze(), cells(get(demo, COVERAGE))[0])


@pytest.mark.requirement("coverages1:core:rangetype-success")
@pytest.mark.requirement("coverages1:core:domainset-success")
def test_the_parts_describe_the_cells(demo: TestClient) -> None:
    fields = get(demo, f"{ONE}/coverage/rangetype").json()["field"]
    assert [one["name"] for one in fields] == ["B05", "B06", "B07", "B8A", "B11", "B12"]
    grid = get(demo, f"{ONE}/coverage/domainset").json()["generalGrid"]
    axes = {one["axisLabel"]: one for one in grid["axis"]}
    assert (axes["E"]["lowerBound"], axes["E"]["upperBound"]) == (BOUNDS[0], BOUNDS[2])
    assert axes["E"]["resolution"] == 20


@pytest.mark.requirement("coverages1:subsetting:subset-definition")
@pytest.mark.requirement("coverages1:subsetting:subset-success")
@pytest.mark.requirement("coverages1:subsetting:subset-crs-definition")
@pytest.mark.requirement("coverages1:subsetting:bbox-definition")
@pytest.mark.requirement("coverages1:subsetting:bbox-crs-definition")
@pytest.mark.parametrize(
    "asked",
    [
        "subset=E(443000:444000),N(4168000:4169000)",
        "subset=E(443000:444000)&subset=N(4168000:4169000)",
        "subset=x(443000:444000),y(4168000:4169000)&subset-crs=EPSG:32618",
        f"bbox=443001,4168001,443999,4168999&bbox-crs={UTM}",
    ],
)
def test_a_coverage_is_cut(demo: TestClient, asked: str) -> None:
    reply = get(demo, f"{COVERAGE}&{asked}")
    with MemoryFile(reply.content) as file, file.open() as data:
        found, bounds = data.read(1), tuple(data.bounds)
    west, south, east, north = (round(edge / 20) * 20 for edge in bounds)
    assert abs(west - BOX[0]) <= 20 >= abs(north - BOX[3])
    assert abs(east - BOX[2]) <= 20 >= abs(south - BOX[1])
    whole = cells(get(demo, COVERAGE))[0]
    top, left = int((BOUNDS[3] - north) / 20), int((west - BOUNDS[0]) / 20)
    rows_, columns = found.shape
    np.testing.assert_array_equal(found, whole[top : top + rows_, left : left + columns])


@pytest.mark.requirement("coverages1:subsetting:lat-lon")
def test_a_coverage_is_cut_by_degrees(demo: TestClient) -> None:
    corner = Transformer.from_crs(UTM, CRS84, always_xy=True)
    west, south, east, north = corner.transform_bounds(*BOX)
    asked = f"subset=Lon({west}:{east}),Lat({south}:{north})"
    with MemoryFile(get(demo, f"{COVERAGE}&{asked}").content) as file, file.open() as data:
        np.testing.assert_allclose(tuple(data.bounds), BOX, atol=60)


@pytest.mark.requirement("coverages1:subsetting:datetime-definition")
@pytest.mark.requirement("coverages1:subsetting:datetime-success")
def test_a_coverage_has_times(demo: TestClient) -> None:
    path = f"{MANY}/coverage?properties=B04"
    first = cells(get(demo, f"{path}&f=tiff&datetime=2015-08-01"))
    assert first.shape[0] == 1
    same = cells(get(demo, f'{path}&f=tiff&subset=time("2015-08-01")'))
    np.testing.assert_array_equal(same, first)
    content = get(demo, f"{path}&f=netcdf&datetime=2015-08-01/2015-12-31").content
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf", mask_and_scale=False) as data:
        times = data["time"].to_numpy().astype("datetime64[D]")
        assert times[0] == np.datetime64("2015-08-01")
        assert (times <= np.datetime64("2015-12-31")).all()
        assert len(times) > 1
        np.testing.assert_array_equal(data["B04"][0], first[0])


@pytest.mark.requirement("coverages1:fieldselection:properties-definition")
@pytest.mark.requirement("coverages1:fieldselection:properties-success")
def test_fields_come_in_the_order_asked(demo: TestClient) -> None:
    both = cells(get(demo, f"{ONE}/coverage?f=tiff&properties=B07,B05"))
    assert both.shape[0] == 2
    np.testing.assert_array_equal(both[1], cells(get(demo, COVERAGE))[0])


@pytest.mark.requirement("coverages1:scaling:scale-factor-definition")
@pytest.mark.requirement("coverages1:scaling:scale-axes-definition")
@pytest.mark.requirement("coverages1:scaling:scale-size-definition")
@pytest.mark.requirement("coverages1:scaling:width-definition")
@pytest.mark.requirement("coverages1:scaling:height-definition")
@pytest.mark.requirement("coverages1:scaling:success")
@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ("scale-factor=2", (204, 204)),
        ("scale-axes=E(2),N(4)", (102, 204)),
        ("scale-size=E(100),N(50)", (50, 100)),
        ("width=100&height=50", (50, 100)),
        ("width=102", (102, 102)),
        ("height=51", (51, 51)),
    ],
)
def test_a_coverage_is_scaled(demo: TestClient, asked: str, shape: tuple[int, int]) -> None:
    with MemoryFile(get(demo, f"{COVERAGE}&{asked}").content) as file, file.open() as data:
        assert data.shape == shape
        np.testing.assert_allclose(tuple(data.bounds), BOUNDS)
        known = set(np.unique(cells(get(demo, COVERAGE))))
        assert set(np.unique(data.read(1)).astype(float)) <= known


@pytest.mark.requirement("coverages1:crs:crs-definition")
@pytest.mark.requirement("coverages1:crs:success")
def test_a_coverage_in_another_system(demo: TestClient) -> None:
    reply = get(demo, f"{COVERAGE}&crs={CRS84}&width=100")
    assert reply.headers["content-crs"] == f"<{CRS84}>"
    with MemoryFile(reply.content) as file, file.open() as data:
        assert data.crs.is_geographic
        wanted = Transformer.from_crs(UTM, CRS84, always_xy=True).transform_bounds(*BOUNDS)
        np.testing.assert_allclose(tuple(data.bounds), wanted, atol=1e-3)


@pytest.mark.requirement("coverages1:oas30:completeness")
def test_parameters_are_described(demo: TestClient) -> None:
    found = parameters(demo, "/collections/{collectionId}/coverage")
    assert {
        *("bbox", "bbox-crs", "datetime", "subset", "subset-crs", "crs", "properties", "f"),
        *("scale-factor", "scale-axes", "scale-size", "width", "height"),
    } <= set(found)
    assert get(demo, f"{CUBE}/schema?f=json").json()["properties"]["B04"]["type"] == "integer"
