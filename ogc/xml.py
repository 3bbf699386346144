"""What the services' documents share beside their elements."""

from datacube.encode.xml import Vocabulary, document, number

__all__ = ["MEDIA_TYPE", "XLINK", "XSI", "Vocabulary", "document", "number"]

MEDIA_TYPE = "text/xml"
"""GDAL, OWSLib and old WMS clients recognise `text/xml`."""

XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
