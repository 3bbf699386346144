"""SOAP around the coverage service."""

import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
from lxml import etree

from datacube.errors import CubeError
from ogc import soap
from ogc.exchange import Reply
from ogc.posted import read_posted
from ogc.related import Attachment, RelatedReply, joined
from ogc.wcs.names import OWS
from tests.builders.multipart import bytes_of
from tests.ogc.wcs.conftest import ENVELOPE, Asker, asker, content, parts
from tests.ogc.wcs.test_metadata import NAMES
from tests.ogc.wcs.test_xml_requests import HEAD, PROC, WCS, coverage

__all__ = ["asker"]
SPACES = {**NAMES, "s": ENVELOPE, "cov": "http://www.opengis.net/gmlcov/1.0"}


def body_of(document: bytes) -> etree._Element:
    root = etree.fromstring(document)
    assert root.tag == f"{{{ENVELOPE}}}Envelope"
    (body,) = root
    (only,) = body
    return only


@pytest.mark.parametrize(
    ("document", "query", "root"),
    [
        (
            (
                f'<GetCapabilities xmlns="{WCS}" xmlns:ows="{OWS}" service="WCS">'
                "<ows:AcceptVersions><ows:Version>2.0.1</ows:Version></ows:AcceptVersions></GetCapabilities>"
            ),
            "request=GetCapabilities",
            "Capabilities",
        ),
        (
            f"<DescribeCoverage {HEAD}><CoverageId>T</CoverageId></DescribeCoverage>",
            "request=DescribeCoverage&coverageid=T",
            "CoverageDescriptions",
        ),
    ],
)
def test_documents_stand_in_the_envelope(
    asker: Asker, document: str, query: str, root: str
) -> None:
    reply = asker.soap(document)
    assert reply.media_type == "application/soap+xml"
    inner = body_of(content(reply))
    assert etree.QName(inner).localname == root
    plain = etree.fromstring(content(asker.get(f"service=WCS&version=2.0.1&{query}")))
    assert (
        etree.tostring(inner, method="c14n", exclusive=True).split()
        == etree.tostring(plain, method="c14n", exclusive=True).split()
    )


def test_a_coverage_in_gml_stands_in_the_envelope(asker: Asker) -> None:
    inside = "<CoverageId>L</CoverageId><format>application/gml+xml</format>"
    reply = asker.soap(coverage(inside))
    assert reply.media_type == "application/soap+xml"
    inner = body_of(content(reply))
    assert inner.tag == f"{{{SPACES['cov']}}}RectifiedGridCoverage"
    assert inner.find(".//gml:tupleList", SPACES) is not None


def test_a_file_is_attached_to_the_coverage(asker: Asker) -> None:
    reply = asker.soap(coverage("<CoverageId>A</CoverageId>"))
    document, file = parts(reply)
    inner = body_of(bytes_of(document))
    reference = str(inner.findtext(".//gml:fileReference", None, SPACES))
    assert file["Content-ID"] == f"<{reference.removeprefix('cid:')}>"
    assert bytes_of(file) == content(asker.coverage("A"))
    with rasterio.open(io.BytesIO(bytes_of(file))) as made:
        np.testing.assert_array_equal(made.read(1), asker.made.arrays["A"]["v"])


def test_results_of_queries_are_attached(asker: Asker) -> None:
    query = "for $c in (A) return avg($c)"
    document = (
        f'<p:ProcessCoverages xmlns:p="{PROC}"><p:query>{query}</p:query></p:ProcessCoverages>'
    )
    envelope, result = parts(asker.soap(document))
    include = body_of(bytes_of(envelope))
    assert include.get("href") == f"cid:{str(result['Content-ID']).strip('<>')}"
    assert bytes_of(result) == content(asker.get(f"query={query}"))


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        (coverage("<CoverageId>nowhere</CoverageId>"), 404, "NoSuchCoverage"),
        (f'<GetCapabilities xmlns="{WCS}"/>', 400, "MissingParameterValue"),
        (f"<DescribeCoverage {HEAD}><CoverageId/></DescribeCoverage>", 404, "emptyCoverageIdList"),
        ("<Unknown/>", 501, "OperationNotSupported"),
        ("", 400, "InvalidParameterValue"),
        ("<a/><b/>", 400, "InvalidParameterValue"),
    ],
)
def test_failures_are_faults_with_the_report(
    asker: Asker, document: str, status: int, code: str
) -> None:
    reply = asker.soap(document)
    assert isinstance(reply.body, bytes)
    assert (reply.status, reply.media_type) == (status, "application/soap+xml")
    fault = body_of(reply.body)
    assert fault.tag == f"{{{ENVELOPE}}}Fault"
    receiver = "soap:Receiver" if status >= 500 else "soap:Sender"
    assert fault.findtext("s:Code/s:Value", None, SPACES) == receiver
    assert fault.findtext("s:Reason/s:Text", None, SPACES) == "Server exception was encountered."
    exception = fault.find("s:Detail/ows:ExceptionReport/ows:Exception", SPACES)
    assert exception is not None
    assert exception.get("exceptionCode") == code


def test_another_soap_is_refused() -> None:
    old = "http://schemas.xmlsoap.org/soap/envelope/"
    document = f'<s:Envelope xmlns:s="{old}"><s:Body><a/></s:Body></s:Envelope>'
    with pytest.raises(CubeError, match="soap-envelope"):
        read_posted("text/xml", document.encode())


def test_files_are_joined_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "cells.bin"
    file.write_bytes(b"\r\n--\x00" * 1000)
    made = joined(
        RelatedReply(
            status=200,
            media_type="application/gml+xml",
            body=b"<a/>",
            attachment=Attachment(content_id="coverage", media_type="image/tiff", body=file),
        )
    )
    assert isinstance(made.body, Path)
    assert not file.exists()
    document, attached = parts(made)
    assert bytes_of(document) == b"<a/>"
    assert bytes_of(attached) == b"\r\n--\x00" * 1000
    assert f'start="{document["Content-ID"]}"' in made.media_type


def test_a_file_in_an_envelope_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "result.bin"
    file.write_bytes(b"123")
    made = soap.enclosed(Reply(status=200, media_type="image/png", body=file))
    assert bytes_of(parts(made)[1]) == b"123"
