"""Any combination of parameters of versions before 2.0 is answered or refused, never failed at."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ogc.wcs.conftest import Asker

COVERAGES = st.sampled_from(["A", "T", "U", "W", "G", "P", "nowhere", "T..x"])
CRSS = st.sampled_from(
    ["EPSG:4326", "EPSG:3857", "EPSG:32633", "EPSG:3031", "CRS:84", "EPSG:4978", "x", ""]
)
NUMBERS = ["0", "-200", "5", "10", "30", "1e300", "-1e300", "1e-300", "nan", "500000", "5198000"]
BOXES = st.lists(st.sampled_from(NUMBERS), min_size=4, max_size=4).map(",".join)
SIZES = st.sampled_from(["1", "7", "40", "0", "-1", "99999999999", "x"])
STEPS = st.sampled_from(["0.5", "1", "100", "1e300", "1e-300", "-1", "0"])
TIMES = st.sampled_from(["2020-01-01", "2020", "2020-01-01/2021", "2021/2020", "a/b/c/d", "2023"])
OLDEST = st.one_of(
    st.builds("width={}&height={}".format, SIZES, SIZES),
    st.builds("resx={}&resy={}".format, STEPS, STEPS),
    CRSS.map("response_crs={}".format),
    TIMES.map("time={}".format),
    st.sampled_from(["b4", "b8,b4", "*", "0", "zz"]).map("band={}".format),
    st.sampled_from(["bilinear", "bicubic", "none"]).map("interpolation={}".format),
    st.sampled_from(["2", "3", "nan"]).map("dim_height={}".format),
)
OLD = st.one_of(
    CRSS.map("gridbasecrs={}".format),
    st.builds("gridoffsets={},{}".format, STEPS, STEPS),
    st.builds("gridoffsets=0,{},{},0".format, STEPS, STEPS),
    st.builds("gridorigin={},{}".format, st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
    TIMES.map("timesequence={}".format),
    st.sampled_from(["contents", "contents:linear", "contents[bands[b4]]", "x"]).map(
        "rangesubset={}".format
    ),
)
OLDEST_QUERIES = st.builds(
    "version=1.0.0&format=GeoTIFF&coverage={}&bbox={}&crs={}&{}".format,
    COVERAGES,
    BOXES,
    CRSS,
    st.lists(OLDEST, max_size=4, unique_by=lambda one: one.partition("=")[0]).map("&".join),
)
OLD_QUERIES = st.builds(
    "version=1.1.1&format=image/tiff&identifier={}&boundingbox={},{}&{}".format,
    COVERAGES,
    BOXES,
    CRSS,
    st.lists(OLD, max_size=4, unique_by=lambda one: one.partition("=")[0]).map("&".join),
)


@given(query=st.one_of(OLDEST_QUERIES, OLD_QUERIES))
@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_request_fails_the_server(asker: Asker, query: str) -> None:
    reply = asker.get(f"service=WCS&request=GetCoverage&{query}")
    assert reply.status in {200, 400, 413}, (reply.status, reply.body)
