"""What the services' documents share beside their elements."""

from lxml import etree

from datacube.encode.xml import Element, Vocabulary, document, number

__all__ = ["MEDIA_TYPE", "XLINK", "XSI", "Vocabulary", "document", "number", "typed_document"]

MEDIA_TYPE = "text/xml"
"""GDAL, OWSLib and old WMS clients recognise `text/xml`."""

XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def typed_document(root: Element, address: str) -> bytes:
    """Return a document that names the document type at an address, as WMS 1.1.1 asks for."""
    return bytes(
        etree.tostring(
            root,
            xml_declaration=True,
            encoding="UTF-8",
            standalone=False,
            doctype=f'<!DOCTYPE {root.tag} SYSTEM "{address}">',
            pretty_print=True,
        )
    )
