"""OGC API - Environmental Data Retrieval, part 1 (OGC 19-086r6)."""

import csv
import io

import numpy as np
import pytest
from pyproj import Transformer
from starlette.testclient import TestClient

from tests.conformance.ogcapi import (
    BOUNDS,
    COVJSON,
    CRS84,
    GEOJSON,
    JSON,
    MANY,
    ONE,
    ROOT,
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

QUERIES = ("position", "area", "cube", "trajectory", "radius", "corridor")
POINT = "POINT(-75.61 37.68)"
AREA = "POLYGON((-75.61 37.68,-75.609 37.68,-75.609 37.681,-75.61 37.681,-75.61 37.68))"
LINE = "LINESTRING(-75.61 37.68,-75.609 37.681)"
WIDE = "corridor-width=100&width-units=m&corridor-height=10&height-units=m"
ASKED = {
    "position": f"{ONE}/position?coords={POINT}",
    "area": f"{ONE}/area?coords={AREA}",
    "cube": f"{ONE}/cube?bbox=-75.61,37.68,-75.609,37.681",
    "trajectory": f"{ONE}/trajectory?coords={LINE}",
    "radius": f"{ONE}/radius?coords={POINT}&within=100&within-units=m",
    "corridor": f"{ONE}/corridor?coords={LINE}&{WIDE}",
}
TEXTS = ("coords", "datetime", "parameter-name", "crs", "f", "z")
OWN = {
    "position": TEXTS,
    "area": TEXTS,
    "cube": ("bbox", "datetime", "parameter-name", "crs", "f", "z", "resolution-x", "resolution-y"),
    "trajectory": TEXTS,
    "radius": (*TEXTS, "within", "within-units"),
    "corridor": (*TEXTS, "corridor-width", "width-units", "corridor-height", "height-units"),
}
"""Parameters of each query."""
DEFINED = {
    "coords": "/conf/edr/rc-coords-definition",
    "bbox": "/conf/edr/rc-bbox-definition",
    "datetime": "/conf/core/datetime-definition",
    "parameter-name": "/conf/collections/REQ_rc-parameter-name-definition",
    "crs": "/conf/edr/REQ_rc-crs-definition",
    "f": "/conf/edr/rc-f-definition",
    "z": "/conf/edr/rc-z-definition",
    "within": "/req/edr/within-definition",
    "within-units": "/req/edr/within-units-definition",
    "corridor-width": "/conf/edr/REQ_rc-corridor-width-definition",
    "width-units": "/conf/edr/REQ_rc-width-units-definition",
    "corridor-height": "/conf/edr/REQ_rc-corridor-height-definition",
    "height-units": "/conf/edr/REQ_rc-height-units-definition",
    "resolution-x": "/req/edr/resolution-x-definition",
    "resolution-y": "/req/edr/resolution-y-definition",
}
"""Requirements of parameters, as the OGC's suite names them."""


@rows(
    {
        **{
            f"edr10:{query}:success": Row(path=path, media=COVJSON) for query, path in ASKED.items()
        },
        **{f"edr10:{query}:empty-query": failing(f"{ONE}/{query}") for query in QUERIES},
        **{
            f"edr10:{query}:coords-invalid": failing(
                ASKED[query].replace(POINT, "x").replace(AREA, "x").replace(LINE, "x")
            )
            for query in QUERIES
            if query != "cube"
        },
        **{
            f"edr10:{query}:parameter-name-unknown": failing(f"{path}&parameter-name=x")
            for query, path in ASKED.items()
        },
        **{
            f"edr10:{query}:datetime-invalid": failing(f"{path}&datetime=x")
            for query, path in ASKED.items()
        },
        **{f"edr10:{query}:crs-unknown": failing(f"{path}&crs=x") for query, path in ASKED.items()},
        **{f"edr10:{query}:f-unknown": failing(f"{path}&f=x") for query, path in ASKED.items()},
        "edr10:cube:bbox-invalid": failing(f"{ONE}/cube?bbox=1,2,3"),
        "edr10:position:wrong-geometry": failing(f"{ONE}/position?coords={LINE}"),
        "edr10:area:wrong-geometry": failing(f"{ONE}/area?coords={POINT}"),
        "edr10:trajectory:wrong-geometry": failing(f"{ONE}/trajectory?coords={AREA}"),
        "edr10:radius:within-missing": failing(f"{ONE}/radius?coords={POINT}&within-units=m"),
        "edr10:radius:within-units-missing": failing(f"{ONE}/radius?coords={POINT}&within=9"),
        "edr10:radius:within-units-unknown": failing(
            f"{ONE}/radius?coords={POINT}&within=9&within-units=x"
        ),
        "edr10:corridor:width-missing": failing(f"{ONE}/corridor?coords={LINE}"),
        "edr10:z:no-vertical-axis": failing(f"{ASKED['position']}&z=1"),
        "edr10:/conf/collections/src-md-op/unknown": failing(
            f"{ROOT}/collections/x/position?coords={POINT}", 404
        ),
        "edr10:json:collections": Row(path=f"{ROOT}/collections?f=json", media=JSON),
    }
)
def test_answers(demo: TestClient, row: Row) -> None:
    check(demo, row)


@pytest.mark.requirement("edr10:core:conformance")
@pytest.mark.parametrize(
    "part", ["core", "collections", "oas30", "covjson", "geojson", "edr-geojson", *QUERIES]
)
def test_conformance_is_declared(demo: TestClient, part: str) -> None:
    assert declared(demo, "ogcapi-edr-1/1.1", part)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        pytest.param(
            query, name, marks=pytest.mark.requirement(f"edr10:{query}:{DEFINED.get(name, name)}")
        )
        for query in QUERIES
        for name in OWN[query]
    ],
)
def test_parameters_are_described(demo: TestClient, query: str, name: str) -> None:
    found = parameters(demo, f"/collections/{{collectionId}}/{query}")[name]
    assert found["in"] == "query"
    assert found["style"] == "form"
    assert found["explode"] is False
    free = {"datetime", "parameter-name", "crs", "f", "z", "resolution-x", "resolution-y"}
    assert found["required"] is (name not in free)


@pytest.mark.requirement("edr10:/conf/edr/rc-collection-info")
def test_collections_tell_their_queries(demo: TestClient) -> None:
    queries = get(demo, f"{ONE}?f=json").json()["data_queries"]
    assert set(queries) == set(QUERIES)
    for name, one in queries.items():
        assert one["link"]["href"].endswith(f"{ONE}/{name}")
        assert one["link"]["variables"]["query_type"] == name
        assert one["link"]["variables"]["default_output_format"] == "CoverageJSON"


@pytest.mark.requirement("edr10:/conf/core/crs84")
@pytest.mark.requirement("edr10:/conf/core/rc-extent")
@pytest.mark.requirement("edr10:/req/edr/rc-output-formats")
@pytest.mark.requirement("edr10:/req/edr/rc-crs-details")
def test_collections_are_described(demo: TestClient) -> None:
    page = get(demo, f"{ONE}?f=json").json()
    assert page["crs"] == [CRS84, UTM]
    west, south, east, north = page["extent"]["spatial"]["bbox"][0]
    corners = Transformer.from_crs(UTM, CRS84, always_xy=True).transform_bounds(*BOUNDS)
    np.testing.assert_allclose((west, south, east, north), corners, atol=1e-4)
    assert page["extent"]["temporal"]["interval"] == [["2015-06-23T00:00:00Z"] * 2]
    assert set(page["output_formats"]) == {"CSV", "CoverageJSON", "GeoJSON", "netCDF"}
    assert set(page["parameter_names"]) == {"B05", "B06", "B07", "B8A", "B11", "B12"}
    for name, one in page["parameter_names"].items():
        assert (one["type"], one["id"]) == ("Parameter", name)
        assert one["observedProperty"]["label"]
    details = page["data_queries"]["area"]["link"]["variables"]["crs_details"]
    assert {one["crs"] for one in details} == {CRS84, UTM}
    assert all(one["wkt"] for one in details)


@pytest.mark.requirement("edr10:/conf/edr/rc-md-query-links")
@pytest.mark.requirement("edr10:/conf/core/rc-collection-info-links")
@pytest.mark.requirement("edr10:/conf/edr/rc-parameters")
def test_every_collection_has_the_links_and_parameters_of_the_suite(demo: TestClient) -> None:
    pages = get(demo, f"{ROOT}/collections?f=json").json()["collections"]
    assert len(pages) == 9
    for listed in pages:
        page = get(demo, f"{ROOT}/collections/{listed['id']}?f=json").json()
        assert links(page, "self")
        assert links(page, "alternate")
        (address,) = links(page, "collection")
        get(demo, address)
        assert listed["parameter_names"] == page["parameter_names"]
        for one in page["parameter_names"].values():
            assert {"type", "observedProperty"} <= set(one)


@pytest.mark.requirement("edr10:position:coords-response")
@pytest.mark.requirement("edr10:csv")
def test_a_position_has_the_values_of_its_cell(demo: TestClient) -> None:
    """The oracle is the coverage as a GeoTIFF, read by GDAL at the place."""
    band = cells(get(demo, f"{ONE}/coverage?f=tiff&properties=B05"))[0]
    east, north = Transformer.from_crs(CRS84, UTM, always_xy=True).transform(-75.61, 37.68)
    cell = band[int((BOUNDS[3] - north) / 20), int((east - BOUNDS[0]) / 20)]
    path = f"{ASKED['position']}&parameter-name=B05"
    found = get(demo, f"{path}&f=CoverageJSON").json()
    assert found["domain"]["domainType"] == "PointSeries"
    assert found["ranges"]["B05"]["values"] == [cell]
    (row,) = csv.DictReader(io.StringIO(get(demo, f"{path}&f=CSV").text))
    assert (row["t"], float(row["B05"])) == ("2015-06-23T00:00:00Z", cell)


@pytest.mark.requirement("edr10:position:several")
def test_several_positions(demo: TestClient) -> None:
    path = f"{ONE}/position?coords=MULTIPOINT((-75.61 37.68),(-75.609 37.681))"
    found = get(demo, f"{path}&parameter-name=B05").json()
    assert found["type"] == "CoverageCollection"
    assert len(found["coverages"]) == 2


@pytest.mark.requirement("edr10:position:crs-response")
def test_a_position_in_another_system(demo: TestClient) -> None:
    east, north = Transformer.from_crs(CRS84, UTM, always_xy=True).transform(-75.61, 37.68)
    here = get(demo, f"{ASKED['position']}&f=CSV").text.splitlines()[1].split(",")
    there = get(demo, f"{ONE}/position?coords=POINT({east} {north})&crs={UTM}&f=CSV").text
    assert there.splitlines()[1].split(",")[3:] == here[3:]


@pytest.mark.requirement("edr10:position:no-data")
@pytest.mark.parametrize("asked", ["coords=POINT(10 10)", f"coords={POINT}&datetime=1999-01-01"])
def test_a_place_or_time_without_data_has_no_content(demo: TestClient, asked: str) -> None:
    assert demo.get(f"{ONE}/position?{asked}").status_code == 204


@pytest.mark.requirement("edr10:parameter-name-response")
@pytest.mark.parametrize("query", QUERIES)
def test_bands_are_chosen(demo: TestClient, query: str) -> None:
    found = get(demo, f"{ASKED[query]}&parameter-name=B07,B05").json()
    assert set(found["parameters"]) == set(found["ranges"]) == {"B05", "B07"}


@pytest.mark.requirement("edr10:datetime-response")
@pytest.mark.parametrize(
    ("datetime", "times"),
    [
        ("2015-08-01T00:00:00Z", ["2015-08-01T00:00:00Z"]),
        ("../2015-08-01", ["2015-08-01T00:00:00Z"]),
        ("2021-01-01/..", ["2021-01-01T00:00:00Z"]),
    ],
)
def test_times_are_chosen(demo: TestClient, datetime: str, times: list[str]) -> None:
    path = f"{MANY}/position?coords=POINT(22.152 45.205)&datetime={datetime}"
    assert get(demo, path).json()["domain"]["axes"]["t"]["values"] == times


@pytest.mark.requirement("edr10:datetime-all")
def test_without_a_time_there_is_the_whole_series(demo: TestClient) -> None:
    found = get(demo, f"{MANY}/position?coords=POINT(22.152 45.205)&parameter-name=B04").json()
    times = found["domain"]["axes"]["t"]["values"]
    assert len(times) == found["ranges"]["B04"]["shape"][0] == 140
    assert times == sorted(times)


@pytest.mark.requirement("edr10:cube:bbox-response")
def test_a_cube_has_the_cells_of_its_box(demo: TestClient) -> None:
    """The oracle is the coverage, cut by another service to the cells that the cube names."""
    found = get(demo, f"{ASKED['cube']}&parameter-name=B05").json()
    axes, range_ = found["domain"]["axes"], found["ranges"]["B05"]
    assert range_["axisNames"] == ["t", "x", "y"]
    values = np.reshape(range_["values"], range_["shape"])[0].T
    edges = {name: sorted((axes[name]["start"], axes[name]["stop"])) for name in ("x", "y")}
    subset = ",".join(
        f"{axis}({edges[name][0] - 10}:{edges[name][1] + 10})"
        for axis, name in (("E", "x"), ("N", "y"))
    )
    wanted = cells(get(demo, f"{ONE}/coverage?f=tiff&properties=B05&subset={subset}"))[0]
    np.testing.assert_array_equal(values, wanted)
    place = Transformer.from_crs(UTM, CRS84, always_xy=True)
    for x in edges["x"]:
        lon, _ = place.transform(x, edges["y"][0])
        assert -75.6103 < lon < -75.6087


@pytest.mark.requirement("edr10:area:coords-response")
def test_an_area_has_the_cells_inside(demo: TestClient) -> None:
    axes = get(demo, ASKED["area"]).json()["domain"]["axes"]
    place = Transformer.from_crs(UTM, CRS84, always_xy=True)
    xs = np.linspace(axes["x"]["start"], axes["x"]["stop"], axes["x"]["num"])
    ys = np.linspace(axes["y"]["start"], axes["y"]["stop"], axes["y"]["num"])
    lon, lat = place.transform(*np.meshgrid(xs, ys))
    cell = 20 / 88_000
    assert -75.61 - cell < lon.min() < lon.max() < -75.609 + cell
    assert 37.68 - cell < lat.min() < lat.max() < 37.681 + cell
    assert lon.size >= 4 * 5


@pytest.mark.requirement("edr10:radius:within-response")
def test_a_circle_has_the_cells_that_are_near(demo: TestClient) -> None:
    found = get(demo, f"{ASKED['radius']}&parameter-name=B05").json()
    axes, range_ = found["domain"]["axes"], found["ranges"]["B05"]
    xs = np.linspace(axes["x"]["start"], axes["x"]["stop"], axes["x"]["num"])
    ys = np.linspace(axes["y"]["start"], axes["y"]["stop"], axes["y"]["num"])
    east, north = Transformer.from_crs(CRS84, UTM, always_xy=True).transform(-75.61, 37.68)
    away = np.hypot(*np.meshgrid(xs - east, ys - north))
    values = np.reshape(np.array(range_["values"], float), range_["shape"])[0].T
    # A cell's corner may be as near as its middle is not, and the projection has a scale.
    assert (away[~np.isnan(values)] < 100 + 15).all()
    assert not np.isnan(values[away < 100 - 15]).any()


@pytest.mark.requirement("edr10:trajectory:coords-response")
def test_a_line_has_the_cells_that_it_crosses(demo: TestClient) -> None:
    found = get(demo, f"{ASKED['trajectory']}&parameter-name=B05").json()
    assert found["domain"]["domainType"] == "Trajectory"
    path = found["domain"]["axes"]["composite"]["values"]
    band = cells(get(demo, f"{ONE}/coverage?f=tiff&properties=B05"))[0]
    place = Transformer.from_crs(CRS84, UTM, always_xy=True)
    for (_, lon, lat), value in zip(path, found["ranges"]["B05"]["values"], strict=True):
        east, north = place.transform(lon, lat)
        assert band[int((BOUNDS[3] - north) / 20), int((east - BOUNDS[0]) / 20)] == value
        # The line is y = x here: its middle cells lie on it.
        assert abs((lat - 37.68) - (lon + 75.61)) < 30 / 88_000


@pytest.mark.requirement("edr10:corridor:width-response")
def test_a_corridor_has_the_cells_beside_the_line(demo: TestClient) -> None:
    found = get(demo, f"{ASKED['corridor']}&parameter-name=B05").json()
    axes, range_ = found["domain"]["axes"], found["ranges"]["B05"]
    xs = np.linspace(axes["x"]["start"], axes["x"]["stop"], axes["x"]["num"])
    ys = np.linspace(axes["y"]["start"], axes["y"]["stop"], axes["y"]["num"])
    place = Transformer.from_crs(CRS84, UTM, always_xy=True)
    start, end = (np.array(place.transform(*at)) for at in ((-75.61, 37.68), (-75.609, 37.681)))
    along = (end - start) / np.hypot(*(end - start))
    beside = np.stack(np.meshgrid(xs, ys), axis=-1) - start
    across = np.abs(beside[..., 0] * along[1] - beside[..., 1] * along[0])
    reach = beside @ along
    within = (reach > 0) & (reach < np.hypot(*(end - start)))
    values = np.reshape(np.array(range_["values"], float), range_["shape"])[0].T
    assert not np.isnan(values[within & (across < 50 - 15)]).any()
    assert np.isnan(values[within & (across > 50 + 15)]).all()


@pytest.mark.requirement("edr10:covjson:content")
@pytest.mark.parametrize("query", QUERIES)
def test_coverage_json(demo: TestClient, query: str) -> None:
    found = get(demo, f"{ASKED[query]}&f=CoverageJSON").json()
    assert found["type"] == "Coverage"
    assert found["domain"]["type"] == "Domain"
    assert {one["type"] for one in found["parameters"].values()} == {"Parameter"}
    for one in found["ranges"].values():
        assert one["type"] == "NdArray"
        assert np.prod(one["shape"]) == len(one["values"])


@pytest.mark.requirement("edr10:geojson:content")
@pytest.mark.requirement("edr10:edr-geojson:content")
def test_geojson(demo: TestClient) -> None:
    reply = get(demo, f"{ASKED['position']}&f=GeoJSON")
    assert reply.headers["content-type"].startswith(GEOJSON)
    found = reply.json()
    (feature,) = found["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [-75.61, 37.68]}
    assert set(found["parameters"]) == {"B05", "B06", "B07", "B8A", "B11", "B12"}
