import json
from collections.abc import Callable
from io import BytesIO
from xml.sax.saxutils import escape

import numpy as np
import pytest
import rasterio
from lxml import etree
from PIL import Image
from starlette.testclient import TestClient

from tests.builders.made import Made
from tests.builders.multipart import bytes_of, parts_of

MEAN = "for $c in (A) return avg($c)"
OWS = "{http://www.opengis.net/ows/2.0}"


def _mean(made: Made, name: str = "A") -> str:
    return repr(float(made.arrays[name]["v"].astype("float64").mean()))


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": MEAN},
        {"q": MEAN},
        {"QUERY": MEAN},
        {"service": "WCS", "version": "2.0.1", "request": "ProcessCoverages", "query": MEAN},
        {"service": "wcps", "query": MEAN},
        {"request": "processcoverages", "service": "WCPS", "version": "1.0", "query": MEAN},
    ],
)
@pytest.mark.parametrize("path", ["/ows", "/rasdaman/ows"])
def test_get_and_form(
    client: TestClient, made: Made, path: str, parameters: dict[str, str]
) -> None:
    for answer in (client.get(path, params=parameters), client.post(path, data=parameters)):
        assert (answer.status_code, answer.text) == (200, _mean(made)), answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["copernicube-revision"]


@pytest.mark.parametrize(
    "document",
    [
        (
            '<ProcessCoverages xmlns="http://www.opengis.net/wcs/processing/2.0" service="WCS" '
            'version="2.0.1"><query>{}</query></ProcessCoverages>'
        ),
        (
            '<p:ProcessCoverages xmlns:p="http://www.opengis.net/wcs/processing/2.0" service="WCS" '
            'version="2.0.1"><p:query><![CDATA[{raw}]]></p:query></p:ProcessCoverages>'
        ),
        (
            '<?xml version="1.0"?><ProcessCoveragesRequest xmlns="http://www.opengis.net/wcps/1.0">'
            "<query><abstractSyntax>{}</abstractSyntax></query></ProcessCoveragesRequest>"
        ),
    ],
)
@pytest.mark.parametrize("path", ["/ows", "/ogcapi/wcps"])
def test_xml(client: TestClient, made: Made, path: str, document: str) -> None:
    query = "for $c in (A) return count($c < 5)"
    body = document.format(escape(query), raw=query).encode()
    answer = client.post(path, content=body, headers={"content-type": "text/xml"})
    expected = int((made.arrays["A"]["v"] < 5).sum())
    assert (answer.status_code, answer.text) == (200, str(expected)), answer.text


@pytest.mark.parametrize("path", ["/ows", "/ogcapi/wcps"])
def test_positional_parameters(client: TestClient, made: Made, path: str) -> None:
    ones = np.arange(900, dtype="int16").reshape(1, 30, 30)
    with rasterio.MemoryFile() as file:
        profile = {"driver": "GTiff", "width": 30, "height": 30, "count": 1, "dtype": "int16"}
        transform = rasterio.transform.from_origin(0, 30, 1, 1)
        with file.open(**profile, crs="EPSG:4326", transform=transform) as raster:
            raster.write(ones)
        body = file.read()
    for name in ("1", "$1"):
        answer = client.post(
            path,
            data={"query": "for $c in (A), $d in (decode($1)) return max($c + $d)"},
            files={name: ("ones.tif", body, "image/tiff")},
        )
        expected = int((made.arrays["A"]["v"].astype(int) + ones[0]).max())
        assert (answer.status_code, answer.text) == (200, str(expected)), answer.text
    missing = client.post(path, data={"query": "for $d in (decode($2)) return max($d)"})
    assert missing.status_code == 400
    assert "2" in missing.text


def test_json_and_text_bodies(client: TestClient, made: Made) -> None:
    sent = client.post("/ogcapi/wcps", json={"query": MEAN})
    plain = client.post("/ogcapi/wcps", content=MEAN, headers={"content-type": "text/plain"})
    assert sent.text == plain.text == _mean(made)
    assert client.get("/ogcapi/wcps", params={"Q": MEAN}).text == _mean(made)


def test_several_results_are_parts(client: TestClient, made: Made) -> None:
    answer = client.get("/ows", params={"query": "for $c in (A, B) return avg($c)"})
    assert answer.headers["content-type"] == "multipart/x-mixed-replace;boundary=End"
    parts = parts_of("multipart/mixed; boundary=End", answer.content)
    texts = [bytes_of(part).decode() for part in parts]
    assert texts == [_mean(made, "A"), _mean(made, "B")]


def test_no_result_is_an_empty_text(client: TestClient) -> None:
    answer = client.get(
        "/ows", params={"query": "for $c in (A) where max($c) > 999 return avg($c)"}
    )
    assert (answer.status_code, answer.content) == (200, b"")


def test_compat_is_the_default_of_rasdamans_address(client: TestClient) -> None:
    query = "for $c in (A) return sum($c[Lat(1:2)][Lon(1:2)] null values [0:100])"
    ours = client.get("/ows", params={"query": query}).text
    theirs = client.get("/rasdaman/ows", params={"query": query}).text
    assert (ours, theirs) == ("NULL", "0")
    assert client.get("/ows", params={"query": query, "compat": "rasdaman"}).text == theirs
    assert (
        client.get("/rasdaman/ows", params={"query": query, "compat": "copernicube"}).text == ours
    )


@pytest.mark.parametrize(
    ("query", "status", "code", "words"),
    [
        ("for $c in (A) return avg($c", 400, "SyntaxError", "expected"),
        ("for $c in (Nowhere) return avg($c)", 404, "NoSuchCoverage", "Nowhere"),
        ("for $c in (A) return avg($c.b88)", 404, "NoSuchField", "b88"),
        ("for $c in (A) return avg($c[height(3)])", 404, "InvalidAxisLabel", "height"),
        ("for $c in (A) return avg($c[Lat(300:400)])", 404, "InvalidSubsetting", "300"),
        ('for $c in (T) return avg($c[ansi("1999")])', 404, "InvalidSubsetting", "1999"),
        ('for $c in (A) return encode($c, "image/gif")', 501, "UnsupportedEncodingFormat", "gif"),
        ("for $c in (A) return $c", 400, "InvalidParameterValue", "encode"),
        ('for $c in (A) return avg($c[Lat:"EPSG:999999"(1:2)])', 404, "", "999999"),
        (
            'for $c in (A) return encode(crsTransform($c, "EPSG:999999"), "png")',
            404,
            "OutputCrs-NotSupported",
            "999999",
        ),
        ("for $c in (A) return nofunction($c)", 400, "SemanticError", "nofunction"),
        (
            'for $c in (A) return crsTransform($c, "EPSG:3857", {sinc})',
            501,
            "Interpolation",
            "sinc",
        ),
    ],
)
def test_errors(client: TestClient, query: str, status: int, code: str, words: str) -> None:
    answer = client.get("/ows", params={"query": query})
    assert answer.status_code == status, answer.text
    report = etree.fromstring(answer.content)
    exception = report.find(f"{OWS}Exception")
    assert exception is not None
    assert code in (exception.get("exceptionCode") or "")
    text = exception.findtext(f"{OWS}ExceptionText") or ""
    assert words in text
    assert "^" in text or "encode" in text  # the place in the query is underlined
    problem = client.get("/ogcapi/wcps", params={"query": query})
    assert problem.status_code >= 400
    assert words in json.loads(problem.content)["detail"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("image/png", b"x", 415),
        ("text/xml", b"<ProcessCoverages", 400),
        ("text/xml", (b"<!DOCTYPE a [<!ENTITY e 'x'>]><ProcessCoverages><query>&e;</query>"
         b"</ProcessCoverages>"), 400),
        ("text/xml", b"<GetMap/>", 501),
        ("text/xml", b"<ProcessCoverages/>", 400),
        ("application/json", b"[", 400),
        ("application/json", b'{"q": 1}', 400),
        ("multipart/form-data", b"nothing", 400),
        ("text/plain", b"\xff", 400),
        ("text/plain", b"", 400),
    ],
)  # fmt: skip
def test_bad_bodies(client: TestClient, content_type: str, body: bytes, status: int) -> None:
    answer = client.post("/ows", content=body, headers={"content-type": content_type})
    assert answer.status_code == status, answer.text
    assert b"ExceptionReport" in answer.content
    assert b"Traceback" not in answer.content


def test_a_body_over_the_limit_is_refused(made: Made) -> None:
    from copernicube.app import build  # noqa: PLC0415 beside the settings it is built with
    from copernicube.config import Settings  # noqa: PLC0415
    from datacube.protocols import Limits  # noqa: PLC0415

    settings = Settings(store=made.local.store.location.name, limits=Limits(body_bytes=1000))
    with TestClient(build(settings)) as small:
        answer = small.post("/ows", data={"query": MEAN + " " * 2000})
        assert answer.status_code == 413
        assert "1000" in answer.text


def test_equal_questions_have_equal_tags(client: TestClient, ask: Callable[..., str]) -> None:
    ask(MEAN)
    first = client.get("/ows", params={"query": MEAN})
    again = client.get(
        "/ows", params={"query": MEAN}, headers={"if-none-match": first.headers["etag"]}
    )
    assert again.status_code == 304


def test_a_picture_leaves_out_axes_of_one_place(client: TestClient, made: Made) -> None:
    query = 'for $c in (Once) return encode({red: $c.b4; green: 0; blue: $c.b4}, "png")'
    picture = np.asarray(Image.open(BytesIO(client.get("/ows", params={"query": query}).content)))
    expected = made.arrays["Once"]["b4"][0]
    assert picture.shape == (30, 30, 3)
    assert (picture[..., 0] == expected).all()
    assert not picture[..., 1].any()
