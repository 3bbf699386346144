"""Requests of WCS 2 in XML (OGC 09-148r1) as the parameters that say the same.

So every way of asking meets the same checks and means the same.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError
from ogc.kvp import Kvp, shown
from ogc.wcs.transaction.names import CARRIED
from ogc.wcs.transaction.names import OPERATIONS as TRANSACTIONS
from ogc.xml_body import child, children, local, text, texts

type Read = Callable[[Element], Iterator[tuple[str, str]]]

OPTIONS = ("explain", "compat", "f", "as_of")
"""What a body may say of a query beside its text, named as the parameters are."""
_SPECIAL = frozenset("(),")
_EXTRA = "extraParameter"
"""Stands for `$1` in a query, the second for `$2` (OGC 08-059r4, table 3)."""


def read_wcs(root: Element) -> Kvp:
    """Return the parameters of a request.

    Of an operation that is not known only its name, so that the service refuses it.

    Raises
    ------
    InvalidParameterError
        If a text holds what would divide a parameter.
    """
    name = local(root)
    pairs = [("request", name.removesuffix("Request") if name in _OLD else name)]
    pairs += [(key, root.get(key, "")) for key in ("service", "version") if root.get(key)]
    read = _OPERATIONS.get(pairs[0][1])
    if read is not None:
        pairs += read(root)
    # Through the parser of forms, so that every way of asking meets the same checks.
    return Kvp.parse(urlencode(pairs))


def _capabilities(root: Element) -> Iterator[tuple[str, str]]:
    for parent, item in (
        ("AcceptVersions", "Version"),
        ("Sections", "Section"),
        ("AcceptFormats", "OutputFormat"),
        ("AcceptLanguages", "Language"),
    ):
        found = child(root, parent)
        if found is not None:
            yield parent, ",".join(texts(found, item))
    if root.get("updateSequence"):
        yield "updateSequence", root.get("updateSequence", "")


def _description(root: Element) -> Iterator[tuple[str, str]]:
    yield "coverageId", ",".join(texts(root, "CoverageId"))
    yield from _output_type(root)


def _coverage(root: Element) -> Iterator[tuple[str, str]]:
    yield "coverageId", ",".join(texts(root, "CoverageId"))
    for subset in children(root, "DimensionTrim", "DimensionSlice"):
        yield "subset", _subset(subset)
    for name in ("format", "mediaType"):
        yield from ((name, one) for one in texts(root, name))
    yield from _output_type(root)
    for extension in children(root, "Extension"):
        for element in children(extension):
            read = _EXTENSIONS.get(local(element))
            if read is not None:
                yield from read(element)


def _eo_coverage_set(root: Element) -> Iterator[tuple[str, str]]:
    """Read a request of EO-WCS (OGC 10-140r1)."""
    yield "eoId", ",".join(_plain(one, "eoId") for one in texts(root, "eoId"))
    yield from (("containment", one) for one in texts(root, "containment"))
    for sections in children(root, "Sections"):
        yield "sections", ",".join(texts(sections, "Section"))
    for subset in children(root, "DimensionTrim", "DimensionSlice"):
        yield "subset", _subset(subset)
    if root.get("count"):
        yield "count", root.get("count", "")


def _subset(subset: Element) -> str:
    dimension = child(subset, "Dimension")
    axis = _plain(text(dimension), "subset")
    crs = "" if dimension is None else dimension.get("crs", "")
    if local(subset) == "DimensionSlice":
        inside = _plain(text(child(subset, "SlicePoint")), "subset")
    else:
        ends = (text(child(subset, name)) or "*" for name in ("TrimLow", "TrimHigh"))
        inside = ",".join(_plain(end, "subset") for end in ends)
    return f"{axis}{',' + _plain(crs, 'subset') if crs else ''}({inside})"


def _output_type(root: Element) -> Iterator[tuple[str, str]]:
    for name in ("outputType", "OutputType"):
        yield from (("outputType", one) for one in texts(root, name))


def _query(root: Element) -> Iterator[tuple[str, str]]:
    query = child(root, "query")
    if query is None:
        raise InvalidParameterError("ProcessCoverages has no element query", parameter="QUERY")
    inner = child(query, "abstractSyntax")
    if not root.get("service"):
        # WCPS 1.0 has no such attribute.
        yield "service", "WCS"
    yield "query", (query if inner is None else inner).text or ""
    for number, value in enumerate(texts(root, _EXTRA), start=1):
        yield str(number), value
    extensions = children(root, "Extension")
    for one in (*children(root), *(inside for each in extensions for inside in children(each))):
        name = local(one)
        if name in OPTIONS:
            yield name, text(one)
        elif name not in {"query", _EXTRA} and one not in extensions:
            raise InvalidParameterError(
                f"ProcessCoverages has no element {shown(name)}; "
                f"allowed are query, {', '.join(OPTIONS)}",
                parameter=name[:100],
            )


def _crs(element: Element) -> Iterator[tuple[str, str]]:
    if local(element) in {"subsettingCrs", "outputCrs"}:
        yield local(element), text(element)
        return
    for one in children(element, "subsettingCrs", "outputCrs"):
        yield local(one), text(one)


def _scaling(element: Element) -> Iterator[tuple[str, str]]:
    for one in children(element):
        yield from _scale(one)


def _scale(element: Element) -> Iterator[tuple[str, str]]:
    match local(element):
        case "ScaleByFactor":
            yield "scaleFactor", text(child(element, "scaleFactor"))
        case "ScaleAxesByFactor":
            yield "scaleAxes", _by_axis(element, "ScaleAxis", "scaleFactor")
        case "ScaleToSize":
            yield "scaleSize", _by_axis(element, "TargetAxisSize", "targetSize")
        case "ScaleToExtent":
            yield "scaleExtent", _by_axis(element, "TargetAxisExtent", "low", "high")
        case _:
            return


def _by_axis(element: Element, item: str, *values: str) -> str:
    """Return `axis(value)` of each item, several values with `:` between them."""
    parts = []
    for one in children(element, item):
        axis = _plain(text(child(one, "axis")), "scale").rpartition("/")[2]
        inside = ":".join(_plain(text(child(one, name)), "scale") for name in values)
        parts.append(f"{axis}({inside})")
    return ",".join(parts)


def _interpolation(element: Element) -> Iterator[tuple[str, str]]:
    """Read the schema's elements, and those of the standard's text, which the OGC's suite sends."""
    for method in texts(element, "globalInterpolation"):
        yield "interpolation", method
    for one in children(element, "InterpolationMethod"):
        yield "interpolation", one.get("interpolationMethod") or text(one)
    by_axis = list(children(element, "InterpolationPerAxis"))
    for group in children(element, "InterpolationAxes"):
        # A group without axes is one axis that is not named, and refused as such.
        by_axis += children(group, "InterpolationAxis") or [group]
    for one in by_axis:
        axis, method = (_part(one, name) for name in ("axis", "interpolationMethod"))
        yield "interpolationPerAxis", f"{_plain(axis, 'interpolation')},{method}"


def _part(element: Element, name: str) -> str:
    """Return the text of an element's child, or of its attribute."""
    return text(child(element, name)) or element.get(name, "")


def _bands(element: Element) -> Iterator[tuple[str, str]]:
    """Read the schema's elements, and their spelling in the OGC's suite, which begins small."""
    items = []
    for item in children(element, "RangeItem", "rangeItem"):
        interval = _either(item, "RangeInterval", "rangeInterval")
        if interval is None:
            component = text(_either(item, "RangeComponent", "rangeComponent"))
            items.append(_plain(component, "rangeSubset"))
            continue
        ends = (text(child(interval, name)) for name in ("startComponent", "endComponent"))
        items.append(":".join(_plain(end, "rangeSubset") for end in ends))
    yield "rangeSubset", ",".join(items) or ","


def _either(element: Element, *names: str) -> Element | None:
    """Return the first element of any of some names directly below one."""
    return next(iter(children(element, *names)), None)


def _plain(value: str, parameter: str) -> str:
    """Return a text that divides no parameter.

    Raises
    ------
    InvalidParameterError
    """
    if _SPECIAL & set(value):
        raise InvalidParameterError(
            f"{shown(value)} is not allowed; allowed is text without brackets and commas",
            parameter=parameter,
        )
    return value


def _insert(root: Element) -> Iterator[tuple[str, str]]:
    """Read a request of the transaction extension (OGC 13-057r1); what it carries is apart."""
    for name in ("coverageRef", "isExtensible", "coverageId"):
        yield from ((name, one) for one in texts(root, name))
    # The schema's element is empty: the id of the coverage is used.
    yield from (("useId", one or "existing") for one in texts(root, "useId"))
    yield from _subsets(root)


def _update(root: Element) -> Iterator[tuple[str, str]]:
    for name in ("coverageId", "inputCoverageRef", "maskRef"):
        yield from ((name, one) for one in texts(root, name))
    yield from _subsets(root)
    for pair in children(root, "rangeComponent"):
        ends = (text(child(pair, f"{end}RangeComponent")) for end in ("input", "updated"))
        yield "rangeComponent", ",".join(_plain(end, "rangeComponent") for end in ends)


def _delete(root: Element) -> Iterator[tuple[str, str]]:
    yield "coverageId", ",".join(_plain(one, "coverageId") for one in texts(root, "coverageId"))


def _subsets(root: Element) -> Iterator[tuple[str, str]]:
    for subset in children(root, "DimensionTrim", "DimensionSlice"):
        yield "subset", _subset(subset)


def carried(root: Element) -> tuple[tuple[str, Element], ...]:
    """Return the coverages in a request, by the elements that hold them."""
    if local(root) not in TRANSACTIONS:
        return ()
    found = []
    for name in CARRIED:
        for holder in children(root, name):
            inner = (
                one for one in children(holder) if local(one).endswith(("Coverage", "Dataset"))
            )
            found.append((name, next(inner, holder)))
    return tuple(found)


_OLD = frozenset({"ProcessCoveragesRequest"})
"""Names of WCPS 1.0 (OGC 08-059r3)."""
_OPERATIONS: Mapping[str, Read] = MappingProxyType(
    {
        "GetCapabilities": _capabilities,
        "DescribeCoverage": _description,
        "GetCoverage": _coverage,
        "ProcessCoverages": _query,
        "DescribeEOCoverageSet": _eo_coverage_set,
        "InsertCoverage": _insert,
        "UpdateCoverage": _update,
        "DeleteCoverage": _delete,
    }
)
_EXTENSIONS: Mapping[str, Read] = MappingProxyType(
    {
        "GetCoverageCrs": _crs,
        "subsettingCrs": _crs,
        "outputCrs": _crs,
        "Scaling": _scaling,
        "ScaleByFactor": _scale,
        "ScaleAxesByFactor": _scale,
        "ScaleToSize": _scale,
        "ScaleToExtent": _scale,
        "Interpolation": _interpolation,
        "RangeSubset": _bands,
        "rangeSubset": _bands,
    }
)
"""What stands in `wcs:Extension`, by name: OGC 11-053r1, 12-039, 12-049, 12-040."""
