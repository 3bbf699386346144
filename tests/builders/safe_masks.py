"""The quality masks of a product: JP2 from baseline 04.00 on, GML polygons before."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray
from rasterio.features import shapes

from tests.builders.bands import BAND_BY_NAME, BANDS, has_raster_masks
from tests.builders.product import Product
from tests.builders.surface import Layer, Surface

FIRST_DETECTOR = 5
"""The west half of every product is seen by this detector, the east half by the next one."""

SATURATED_PLANE = 7
"""Planes of MSK_QUALIT: lost and degraded ancillary data, lost and degraded image data, defective,
no data, partly corrected crosstalk, saturated."""

_NAMESPACES = {"eop": "http://www.opengis.net/eop/2.0", "gml": "http://www.opengis.net/gml/3.2"}
_GML_ID = f"{{{_NAMESPACES['gml']}}}id"


def mask_files(product: Product) -> Iterator[tuple[str, int | None, str]]:
    """Yield (mask type, band id, file name) of every mask the metadata lists, in its order."""
    raster = has_raster_masks(product.baseline)
    kinds = ("DETFOO", "QUALIT") if raster else ("DEFECT", "DETFOO", "NODATA", "SATURA", "TECQUA")
    for band in BANDS:
        for kind in kinds:
            yield (
                f"MSK_{kind}",
                band.band_id,
                f"MSK_{kind}_{band.name}.{'jp2' if raster else 'gml'}",
            )
    yield (
        ("MSK_CLASSI", None, "MSK_CLASSI_B00.jp2")
        if raster
        else ("MSK_CLOUDS", None, "MSK_CLOUDS_B00.gml")
    )
    if product.level == "L2A":
        for resolution_m in (20, 60):
            for kind in ("CLDPRB", "SNWPRB"):
                yield f"MSK_{kind}", None, f"MSK_{kind}_{resolution_m}m.jp2"


def footprint(layer: Layer) -> NDArray[np.uint8]:
    """Return the number of the detector that saw each cell, 0 where none did."""
    half = layer.covered.shape[1] // 2
    detector = np.where(
        np.arange(layer.covered.shape[1]) < half, FIRST_DETECTOR, FIRST_DETECTOR + 1
    )
    return np.where(layer.covered, detector, 0).astype(np.uint8)


def raster_masks(
    surface: Surface, product: Product
) -> Iterator[tuple[str, int, NDArray[np.uint8]]]:
    """Yield (file name, resolution in m, pixels) of the masks that are images.

    MSK_QUALIT never flags cells outside the footprint: it describes the detectors' lines, not the
    tile.
    """
    if has_raster_masks(product.baseline):
        for layer in surface.layers:
            resolution_m = BAND_BY_NAME[layer.band].resolution_m
            yield f"MSK_DETFOO_{layer.band}.jp2", resolution_m, footprint(layer)
            quality = np.zeros((8, *layer.saturated.shape), np.uint8)
            quality[SATURATED_PLANE] = layer.saturated & layer.covered
            yield f"MSK_QUALIT_{layer.band}.jp2", resolution_m, quality
        yield "MSK_CLASSI_B00.jp2", 60, _cloud_classes(surface)
    if product.level == "L2A":
        cloud = np.where(surface.scene_class == 9, 95, 3) * (surface.scene_class != 0)
        snow = np.zeros_like(surface.scene_class)
        for step, resolution_m in ((slice(None), 20), (slice(1, None, 3), 60)):
            yield (
                f"MSK_CLDPRB_{resolution_m}m.jp2",
                resolution_m,
                cloud[step, step].astype(np.uint8),
            )
            yield f"MSK_SNWPRB_{resolution_m}m.jp2", resolution_m, snow[step, step]


def gml_masks(surface: Surface, product: Product) -> Iterator[tuple[Path, bytes]]:
    """Yield (path in the product, text) of the masks that are polygons."""
    for kind, band_id, name in mask_files(product):
        if name.endswith(".gml"):
            features: list[etree._Element] = []
            if band_id is not None:
                layer = surface.layer(BANDS[band_id].name)
                areas: dict[str, tuple[str, NDArray[np.uint8] | NDArray[np.bool_]]] = {
                    "MSK_DETFOO": ("DETECTOR_FOOTPRINT", footprint(layer)),
                    "MSK_NODATA": ("QT_NODATA_PIXELS", ~layer.covered),
                    "MSK_SATURA": ("QT_SATURATED_PIXELS_L1A", layer.saturated & layer.covered),
                }
                if kind in areas:
                    features = _polygons(product, layer, *areas[kind])
            yield (
                product.quality_folder / name,
                _gml(product, surface, name.removesuffix(".gml"), features),
            )


def _cloud_classes(surface: Surface) -> NDArray[np.uint8]:
    """Return planes opaque cloud, cirrus and snow at 60 m."""
    opaque = (surface.scene_class[1::3, 1::3] == 9).astype(np.uint8)
    return np.stack([opaque, np.zeros_like(opaque), np.zeros_like(opaque)])


def _polygons(
    product: Product,
    layer: Layer,
    kind: str,
    cells: NDArray[np.uint8] | NDArray[np.bool_],
) -> list[etree._Element]:
    """Return one feature for each area of equal nonzero value, named after that value."""
    transform = product.transform(BAND_BY_NAME[layer.band].resolution_m)
    values = cells.astype(np.uint8)
    features = []
    for index, (geometry, value) in enumerate(
        shapes(values, mask=values != 0, transform=transform),
    ):
        name = f"{kind.lower()}-{layer.band}-{int(value):02d}-{index}"
        rings = [" ".join(f"{x:.0f} {y:.0f}" for x, y in ring) for ring in geometry["coordinates"]]
        polygon = _element("gml:Polygon", {_GML_ID: f"{name}_Polygon"})
        for place, ring in enumerate(rings):
            points = _element("gml:posList", {"srsDimension": "2"}, text=ring)
            side = "gml:interior" if place else "gml:exterior"
            polygon.append(_element(side, {}, _element("gml:LinearRing", {}, points)))
        features.append(
            _element(
                "eop:MaskFeature",
                {_GML_ID: name},
                _element("eop:maskType", {"codeSpace": "urn:gs2:S2PDGS:maskType"}, text=kind),
                _element("eop:extentOf", {}, polygon),
            ),
        )
    return features


def _gml(product: Product, surface: Surface, name: str, features: list[etree._Element]) -> bytes:
    left, top, edge = product.origin_x_m, product.origin_y_m, surface.size_px_10m * 10
    corners = (
        _element("gml:lowerCorner", {}, text=f"{left:.0f} {top - edge:.0f}"),
        _element("gml:upperCorner", {}, text=f"{left + edge:.0f} {top:.0f}"),
    )
    crs = {"srsName": f"urn:ogc:def:crs:EPSG:8.7:{product.epsg}"}
    root = _element(
        "eop:Mask",
        {_GML_ID: f"{product.spacecraft}_OPER_{name}_{product.granule}"},
        _element("gml:name", {}, text=f"{name} pixels mask"),
        _element("gml:boundedBy", {}, _element("gml:Envelope", crs, *corners)),
    )
    if features:
        root.append(_element("eop:maskMembers", {}, *features))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _element(
    name: str,
    attributes: dict[str, str],
    *children: etree._Element,
    text: str | None = None,
) -> etree._Element:
    prefix, local = name.split(":")
    element = etree.Element(f"{{{_NAMESPACES[prefix]}}}{local}", attributes, nsmap=_NAMESPACES)
    element.text = text
    element.extend(children)
    return element
