import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.plan.names import is_time
from datacube.plan.query import (
    Coverage,
    Encode,
    Method,
    Scale,
    ScaleFactor,
    ScaleSize,
    SelectBands,
    Slice,
    Subset,
    Trim,
    Warp,
)
from datacube.times import parse_period
from ogc.crs import parse_crs
from ogc.kvp import Kvp
from ogc.wcs.client import render_get_coverage
from ogc.wcs.get_coverage import GetCoverage, handle, parse
from tests.ogc.fakes import Client

BASE = "service=WCS&version=2.0.1&request=GetCoverage&coverageId=S2_L2A_32633"

METHODS = "http://www.opengis.net/def/interpolation/OGC"


def _parse(more: str) -> GetCoverage:
    return parse(Kvp.parse(f"{BASE}&{more}"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E(1.5,2)", Trim(axis="E", low=1.5, high=2.0)),
        ("E(*,2)", Trim(axis="E", low=None, high=2.0)),
        ('E("1","2")', Trim(axis="E", low=1.0, high=2.0)),
        (" E ( 1 , 2 ) ", Trim(axis="E", low=1.0, high=2.0)),
        ("E(1)", Slice(axis="E", at=1.0)),
        ("E,CRS:1(3,4)", Trim(axis="E", low=3.0, high=4.0, grid_indices=True)),
        ("E,CRS:1(-3)", Slice(axis="E", at=-3.0, grid_index=True)),
        (
            "Lat,http://www.opengis.net/def/crs/EPSG/0/4326(47,48)",
            Trim(axis="Lat", low=47.0, high=48.0, crs=parse_crs("EPSG:4326")),
        ),
        ('ansi(""2022-12-11"")', Slice(axis="ansi", at=parse_period("2022-12-11"))),
        ('ansi("2022-12-11")', Slice(axis="ansi", at=parse_period("2022-12-11"))),
        ("ansi(153744.5)", Slice(axis="ansi", at=parse_period("2021-12-08T12:00:00Z"))),
        (
            'ansi,http://www.opengis.net/def/crs/OGC/0/AnsiDate("2022-12","2023")',
            Trim(axis="ansi", low=parse_period("2022-12"), high=parse_period("2023")),
        ),
        ("time(2022)", Slice(axis="time", at=parse_period("2022"))),
        (
            'ansi("2022-12-01",*)',
            Trim(axis="ansi", low=parse_period("2022-12-01"), high=None),
        ),
    ],
)
def test_subsets(text: str, expected: Trim | Slice) -> None:
    request = parse(Kvp(pairs=(("coverageid", "c"), ("subset", text))))
    assert request.subsets == (expected,)


def test_what_gdal_sends_with_a_slice_of_time() -> None:
    request = _parse(
        "SUBSET=E%28399960,400060%29&SUBSET=N%285190240,5190340%29"
        "&SUBSET2=ansi%28%222022-12-11%22%29&SCALESIZE=E%285%29,N%2810%29&Format=image/tiff"
    )
    assert [type(subset).__name__ for subset in request.subsets] == ["Trim", "Trim", "Slice"]
    assert request.scaling == (ScaleSize(axis="E", size=5), ScaleSize(axis="N", size=10))


def test_the_subsetting_crs_stands_beside_the_subsets() -> None:
    request = _parse('subset=E(1,2)&subset=ansi("2022-12-11")&subsettingcrs=EPSG:4326')
    assert request.subsetting_crs == parse_crs("EPSG:4326")
    assert [subset.crs for subset in request.subsets] == [None, None]


@pytest.mark.parametrize(
    ("more", "crs"),
    [
        ("", None),
        ("subsettingcrs=EPSG:4326", 4326),
        ("outputcrs=urn:ogc:def:crs:EPSG::3857", 3857),
        ("subsettingcrs=EPSG:4326&outputcrs=http://www.opengis.net/def/crs/EPSG/0/3857", 3857),
    ],
)
def test_the_output_is_in_the_subsettings_crs_by_default(more: str, crs: int | None) -> None:
    source = handle(_parse(f"scalefactor=2&{more}")).source
    assert isinstance(source, Scale if crs is None else Warp)
    assert source.by == (ScaleFactor(factor=2.0),)
    if isinstance(source, Warp):
        assert source.crs == parse_crs(f"EPSG:{crs}")


@pytest.mark.parametrize(
    ("more", "method"),
    [
        ("", Method.NEAREST),
        ("interpolation=linear", Method.LINEAR),
        (
            "interpolation=http://www.opengis.net/def/interpolation/OGC/1/nearest-neighbor",
            "nearest",
        ),
        (f"interpolation={METHODS}/1.0/cubic", Method.CUBIC),
    ],
)
def test_methods(more: str, method: Method) -> None:
    assert _parse(more).method == method


@pytest.mark.parametrize(
    ("more", "method", "methods"),
    [
        (
            "interpolationperaxis=E,linear&interpolationperaxis=N,cubic",
            Method.NEAREST,
            (("E", Method.LINEAR), ("N", Method.CUBIC)),
        ),
        (
            "interpolation=average&interpolationperaxis=ansi,nearest-neighbor",
            Method.AVERAGE,
            (("ansi", Method.NEAREST),),
        ),
        (
            f"interpolation=E:{METHODS}/1/linear,N:{METHODS}/1/cubic",
            Method.NEAREST,
            (("E", Method.LINEAR), ("N", Method.CUBIC)),
        ),
        (
            "interpolationPerAxis0=N,mode&interpolationPerAxis1=E,mode",
            Method.NEAREST,
            (("N", Method.MODE), ("E", Method.MODE)),
        ),
    ],
)
def test_methods_of_axes(
    more: str, method: Method, methods: tuple[tuple[str, Method], ...]
) -> None:
    asked = _parse(more)
    assert (asked.method, asked.methods) == (method, methods)


def test_the_order_of_the_query_is_cut_choose_scale() -> None:
    request = _parse(
        "subset=E(1,2)&rangesubset=B08,B02:B04,0,*&scalefactor=.5&interpolation=average"
    )
    assert handle(request) == Encode(
        source=Scale(
            source=SelectBands(
                source=Subset(
                    source=Coverage(coverage_id="S2_L2A_32633"),
                    subsets=(Trim(axis="E", low=1.0, high=2.0),),
                ),
                bands=("B08", "B02:B04", "0", "*"),
            ),
            by=(ScaleFactor(factor=0.5),),
            method=Method.AVERAGE,
        ),
        media_type="image/tiff",
    )


def test_a_scale_extent_gives_sizes() -> None:
    assert _parse("scaleextent=E(10:19),N(-5:4)").scaling == (
        ScaleSize(axis="E", size=10, first=10),
        ScaleSize(axis="N", size=10, first=-5),
    )


@pytest.mark.parametrize(
    ("more", "code", "status"),
    [
        ("subset=E", "InvalidSubsetting", 404),
        ("subset=E(1,2,3)", "InvalidSubsetting", 404),
        ("subset=E(2,1)", "InvalidSubsetting", 404),
        ("subset=E(one)", "InvalidSubsetting", 404),
        ("subset=E(1e999)", "InvalidSubsetting", 404),
        ("subset=ansi(1e99)", "InvalidSubsetting", 404),
        ("subset=ansi(-1e9)", "InvalidSubsetting", 404),
        ("subset=E,CRS:1(0.5,1)", "InvalidSubsetting", 404),
        ('subset=ansi("2022-13")', "InvalidSubsetting", 404),
        ("subset=E,EPSG:1(1,2)", "SubsettingCrs-NotSupported", 404),
        ("subset=E(1)&subset=e(2)", "InvalidAxisLabel", 404),
        ("rangesubset=B02,,B03", "IllegalFieldSequence", 400),
        ("scalefactor=0", "InvalidScaleFactor", 404),
        ("scalefactor=nan", "InvalidScaleFactor", 404),
        ("scaleaxes=E(-1)", "InvalidScaleFactor", 404),
        ("scalesize=E(0)", "InvalidScaleFactor", 404),
        ("scalesize=E(1),E(2)", "InvalidScaleFactor", 404),
        ("scalesize=E(1", "InvalidScaleFactor", 404),
        ("scaleextent=E(9:1)", "InvalidExtent", 404),
        ("scalefactor=2&scalesize=E(1)", "InvalidScaleFactor", 404),
        ("format=image/gif", "InvalidParameterValue", 400),
        ("mediatype=multipart/mixed", "InvalidParameterValue", 400),
        ("outputcrs=EPSG:1", "OutputCrs-NotSupported", 404),
        ("outputcrs=nonsense", "OutputCrs-NotSupported", 404),
        ("subsettingcrs=EPSG:99999", "SubsettingCrs-NotSupported", 404),
        ("coverageid=other", "InvalidParameterValue", 400),
        ("outputtype=Swath", "InvalidParameterValue", 400),
        ("interpolation=", "InterpolationMethodNotSupported", 404),
        ("interpolation=E:linear,cubic", "InterpolationMethodNotSupported", 404),
        ("interpolation=E:linear,N:none", "InterpolationMethodNotSupported", 404),
        ("interpolationperaxis=E", "InvalidParameterValue", 400),
        ("interpolation=lost-area", "InterpolationMethodNotSupported", 404),
        ("as_of=8", "InvalidParameterValue", 404),
    ],
)
def test_bad_values_are_told_in_the_format_of_ows(
    client: Client, more: str, code: str, status: int
) -> None:
    reply = client.get(f"{BASE}&{more}")
    assert isinstance(reply.body, bytes)
    assert (reply.status, reply.media_type) == (status, "text/xml")
    assert f'exceptionCode="{code}"'.encode() in reply.body


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("image/tiff", "image/tiff"),
        ("IMAGE/GeoTIFF", "image/tiff"),
        ("image/tiff; application=geotiff", "image/tiff"),
        ("application/x-netcdf", "application/netcdf"),
    ],
)
def test_formats(text: str, media_type: str) -> None:
    assert _parse(f"format={text}").media_type == media_type


AXES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
NUMBERS = st.floats(-1e9, 1e9)
PERIODS = st.dates().map(lambda day: parse_period(day.isoformat()))
CRSS = st.sampled_from([None, parse_crs("EPSG:4326"), parse_crs("CRS:84"), parse_crs("EPSG:32633")])


@st.composite
def subsets(draw: st.DrawFn) -> Trim | Slice:
    # On axes of time numbers are days.
    axis = draw(AXES.filter(lambda name: not is_time(name) and name.casefold() != "unix"))
    indices = draw(st.booleans())
    numbers = st.integers(-1000, 1000).map(float) if indices else NUMBERS
    crs = None if indices else draw(CRSS)
    if draw(st.booleans()):
        at = draw(numbers if indices else st.one_of(numbers, PERIODS))
        return Slice(axis=axis, at=at, crs=crs, grid_index=indices)
    low, high = sorted((draw(numbers), draw(numbers)))
    return Trim(
        axis=axis,
        low=draw(st.sampled_from([low, None])),
        high=draw(st.sampled_from([high, None])),
        crs=crs,
        grid_indices=indices,
    )


FACTORS = st.floats(1e-5, 1e5)


@st.composite
def extents(draw: st.DrawFn) -> tuple[ScaleSize, ...]:
    axes = draw(st.lists(AXES.map(str.upper), min_size=1, max_size=3, unique=True))
    return tuple(
        ScaleSize(
            axis=axis, size=draw(st.integers(1, 10**6)), first=draw(st.integers(-(10**6), 10**6))
        )
        for axis in axes
    )


SCALINGS = st.one_of(
    extents(),
    st.just(()),
    FACTORS.map(lambda factor: (ScaleFactor(factor=factor),)),
    st.dictionaries(AXES.map(str.upper), FACTORS, min_size=1, max_size=3).map(
        lambda factors: tuple(ScaleFactor(axis=a, factor=f) for a, f in factors.items())
    ),
    st.dictionaries(AXES.map(str.upper), st.integers(1, 10**6), min_size=1, max_size=3).map(
        lambda sizes: tuple(ScaleSize(axis=a, size=s) for a, s in sizes.items())
    ),
)
REQUESTS = st.builds(
    GetCoverage,
    coverage_id=AXES,
    subsets=st.lists(subsets(), max_size=3, unique_by=lambda s: s.axis.casefold()).map(tuple),
    bands=st.lists(AXES, max_size=3).map(tuple),
    scaling=SCALINGS,
    subsetting_crs=CRSS,
    output_crs=CRSS,
    method=st.sampled_from(Method),
    methods=st.lists(
        st.tuples(AXES, st.sampled_from(Method)), max_size=2, unique_by=lambda m: m[0].casefold()
    ).map(tuple),
    media_type=st.sampled_from(["", "image/tiff", "application/netcdf"]),
    multipart=st.booleans(),
    general=st.booleans(),
)


@given(REQUESTS)
def test_what_the_client_renders_the_server_reads(request: GetCoverage) -> None:
    assert parse(Kvp.parse(render_get_coverage(request))) == request
