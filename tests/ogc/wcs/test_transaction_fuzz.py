"""Spoiled transactions are refused in the words of the service, and never fail."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from datacube.errors import CubeError
from datacube.protocols import Principal
from datacube.writing import Change, Offered, Written
from ogc.exchange import Reply
from ogc.posted import read_posted, read_spooled
from ogc.service import dispatch, refuse
from ogc.wcs.transaction.bodies import read_parts
from ogc.wcs.transaction.writing import Writing
from tests.acceptance.asked_requests import spoiled_xml
from tests.builders.transactions import GML, HEAD
from tests.ogc.fakes import SITE
from tests.ogc.wcs.conftest import Asker

INSIDE = GML.format(name="F", cells="1 2 3 4 5 6")
WCS = "http://www.opengis.net/wcs/2.0"
DOCUMENTS = (
    f"<InsertCoverage {HEAD}><coverage>{INSIDE}</coverage><useId/></InsertCoverage>",
    (
        f"<UpdateCoverage {HEAD}><coverageId>F</coverageId><inputCoverage>{INSIDE}</inputCoverage>"
        f'<w:DimensionTrim xmlns:w="{WCS}"><w:Dimension>E</w:Dimension><w:TrimLow>1</w:TrimLow>'
        "<w:TrimHigh>2</w:TrimHigh></w:DimensionTrim><rangeComponent><inputRangeComponent>v"
        "</inputRangeComponent><updatedRangeComponent>v</updatedRangeComponent></rangeComponent>"
        "</UpdateCoverage>"
    ),
    f"<DeleteCoverage {HEAD}><coverageId>F</coverageId></DeleteCoverage>",
)
SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
REFUSED = {400, 403, 404, 409, 413, 415, 501}


class Nowhere:
    """Takes every change and keeps none."""

    def insert(
        self, coverage_id: str, offered: Offered, principal: Principal, *, new_id: bool = False
    ) -> Written:
        assert principal.may_write
        assert offered is not None
        return Written(revision=1, coverage_id=f"{coverage_id}{new_id}")

    def update(self, change: Change, principal: Principal) -> Written:
        assert principal.may_write
        return Written(revision=1, coverage_id=change.coverage_id)

    def delete(self, coverage_ids: tuple[str, ...], principal: Principal) -> Written:
        assert principal.may_write
        assert coverage_ids
        return Written(revision=1)


WRITING = Writing(principal=Principal(name="fuzz", may_write=True), writer=Nowhere())


def told(reply: Reply) -> None:
    assert isinstance(reply.body, bytes)
    if reply.status != 200:
        assert reply.status in REFUSED, reply.body
        root = etree.fromstring(reply.body)
        assert etree.QName(root).localname in {"ExceptionReport", "Envelope"}


def sent(asker: Asker, body: bytes, media_type: str) -> Reply:
    try:
        posted = read_posted(media_type, body)
    except CubeError as error:
        return refuse(error, "")
    return dispatch(posted, asker.made.local.engine.session, SITE, WRITING)


@SETTINGS
@given(st.data(), st.sampled_from(DOCUMENTS), st.booleans())
def test_documents(asker: Asker, data: st.DataObject, document: str, soap: bool) -> None:  # noqa: FBT001  # drawn
    media_type = "application/xml"
    if soap:
        space = "http://www.w3.org/2003/05/soap-envelope"
        document = f'<s:Envelope xmlns:s="{space}"><s:Body>{document}</s:Body></s:Envelope>'
        media_type = "application/soap+xml"
    assert sent(asker, document.encode(), media_type).status == 200
    told(sent(asker, spoiled_xml(document, data.draw), media_type))


PARTS = (
    b'--B\r\nContent-Disposition: form-data; name="request"\r\n\r\nInsertCoverage\r\n'
    b'--B\r\nContent-Disposition: form-data; name="service"\r\n\r\nWCS\r\n'
    b'--B\r\nContent-Disposition: form-data; name="coverageId"\r\n\r\nF\r\n'
    b'--B\r\nContent-Disposition: form-data; name="coverage"; filename="x"\r\n\r\n'
    b"II*\0\r\n--B--\r\n"
)
CUTS = (b"--B", b"\r\n", b"--B--", b"name=", b"\r\n\r\n", b"\0", b"\xff\xfe", b'"', b";")


@SETTINGS
@given(
    st.lists(st.tuples(st.integers(0, len(PARTS)), st.sampled_from(CUTS)), max_size=4), st.data()
)
def test_forms(asker: Asker, cuts: list[tuple[int, bytes]], data: st.DataObject) -> None:
    body = PARTS
    for at, piece in cuts:
        body = body[:at] + piece + body[at + data.draw(st.integers(0, 12)) :]
    kind = data.draw(st.sampled_from(["multipart/form-data", "multipart/related"]))
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "body").write_bytes(body)
        try:
            posted = read_spooled(f"{kind}; boundary=B", folder / "body", folder, 10_000)
        except CubeError as error:
            told(refuse(error, ""))
            return
        told(dispatch(posted, asker.made.local.engine.session, SITE, WRITING))
        assert {path.parent for path in folder.rglob("*")} == {folder}


@given(st.binary(max_size=300).filter(lambda cells: b"\r\n--B" not in cells))
def test_files_come_as_they_were_sent(cells: bytes) -> None:
    head = json.dumps("x").encode()
    body = b'--B\r\nContent-Disposition: form-data; name="coverage"; filename=' + head
    body += b"\r\n\r\n" + cells + b"\r\n--B--\r\n"
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "body").write_bytes(body)
        parted = read_parts("multipart/form-data; boundary=B", folder / "body", folder)
        (file,) = parted.files
        assert file.path.read_bytes() == cells
