"""Requests of WCS 2.0.1 by each of its bindings, and what their answers hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from enum import StrEnum
from types import MappingProxyType
from xml.sax.saxutils import escape

import numpy as np
import pytest
from httpx2 import Response
from lxml import etree
from numpy.typing import NDArray
from starlette.testclient import TestClient

from tests.builders.made import Made
from tests.builders.multipart import bytes_of, parts_of

GML, TIFF = "application/gml+xml", "image/tiff"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
WCS = "http://www.opengis.net/wcs/2.0"
HEAD = f'xmlns="{WCS}" service="{{service}}" version="{{version}}"'
SCHEMAS = (
    (WCS, "http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"),
    ("http://www.opengis.net/gmlcov/1.0", "http://schemas.opengis.net/gmlcov/1.0/gmlcovAll.xsd"),
    ("http://www.opengis.net/gml/3.3/rgrid", "http://schemas.opengis.net/gml/3.3/rgrid.xsd"),
)
REPORT = ("http://www.opengis.net/ows/2.0", "http://schemas.opengis.net/ows/2.0/owsAll.xsd")
NOT_FOUND = 404


class Binding(StrEnum):
    """How a request is sent."""

    KVP = "get-kvp"
    XML = "post-xml"
    SOAP = "soap"


def by_binding(*names: str) -> pytest.MarkDecorator:
    """Run a test with each `binding`, for requirements `wcs20:<name>:<binding>`."""
    return pytest.mark.parametrize(
        "binding",
        [
            pytest.param(
                one, id=one, marks=[pytest.mark.requirement(f"wcs20:{n}:{one}") for n in names]
            )
            for one in Binding
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What an extension adds to a request for cells, as parameters and as elements."""

    kvp: tuple[tuple[str, str], ...]
    xml: str


NOTHING = Extension(kvp=(), xml="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, out of its envelope."""

    status: int
    root: etree._Element
    """The document; in SOAP that in the body, or the report of a fault."""
    raw: bytes = b""
    """The answer, where it is a file and no document."""
    files: tuple[Message, ...] = ()
    """What is attached."""

    @property
    def file(self) -> bytes:
        """The file: the answer itself, or in SOAP what is attached."""
        assert self.status == 200, self.bytes
        return bytes_of(self.files[0]) if self.files else self.raw

    @property
    def code(self) -> str | None:
        """The code of the first exception."""
        for one in self.root.iter("{*}Exception"):
            return one.get("exceptionCode")
        return None

    @property
    def bytes(self) -> bytes:
        """The document alone."""
        return etree.tostring(self.root)

    def texts(self, name: str) -> list[str]:
        """Return the texts of the elements of a name, in any namespace."""
        return [(one.text or "").strip() for one in self.root.iter(f"{{*}}{name}")]

    @property
    def name(self) -> str:
        """The local name of the document."""
        return etree.QName(self.root).localname

    def fails(self, code: str, status: int = 400) -> None:
        """Fail unless it is a report of an exception."""
        assert (self.status, self.code) == (status, code), self.bytes

    def tuples(self) -> NDArray[np.float64]:
        """Return the cells of a GML coverage, `(cell, band)`, as they are listed."""
        assert self.status == 200, self.bytes
        (cells,) = self.texts("tupleList")
        return np.array([[float(value) for value in cell.split(",")] for cell in cells.split()])

    def limits(self) -> dict[str, tuple[int, int]]:
        """Return the first and the last index on the axes of the grid of a GML coverage."""
        assert self.status == 200, self.bytes
        low, high = ([int(n) for n in self.texts(end)[0].split()] for end in ("low", "high"))
        labels = self.texts("axisLabels")[0].split()
        return dict(zip(labels, zip(low, high, strict=True), strict=True))

    def sizes(self) -> dict[str, int]:
        """Return the numbers of cells on the axes of the grid of a GML coverage."""
        return {axis: last - first + 1 for axis, (first, last) in self.limits().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server over coverages of every kind, and what they hold."""

    client: TestClient
    made: Made
    _asked: dict[tuple[object, ...], Answered] = field(default_factory=dict)

    def capabilities(
        self, binding: Binding, *, service: str = "WCS", versions: str = "2.0.1"
    ) -> Answered:
        """Ask for the capabilities with the contents."""
        accepted = (
            f'<o:AcceptVersions xmlns:o="http://www.opengis.net/ows/2.0"><o:Version>{versions}'
            "</o:Version></o:AcceptVersions>"
        )
        xml = f'<GetCapabilities xmlns="{WCS}" service="{service}">{accepted}</GetCapabilities>'
        kvp = [("REQUEST", "GetCapabilities"), ("SERVICE", service), ("ACCEPTVERSIONS", versions)]
        return self.send(binding, kvp, xml)

    def ids(self) -> list[str]:
        """Return the ids that capabilities list."""
        return self.capabilities(Binding.KVP).texts("CoverageId")

    def describe(
        self, binding: Binding, *ids: str, service: str = "WCS", version: str = "2.0.1"
    ) -> Answered:
        """Ask for descriptions."""
        named = "".join(f"<CoverageId>{name}</CoverageId>" for name in ids)
        head = HEAD.format(service=service, version=version)
        kvp = [("REQUEST", "DescribeCoverage"), ("SERVICE", service), ("VERSION", version)]
        kvp += [("COVERAGEID", ",".join(ids))] if ids else []
        return self.send(binding, kvp, f"<DescribeCoverage {head}>{named}</DescribeCoverage>")

    def cells(
        self,
        binding: Binding,
        name: str,
        *subsets: str,
        form: str = GML,
        extension: Extension = NOTHING,
        head: Mapping[str, str] = MappingProxyType({}),
    ) -> Answered:
        """Ask for cells in GML, or for `form`; subsets are written as in KVP.

        `head` may say another `service`, `version` or `mediatype`.
        """
        said = {"service": "WCS", "version": "2.0.1", "mediatype": "", **head}
        kvp = [("REQUEST", "GetCoverage"), ("COVERAGEID", name)]
        kvp += [(key.upper(), said[key]) for key in said if said[key]]
        kvp += [("SUBSET", one) for one in subsets]
        kvp += [("FORMAT", form)] if form else []
        parts = [f"<Extension>{extension.xml}</Extension>"] if extension.xml else []
        parts += [f"<CoverageId>{name}</CoverageId>", *map(_dimension, subsets)]
        parts += [f"<format>{form}</format>"] if form else []
        parts += [f"<mediaType>{said['mediatype']}</mediaType>"] if said["mediatype"] else []
        xml = f"<GetCoverage {HEAD.format_map(said)}>{''.join(parts)}</GetCoverage>"
        return self.send(binding, [*kvp, *extension.kvp], xml)

    def send(self, binding: Binding, kvp: Iterable[tuple[str, str]], xml: str) -> Answered:
        """Send a request; equal ones are sent once."""
        key = (binding, *(kvp if binding is Binding.KVP else (xml,)))
        if key not in self._asked:
            self._asked[key] = _answered(self._send(binding, tuple(kvp), xml))
        return self._asked[key]

    def _send(self, binding: Binding, kvp: tuple[tuple[str, str], ...], xml: str) -> Response:
        if binding is Binding.KVP:
            got: Response = self.client.get("/ows", params=kvp)
            return got
        kind = "text/xml"
        if binding is Binding.SOAP:
            kind = "application/soap+xml"
            xml = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{xml}</s:Body></s:Envelope>'
        posted: Response = self.client.post("/ows", content=xml, headers={"Content-Type": kind})
        return posted


def _dimension(subset: str) -> str:
    axis, _, inside = subset.rstrip(")").partition("(")
    ends = [escape(end) for end in inside.split(",")]
    head = f"<Dimension>{axis}</Dimension>"
    if len(ends) == 1:
        slice_ = f"{head}<SlicePoint>{ends[0]}</SlicePoint>"
        return f"<DimensionSlice>{slice_}</DimensionSlice>"
    trim = f"{head}<TrimLow>{ends[0]}</TrimLow><TrimHigh>{ends[1]}</TrimHigh>"
    return f"<DimensionTrim>{trim}</DimensionTrim>"


def _answered(reply: Response) -> Answered:
    kind = reply.headers["content-type"].split(";")[0]
    files: list[Message] = []
    body = reply.content
    if kind == "multipart/related":
        first, *files = parts_of(reply.headers["content-type"], reply.content)
        body = bytes_of(first)
    raw = b""
    try:
        root = etree.fromstring(body)
    except etree.XMLSyntaxError:
        root, raw = etree.Element("file", type=kind), body
    if etree.QName(root).localname == "Envelope":
        root = _content(root)
    return Answered(status=reply.status_code, root=root, raw=raw, files=tuple(files))


def _content(envelope: etree._Element) -> etree._Element:
    body = envelope.find(f"{{{SOAP}}}Body")
    assert body is not None
    detail = body.find(f"{{{SOAP}}}Fault/{{{SOAP}}}Detail")
    holder = body if detail is None else detail
    # Some operations of the transaction extension answer nothing.
    (inner,) = holder if len(holder) else (etree.Element("nothing"),)
    return inner


def listed(made: Made, name: str) -> NDArray[np.float64]:
    """Return the stored cells of a coverage, `(cell, band)`, x running first."""
    bands = [values.ravel().astype(float) for values in made.arrays[name].values()]
    return np.stack(bands, axis=-1)
