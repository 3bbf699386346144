"""XML that clients send: read without entities, document types or a network."""

from lxml import etree

from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError

_SHOWN = 200


def read_xml(body: bytes) -> Element:
    """Read a document and return its root.

    Entities are never expanded and nothing outside of the document is opened. lxml bounds the
    depth and the length of texts.

    Raises
    ------
    InvalidParameterError
        If it is not XML, or has a document type.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    # Declarations are refused before libxml2 reads what they declare.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise _declared()
    try:
        root: Element = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        told = getattr(error, "msg", None) or str(error)
        raise InvalidParameterError(f"the body is not XML: {told[:_SHOWN]}") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise _declared()
    return root


def local(element: Element) -> str:
    """Return the name of an element without its namespace; nothing of a comment."""
    # Comments and processing instructions have a function as their tag.
    tag: object = element.tag
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def children(element: Element, *names: str) -> list[Element]:
    """Return the elements directly below one, in any namespace; only those named, if any are.

    Clients mix the versions of OWS Common, whose elements differ by namespace alone.
    """
    found = [child for child in element if local(child)]
    return [child for child in found if local(child) in names] if names else found


def child(element: Element, name: str) -> Element | None:
    """Return the first element of a name directly below one."""
    return next(iter(children(element, name)), None)


def text(element: Element | None) -> str:
    """Return the text of an element, without blanks at its ends; none of no element."""
    return "" if element is None else (element.text or "").strip()


def texts(element: Element, name: str) -> list[str]:
    """Return the texts of the elements of a name directly below one."""
    return [text(one) for one in children(element, name)]


def _declared() -> InvalidParameterError:
    return InvalidParameterError("the XML has a document type; allowed is none")
