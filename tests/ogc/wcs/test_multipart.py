"""Answers of two parts: a coverage in GML and the file of its cells."""

import io

import numpy as np
import pytest
import xarray as xr
from lxml import etree

from tests.builders.multipart import bytes_of
from tests.ogc.conftest import Schemas
from tests.ogc.wcs.conftest import Asker, content, parts
from tests.ogc.wcs.test_documents import CIS, GMLCOV
from tests.ogc.wcs.test_metadata import GRIDS, NAMES

RELATED = "mediatype=multipart/related"


@pytest.mark.parametrize(
    ("query", "media_type"),
    [
        ("A", "image/tiff"),
        ("A&format=image/jp2", "image/jp2"),
        ("W&format=application/netcdf", "application/netcdf"),
        ("L", "application/netcdf"),
        ("T&subset=ansi(%222020-01-01%22)&outputcrs=EPSG:3857", "image/tiff"),
    ],
)
def test_the_document_refers_to_the_file(
    asker: Asker, schemas: Schemas, query: str, media_type: str
) -> None:
    reply = asker.coverage(f"{query}&{RELATED}")
    assert reply.media_type.startswith("multipart/related; ")
    document, file = parts(reply)
    assert document.get_content_type() == "application/gml+xml"
    assert f'start="{document["Content-ID"]}"' in reply.media_type
    body = bytes_of(document)
    schemas.check(body, GMLCOV, GRIDS)
    root = etree.fromstring(body)
    assert root.findtext(".//gml:fileReference", None, NAMES) == f"cid:{file['Content-ID'][1:-1]}"
    assert root.findtext(".//gml:mimeType", None, NAMES) == media_type
    assert file.get_content_type() == media_type
    assert bytes_of(file) == content(asker.coverage(query))


def test_the_document_has_the_domain_of_the_file(asker: Asker) -> None:
    query = "W&format=application/netcdf&subset=Lat(52,54)&subset=height(10)"
    document, file = parts(asker.coverage(f"{query}&{RELATED}"))
    root = etree.fromstring(bytes_of(document))
    low, high = (
        [int(n) for n in str(root.findtext(f".//gml:{end}", None, NAMES)).split()]
        for end in ("low", "high")
    )
    with xr.open_dataset(io.BytesIO(bytes_of(file)), engine="h5netcdf") as made:
        assert made["v"].shape == tuple(
            b - a + 1 for a, b in zip(low[::-1], high[::-1], strict=True)
        )
        np.testing.assert_array_equal(made["v"].values, asker.made.arrays["W"]["v"][:, 1, 12:16])


def test_in_wcs_2_1_the_document_is_of_cis_1_1(asker: Asker, schemas: Schemas) -> None:
    query = f"service=WCS&version=2.1.0&request=GetCoverage&coverageid=A&{RELATED}"
    document, file = parts(asker.get(query))
    schemas.check(bytes_of(document), CIS)
    root = etree.fromstring(bytes_of(document))
    reference = root.findtext("{*}RangeSet/{*}FileReference")
    assert reference == f"cid:{file['Content-ID'][1:-1]}"


def test_gml_alone_is_the_only_part(asker: Asker) -> None:
    query = "L&format=application/gml%2Bxml"
    (document,) = parts(asker.coverage(f"{query}&{RELATED}"))
    assert bytes_of(document) == content(asker.coverage(query))


def test_the_tag_is_its_own_and_equal_answers_are_equal(asker: Asker) -> None:
    plain, one, two = (asker.coverage(q) for q in ("A", f"A&{RELATED}", f"A&{RELATED}"))
    assert dict(plain.headers)["ETag"] != dict(one.headers)["ETag"]
    assert (one.body, one.headers) == (two.body, two.headers)
