import pytest
from pyproj import CRS, Transformer

from datacube.errors import UnknownNameError
from datacube.grid import crs_url, northing_first
from ogc.crs import beyond_world, lonlat_bbox, parse_crs, wms_name
from tests.ogc.fakes import utm_coverage


@pytest.mark.parametrize(
    ("text", "epsg"),
    [
        ("EPSG:32633", 32633),
        ("epsg:4326", 4326),
        ("EPSG:102100", 3857),
        ("EPSG:900913", 3857),
        ("urn:ogc:def:crs:EPSG::4326", 4326),
        ("urn:ogc:def:crs:EPSG:9.1:4326", 4326),
        ("http://www.opengis.net/def/crs/EPSG/0/3035", 3035),
        ("https://www.opengis.net/def/crs/EPSG/0/3035", 3035),
    ],
)
def test_names_of_codes(text: str, epsg: int) -> None:
    assert parse_crs(text).to_epsg() == epsg


@pytest.mark.parametrize(
    "text", ["CRS:84", "OGC:CRS84", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"]
)
def test_names_of_crs84(text: str) -> None:
    assert wms_name(parse_crs(text)) == "CRS:84"
    assert crs_url(parse_crs(text)) == "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EPSG:",
        "EPSG:999999",
        "EPSG:4979",  # three axes
        "EPSG:5773",  # heights
        "CRS:83",
        "+proj=longlat",
        "PROJCRS[]",
        "EPSG:4326+5773",
        "file:///etc/passwd",
        "EPSG:٣٢٦٣٣",
    ],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(UnknownNameError):
        parse_crs(text)


@pytest.mark.parametrize(
    ("epsg", "northing"),
    [(4326, True), (3857, False), (32633, False), (3035, True), (31467, True), (3413, False),
     (32661, True), (4258, True), (2154, False)],
)  # fmt: skip
def test_axis_order_is_that_of_proj(epsg: int, northing: bool) -> None:  # noqa: FBT001 parametrised
    crs = CRS.from_epsg(epsg)
    assert northing_first(crs) is northing
    # PROJ's own order: the transformer that does not normalise swaps what we call swapped.
    area = crs.area_of_use
    assert area is not None
    middle = ((area.west + area.east) / 2, (area.south + area.north) / 2)
    plain = Transformer.from_crs("OGC:CRS84", crs).transform(*middle)
    normal = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(*middle)
    assert plain == pytest.approx(normal[::-1] if northing else normal)


def test_boxes_beyond_the_world() -> None:
    plate, mercator = CRS.from_epsg(4326), CRS.from_epsg(3857)
    assert beyond_world(plate, (0, 91, 10, 100))
    assert beyond_world(plate, (400, 0, 410, 10))
    assert not beyond_world(plate, (-200, -100, 200, 100))
    assert beyond_world(mercator, (5e7, 0, 6e7, 1e6))
    assert not beyond_world(mercator, (1.9e7, 0, 2.2e7, 1e6))


def test_hull_of_a_utm_grid_in_degrees() -> None:
    grid = utm_coverage().grid
    west, south, east, north = lonlat_bbox(grid)
    to_utm = Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True)
    for x, y in [(399_960, 5_190_240), (509_760, 5_300_040), (399_960, 5_300_040)]:
        lon, lat = to_utm.transform(x, y, direction="INVERSE")
        assert west - 1e-9 <= lon <= east + 1e-9
        assert south - 1e-9 <= lat <= north + 1e-9
