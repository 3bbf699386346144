"""GetLegendGraphic: what the colours of a layer's style mean (OGC 05-078r4, 12)."""

from dataclasses import dataclass

from datacube.plan.bind_style import choose_style
from datacube.plan.formats import GIF, JPEG, JSON, PNG
from datacube.plan.map_layers import find_layer
from datacube.plan.style import Style, StyleBook
from datacube.protocols import CatalogView
from datacube.render.gif import encode_gif
from datacube.render.jpeg import encode_jpeg
from datacube.render.legend import legend, legend_picture, legend_size
from datacube.render.palette import indexed
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.kvp import Kvp
from ogc.wms.formats import picture_format
from ogc.wms.legend_rules import rules_document

FORMATS = (PNG, JPEG, GIF, JSON)
"""What a legend can be, the preferred first."""
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLegendGraphic:
    """A request for a legend. Sizes that clients ask for are ignored: it has its own."""

    layer: str
    style: str = ""
    """Empty is the layer's default."""
    media_type: str = PNG


def parse(kvp: Kvp) -> GetLegendGraphic:
    """Read the parameters; VERSION is not looked at, as every version has the same legends.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    style = kvp.one("style", default=kvp.one("styles", default=""))
    return GetLegendGraphic(
        layer=kvp.one("layer", default=kvp.one("layers", default="")) or kvp.one("layer"),
        style="" if style == "default" else style,
        media_type=picture_format(kvp.one("format", default=PNG), FORMATS),
    )


def handle(request: GetLegendGraphic, view: CatalogView, styles: StyleBook) -> Style:
    """Find the style.

    Raises
    ------
    UnknownNameError
        If there is no such layer or style.
    """
    layer = find_layer(request.layer, view)
    return choose_style(request.style, styles, layer.collection, layer.bands)


def encode(style: Style, media_type: str) -> bytes:
    """Draw the legend in its true size, or list its rules as JSON."""
    match media_type:
        case "application/json":
            return rules_document(style)
        case "image/jpeg":
            return encode_jpeg(legend_picture(style), background=_WHITE)
        case "image/gif":
            return encode_gif(indexed(legend_picture(style)))
        case _:
            return legend(style)


def size(style: Style) -> tuple[int, int]:
    """Return width and height in pixels of a style's legend, without drawing it."""
    return legend_size(style)


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    request = parse(kvp)
    style = handle(request, session.view, session.styles)
    body = encode(style, request.media_type)
    return reply_document(body, request.media_type, session.view.revision)
