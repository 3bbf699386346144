"""Scenes and series as XML (OGC 10-140r1, 8; metadata of observations: OGC 10-157r4)."""

from datetime import datetime

import shapely

from datacube.encode import gml
from datacube.encode.described import ncname
from datacube.encode.xml import Element, element_text
from datacube.protocols import Bbox
from datacube.times import iso_text
from ogc.wcs.eo.names import SCHEMA, WCSEO, XML
from ogc.wcs.eo.scenes import Scene, Series
from ogc.wcs.names import native_format
from ogc.xml import document, number

_WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
_UNKNOWN = "http://www.opengis.net/def/nil/OGC/0/unknown"


def encode_set(
    scenes: tuple[Scene, ...] | None, series: tuple[Series, ...] | None, *, matched: int
) -> bytes:
    """Write an EOCoverageSetDescription; None leaves out the section.

    `matched` counts what there is, of which the scenes and the series are returned.
    """
    returned = len(scenes or ()) + len(series or ())
    root = XML.root(
        "wcseo:EOCoverageSetDescription",
        numberMatched=str(matched),
        numberReturned=str(returned),
    )
    XML.attribute(root, "xsi:schemaLocation", f"{WCSEO} {SCHEMA}")
    if scenes:
        descriptions = XML.add(root, "wcs:CoverageDescriptions")
        for scene in scenes:
            add_scene(descriptions, scene, scene.id)
    if series:
        descriptions = XML.add(root, "wcseo:DatasetSeriesDescriptions")
        for one in series:
            _add_series(descriptions, one)
    return document(root)


def add_scene(parent: Element, scene: Scene, name: str) -> None:
    """Append the wcs:CoverageDescription of a dataset, with metadata of its observation.

    `name` begins the ids of its elements.
    """
    described = scene.described
    native = native_format(scene.coverage)
    gml.add_description(XML, parent, described, name=name, native_format=native)
    description = parent[-1]
    function = description.find(XML.name("gml:coverageFunction"))
    if function is not None:
        metadata = XML.add(description, "gmlcov:metadata")
        function.addnext(metadata)
        extension = XML.add(metadata, "gmlcov:Extension")
        _add_observation(extension, scene, name, scene.footprint)
    subtype = description.find(f".//{XML.name('wcs:CoverageSubtype')}")
    if subtype is not None:
        rectified = gml.is_rectified(described)
        subtype.text = "RectifiedDataset" if rectified else "ReferenceableDataset"


def observation(scene: Scene, name: str, bbox: Bbox | None = None) -> str:
    """Return the wcseo:EOMetadata of a dataset, or of cells cut out of it, as text.

    `name` begins the ids of its elements. `bbox`, in longitude and latitude, is around the cells;
    what lies beyond is left out of the footprint.
    """
    area = scene.footprint
    if bbox is not None:
        footprint = shapely.box(*bbox).intersection(area)
        # What only touches the box has no area, and its footprint is all that is known.
        polygons = [one for one in shapely.get_parts(footprint) if one.area > 0]
        area = shapely.multipolygons(polygons) if polygons else area
    extension = XML.root("gmlcov:Extension")
    _add_observation(extension, scene, name, area)
    return element_text(extension[0])


def _add_observation(
    extension: Element, scene: Scene, name: str, footprint: shapely.Geometry
) -> None:
    record = scene.slot.scene
    made = XML.add(XML.add(extension, "wcseo:EOMetadata"), "eop:EarthObservation")
    XML.attribute(made, "gml:id", f"{name}-observation")
    period = XML.add(made, "om:phenomenonTime")
    add_period(period, f"{name}-period", (record.first_time, record.last_time))
    instant = XML.add(XML.add(made, "om:resultTime"), "gml:TimeInstant")
    XML.attribute(instant, "gml:id", f"{name}-result")
    XML.add(instant, "gml:timePosition", iso_text(record.generation_time))
    for tag in ("om:procedure", "om:observedProperty"):
        nil = XML.add(made, tag, nilReason=_UNKNOWN)
        XML.attribute(nil, "xsi:nil", "true")
    add_footprint(XML.add(made, "om:featureOfInterest"), f"{name}-footprint", footprint)
    XML.add(made, "om:result")
    metadata = XML.add(XML.add(made, "eop:metaDataProperty"), "eop:EarthObservationMetaData")
    XML.add(metadata, "eop:identifier", record.product_id)
    XML.add(metadata, "eop:parentIdentifier", scene.coverage.cube.collection)
    XML.add(metadata, "eop:acquisitionType", "NOMINAL")
    XML.add(metadata, "eop:status", "ARCHIVED")


def _add_series(parent: Element, series: Series) -> None:
    description = XML.add(parent, "wcseo:DatasetSeriesDescription")
    name = f"series-{series.id}"
    XML.attribute(description, "gml:id", name)
    XML.add(description, "wcseo:DatasetSeriesId", series.id)
    add_period(description, f"{name}-period", series.period)
    add_footprint(description, f"{name}-footprint", shapely.box(*series.bbox))


def add_summary(contents: Element, series: Series) -> None:
    """Append the wcseo:DatasetSeriesSummary of capabilities."""
    summary = XML.add(contents, "wcseo:DatasetSeriesSummary")
    XML.add(summary, "ows:Title", series.title)
    west, south, east, north = map(number, series.bbox)
    box = XML.add(summary, "ows:WGS84BoundingBox")
    XML.add(box, "ows:LowerCorner", f"{west} {south}")
    XML.add(box, "ows:UpperCorner", f"{east} {north}")
    XML.add(summary, "wcseo:DatasetSeriesId", series.id)
    add_period(summary, ncname(f"series-{series.id}-period"), series.period)


def add_period(parent: Element, name: str, period: tuple[datetime, datetime]) -> None:
    """Append gml:TimePeriod with an id."""
    made = XML.add(parent, "gml:TimePeriod")
    XML.attribute(made, "gml:id", name)
    for tag, when in zip(("gml:beginPosition", "gml:endPosition"), period, strict=True):
        XML.add(made, tag, iso_text(when))


def add_footprint(parent: Element, name: str, area: shapely.Geometry) -> None:
    """Append eop:Footprint of an area in longitude and latitude."""
    footprint = XML.add(parent, "eop:Footprint")
    XML.attribute(footprint, "gml:id", name)
    surface = XML.add(XML.add(footprint, "eop:multiExtentOf"), "gml:MultiSurface", srsName=_WGS84)
    XML.attribute(surface, "gml:id", f"{name}-surface")
    for number_, polygon in enumerate(shapely.get_parts(area)):
        made = XML.add(XML.add(surface, "gml:surfaceMember"), "gml:Polygon")
        XML.attribute(made, "gml:id", f"{name}-polygon{number_}")
        rings = shapely.get_rings(polygon)
        for tag, ring in zip(("gml:exterior", *["gml:interior"] * len(rings)), rings, strict=False):
            # The CRS has latitude first.
            places = shapely.get_coordinates(ring)[:, ::-1].ravel()
            linear = XML.add(XML.add(made, tag), "gml:LinearRing")
            XML.add(linear, "gml:posList", " ".join(number(float(place)) for place in places))
