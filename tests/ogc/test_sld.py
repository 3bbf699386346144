"""Descriptors as clients and desktop programs write them, and what is refused."""

from typing import Any

import pytest

from datacube.errors import InvalidParameterError
from datacube.plan.query import MapLayer
from datacube.render.definition import StyleDefinition, parse_style
from datacube.render.make_style import RequestedStyle
from ogc.sld import parse_sld, read_styles, sld_layers

SLD_1_0 = """<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld"
  xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink">
  <NamedLayer><Name>S2_L2A</Name><UserStyle><Name>mine</Name><Title>Mine</Title>
  <FeatureTypeStyle><Rule><RasterSymbolizer>{}</RasterSymbolizer></Rule></FeatureTypeStyle>
  </UserStyle></NamedLayer></StyledLayerDescriptor>"""
SE_1_1 = """<sld:StyledLayerDescriptor version="1.1.0" xmlns:sld="http://www.opengis.net/sld"
  xmlns:se="http://www.opengis.net/se" xmlns:ogc="http://www.opengis.net/ogc">
  <sld:NamedLayer><se:Name>S2_L2A</se:Name><sld:UserStyle><se:Name>mine</se:Name>
  <se:Description><se:Title>Mine</se:Title></se:Description>
  <se:CoverageStyle><se:Rule><se:RasterSymbolizer>{}</se:RasterSymbolizer></se:Rule>
  </se:CoverageStyle></sld:UserStyle></sld:NamedLayer></sld:StyledLayerDescriptor>"""
ENTRIES = """<ColorMapEntry color="#ff0000" quantity="0" label="low"/>
<ColorMapEntry color="#00ff00" quantity="10.5" opacity="0.5"/>"""
RAMP = [
    {"value": 0, "colour": "#ff0000", "title": "low"},
    {"value": 10.5, "colour": "#00ff0080"},
]


def channel(kind: str, band: str, contrast: str = "") -> str:
    return (
        f"<{kind}Channel><SourceChannelName>{band}</SourceChannelName>"
        f"<ContrastEnhancement>{contrast}</ContrastEnhancement></{kind}Channel>"
    )


def selected(*contrasts: str) -> str:
    kinds = zip(("Red", "Green", "Blue"), ("B04", "B03", "1"), contrasts, strict=True)
    return f"<ChannelSelection>{''.join(channel(*one) for one in kinds)}</ChannelSelection>"


STRETCHED = (
    '<Normalize><VendorOption name="algorithm">StretchToMinimumMaximum</VendorOption>'
    '<VendorOption name="minValue">100</VendorOption>'
    '<VendorOption name="maxValue">3000</VendorOption></Normalize><GammaValue>1.5</GammaValue>'
)


@pytest.mark.parametrize(
    ("template", "symbolizer", "expected"),
    [
        (SLD_1_0, f"<ColorMap>{ENTRIES}</ColorMap>", {"band": "1", "ramp": RAMP}),
        (
            SLD_1_0,
            (
                "<Opacity><ogc:Literal>0.25</ogc:Literal></Opacity>"
                f'<ColorMap type="values">{ENTRIES}</ColorMap>'
            ),
            {"band": "1", "values": RAMP, "opacity": 0.25},
        ),
        (
            SLD_1_0,
            (
                f"<ChannelSelection>{channel('Gray', 'B08')}</ChannelSelection>"
                f'<ColorMap type="intervals">{ENTRIES}</ColorMap>'
            ),
            {
                "band": "B08",
                "intervals": [
                    {"colour": "#ff0000", "title": "low", "high": 0},
                    {"colour": "#00ff0080", "low": 0, "high": 10.5},
                ],
            },
        ),
        (
            SLD_1_0,
            selected(STRETCHED, "<GammaValue>2</GammaValue>", "<Normalize/>"),
            {
                "bands": ["B04", "B03", "1"],
                "stretch": [{"low": 100, "high": 3000, "gamma": 1.5}, {"gamma": 2}, {}],
            },
        ),
        (
            SE_1_1,
            (
                '<se:ColorMap><se:Interpolate fallbackValue="#000000"><se:LookupValue>Rasterdata'
                "</se:LookupValue><se:InterpolationPoint><se:Data>0</se:Data><se:Value>#ff0000"
                "</se:Value></se:InterpolationPoint><se:InterpolationPoint><se:Data>5</se:Data>"
                "<se:Value><ogc:Literal>#0000ff</ogc:Literal></se:Value></se:InterpolationPoint>"
                "</se:Interpolate></se:ColorMap>"
            ),
            {
                "band": "1",
                "ramp": [{"value": 0, "colour": "#ff0000"}, {"value": 5, "colour": "#0000ff"}],
            },
        ),
        (
            SE_1_1,
            (
                "<se:ColorMap><se:Categorize><se:LookupValue>Rasterdata</se:LookupValue>"
                "<se:Value>#111111</se:Value><se:Threshold>0</se:Threshold><se:Value>#222222"
                "</se:Value><se:Threshold>7</se:Threshold><se:Value>#333333</se:Value>"
                "</se:Categorize></se:ColorMap>"
            ),
            {
                "band": "1",
                "intervals": [
                    {"colour": "#111111", "high": 0},
                    {"colour": "#222222", "low": 0, "high": 7},
                    {"colour": "#333333", "low": 7},
                ],
            },
        ),
    ],
)
def test_raster_symbolizers(template: str, symbolizer: str, expected: dict[str, Any]) -> None:
    body = template.format(symbolizer).encode()
    made = {"name": "mine", "title": "Mine", **expected}
    (layer,) = parse_sld(body)
    assert (layer.layer, layer.style) == ("S2_L2A", parse_style(made))
    assert read_styles(body) == ({**made, "for": {"collection": "S2_L2A"}},)


@pytest.mark.parametrize(
    ("symbolizer", "told"),
    [
        (selected("<Histogram/>", "", ""), "Histogram is not offered"),
        ("<ContrastEnhancement><Logarithmic/></ContrastEnhancement>", "Logarithmic"),
        ("<ShadedRelief/>", "ShadedRelief is not offered"),
        ("<ImageOutline/>", "ImageOutline is not offered"),
        ("<OverlapBehavior><AVERAGE/></OverlapBehavior>", "AVERAGE"),
        (f'<ColorMap type="cubic">{ENTRIES}</ColorMap>', "'cubic' is not offered"),
        ('<ColorMap><ColorMapEntry color="#ff0000" quantity="x"/></ColorMap>', "'x' is no number"),
        ('<ColorMap><ColorMapEntry color="red" quantity="1"/></ColorMap>', "style 'mine'"),
        ('<ColorMap><ColorMapEntry color="#ff0000" quantity="nan"/></ColorMap>', "no number"),
        (f"{selected('', '', '')}<ColorMap>{ENTRIES}</ColorMap>", "one channel"),
        ("<ChannelSelection/>", "ChannelSelection needs"),
        ("<Opacity>2</Opacity>", "maximum of 1"),
        ("<Opacity><ogc:PropertyName>x</ogc:PropertyName></Opacity>", "literal values"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(symbolizer: str, told: str) -> None:
    with pytest.raises(InvalidParameterError, match=told):
        parse_sld(SLD_1_0.format(symbolizer).encode())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "not XML"),
        ("<a>", "not XML"),
        ("<a/>", "the root is 'a'"),
        ("<StyledLayerDescriptor/>", "no NamedLayer"),
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + SLD_1_0[39:].format("&e;"),
            "document type",
        ),
        (
            SLD_1_0.replace("<RasterSymbolizer>{}</RasterSymbolizer>", "<PolygonSymbolizer/>"),
            "PolygonSymbolizer is not offered",
        ),
        (
            SLD_1_0.replace("<Rule>", "<Rule><MinScaleDenominator>1</MinScaleDenominator>"),
            "MinScaleDenominator",
        ),
        (SLD_1_0.replace("<RasterSymbolizer>{}</RasterSymbolizer>", ""), "0 RasterSymbolizers"),
    ],
)
def test_what_is_no_descriptor_is_refused(body: str, told: str) -> None:
    with pytest.raises(InvalidParameterError, match=told):
        parse_sld(body.encode())


BODY = SLD_1_0.format(f"<ColorMap>{ENTRIES}</ColorMap>")


def style_of(layer: MapLayer) -> str:
    if isinstance(layer.style, RequestedStyle):
        return f"own {layer.style.definition.name}"
    assert isinstance(layer.style, str)
    return layer.style


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((), [("S2_L2A", "own mine")]),
        ((("S2_L2A", ""),), [("S2_L2A", "own mine")]),
        ((("S2_L2A", "mine"),), [("S2_L2A", "own mine")]),
        ((("S2_L2A", "ndvi"),), [("S2_L2A", "ndvi")]),
        ((("DEM", ""), ("S2_L2A", "")), [("DEM", ""), ("S2_L2A", "own mine")]),
    ],
)
def test_a_descriptor_in_a_request(
    asked: tuple[tuple[str, str], ...], found: list[tuple[str, str]]
) -> None:
    layers = tuple(MapLayer(layer=layer, style=style) for layer, style in asked)
    made = sld_layers(BODY, layers, most=3)
    assert [(layer.layer, style_of(layer)) for layer in made] == found


def test_named_styles_and_too_many_layers() -> None:
    named = "<NamedLayer><Name>{}</Name><NamedStyle><Name>ndvi</Name></NamedStyle></NamedLayer>"
    body = f"<StyledLayerDescriptor>{named.format('a')}{named.format('b')}</StyledLayerDescriptor>"
    assert [style_of(one) for one in sld_layers(body, (), most=2)] == ["ndvi", "ndvi"]
    assert not any(isinstance(one.style, StyleDefinition) for one in parse_sld(body.encode()))
    with pytest.raises(InvalidParameterError, match="2 layers; allowed are 1"):
        sld_layers(body, (), most=1)
    with pytest.raises(InvalidParameterError, match="no UserStyle"):
        read_styles(body.encode())
