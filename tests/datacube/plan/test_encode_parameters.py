import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.encode_parameters import parse_parameters
from datacube.plan.encoding import ColourMap, ColourMapKind, EncodeParameters, GeoReference
from datacube.plan.formats import QUERY_FORMATS, media_type


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EncodeParameters()),
        ("  ", EncodeParameters()),
        ("{}", EncodeParameters()),
        ('{"nodata": [0]}', EncodeParameters(nodata=(0.0,))),
        ('{"nodata": -9999}', EncodeParameters(nodata=(-9999.0,))),
        ('{"NoData": [0, 1, 2]}', EncodeParameters(nodata=(0.0, 1.0, 2.0))),
        ("NODATA=0,0,0", EncodeParameters(nodata=(0.0, 0.0, 0.0))),
        ('nodata="0";', EncodeParameters(nodata=(0.0,))),
        (
            "outputType=GeneralGridCoverage",
            EncodeParameters(output_type="GeneralGridCoverage"),
        ),
        (
            "nodata=1,2,OUTPUTTYPE=generalgridcoverage",
            EncodeParameters(nodata=(1.0, 2.0), output_type="GeneralGridCoverage"),
        ),
        (
            "QUALITY=90;reversible=NO",
            EncodeParameters(options=(("QUALITY", "90"), ("REVERSIBLE", "NO"))),
        ),
        ('{"transpose": [0, 1]}', EncodeParameters(transpose=(0, 1))),
        ('{"metadata": "made by me"}', EncodeParameters(metadata=(("metadata", "made by me"),))),
        (
            '{"metadata": {"b": 2, "a": {"x": [1]}}}',
            EncodeParameters(metadata=(("a", '{"x": [1]}'), ("b", "2"))),
        ),
        (
            '{"formatParameters": {"quality": 80}, "configOptions": {"GDAL_X": "YES"}}',
            EncodeParameters(options=(("GDAL_X", "YES"), ("QUALITY", "80"))),
        ),
        (
            '{"geoReference": {"crs": "EPSG:4326", "bbox": [1, 2, 3, 4]}}',
            EncodeParameters(geo_reference=GeoReference(crs="EPSG:4326", bbox=(1, 2, 3, 4))),
        ),
        (
            '{"geoReference": {"GCPs": [{"id": "1", "pixel": 0, "line": 1, "x": 10, "y": 20}]}}',
            EncodeParameters(geo_reference=GeoReference(gcps=((0, 1, 10, 20),))),
        ),
        (
            '{"colorMap": {"type": "ramp", "colorTable": {"20": [255, 0, 0], "-1.5": [0,0,9,7]}}}',
            EncodeParameters(
                colour_map=ColourMap(
                    kind=ColourMapKind.RAMP, colours=((-1.5, (0, 0, 9, 7)), (20, (255, 0, 0, 255)))
                )
            ),
        ),
        (
            '{"colorPalette": {"type": "RGB", "colors": [[1, 2, 3], 9]}}',
            EncodeParameters(palette=((1, 2, 3, 255), (9, 9, 9, 255))),
        ),
        (
            '{"dimensions": ["time", "E"], "variables": ["red"]}',
            EncodeParameters(dimensions=("time", "E"), variables=("red",)),
        ),
        (
            '{"variables": {"v": {"type": "data", "metadata": {"units": "K"}, "name": "T"}}}',
            EncodeParameters(
                variables=("v",), variable_metadata=(("v", (("long_name", "T"), ("units", "K"))),)
            ),
        ),
    ],
)
def test_parameters(text: str, expected: EncodeParameters) -> None:
    assert parse_parameters(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"nodatta": 0}', "unknown key 'nodatta'; allowed: transpose, nodata, metadata"),
        ('{"nodata": ["x"]}', "nodata holds numbers, not 'x'"),
        ('{"nodata": [true]}', "nodata holds numbers, not 'True'"),
        ('{"nodata": []}', "nodata is empty"),
        ('{"nodata": 0', "no JSON"),
        ('{"nodata": ' + "[" * 100_000, "no JSON"),
        ("[1]", "neither JSON nor"),
        ('{"transpose": [0, 0]}', "two different positions"),
        ('{"transpose": [0]}', "two different positions"),
        ('{"transpose": [0, 1.5]}', "two different positions"),
        ('{"metadata": [1]}', "metadata is a text or an object"),
        (
            '{"colorMap": {"type": "steps", "colorTable": {"0": [0, 0, 0]}}}',
            "allowed: values, intervals, ramp",
        ),
        ('{"colorMap": {"type": "ramp", "colorTable": {}}}', "1 to 65536 colours"),
        (
            '{"colorMap": {"type": "ramp", "colorTable": {"a": [0, 0, 0]}}}',
            "holds numbers, not 'a'",
        ),
        ('{"colorMap": {"type": "ramp", "colorTable": {"1": [0, 0, 256]}}}', "each 0 to 255"),
        ('{"colorPalette": {"type": "CMYK", "colors": [[1, 2, 3]]}}', "allowed: RGB, Gray"),
        (
            '{"geoReference": {"bbox": {"xmin": 3, "ymin": 2, "xmax": 1, "ymax": 4}}}',
            "holds nothing",
        ),
        ('{"geoReference": {"where": 1}}', "allowed: crs, bbox, GCPs"),
        ('{"geoReference": {"GCPs": [{"pixel": 1}]}}', "holds numbers, not 'None'"),
        ('{"outputType": "Grid"}', "allowed: GridCoverage, GeneralGridCoverage"),
        ('{"variables": 1}', "list of names or an object"),
        ("nodata", "neither JSON nor"),
        ("{" + " " * 1_000_000 + "}", "1000002 characters; allowed are 1000000"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        parse_parameters(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = ["transpose", "nodata", "metadata", "formatParameters", "geoReference", "colorMap"]
_KEYS += ["colorPalette", "dimensions", "variables", "outputType"]


@given(key=st.sampled_from(_KEYS), value=_JSON, extra=st.text(max_size=20))
def test_nothing_but_a_request_error_leaves(key: str, value: object, extra: str) -> None:
    for text in (json.dumps({key: value}), extra, f"{key}={extra}"):
        try:
            parse_parameters(text)
        except InvalidParameterError as error:
            assert "parameters of encode" in str(error)  # noqa: PT017 either outcome is right


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PNG", "image/png"),
        ("jpg", "image/jpeg"),
        ("GTiff", "image/tiff"),
        ("image/tiff;application=geotiff", "image/tiff"),
        ("nc", "application/netcdf"),
        ("application/x-netcdf", "application/netcdf"),
        ("JPEG2000", "image/jp2"),
        ("gml", "application/gml+xml"),
        ("covjson", "application/prs.coverage+json"),
        ("text/csv", "text/csv"),
    ],
)
def test_media_types(written: str, meant: str) -> None:
    assert media_type(written) == meant


def test_an_unknown_format_lists_what_is_offered() -> None:
    with pytest.raises(
        UnknownNameError, match="unknown format 'bmp'; offered: image/tiff"
    ) as caught:
        media_type("bmp")
    assert all(name in str(caught.value) for name in QUERY_FORMATS)
