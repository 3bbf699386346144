"""WCS 2.0.1: the processing extension (OGC 08-059r4), by every binding."""

import io
from xml.sax.saxutils import escape

import numpy as np
import pytest
from PIL import Image

from tests.conformance.wcs20 import (
    NOT_FOUND,
    REPORT,
    SCHEMAS,
    Answered,
    Binding,
    Server,
    by_binding,
)
from tests.ogc.conftest import Schemas

PROFILE = "http://www.opengis.net/spec/WCS_service-extension_processing/2.0/conf/processing"
PROC = "http://www.opengis.net/wcs_service-extension_processing/2.0"
SCHEMA = (PROC, "http://schemas.opengis.net/wcs/processing/2.0/wcsProcessCoverages.xsd")


def document(query: str, *further: str) -> str:
    given = "".join(f"<p:extraParameter>{escape(one)}</p:extraParameter>" for one in further)
    return (
        f'<p:ProcessCoverages xmlns:p="{PROC}" service="WCS" version="2.0.1">'
        f"<p:query>{escape(query)}</p:query>{given}</p:ProcessCoverages>"
    )


def process(server: Server, binding: Binding, query: str, *further: str) -> Answered:
    kvp = [("SERVICE", "WCS"), ("VERSION", "2.0.1"), ("REQUEST", "ProcessCoverages")]
    kvp += [("QUERY", query), *((str(at), one) for at, one in enumerate(further, start=1))]
    return server.send(binding, kvp, document(query, *further))


@by_binding("processing:req1-profile")
def test_the_profile_is_listed(server: Server, binding: Binding) -> None:
    assert PROFILE in server.capabilities(binding).texts("Profile")


@by_binding("processing:req2-request", "processing:req8-17-encoding")
def test_a_query_is_answered(server: Server, binding: Binding, schemas: Schemas) -> None:
    query = 'for c in ( A ) return encode (c[Lat(3:9)], "png")'
    schemas.check(document(query).encode(), SCHEMA, *SCHEMAS[:1])
    got = np.asarray(Image.open(io.BytesIO(process(server, binding, query).file)))
    assert got.shape[:2] == (12, 60)


@by_binding("processing:req3-extra-parameters", "processing:req9-parameter-sequence")
def test_further_parameters_stand_for_their_numbers(server: Server, binding: Binding) -> None:
    query = "for $c in ($1) return count($c.v > $2)"
    values = server.made.arrays["A"]["v"]
    for limit in (100, 250):
        answer = process(server, binding, query, "A", str(limit))
        assert float(answer.file) == (values > limit).sum()


@by_binding("processing:req4-empty-and-other-results", "processing:req5-6-result-list")
def test_a_result_for_each_coverage_that_is_left(server: Server, binding: Binding) -> None:
    one = process(server, binding, "for $c in (A) return avg($c.v)")
    assert float(one.file) == pytest.approx(server.made.arrays["A"]["v"].mean())
    none = process(server, binding, "for $c in (A) where max($c.v) < 0 return avg($c.v)")
    assert none.status < 300, none.bytes


@pytest.mark.requirement("wcs20:processing:req5-6-several-results")
def test_several_results_are_parts_in_their_order(server: Server) -> None:
    query = {"service": "WCS", "version": "2.0.1", "request": "ProcessCoverages"}
    query["query"] = "for $c in (A, B) return avg($c.v)"
    reply = server.client.get("/ows", params=query)
    assert reply.headers["content-type"].startswith("multipart/")
    parts = [part.strip().splitlines()[-1] for part in reply.text.split("--End")[1:-1]]
    wanted = [server.made.arrays[name]["v"].mean() for name in "AB"]
    assert [float(part) for part in parts] == pytest.approx(wanted)


@by_binding("processing:req7-syntax-error")
def test_what_is_no_query_is_refused(server: Server, binding: Binding, schemas: Schemas) -> None:
    for query in ("for", "for $c in (A) return", "return 1 +"):
        answer = process(server, binding, query)
        answer.fails("SyntaxError")
        schemas.check(answer.bytes, REPORT)


@by_binding("processing:req7-unknown-coverage")
def test_a_query_of_nothing_is_refused(server: Server, binding: Binding) -> None:
    answer = process(server, binding, "for $c in (nothing) return avg($c)")
    answer.fails("NoSuchCoverage", NOT_FOUND)


@by_binding("processing:req7-semantic-error")
def test_a_query_that_means_nothing_is_refused(server: Server, binding: Binding) -> None:
    answer = process(server, binding, "for $c in (A) return nosuchfunction($c)")
    answer.fails("SemanticError")
