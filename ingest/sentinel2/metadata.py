"""MTD_MSIL1C.xml, MTD_MSIL2A.xml and MTD_TL.xml: what a product says about itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from datacube.errors import (
    InvalidParameterError,
    SourceError,
    UnsafeSourceError,
    UnsupportedSourceError,
)
from datacube.times import parse_period
from ingest.sentinel2.bands import BAND_IDS, Level
from ingest.sentinel2.radiometry import Radiometry

XML_LIMIT_BYTES = 32 * 2**20
"""Metadata of a real product has less than 1 MB."""

_STAMP = re.compile(r"\d{8}T\d{6}")
_LEVELS: Mapping[str, Level] = {"Level-1C": "L1C", "Level-2A": "L2A"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMetadata:
    """The product's own file, MTD_MSI*.xml."""

    level: Level
    product_id: str
    """Without `.SAFE`."""
    platform: str
    """`S2A`."""
    baseline: str
    generation_time: datetime
    datatake_id: str
    datatake_start: datetime
    """The start in the datatake id, to the second."""
    relative_orbit: int | None
    orbit_direction: str | None
    cloud_cover_percent: float | None
    footprint: tuple[tuple[float, float], ...]
    """Ring of (longitude, latitude)."""
    radiometry: Mapping[str, Radiometry]
    """By spectral band."""
    atmosphere: Mapping[str, float]
    """Digital number of 1 for AOT and WVP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileMetadata:
    """The granule's file, MTD_TL.xml."""

    tile: str
    """MGRS tile without T: `33TWM`."""
    epsg: int
    sensing_time: datetime
    corner: tuple[float, float]
    """Upper left `(x, y)`, in the unit of the CRS."""
    shape_10m: tuple[int, int]
    """`(rows, columns)` of a 10 m image."""
    sun_deg: tuple[float, float] | None
    """Mean `(zenith, azimuth)`."""
    view_deg: Mapping[str, tuple[float, float]]
    """Mean `(zenith, azimuth)` by band."""


def parse_xml(data: bytes, name: str) -> etree._Element:
    """Parse XML that refers to nothing outside itself.

    Raises
    ------
    UnsafeSourceError
        If it has a document type or entities of its own, or is too large.
    SourceError
        If it is no XML.
    """
    if len(data) > XML_LIMIT_BYTES:
        raise UnsafeSourceError(
            f"{name} has more than {XML_LIMIT_BYTES} bytes, the most allowed for metadata"
        )
    if b"\0" in data[:512]:
        raise UnsafeSourceError(f"{name} is not encoded in UTF-8")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise UnsafeSourceError(
            f"{name} declares a document type or entities; product metadata has neither"
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise SourceError(f"{name} is not well-formed XML: {error}") from error


def parse_product(root: etree._Element, name: str) -> ProductMetadata:
    """Read MTD_MSIL1C.xml or MTD_MSIL2A.xml.

    Raises
    ------
    UnsupportedSourceError
        If something needed is missing.
    """
    text = _Reader(root, name)
    level = _LEVELS.get(text.one("PROCESSING_LEVEL"))
    if level is None:
        raise UnsupportedSourceError(
            f"{name} has the processing level {text.one('PROCESSING_LEVEL')!r}; "
            f"{', '.join(_LEVELS)} are read"
        )
    datatake = text.element("Datatake")
    datatake_id = datatake.get("datatakeIdentifier", "")
    start = text.time("DATATAKE_SENSING_START")
    stamp = _STAMP.search(datatake_id)
    if stamp:
        start = stamp_time(stamp.group())
    orbit = text.maybe("SENSING_ORBIT_NUMBER")
    cloud = text.maybe("Cloud_Coverage_Assessment")
    return ProductMetadata(
        level=level,
        product_id=text.one("PRODUCT_URI").removesuffix(".SAFE"),
        platform=text.one("SPACECRAFT_NAME").replace("Sentinel-", "S"),
        baseline=text.one("PROCESSING_BASELINE"),
        generation_time=text.time("GENERATION_TIME"),
        datatake_id=datatake_id,
        datatake_start=start,
        relative_orbit=int(orbit) if orbit else None,
        orbit_direction=text.maybe("SENSING_ORBIT_DIRECTION"),
        cloud_cover_percent=float(cloud) if cloud else None,
        footprint=_footprint(text.one("EXT_POS_LIST"), name),
        radiometry=_radiometry(text, level),
        atmosphere={
            band: float(value)
            for band in ("AOT", "WVP")
            if (value := text.maybe(f"{band}_QUANTIFICATION_VALUE"))
        },
    )


def parse_tile(root: etree._Element, name: str) -> TileMetadata:
    """Read MTD_TL.xml.

    Raises
    ------
    UnsupportedSourceError
        If something needed is missing.
    """
    text = _Reader(root, name)
    tile = re.search(r"_T(\d{2}[A-Z]{3})(?:_|$)", text.one("TILE_ID"))
    if tile is None:
        raise UnsupportedSourceError(
            f"{name} has the tile id {text.one('TILE_ID')!r}, no MGRS tile"
        )
    size = text.element("Size[@resolution='10']")
    place = text.element("Geoposition[@resolution='10']")
    sun = root.find(".//Mean_Sun_Angle")
    names = {str(band_id): band for band, band_id in BAND_IDS.items()}
    views = {
        names[view.get("bandId", "")]: angles
        for view in root.iterfind(".//Mean_Viewing_Incidence_Angle")
        if view.get("bandId") in names and (angles := _angles(view)) is not None
    }
    return TileMetadata(
        tile=tile.group(1),
        epsg=int(text.one("HORIZONTAL_CS_CODE").rpartition(":")[2]),
        sensing_time=text.time("SENSING_TIME"),
        corner=(float(place.findtext("ULX", "")), float(place.findtext("ULY", ""))),
        shape_10m=(int(size.findtext("NROWS", "")), int(size.findtext("NCOLS", ""))),
        sun_deg=None if sun is None else _angles(sun),
        view_deg=views,
    )


def stamp_time(stamp: str) -> datetime:
    """Read the time in a product name.

    >>> stamp_time("20230815T095031").isoformat()
    '2023-08-15T09:50:31+00:00'
    """
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


class _Reader:
    """Texts of elements by name, wherever they stand."""

    def __init__(self, root: etree._Element, name: str) -> None:
        self._root = root
        self._name = name

    def element(self, path: str) -> etree._Element:
        found = self._root.find(f".//{path}")
        if found is None:
            raise UnsupportedSourceError(f"{self._name} has no {path}")
        return found

    def maybe(self, path: str) -> str | None:
        text = self._root.findtext(f".//{path}")
        return text.strip() if text and text.strip() else None

    def one(self, path: str) -> str:
        text = self.maybe(path)
        if text is None:
            raise UnsupportedSourceError(f"{self._name} has no {path}")
        return text

    def all(self, path: str) -> list[etree._Element]:
        return self._root.findall(f".//{path}")

    def time(self, path: str) -> datetime:
        try:
            return parse_period(self.one(path)).start
        except InvalidParameterError as error:
            raise SourceError(f"{self._name}: {path}: {error}") from error


def _radiometry(text: _Reader, level: Level) -> dict[str, Radiometry]:
    quantity, offset = (
        ("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET")
        if level == "L1C"
        else ("BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET")
    )
    declared = text.maybe(quantity)
    if declared is None and level == "L2A":
        # Before baseline 02.08 the element had the other spelling.
        declared = text.maybe("L2A_BOA_QUANTIFICATION_VALUE")
    if declared is None:
        declared = text.one(quantity)
    offsets = {e.get("band_id"): float(e.text or "0") for e in text.all(offset)}
    return {
        band: Radiometry(
            quantification=float(declared),
            offset=offsets.get(str(band_id), 0.0),
            source=offset if str(band_id) in offsets else f"no {offset}",
        )
        for band, band_id in BAND_IDS.items()
    }


def _angles(element: etree._Element) -> tuple[float, float] | None:
    zenith, azimuth = element.findtext("ZENITH_ANGLE"), element.findtext("AZIMUTH_ANGLE")
    return (float(zenith), float(azimuth)) if zenith and azimuth else None


def _footprint(text: str, name: str) -> tuple[tuple[float, float], ...]:
    numbers = [float(number) for number in text.split()]
    if len(numbers) < 8 or len(numbers) % 2:
        raise UnsupportedSourceError(f"{name}: EXT_POS_LIST has {len(numbers)} numbers, no ring")
    return tuple(zip(numbers[1::2], numbers[::2], strict=True))
