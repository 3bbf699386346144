"""Valid requests of every service, as parameters and as XML, and ways to spoil them."""

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from lxml import etree

type Pairs = list[tuple[str, str]]
type Draw = Callable[..., Any]

MAP = (
    "service=WMS version=1.3.0 request=GetMap layers=S2_L2A styles=ndvi crs=EPSG:4326 "
    "bbox=45.2,22.145,45.21,22.16 width=32 height=24 format=image/png time=2019-04-07"
)
OLD_MAP = (
    "service=WMS version=1.1.1 request=GetMap layers=S2_L2A styles=scl srs=EPSG:3857 "
    "bbox=2465200,5651900,2466800,5653500 width=24 height=24 format=image/gif transparent=TRUE "
    "bgcolor=0xFF0000 exceptions=application/vnd.ogc.se_inimage time=2019-04-01/2019-04-30"
)
COVERAGE = "coverageid=S2_L2A_3035 subset=E(5272100,5272300) subset=N(2532300,2532500)"
REQUESTS = (
    "service=WMS request=GetCapabilities updatesequence=0",
    MAP,
    OLD_MAP,
    MAP.replace("GetMap", "GetFeatureInfo")
    + " query_layers=S2_L2A info_format=application/json i=4 j=5 feature_count=2",
    OLD_MAP.replace("GetMap", "GetFeatureInfo")
    + " query_layers=S2_L2A info_format=text/plain x=4 y=5",
    "service=WMS version=1.3.0 request=GetLegendGraphic layer=S2_L2A style=ndvi format=image/png",
    MAP.replace("styles=ndvi", "styles=wcps(0,4000):$c.B08-$c.B04"),
    (
        "service=WMTS version=1.0.0 request=GetTile layer=S2_L2A style=ndvi format=image/png "
        "tilematrixset=WebMercatorQuad tilematrix=14 tilerow=5880 tilecol=9200 time=2019-04-07"
    ),
    (
        "service=WMTS version=1.0.0 request=GetFeatureInfo layer=S2_L2A style=ndvi "
        "format=image/png "
        "tilematrixset=WebMercatorQuad tilematrix=14 tilerow=5880 tilecol=9200 time=2019-04-07 "
        "i=9 j=9 infoformat=application/json"
    ),
    "service=WMTS request=GetCapabilities acceptversions=1.0.0 sections=Contents",
    "service=WCS request=GetCapabilities acceptversions=2.0.1,1.1.1 sections=Contents",
    "service=WCS version=2.0.1 request=DescribeCoverage coverageid=S2_L2A_3035",
    (
        "service=WCS version=2.1.0 request=GetCoverage outputtype=GeneralGridCoverage "
        "format=application/gml+xml coverageid=S2_L2A_3035_20m subset=N(2532300,2532400) "
        'subset=ansi("2019-04-07")'
    ),
    (
        f'service=WCS version=2.0.1 request=GetCoverage {COVERAGE} subset=ansi("2019-04-07") '
        "rangesubset=B04,B08 scalefactor=0.5 interpolation=linear format=image/tiff"
    ),
    (
        f"service=WCS version=2.0.1 request=GetCoverage {COVERAGE} "
        'subset=ansi("2019-04","2019-06") '
        "outputcrs=EPSG:4326 scalesize=E(8),N(9) mediatype=multipart/related"
    ),
    (
        "service=WCS version=2.0.1 request=DescribeEOCoverageSet eoid=S2_L2A_3035 "
        'containment=overlaps count=2 subset=phenomenonTime("2019-04","2019-06")'
    ),
    (
        "service=WCS version=2.0.1 request=ProcessCoverages "
        "query=for&$c&in&(S2_L2A_3035)&return&count($c.B04>0)"
    ),
    (
        "service=WCS version=1.0.0 request=GetCoverage coverage=S2_L2A_3035 crs=EPSG:3035 "
        "bbox=5272000,2532100,5272400,2532500 width=20 height=20 format=GeoTIFF time=2019-04-07"
    ),
    "service=WCS version=1.0.0 request=DescribeCoverage coverage=S2_L2A_3035",
    (
        "service=WCS version=1.1.1 request=GetCoverage identifier=S2_L2A_3035 format=image/tiff "
        "boundingbox=5272000,2532100,5272400,2532500,urn:ogc:def:crs:EPSG::3035 "
        "timesequence=2019-04-07 rangesubset=contents:nearest"
    ),
    "service=WCS version=1.1.1 request=DescribeCoverage identifiers=S2_L2A_3035",
)
"""Parameters without escapes; `&` stands for a blank within a value."""
ODD = (
    "",
    " ",
    "\0",
    "NaN",
    "-1",
    "0",
    "1e308,1e308,-1e308,-1e308",
    "nan,nan,nan,nan",
    "inf",
    "99999999999999999999999",
    "-99999999999999999999",
    "45.21,22.16,45.2,22.145",
    "1,2,3",
    ",,,,",
    "()",
    "E(",
    'ansi("2019-04-07',
    'ansi("2019-13-45")',
    "2019-04-07/2019-01-01/P1D",
    "0001-01-01/9999-12-31/PT1S",
    "E(1e400,-1e400)",
    "E(5272100,5272300),E(1,2)",
    "../../../../etc/passwd",
    "%00%ff",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "\u202e\u0000\ufeff\u0661\u0662",
    "<x>&y;</x>",
    "'; drop table slots; --",
    "a" * 5000,
    "(" * 2000,
    "1," * 2000,
    "EPSG:0",
    "EPSG:4978",
    "urn:ogc:def:crs:EPSG::999999999999",
    "wcps:" + "-" * 3000 + "1",
    "image/png; mode=",
    "application/vnd.ogc.se_blank",
    "INIMAGE",
)
"""What no client sends, or only one with a fault."""


def pairs_of(request: str) -> Pairs:
    """Return the parameters of one of `REQUESTS`."""
    split = (part.partition("=") for part in request.split(" "))
    return [(name, value.replace("&", " ")) for name, _, value in split]


WAYS = ("drop", "double", "swap", "odd", "odd", "text", "cut", "name")


def spoiled(pairs: Pairs, draw: Draw) -> Pairs:
    """Drop, double, swap, exchange or mistype some of the parameters."""
    made = list(pairs)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(made) - 1))
        other = draw(st.integers(0, len(made) - 1))
        name, value = made[at]
        match draw(
            st.sampled_from(["drop", "double", "swap", "odd", "odd", "text", "cut", "name"])
        ):
            case "drop" if len(made) > 1:
                del made[at]
            case "double":
                made.append((name.upper(), made[other][1]))
            case "swap":
                made[at], made[other] = (name, made[other][1]), (made[other][0], value)
            case "odd":
                made[at] = (name, draw(st.sampled_from(ODD)))
            case "text":
                made[at] = (name, draw(st.text(max_size=30)))
            case "cut":
                made[at] = (name, value[: draw(st.integers(0, len(value)))])
            case _:
                made[at] = (draw(st.sampled_from([*ODD[:5], name[::-1]])), value)
    return made


def spoiled_xml(document: str, draw: Draw) -> bytes:
    """Drop, double, move, rename or refill some of the elements."""
    root = etree.fromstring(document)
    for _ in range(draw(st.integers(1, 3))):
        every = list(root.iter())
        one = every[draw(st.integers(0, len(every) - 1))]
        above = one.getparent()
        match draw(st.sampled_from(["drop", "double", "move", "name", "odd", "attribute", "deep"])):
            case "drop" if above is not None:
                above.remove(one)
            case "double" if above is not None:
                above.append(copy.deepcopy(one))
            case "move" if above is not None:
                root.append(one)
            case "name":
                one.tag = draw(st.sampled_from(["x", "{http://x}GetCoverage", "{urn:q}Envelope"]))
            case "attribute":
                one.set(draw(st.sampled_from(["service", "version", "x"])), _writable(draw))
            case "deep":
                for _depth in range(draw(st.sampled_from([3, 200]))):
                    one = etree.SubElement(one, one.tag)
            case _:
                one.text = _writable(draw)
    return etree.tostring(root)


def _writable(draw: Draw) -> str:
    text: str = draw(st.sampled_from(ODD))
    return "".join(letter for letter in text if letter == "\t" or ord(letter) >= 32)


def enveloped(body: str) -> str:
    """Put a request into an envelope of SOAP 1.2."""
    envelope = "http://www.w3.org/2003/05/soap-envelope"
    return f'<s:Envelope xmlns:s="{envelope}"><s:Body>{body}</s:Body></s:Envelope>'


_WCS = 'xmlns="http://www.opengis.net/wcs/2.0" service="WCS" version="2.0.1"'
GET_COVERAGE = (
    f"<GetCoverage {_WCS}><CoverageId>S2_L2A_3035</CoverageId>"
    "<DimensionTrim><Dimension>E</Dimension><TrimLow>5272100</TrimLow>"
    "<TrimHigh>5272300</TrimHigh></DimensionTrim>"
    "<DimensionTrim><Dimension>N</Dimension><TrimLow>2532300</TrimLow>"
    "<TrimHigh>2532500</TrimHigh></DimensionTrim>"
    '<DimensionSlice><Dimension>ansi</Dimension><SlicePoint>"2019-04-07"</SlicePoint>'
    "</DimensionSlice><format>image/tiff</format></GetCoverage>"
)
DESCRIBE = f"<DescribeCoverage {_WCS}><CoverageId>S2_L2A_3035</CoverageId></DescribeCoverage>"
PROCESS = (
    '<ProcessCoverages xmlns="http://www.opengis.net/wcs/processing/2.0" service="WCS" '
    'version="2.0.1"><query>for $c in (S2_L2A_3035) return count($c.B04 &gt; 0)</query>'
    "</ProcessCoverages>"
)
GET_TILE = (
    '<GetTile xmlns="http://www.opengis.net/wmts/1.0" service="WMTS" version="1.0.0">'
    "<Layer>S2_L2A</Layer><Style>ndvi</Style><Format>image/png</Format>"
    '<DimensionNameValue name="time">2019-04-07</DimensionNameValue>'
    "<TileMatrixSet>WebMercatorQuad</TileMatrixSet><TileMatrix>14</TileMatrix>"
    "<TileRow>5880</TileRow><TileCol>9200</TileCol></GetTile>"
)
DESCRIPTOR = (
    '<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld"><NamedLayer>'
    "<Name>S2_L2A</Name><UserStyle><FeatureTypeStyle><Rule><RasterSymbolizer><ChannelSelection>"
    "<GrayChannel><SourceChannelName>B03</SourceChannelName></GrayChannel></ChannelSelection>"
    '<ColorMap><ColorMapEntry color="#000000" quantity="0"/>'
    '<ColorMapEntry color="#ffffff" quantity="3000"/></ColorMap></RasterSymbolizer></Rule>'
    "</FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"
)
SOAP = "application/soap+xml"
DOCUMENTS = (
    ("/ows", "text/xml", GET_COVERAGE),
    ("/ows", "application/xml", DESCRIBE),
    ("/ows", "text/xml", PROCESS),
    ("/ows", SOAP, enveloped(GET_COVERAGE)),
    ("/ows", SOAP, enveloped(PROCESS)),
    ("/wmts", "text/xml", GET_TILE),
    ("/wmts", SOAP, enveloped(GET_TILE)),
)
"""Address, media type and document of every entrance that reads XML."""
