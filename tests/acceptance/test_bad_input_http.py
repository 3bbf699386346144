"""What cannot be answered is refused at once, in the service's own exception format."""

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from lxml import etree

from tests.acceptance.answers import WCS, WMS
from tests.acceptance.small_scenes import CUBE
from tests.builders.served import served
from tests.ogc.conftest import Schemas

AT_ONCE_S = 5.0
"""Idle it takes milliseconds; other tests may have the processors."""
OGC = "http://www.opengis.net/ogc"
OWS = "http://www.opengis.net/ows/2.0"
SCHEMA = {
    "WMS": (OGC, "http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd"),
    "WCS": (OWS, "http://schemas.opengis.net/ows/2.0/owsAll.xsd"),
}
FORM = "application/x-www-form-urlencoded"

MAP = {
    "LAYERS": "S2_L2A",
    "STYLES": "true-colour",
    "CRS": "EPSG:32633",
    "BBOX": "499980,5197620,502380,5200020",
    "WIDTH": "64",
    "HEIGHT": "64",
    "FORMAT": "image/png",
    "TIME": "2023-08-15",
}
SLICE = '&SUBSET=ansi("2023-08-15")'
ESTIMATE = r"estimated [\d,.]+ MB.*limit of [\d,.]+ MB"


def get_map(**changes: str | None) -> str:
    """Return a GetMap that is right but for the changes; None leaves a parameter out."""
    found = {key: value for key, value in (MAP | changes).items() if value is not None}
    return f"{WMS}&REQUEST=GetMap&" + "&".join(f"{key}={value}" for key, value in found.items())


def get_coverage(rest: str = SLICE, coverage: str = CUBE) -> str:
    return f"{WCS}&REQUEST=GetCoverage&COVERAGEID={coverage}{rest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A query and how it is refused."""

    query: str
    code: str | None
    """The service's exception code; None is none."""
    says: str
    """Regular expression that the message holds."""
    status: int = 400
    service: str = "WMS"


def wcs(query: str, status: int, code: str, says: str) -> Refused:
    return Refused(query=query, status=status, code=code, says=says, service="WCS")


REFUSED: Mapping[str, Refused] = {
    "a map of 100,000 x 100,000": Refused(
        query=get_map(WIDTH="100000", HEIGHT="100000"),
        status=413,
        code=None,
        says="100000.*8192",
    ),
    "a map of too many pixels": Refused(
        query=get_map(WIDTH="8000", HEIGHT="8000"), status=413, code=None, says="8000"
    ),
    "a width of zero": Refused(query=get_map(WIDTH="0"), code=None, says="WIDTH '0'"),
    "a negative width": Refused(query=get_map(WIDTH="-5"), code=None, says="WIDTH '-5'"),
    "a width of text": Refused(query=get_map(WIDTH="wide"), code=None, says="WIDTH 'wide'"),
    "no height": Refused(query=get_map(HEIGHT=None), code=None, says="HEIGHT"),
    "a reversed BBOX": Refused(
        query=get_map(BBOX="502380,5200020,499980,5197620"), code=None, says="BBOX"
    ),
    "an empty BBOX": Refused(
        query=get_map(BBOX="499980,5197620,499980,5200020"), code=None, says="BBOX"
    ),
    "a BBOX of text": Refused(query=get_map(BBOX="a,b,c,d"), code=None, says="BBOX"),
    "a BBOX of three": Refused(query=get_map(BBOX="1,2,3"), code=None, says="BBOX"),
    "a BBOX that is not a number": Refused(query=get_map(BBOX="nan,0,1,1"), code=None, says="BBOX"),
    "a BBOX without end": Refused(query=get_map(BBOX="0,0,inf,1e999"), code=None, says="BBOX"),
    "an unknown layer": Refused(
        query=get_map(LAYERS="S9"), code="LayerNotDefined", says="unknown layer 'S9'.*S2_L2A"
    ),
    "no layer": Refused(query=get_map(LAYERS=""), code=None, says="LAYERS"),
    "an unknown style": Refused(
        query=get_map(STYLES="glitter"), code="StyleNotDefined", says="'glitter'.*true-colour"
    ),
    "an unknown CRS": Refused(
        query=get_map(CRS="EPSG:99999"), code="InvalidCRS", says="EPSG:99999"
    ),
    "a CRS of text": Refused(query=get_map(CRS="moon"), code="InvalidCRS", says="moon"),
    "an unknown format": Refused(
        query=get_map(FORMAT="image/bmp"), code="InvalidFormat", says="image/bmp.*image/png"
    ),
    "a date that is none": Refused(
        query=get_map(TIME="2023-13-45"), code="InvalidDimensionValue", says="2023-13-45"
    ),
    "a date without data": Refused(
        query=get_map(TIME="2001-01-01"), code="InvalidDimensionValue", says="2001-01-01"
    ),
    "a time of text": Refused(
        query=get_map(TIME="yesterday"), code="InvalidDimensionValue", says="yesterday"
    ),
    "a map of the future": Refused(query=get_map(AS_OF="999999"), code=None, says="999999.*newest"),
    "a map as of a word": Refused(query=get_map(AS_OF="now"), code=None, says="AS_OF 'now'"),
    "an unknown map operation": Refused(
        query=f"{WMS}&REQUEST=GetMapp", code="OperationNotSupported", says="GetMapp.*GetMap"
    ),
    "a parameter twice": Refused(query=f"{get_map()}&WIDTH=65", code=None, says="WIDTH.*times"),
    "a NUL": Refused(query=get_map(LAYERS="S2%00L2A"), code=None, says="control characters"),
    "markup": Refused(
        query=get_map(LAYERS="%3Cscript%3E%26%22"), code="LayerNotDefined", says="<script>&"
    ),
    "bytes that are no text": Refused(query=get_map(LAYERS="%FF%FE"), code=None, says="UTF-8"),
    "percent junk": Refused(query=get_map(LAYERS="%zz%"), code="LayerNotDefined", says="%zz%"),
    "an overlong map query": Refused(
        query=get_map() + "&X=" + "x" * 62_000, status=413, code=None, says="60000 bytes"
    ),
    "an overlong value": Refused(
        query=get_map(LAYERS="S" * 40_000), code="LayerNotDefined", says="unknown layer"
    ),
    "a thousand parameters": Refused(
        query=get_map() + "&a=1" * 1000, code=None, says="more than 500"
    ),
    "nothing": wcs("", 400, "MissingParameterValue", "REQUEST"),
    "an unknown service": wcs(
        "SERVICE=WFS&REQUEST=GetFeature", 400, "InvalidParameterValue", "WFS.*WMS"
    ),
    "an unknown version": wcs(
        get_coverage().replace("2.0.1", "9.9"), 400, "VersionNegotiationFailed", "9.9"
    ),
    "an unknown coverage": wcs(
        get_coverage(coverage="S9"), 404, "NoSuchCoverage", f"unknown coverage 'S9'.*{CUBE}"
    ),
    "no coverage": wcs(f"{WCS}&REQUEST=GetCoverage", 400, "MissingParameterValue", "COVERAGEID"),
    "no coverage to describe": wcs(
        f"{WCS}&REQUEST=DescribeCoverage", 404, "emptyCoverageIdList", "COVERAGEID"
    ),
    "an unknown coverage to describe": wcs(
        f"{WCS}&REQUEST=DescribeCoverage&COVERAGEID=S9", 404, "NoSuchCoverage", "S9"
    ),
    "an unknown axis": wcs(
        get_coverage("&SUBSET=height(1,2)"), 404, "InvalidAxisLabel", "height.*ansi"
    ),
    "a subset outside": wcs(get_coverage(f"{SLICE}&SUBSET=E(0,10)"), 404, "InvalidSubsetting", "E"),
    "a reversed subset": wcs(
        get_coverage(f"{SLICE}&SUBSET=E(500400,500000)"), 404, "InvalidSubsetting", "500400"
    ),
    "a subset of text": wcs(get_coverage(f"{SLICE}&SUBSET=E(a,b)"), 404, "InvalidSubsetting", "E"),
    "a subset that does not close": wcs(
        get_coverage(f"{SLICE}&SUBSET=E(1"), 404, "InvalidSubsetting", r"E\(1"
    ),
    "a coverage of a date that is none": wcs(
        get_coverage('&SUBSET=ansi("2023-13-45")'), 404, "InvalidSubsetting", "2023-13-45"
    ),
    "a coverage of a date without data": wcs(
        get_coverage('&SUBSET=ansi("2001-01-01")'), 404, "InvalidSubsetting", "2001-01-01"
    ),
    "an unknown band": wcs(
        get_coverage(f"{SLICE}&RANGESUBSET=B99"), 404, "NoSuchField", "B99.*B04"
    ),
    "an unknown coverage format": wcs(
        get_coverage(f"{SLICE}&FORMAT=image/gif"), 400, "InvalidParameterValue", "image/gif"
    ),
    "a scale of zero": wcs(get_coverage(f"{SLICE}&SCALEFACTOR=0"), 404, "InvalidScaleFactor", "0"),
    "a huge scale": wcs(
        get_coverage(f"{SLICE}&SCALEFACTOR=100000"),
        413,
        "NoApplicableCode",
        ESTIMATE,
    ),
    "a huge size": wcs(
        get_coverage(f"{SLICE}&SCALESIZE=E(1000000),N(1000000)"),
        413,
        "NoApplicableCode",
        ESTIMATE,
    ),
    "a size beyond all memory": wcs(
        get_coverage(f"{SLICE}&SCALESIZE=E(1000000000000),N(1)"),
        413,
        "NoApplicableCode",
        ESTIMATE,
    ),
    "a coverage of the future": wcs(
        get_coverage(f"{SLICE}&AS_OF=999999"), 404, "InvalidParameterValue", "999999.*newest"
    ),
    "a coverage as of a word": wcs(
        get_coverage(f"{SLICE}&AS_OF=now"), 400, "InvalidParameterValue", "AS_OF 'now'"
    ),
    "a NUL in a subset": wcs(
        get_coverage(f"{SLICE}&SUBSET=E(%00)"), 404, "InvalidSubsetting", "control characters"
    ),
    "an overlong coverage query": wcs(
        get_coverage(SLICE * 2400), 413, "NoApplicableCode", "60000 bytes"
    ),
}


@pytest.fixture(scope="module")
def url(undisturbed: Path) -> Iterator[str]:
    with served(undisturbed) as address:
        yield f"{address}/ows"


@pytest.fixture(scope="module")
def schemas() -> Schemas | None:
    """Return the published schemas, None where they are absent: the other checks go on."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "schemas"
    return Schemas(folder) if folder.is_dir() else None


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str, url: str, schemas: Schemas | None) -> None:
    refused = REFUSED[name]
    start = monotonic()
    answer = _send(url, "GET", refused.query)
    seconds = monotonic() - start
    _check(answer, refused, schemas)
    assert seconds < AT_ONCE_S


@pytest.mark.parametrize("name", ["a map of 100,000 x 100,000", "an unknown coverage", "a NUL"])
def test_by_post_it_is_refused_alike(name: str, url: str, schemas: Schemas | None) -> None:
    refused = REFUSED[name]
    _check(_send(url, "POST", "", refused.query.encode(), FORM), refused, schemas)


@pytest.mark.parametrize(
    ("content", "media_type", "refused"),
    [
        (b"\x00\xff" * 500, FORM, wcs("", 400, "InvalidParameterValue", "")),
        (b"junk", FORM, wcs("", 400, "MissingParameterValue", "REQUEST")),
        (b"x" * 10**6, FORM, wcs("", 400, "InvalidParameterValue", "characters")),
        (b"\x00\xff" * 500, "image/png", wcs("", 415, "InvalidParameterValue", FORM)),
        (b"<GetCoverage/>", "text/xml", wcs("", 501, "OperationNotSupported", "ProcessCoverages")),
    ],
)
def test_junk_by_post_is_refused(
    content: bytes, media_type: str, refused: Refused, url: str, schemas: Schemas | None
) -> None:
    _check(_send(url, "POST", "", content, media_type), refused, schemas)


def test_a_bbox_beside_the_layer_is_an_empty_map(url: str) -> None:
    """WMS 1.3.0, 7.3.3.6: a BBOX that does not meet the layer's is no error."""
    query = get_map(BBOX="600000,5197620,600100,5197720") + "&TRANSPARENT=TRUE"
    answer = _send(url, "GET", query)
    assert answer.status == 200
    picture = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert not picture[..., 3].any()


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET /ows?LAYERS=\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /ows?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /ows?" + b"x" * 10**6 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["no HTTP", "a raw NUL", "an overlong line", "a line of a megabyte"],
)
def test_junk_on_the_line_hurts_nobody(junk: bytes, url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as line:
        line.sendall(junk)
        line.settimeout(10)
        answer = line.recv(4096)
    assert re.match(rb"HTTP/1.1 4\d\d ", answer), answer
    assert b"Traceback" not in answer
    assert _send(url, "GET", get_map()).status == 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    media_type: str
    body: bytes


def _send(
    url: str, method: str, query: str, content: bytes | None = None, media_type: str = FORM
) -> Answer:
    """Send a request of any length; clients for people refuse the long ones themselves."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    try:
        headers = {} if content is None else {"Content-Type": media_type}
        connection.request(method, f"{parts.path}?{query}", content, headers)
        response = connection.getresponse()
        return Answer(
            status=response.status,
            media_type=response.headers["content-type"],
            body=response.read(),
        )
    finally:
        connection.close()


def _check(answer: Answer, refused: Refused, schemas: Schemas | None) -> None:
    body = answer.body
    assert answer.status == refused.status, body[:1000]
    assert answer.media_type.startswith("text/xml")
    root = etree.fromstring(body)
    if refused.service == "WMS":
        assert root.tag == f"{{{OGC}}}ServiceExceptionReport"
        exception = root.find(f"{{{OGC}}}ServiceException")
        assert exception is not None
        code, text = exception.get("code"), exception.text
    else:
        assert root.tag == f"{{{OWS}}}ExceptionReport"
        exception = root.find(f"{{{OWS}}}Exception")
        assert exception is not None
        code, text = exception.get("exceptionCode"), exception.findtext(f"{{{OWS}}}ExceptionText")
    assert code == refused.code
    assert re.search(refused.says, text or "", re.DOTALL), text
    assert len(body) < 2000
    assert b"Traceback" not in body
    assert b".py" not in body
    if schemas is not None:
        schemas.check(body, SCHEMA[refused.service])
