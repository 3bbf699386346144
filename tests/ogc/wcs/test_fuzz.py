"""Any combination of parameters is answered or refused in the words of the service."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ogc.wcs.names import FORMATS, PROFILES
from tests.ogc.wcs.conftest import Asker

COVERAGES = st.sampled_from(["A", "B", "T", "G", "L", "P", "W", "U", "A_1", "nowhere"])
AXES = st.sampled_from(["Lat", "Lon", "ansi", "E", "N", "height", "i", "j", "x", "Q"])
NUMBERS = st.sampled_from(["0", "3", "5.5", "12", "30", "-7", "450000", "5200000", "1e300", "*"])
TIMES = st.sampled_from(['"2020-01-01"', '"2020"', '"2020-02"', '"1999"', "*"])
BOUNDS = st.one_of(NUMBERS, TIMES)
CRSS = st.sampled_from(
    ["EPSG:4326", "EPSG:3857", "EPSG:32633", "EPSG:3035", "EPSG:3031", "CRS:84", "EPSG:4978", "x"]
)
METHODS = st.sampled_from(
    ["nearest", "linear", "cubic", "average", "mode", "lanczos", "med", "quadratic"]
)
SUBSETS = st.one_of(
    st.builds("{}({},{})".format, AXES, BOUNDS, BOUNDS),
    st.builds("{}({})".format, AXES, BOUNDS),
    st.builds("{},{}({},{})".format, AXES, CRSS, NUMBERS, NUMBERS),
    st.builds("{},CRS:1({},{})".format, AXES, NUMBERS, NUMBERS),
)
SIZES = st.sampled_from(["1", "7", "40", "0", "-1"])
SCALINGS = st.one_of(
    st.builds("scalefactor={}".format, st.sampled_from(["0.1", "0.5", "2", "0", "1e5", "x"])),
    st.builds("scaleaxes={}({})".format, AXES, st.sampled_from(["0.3", "2", "-1"])),
    st.builds("scalesize={}({}),{}({})".format, AXES, SIZES, AXES, SIZES),
    st.builds("scaleextent={}({}:{})".format, AXES, SIZES, SIZES),
)
OPTIONS = st.one_of(
    SUBSETS.map("subset={}".format),
    SUBSETS.map("subset={}".format),
    SCALINGS,
    CRSS.map("subsettingcrs={}".format),
    CRSS.map("outputcrs={}".format),
    METHODS.map("interpolation={}".format),
    st.builds("interpolationperaxis={},{}".format, AXES, METHODS),
    st.sampled_from(["u", "v", "v,u", "u:v", "0", "*", "b", "v,,u"]).map("rangesubset={}".format),
    st.sampled_from([*FORMATS, "image/gif"]).map(lambda f: f"format={f.replace('+', '%2B')}"),
    st.sampled_from(["multipart/related", "x"]).map("mediatype={}".format),
    st.sampled_from(["2.0.1", "2.1.0", "2.0"]).map("version={}".format),
    st.sampled_from(["GridCoverage", "GeneralGridCoverage"]).map("outputtype={}".format),
)
CODES = re.compile(
    r"(NoSuchCoverage|Invalid\w+|NoSuchField|IllegalFieldSequence|SubsettingCrs-NotSupported"
    r"|OutputCrs-NotSupported|ScaleAxisUndefined|InterpolationMethodNotSupported|NoApplicableCode)"
)


def _key(option: str) -> str:
    """Return what may stand once in a query: a parameter, or the subset of an axis."""
    return option.replace(",", "(").split("(" if option.startswith("subset=") else "=")[0]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(COVERAGES, st.lists(OPTIONS, max_size=5, unique_by=_key))
def test_every_get_coverage_is_answered_or_refused(
    asker: Asker, coverage: str, options: list[str]
) -> None:
    query = "&".join([f"service=WCS&request=GetCoverage&coverageid={coverage}", *options])
    reply = asker.get(query)
    if reply.status == 200:
        return
    assert reply.status in (400, 404, 413), (query, reply.body)
    assert isinstance(reply.body, bytes)
    (exception,) = etree.fromstring(reply.body)
    assert CODES.fullmatch(str(exception.get("exceptionCode"))), (query, reply.body)


def test_profiles_are_listed_once() -> None:
    assert len(set(PROFILES)) == len(PROFILES)
