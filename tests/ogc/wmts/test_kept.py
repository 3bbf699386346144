"""Capabilities of many layers and times, and those that are sent again as they were."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from datacube.axes import TimeAxis
from ogc.exchange import Reply
from ogc.kvp import Kvp
from ogc.wmts.capabilities_document import MAX_WHOLE
from ogc.wmts.kept import KEPT, KeptDocuments
from ogc.wmts.service import dispatch
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import REVISION, SITE, FakeSession, FakeView, utm_coverage

WMTS = ("http://www.opengis.net/wmts/1.0", "http://schemas.opengis.net/wmts/1.0/wmts.xsd")
NS = {"w": WMTS[0]}
SITE_OF_TILES = replace(SITE, root="http://127.0.0.1", url="http://127.0.0.1/wmts")


def view_of(layers: int, days: int) -> FakeView:
    base = utm_coverage()
    first = base.acquisitions[0]
    steps = (timedelta(days=number) for number in range(days))
    axis = TimeAxis(
        acquisitions=tuple(
            replace(first, **{n: getattr(first, n) + step for n in ("reference", "first", "last")})
            for step in steps
        )
    )
    made = {}
    for number in range(layers):
        cube = replace(base.cube, collection=f"C{number:04}", name=f"C{number:04}_32633")
        made[cube.name] = replace(base, id=cube.name, cube=cube, time=axis)
    return FakeView(coverages=made)


def ask(view: FakeView, kept: KeptDocuments, more: str = "") -> Reply:
    query = f"service=WMTS&request=GetCapabilities{more}"
    session = FakeSession(view=view)
    reply = dispatch(lambda: Kvp.parse(query), lambda _: session, SITE_OF_TILES, kept)
    assert reply.status == 200
    return reply


def test_long_lists_of_days_become_an_interval(schemas: Schemas) -> None:
    body = ask(view_of(1, 1001), KeptDocuments()).body
    assert isinstance(body, bytes)
    schemas.check(body, WMTS)
    values = etree.fromstring(body).findall(".//w:Dimension/w:Value", NS)
    assert [value.text for value in values] == ["2022-12-01/2025-08-27/P1D"]


@pytest.mark.parametrize(("layers", "listed"), [(1, True), (MAX_WHOLE + 1, False)])
def test_of_many_layers_only_what_is_needed_is_said(
    schemas: Schemas, *, layers: int, listed: bool
) -> None:
    body = ask(view_of(layers, 3), KeptDocuments()).body
    assert isinstance(body, bytes)
    schemas.check(body, WMTS)
    root = etree.fromstring(body)
    assert len(root.findall("w:Contents/w:Layer", NS)) == layers
    for name in ("TileMatrixSetLimits", "LegendURL"):
        assert (root.find(f".//w:{name}", NS) is not None) == listed
    kinds = [r.get("resourceType") for r in root.iterfind(".//w:ResourceURL", NS)]
    assert kinds[:2] == (["tile", "tile"] if listed else ["tile", "FeatureInfo"])
    if not listed:
        # A thousand such layers stay below 3 MB.
        one = ask(view_of(layers + 100, 3), KeptDocuments()).body
        assert isinstance(one, bytes)
        assert (len(one) - len(body)) / 100 < 3000


def test_a_document_is_written_once() -> None:
    kept, view = KeptDocuments(), view_of(2, 3)
    first = ask(view, kept)
    assert ask(view, kept) is first
    assert ask(view, kept, "&sections=Contents").body != first.body
    # What is visible decides, not the number of the revision alone.
    fewer = FakeView(coverages=dict(list(view.coverages.items())[:1]))
    assert ask(fewer, kept).body != first.body
    later = FakeView(coverages=view.coverages, revision=REVISION + 1)
    assert ask(later, kept).body != first.body
    assert ask(view, kept) is first


def test_the_longest_unused_go() -> None:
    kept, view = KeptDocuments(), view_of(1, 1)
    first = ask(view, kept)
    for number in range(KEPT):
        ask(view, kept, f"&updatesequence=-{number}")
    assert ask(view, kept) is not first
