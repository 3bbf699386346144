import logging
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import datacube.errors
from datacube.errors import (
    CubeError,
    LimitExceededError,
    OutOfDomainError,
    StoreDamagedError,
    TimeSelectionError,
    UnknownNameError,
)
from ogc.exchange import scenes_header
from ogc.service import SERVICES, WCS, WMS
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import REVISION, Client

MAP = (
    "service=WMS&version=1.3.0&request=GetMap&layers=a&styles=&crs=CRS:84"
    "&bbox=0,0,1,1&width=1&height=1&format=image/png"
)
COVERAGE = "service=WCS&version=2.0.1&request=GetCoverage&coverageid=a&format=image/tiff"


@pytest.mark.parametrize(
    ("error", "wms", "wcs"),
    [
        (UnknownNameError("layer", "a"), (400, "LayerNotDefined"), (404, "InvalidParameterValue")),
        (UnknownNameError("coverage", "a"), (400, "LayerNotDefined"), (404, "NoSuchCoverage")),
        (UnknownNameError("style", "a"), (400, "StyleNotDefined"), (404, "InvalidParameterValue")),
        (UnknownNameError("axis", "a"), (400, None), (404, "InvalidAxisLabel")),
        (UnknownNameError("band", "a"), (400, None), (404, "NoSuchField")),
        (OutOfDomainError("far"), (400, "InvalidDimensionValue"), (404, "InvalidSubsetting")),
        (TimeSelectionError("none"), (400, "InvalidDimensionValue"), (404, "InvalidSubsetting")),
        (LimitExceededError("9 GB"), (413, None), (413, "NoApplicableCode")),
        (StoreDamagedError("shard"), (500, None), (500, "NoApplicableCode")),
    ],
)
def test_each_service_has_its_own_word_for_a_failure(
    client: Client,
    error: CubeError,
    wms: tuple[int, str | None],
    wcs: tuple[int, str],
) -> None:
    client.session.failure = error
    for query, (status, code) in ((MAP, wms), (COVERAGE, wcs)):
        reply = client.get(query)
        assert isinstance(reply.body, bytes)
        assert reply.status == status
        told = etree.fromstring(reply.body)[0]
        assert told.get("code", told.get("exceptionCode")) == code
        assert str(error) in "".join(str(text) for text in told.itertext())


@pytest.mark.parametrize("query", [MAP, COVERAGE, "service=WMS&request=Nonsense", "query=x"])
def test_a_refusal_tells_the_revision_that_it_was_made_from(client: Client, query: str) -> None:
    client.session.failure = OutOfDomainError("far")
    reply = client.get(f"{query}&as_of=5")
    assert (reply.status >= 400, client.opened) == (True, [5])
    assert reply.headers == (("Copernicube-Revision", str(REVISION)),)


def test_every_code_of_the_tree_has_a_fault() -> None:
    kinds = {
        kind.code
        for kind in vars(datacube.errors).values()
        if isinstance(kind, type) and issubclass(kind, CubeError)
    }
    assert "out-of-domain" in kinds
    for kind in vars(datacube.errors).values():
        if isinstance(kind, type) and issubclass(kind, CubeError):
            error = kind.__new__(kind)
            vars(error).update(kind="", name="", parameter="", purged=False)
            for service in SERVICES.values():
                report = service.faults.report(error)
                assert 400 <= report.fault.status < 600


@pytest.mark.parametrize("query", [MAP, COVERAGE])
def test_an_unexpected_failure_is_logged_and_told_without_its_cause(
    client: Client, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.session.failure = RuntimeError("secret /etc/path")
    with caplog.at_level(logging.ERROR):
        reply = client.get(query)
    assert isinstance(reply.body, bytes)
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    identifier = caplog.records[0].getMessage().rsplit(" ", 1)[-1]
    assert identifier.encode() in reply.body
    assert "secret" in caplog.text


def test_wms_exceptions_are_valid(client: Client, schemas: Schemas) -> None:
    reply = client.get(MAP + "&time=no")
    assert isinstance(reply.body, bytes)
    schemas.check(
        reply.body,
        ("http://www.opengis.net/ogc", "http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd"),
    )


def test_many_scenes_are_counted() -> None:
    assert scenes_header(()) == ()
    ((_, text),) = scenes_header(tuple(f"S2A_MSIL2A_{number:060d}" for number in range(100)))
    assert text == "100 scenes"


def test_headers_hold_one_line_of_ascii() -> None:
    ((_, text),) = scenes_header(("a\r\nSet-Cookie: x", "ü"))
    assert text == "a Set-Cookie: x,"


KEYS = st.sampled_from(
    """service version request layers styles crs bbox width height format time transparent
    bgcolor coverageid subset subset1 rangesubset scalefactor scaleaxes scalesize scaleextent
    subsettingcrs outputcrs interpolation mediatype as_of updatesequence acceptversions query
    exceptions""".split()  # noqa: SIM905 a list of one word a line
)
LIKELY = """WMS WCS GetMap GetCapabilities GetCoverage DescribeCoverage 1.3.0 2.0.1 EPSG:4326
    CRS:84 image/png image/tiff 1,2,3,4 256 E(1,2) TRUE 2022-12-11 2022/2023 7 S2_L2A_32633
    ansi("2022-12-11")""".split()  # noqa: SIM905 as above
VALUES = st.one_of(
    st.sampled_from(LIKELY),
    st.text(max_size=40),
    st.from_regex(r"[A-Za-z]{1,4}[(,:/][0-9.e*\"-]{0,8}[),]?[0-9]{0,5}\)?", fullmatch=True),
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=14))
def test_nothing_escapes_and_every_failure_is_a_document(pairs: list[tuple[str, str]]) -> None:
    reply = Client().get(urlencode(pairs, errors="surrogatepass"))
    assert reply.status in {200, 400, 404, 413, 501}
    if reply.status != 200:
        assert isinstance(reply.body, bytes)
        root = etree.fromstring(reply.body)
        assert etree.QName(root).localname in {"ServiceExceptionReport", "ExceptionReport"}


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    assert Client().get(text).status in {400, 404, 501}


def test_services_offer_what_they_list() -> None:
    for service in (WMS, WCS):
        assert {name.casefold() for name in service.offered} == service.operations.keys()
