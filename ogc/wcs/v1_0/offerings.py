"""What capabilities and descriptions of WCS 1.0.0 both say of a coverage."""

from datetime import datetime

from datacube.cube import Coverage
from datacube.encode.xml import Element
from datacube.times import iso_text
from ogc.crs import lonlat_bbox
from ogc.wcs.v1_0.names import WCS, XML
from ogc.xml import number

CRS84_URN = "urn:ogc:def:crs:OGC:1.3:CRS84"


def root(tag: str, schema: str, revision: int | None = None) -> Element:
    """Return the root of a document whose schema is `schema`."""
    made = XML.root(tag, version="1.0.0")
    if revision is not None:
        made.set("updateSequence", str(revision))
    location = f"{WCS} http://schemas.opengis.net/wcs/1.0.0/{schema}"
    XML.attribute(made, "xsi:schemaLocation", location)
    return made


def add_about(parent: Element, coverage: Coverage, metadata_url: str) -> None:
    """Append link, description, name, label and the envelope with the first and last time."""
    link = XML.add(parent, "metadataLink", metadataType="TC211")
    XML.attribute(link, "xlink:href", metadata_url)
    XML.add(parent, "description", coverage.cube.title)
    XML.add(parent, "name", coverage.id)
    XML.add(parent, "label", coverage.cube.title)
    west, south, east, north = (number(value) for value in lonlat_bbox(coverage.grid))
    envelope = XML.add(parent, "lonLatEnvelope", srsName=CRS84_URN)
    XML.add(envelope, "gml:pos", f"{west} {south}")
    XML.add(envelope, "gml:pos", f"{east} {north}")
    if coverage.time is not None:
        for end in coverage.time.ends:
            add_time(envelope, end)


def add_time(parent: Element, reference: datetime) -> None:
    """Append the time of one acquisition."""
    XML.add(parent, "gml:timePosition", iso_text(reference))
