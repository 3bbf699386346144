"""XML built as elements, with the prefixes that clients know.

A tag is written `prefix:name`; the prefix stands for its namespace in the
vocabulary of the document. The empty prefix is the default namespace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from lxml import etree

type Element = etree._Element  # noqa: SLF001 lxml gives it no other name
"""An element of a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The namespaces of one kind of document, by prefix."""

    namespaces: Mapping[str, str]

    def name(self, tag: str) -> str:
        """Return the qualified name of `prefix:name`, or of `name` in the default namespace."""
        prefix, colon, local = tag.rpartition(":")
        namespace = self.namespaces.get(prefix)
        if namespace is None:
            if colon:
                raise KeyError(f"prefix {prefix!r} of {tag!r} is not declared")
            return local
        return f"{{{namespace}}}{local}"

    def root(self, tag: str, **attributes: str) -> Element:
        """Return a root element that declares every namespace of the vocabulary."""
        declared = {prefix or None: uri for prefix, uri in self.namespaces.items()}
        # lxml names the default namespace None, which its stubs do not know.
        element = etree.Element(self.name(tag), nsmap=cast("Mapping[str, str]", declared))
        _set(element, attributes)
        return element

    def add(
        self, parent: Element, tag: str, text: str | float | None = None, **attributes: str
    ) -> Element:
        """Append a child with text and attributes without namespace; return it."""
        child = etree.SubElement(parent, self.name(tag))
        if text is not None:
            child.text = text if isinstance(text, str) else number(text)
        _set(child, attributes)
        return child

    def attribute(self, element: Element, name: str, value: str) -> None:
        """Set an attribute that has a namespace, `xlink:href`."""
        element.set(self.name(name), value)


def _set(element: Element, attributes: Mapping[str, str]) -> None:
    for key, value in attributes.items():
        element.set(key.rstrip("_"), value)


def document(root: Element) -> bytes:
    """Serialise a document in UTF-8 with its declaration, indented."""
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def element_text(element: Element) -> str:
    """Return an element as text that `parse` reads, without the space after it."""
    return str(etree.tostring(element, encoding="unicode", with_tail=False))


def parse(text: str) -> Element:
    """Read what `element_text` wrote; other people's XML is read where it comes in."""
    return etree.fromstring(text)


def number(value: float) -> str:
    """Write a number so that it reads back equal, integers without a point.

    >>> number(10.0), number(0.1), number(-32768)
    ('10', '0.1', '-32768')
    """
    whole = float(value).is_integer() and abs(value) < 1e16
    return str(int(value)) if whole else repr(float(value))
