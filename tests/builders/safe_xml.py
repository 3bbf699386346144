"""The XML of a product: a real one's where there is one, else a template, filled alike."""

import hashlib
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from tests.builders.bands import BANDS, RESOLUTIONS_M, Level, has_raster_masks, image_list
from tests.builders.product import Frame, Product, stamp
from tests.builders.safe_masks import FIRST_DETECTOR, mask_files

TEMPLATES = Path(__file__).parent / "templates"

REAL_PRODUCTS: tuple[tuple[Level, str, str], ...] = (
    ("L1C", "02.06", "s2_l1c_safe_31TDH_b01/S2A_MSIL1C_20180101T105441_*.SAFE"),
    ("L1C", "05.09", "s2_safe_metadata_baselines/S2A_MSIL1C_20230804T021351_N0509_*.SAFE.zip"),
    ("L2A", "04.00", "s2_safe_metadata_baselines/S2B_MSIL2A_20220413T150759_N0400_*.SAFE.zip"),
    ("L2A", "05.09", "s2_safe_metadata_baselines/S2A_MSIL2A_20230821T221941_N0509_*.SAFE.zip"),
)
"""(level, baseline, pattern in the test data) of the real metadata."""

ANGLE_STEP_M = 5000
ANGLE_NODES = 23
"""Nodes along a side of an angle grid: they cover a whole tile, however small the image is."""


def product_metadata(product: Product, frame: Frame, testdata: Path | None) -> bytes:
    """Return MTD_MSIL1C.xml or MTD_MSIL2A.xml."""
    root = etree.fromstring(skeleton(product, f"MTD_MSI{product.level}.xml", testdata))
    info = _one(root, ".//Product_Info")
    for path, text in (
        ("PRODUCT_START_TIME", _milliseconds(product.datatake_start)),
        ("PRODUCT_STOP_TIME", _milliseconds(product.datatake_start)),
        ("PRODUCT_URI", product.name),
        ("PROCESSING_BASELINE", product.baseline),
        ("GENERATION_TIME", _microseconds(product.processing_time)),
        ("Datatake/SPACECRAFT_NAME", f"Sentinel-{product.spacecraft.removeprefix('S')}"),
        ("Datatake/DATATAKE_SENSING_START", _milliseconds(product.datatake_start)),
        ("Datatake/SENSING_ORBIT_NUMBER", str(product.relative_orbit)),
        ("Datatake/SENSING_ORBIT_DIRECTION", "DESCENDING"),
    ):
        _one(info, path).text = text
    _one(info, "Datatake").set("datatakeIdentifier", product.datatake_id)
    granule = _one(info, ".//Granule")
    granule.set("datastripIdentifier", _item_id(product, "DS"))
    granule.set("granuleIdentifier", _item_id(product, "TL"))
    _replace_children(
        granule,
        [
            _element(
                "IMAGE_FILE", product.image_path(image, resolution_m).with_suffix("").as_posix()
            )
            for image, resolution_m in image_list(product.level, product.baseline)
        ],
    )
    _fill_offsets(_one(root, ".//Product_Image_Characteristics"), product)
    _one(root, ".//EXT_POS_LIST").text = footprint_text(product, frame)
    _one(root, ".//Cloud_Coverage_Assessment").text = f"{product.cloud_percent:.6f}"
    return _bytes(root)


def tile_metadata(product: Product, frame: Frame, testdata: Path | None) -> bytes:
    """Return the granule's MTD_TL.xml."""
    root = etree.fromstring(skeleton(product, "MTD_TL.xml", testdata))
    if product.level == "L2A":
        _one(root, ".//L1C_TILE_ID").text = _item_id(product, "TL").replace("_L2A_", "_L1C_")
    for path, text in (
        ("TILE_ID", _item_id(product, "TL")),
        ("DATASTRIP_ID", _item_id(product, "DS")),
        ("SENSING_TIME", _microseconds(product.datastrip_start + timedelta(seconds=6.25))),
        ("ARCHIVING_TIME", _microseconds(product.processing_time + timedelta(minutes=5))),
        ("HORIZONTAL_CS_NAME", _zone_name(product.epsg)),
        ("HORIZONTAL_CS_CODE", f"EPSG:{product.epsg}"),
        ("CLOUDY_PIXEL_PERCENTAGE", f"{product.cloud_percent:.6f}"),
        (
            "PVI_FILENAME",
            (
                product.quality_folder / f"T{product.tile}_{stamp(product.datatake_start)}_PVI.jp2"
            ).as_posix(),
        ),
    ):
        _one(root, f".//{path}").text = text
    for resolution_m in RESOLUTIONS_M:
        size = _one(root, f".//Size[@resolution='{resolution_m}']")
        for name in ("NROWS", "NCOLS"):
            _one(size, name).text = str(frame.size_px_10m * 10 // resolution_m)
        position = _one(root, f".//Geoposition[@resolution='{resolution_m}']")
        _one(position, "ULX").text = f"{frame.origin_x_m:.0f}"
        _one(position, "ULY").text = f"{frame.origin_y_m:.0f}"
    angles = _one(root, ".//Tile_Angles")
    if len(angles) == 0:
        _replace_children(angles, _angles())
    _replace_children(
        _one(root, ".//Pixel_Level_QI"),
        [
            _element(
                "MASK_FILENAME",
                (product.quality_folder / name).as_posix(),
                **({} if band_id is None else {"bandId": str(band_id)}),
                type=kind,
            )
            for kind, band_id, name in mask_files(product)
        ],
    )
    return _bytes(root)


def manifest(safe: Path, product: Product) -> bytes:
    """Return manifest.safe: every other file of the product with its size and MD5."""
    xfdu, sentinel = "urn:ccsds:schema:xfdu:1", "http://www.esa.int/safe/sentinel/1.1"
    kind = f"archive_{product.level.lower()}_user_product"
    root = etree.Element(
        f"{{{xfdu}}}XFDU",
        {"version": f"esa/safe/sentinel/1.1/sentinel-2/msi/{kind}"},
        nsmap={"xfdu": xfdu, "safe": sentinel},
    )
    section = etree.SubElement(root, "metadataSection")
    period = etree.SubElement(
        section, "metadataObject", {"ID": "acquisitionPeriod", "category": "DMD"}
    )
    data = etree.SubElement(
        etree.SubElement(period, "metadataWrap", {"mimeType": "text/xml"}), "xmlData"
    )
    acquisition = etree.SubElement(data, f"{{{sentinel}}}acquisitionPeriod")
    start = etree.SubElement(acquisition, f"{{{sentinel}}}startTime")
    start.text = _milliseconds(product.datatake_start)
    objects = etree.SubElement(root, "dataObjectSection")
    for path in sorted(path for path in safe.rglob("*") if path.is_file()):
        content = path.read_bytes()
        kind = "text/xml" if path.suffix in {".xml", ".gml"} else "application/octet-stream"
        entry = etree.SubElement(objects, "dataObject", {"ID": path.stem})
        stream = etree.SubElement(
            entry, "byteStream", {"mimeType": kind, "size": str(len(content))}
        )
        href = path.relative_to(safe).as_posix()
        etree.SubElement(stream, "fileLocation", {"locatorType": "URL", "href": href})
        checksum = etree.SubElement(stream, "checksum", {"checksumName": "MD5"})
        checksum.text = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return _bytes(root)


def skeleton(product: Product, name: str, testdata: Path | None) -> bytes:
    """Return a file of the real product nearest in baseline among those of the same layout.

    Without test data, or where it has none such: the template.
    """
    candidates = [
        (abs(float(baseline) - float(product.baseline)), path)
        for level, baseline, pattern in REAL_PRODUCTS
        if level == product.level
        and has_raster_masks(baseline) == has_raster_masks(product.baseline)
        for path in (sorted(testdata.glob(pattern)) if testdata is not None else ())
    ]
    if candidates:
        return read_member(min(candidates)[1], name)
    template = f"MTD_TL_{product.level}.xml" if name == "MTD_TL.xml" else name
    return (TEMPLATES / template).read_bytes()


@cache
def read_member(safe: Path, name: str) -> bytes:
    """Return the one file called `name` of a .SAFE folder or zip."""
    if safe.is_dir():
        return next(safe.rglob(name)).read_bytes()
    with zipfile.ZipFile(safe) as archive:
        member = next(member for member in archive.namelist() if member.endswith(f"/{name}"))
        return archive.read(member)


def footprint_text(product: Product, frame: Frame) -> str:
    """Return the frame's corners as a closed ring of latitude and longitude pairs."""
    left, top, edge = frame.origin_x_m, frame.origin_y_m, frame.size_px_10m * 10
    longitudes, latitudes = transform_points(
        CRS.from_epsg(product.epsg),
        CRS.from_epsg(4326),
        [left, left + edge, left + edge, left, left],
        [top, top, top - edge, top - edge, top],
    )[:2]
    pairs = zip(latitudes, longitudes, strict=True)
    # Real lists end with a blank too.
    return "".join(f"{latitude:.12f} {longitude:.12f} " for latitude, longitude in pairs)


def _fill_offsets(characteristics: etree._Element, product: Product) -> None:
    """Declare the product's offset for all thirteen bands, or take any declaration away."""
    lists, tag, after = (
        ("BOA_ADD_OFFSET_VALUES_LIST", "BOA_ADD_OFFSET", "QUANTIFICATION_VALUES_LIST")
        if product.level == "L2A"
        else ("Radiometric_Offset_List", "RADIO_ADD_OFFSET", "QUANTIFICATION_VALUE")
    )
    for declared in characteristics.findall(lists):
        characteristics.remove(declared)
    if product.offset is not None:
        offsets = etree.Element(lists)
        offsets.extend(
            [_element(tag, str(product.offset), band_id=str(band.band_id)) for band in BANDS]
        )
        _one(characteristics, after).addnext(offsets)


def _angles() -> list[etree._Element]:
    """Make a template's angles: the sun slopes across the tile, two detectors see half each."""
    rows, columns = np.indices((ANGLE_NODES, ANGLE_NODES)) / ANGLE_NODES
    sun = _grids("Sun_Angles_Grid", 38 + rows - 0.6 * columns, 158 + 2 * columns - rows)
    mean_sun = _mean("Mean_Sun_Angle", 38.2, 158.5)
    views, means = [], etree.Element("Mean_Viewing_Incidence_Angle_List")
    for band in BANDS:
        for side in (0, 1):
            seen = (columns < 0.55) if side == 0 else (columns > 0.45)
            zenith = np.where(seen, 2 + 6 * np.abs(columns - 0.5) + 0.01 * band.band_id, np.nan)
            azimuth = np.where(seen, 105 + 180 * side + rows, np.nan)
            detector = str(FIRST_DETECTOR + side)
            views.append(
                _grids(
                    "Viewing_Incidence_Angles_Grids",
                    zenith,
                    azimuth,
                    bandId=str(band.band_id),
                    detectorId=detector,
                ),
            )
        means.append(
            _mean(
                "Mean_Viewing_Incidence_Angle",
                3.5 + 0.01 * band.band_id,
                195.5,
                bandId=str(band.band_id),
            ),
        )
    return [sun, mean_sun, *views, means]


def _grids(
    name: str, zenith: NDArray[np.float64], azimuth: NDArray[np.float64], **attributes: str
) -> etree._Element:
    element = etree.Element(name, attributes)
    for kind, values in (("Zenith", zenith), ("Azimuth", azimuth)):
        grid = etree.SubElement(element, kind)
        grid.append(_element("COL_STEP", str(ANGLE_STEP_M), unit="m"))
        grid.append(_element("ROW_STEP", str(ANGLE_STEP_M), unit="m"))
        rows = etree.SubElement(grid, "Values_List")
        for row in values:
            texts = ("NaN" if np.isnan(value) else f"{value:.6g}" for value in row)
            rows.append(_element("VALUES", " ".join(texts)))
    return element


def _mean(name: str, zenith_deg: float, azimuth_deg: float, **attributes: str) -> etree._Element:
    element = etree.Element(name, attributes)
    element.append(_element("ZENITH_ANGLE", str(zenith_deg), unit="deg"))
    element.append(_element("AZIMUTH_ANGLE", str(azimuth_deg), unit="deg"))
    return element


def _item_id(product: Product, kind: str) -> str:
    """Return the id of the granule ("TL") or the data strip ("DS")."""
    place = (
        f"A{product.absolute_orbit:06d}_T{product.tile}"
        if kind == "TL"
        else f"S{stamp(product.datastrip_start)}"
    )
    return (
        f"{product.spacecraft}_OPER_MSI_{product.level}_{kind}_2APS_{stamp(product.processing_time)}"
        f"_{place}_N{product.baseline}"
    )


def _zone_name(epsg: int) -> str:
    return f"WGS84 / UTM zone {epsg % 100:02d}{'N' if epsg // 100 == 326 else 'S'}"


def _element(name: str, text: str, **attributes: str) -> etree._Element:
    element = etree.Element(name, attributes)
    element.text = text
    return element


def _replace_children(parent: etree._Element, children: Sequence[etree._Element]) -> None:
    for child in list(parent):
        parent.remove(child)
    parent.text = None
    parent.extend(children)


def _one(parent: etree._Element, path: str) -> etree._Element:
    """Return the one element at `path`; without it the layout is not one this builder knows."""
    found = parent.findall(path)
    if len(found) != 1:
        raise LookupError(f"{len(found)} elements {path} in {parent.tag}; exactly one is needed")
    return found[0]


def _milliseconds(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _microseconds(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"


def _bytes(root: etree._Element) -> bytes:
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=False)
