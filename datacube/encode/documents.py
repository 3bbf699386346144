"""Coverages as documents: GML, CIS JSON and CoverageJSON, with their values or as descriptions."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from datacube.encode import gml
from datacube.encode.answer import EncodeJob
from datacube.encode.described import (
    Described,
    ncname,
)
from datacube.encode.json_forms import Json, cis_json, coverage_json, coverage_json_name
from datacube.encode.nested import cell_runs, check_text_size, encode_nested_json
from datacube.encode.sources import coverage_of
from datacube.encode.xml import Element, Vocabulary, document, parse
from datacube.errors import InvalidParameterError
from datacube.plan.encoding import GENERAL_GRID, EncodeParameters
from datacube.plan.formats import COVERAGE_JSON, GEOTIFF, GML, JSON, PICTURE_FORMATS, media_type
from datacube.plan.nodes import Domain, Field, Plan

_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not hold."""
_ROLES = {GEOTIFF: "http://www.opengis.net/spec/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage"}
"""What a file is to a coverage in GML, by its media type."""
_DESCRIPTIONS = (GML, JSON, COVERAGE_JSON)
_CIS_1_0 = Vocabulary(
    namespaces={k: v for k, v in gml.NAMESPACES.items() if k not in {"cis11", "xsi"}}
)
_CIS_1_1 = Vocabulary(
    namespaces={k: gml.NAMESPACES[k] for k in ("cis11", "gml", "swe", "xlink", "meta")}
)
_WCS_2_0 = Vocabulary(namespaces={"wcs": "http://www.opengis.net/wcs/2.0", **_CIS_1_0.namespaces})
_WCS_2_1 = Vocabulary(
    namespaces={"wcs": "http://www.opengis.net/wcs/2.1/gml", **_CIS_1_1.namespaces}
)


def describe(
    domain: Domain,
    fields: tuple[Field, ...],
    title: str,
    format: str,  # noqa: A002 the word of WCPS
    parameters: EncodeParameters,
) -> tuple[bytes, str]:
    """Return the description of a coverage and its media type; reads no cells.

    GML is a CoverageDescriptions document as DescribeCoverage gives, in CIS 1.0 or, where
    `parameters.output_type` says so, in CIS 1.1. JSON is CIS 1.1 without its range set.

    Raises
    ------
    UnknownNameError
        If it is not offered in `format`.
    """
    described = Described(id=title or "result", title=title, domain=domain, fields=fields)
    kind = media_type(format, _DESCRIPTIONS)
    if kind == GML:
        general = parameters.output_type == GENERAL_GRID
        return _gml_description(described, general=general), kind
    made = cis_json(described) if kind == JSON else coverage_json(described)
    return json.dumps(made, ensure_ascii=False, indent=1).encode(), kind


def encode_gml(job: EncodeJob) -> bytes:
    """Write a coverage as GML with its values: CIS 1.0, or CIS 1.1 if `outputType` says so.

    CIS 1.0 is a RectifiedGridCoverage where every axis is regular, else a
    ReferenceableGridCoverage; its tuples run along x first, then y, further axes and
    time. CIS 1.1 lists cells as its axes are: time first, the last axis fastest.

    Raises
    ------
    LimitExceededError
        If the text could be longer than allowed.
    """
    plan = _source(job)
    described = _described(job, plan)
    parameters = job.node.parameters
    if parameters.output_type == GENERAL_GRID:
        root, ranges = _general_coverage(described, parameters)
        block = _CIS_1_1.add(ranges, "cis11:DataBlock")
        for values in _cells(job, plan):
            parent = block if len(values) == 1 else _CIS_1_1.add(block, "cis11:CV")
            for value in values:
                _CIS_1_1.add(parent, "cis11:V", value)
        return document(root)
    root, ranges = _grid_coverage(described, parameters)
    block = _CIS_1_0.add(ranges, "gml:DataBlock")
    _CIS_1_0.add(block, "gml:rangeParameters")
    places = {axis.name: at for at, axis in enumerate(plan.domain.axes)}
    order = tuple(places[axis.name] for axis in reversed(described.grid_axes))
    _CIS_1_0.add(block, "gml:tupleList", _tuples(job, plan, order), ts=" ", cs=",")
    return document(root)


def reference_document(
    domain: Domain,
    fields: tuple[Field, ...],
    title: str,
    address: str,
    media_type: str,
    parameters: EncodeParameters,
) -> bytes:
    """Return a coverage in GML whose values are in a file at `address`, in CIS 1.0 or 1.1.

    Of the parameters only those count that are of GML alone: its type and its extension.
    """
    described = Described(id=title or "result", title=title, domain=domain, fields=fields)
    own = EncodeParameters(extension=parameters.extension)
    if parameters.output_type == GENERAL_GRID:
        root, ranges = _general_coverage(described, own)
        _CIS_1_1.add(ranges, "cis11:FileReference", address)
        return document(root)
    root, ranges = _grid_coverage(described, own)
    file = _CIS_1_0.add(ranges, "gml:File")
    described_range = _CIS_1_0.add(file, "gml:rangeParameters")
    role = _ROLES.get(media_type)
    if role:
        for name, value in (("href", address), ("role", role), ("arcrole", "fileReference")):
            _CIS_1_0.attribute(described_range, f"xlink:{name}", value)
    _CIS_1_0.add(file, "gml:fileReference", address)
    _CIS_1_0.add(file, "gml:fileStructure", "inapplicable")
    _CIS_1_0.add(file, "gml:mimeType", media_type)
    return document(root)


def encode_json(job: EncodeJob) -> bytes | Path:
    """Write a coverage as nested lists, or as CIS 1.1 with its values if `outputType` says so.

    Raises
    ------
    InvalidParameterError
        If it is CIS 1.1 and a field has complex numbers.
    LimitExceededError
        If the text could be longer than allowed.
    """
    if job.node.parameters.output_type != GENERAL_GRID:
        return encode_nested_json(job)
    plan = _source(job)
    _refuse_complex(job, plan)
    made = cis_json(_described(job, plan))
    if job.node.parameters.metadata:
        made["metadata"] = dict(job.node.parameters.metadata)
    parts = []
    for _, columns in cell_runs(job, plan, json=True):
        parts.append(",".join(map(",".join, zip(*columns, strict=True))))
    block = f'{{"type": "VDataBlockType", "values": [{",".join(parts)}]}}'
    return _with_member(made, "rangeSet", f'{{"type": "RangeSetType", "dataBlock": {block}}}')


def encode_coverage_json(job: EncodeJob) -> bytes:
    """Write a coverage as CoverageJSON (OGC 21-069r2) with its values.

    Null is JSON's own, or the asked nodata; complex numbers are refused.

    Raises
    ------
    InvalidParameterError
        If a field has complex numbers.
    LimitExceededError
        If the text could be longer than allowed.
    """
    plan = _source(job)
    _refuse_complex(job, plan)
    described = _described(job, plan)
    made = coverage_json(described)
    values: list[list[str]] = [[] for _ in plan.fields]
    for _, columns in cell_runs(job, plan, json=True):
        for column, texts in zip(values, columns, strict=True):
            column.append(",".join(texts))
    axes = described.nested_axes
    names = [coverage_json_name(axis, described) for axis in axes]
    ranges = []
    for field, parts in zip(plan.fields, values, strict=True):
        kind = "integer" if field.numpy_dtype.kind in "biu" else "float"
        head: Json = {"type": "NdArray", "dataType": kind, "axisNames": names}
        head["shape"] = [axis.size for axis in axes]
        text = json.dumps(head, ensure_ascii=False)[:-1]
        key = json.dumps(field.name or "value", ensure_ascii=False)
        numbers = ",".join(parts).replace("true", "1").replace("false", "0")
        ranges.append(f'{key}:{text},"values":[{numbers}]}}')
    return _with_member(made, "ranges", f"{{{','.join(ranges)}}}")


def _source(job: EncodeJob) -> Plan:
    plan = coverage_of(job, PICTURE_FORMATS)
    check_text_size(job, plan)
    return plan


def _refuse_complex(job: EncodeJob, plan: Plan) -> None:
    for field in plan.fields:
        if field.numpy_dtype.kind == "c":
            raise InvalidParameterError(
                f"band {field.name!r} has complex numbers, which {job.node.media_type} as a "
                "coverage does not hold: take re and im",
                parameter="format",
            )


def _described(job: EncodeJob, plan: Plan) -> Described:
    title = job.node.title or "result"
    return Described(id=title, title=title, domain=plan.domain, fields=plan.fields)


def _tuples(job: EncodeJob, plan: Plan, order: tuple[int, ...] | None) -> str:
    """Return all cells as `v1,v2 v1,v2`."""
    parts = []
    for _, columns in cell_runs(job, plan, json=False, order=order):
        parts.append(" ".join(map(",".join, zip(*columns, strict=True))))
    return " ".join(parts)


def _grid_coverage(described: Described, parameters: EncodeParameters) -> tuple[Element, Element]:
    """Return a coverage of CIS 1.0 and its range set, which is empty."""
    xml, name = _CIS_1_0, ncname(described.id)
    rectified = gml.is_rectified(described)
    root = xml.root(f"gmlcov:{gml.RECTIFIED if rectified else gml.REFERENCEABLE}")
    xml.attribute(root, "gml:id", name)
    gml.add_bounds(xml, root, described)
    gml.add_domain(xml, root, described, name, rectified=rectified)
    ranges = xml.add(root, "gml:rangeSet")
    gml.add_function(xml, root, described)
    gml.add_range(xml, root, described.fields)
    _add_metadata(xml, root, parameters, "gmlcov:metadata", "gmlcov:Extension")
    return root, ranges


def _general_coverage(
    described: Described, parameters: EncodeParameters
) -> tuple[Element, Element]:
    """Return a coverage of CIS 1.1 and its range set, which is empty."""
    xml = _CIS_1_1
    root = xml.root("cis11:GeneralGridCoverage")
    xml.attribute(root, "gml:id", ncname(described.id))
    gml.add_axis_envelope(xml, root, described)
    gml.add_general_grid(xml, root, described)
    ranges = xml.add(root, "cis11:RangeSet")
    gml.add_record(xml, xml.add(root, "cis11:RangeType"), described.fields)
    _add_metadata(xml, root, parameters, "cis11:Metadata")
    return root, ranges


def _cells(job: EncodeJob, plan: Plan) -> Iterator[tuple[str, ...]]:
    for _, columns in cell_runs(job, plan, json=False):
        yield from zip(*columns, strict=True)


def _add_metadata(xml: Vocabulary, root: Element, parameters: EncodeParameters, *path: str) -> None:
    """Append what was asked as metadata, as elements of a namespace of their own, or as it is."""
    if not (parameters.metadata or parameters.extension):
        return
    parent = root
    for tag in path:
        parent = xml.add(parent, tag)
    if parameters.extension:
        parent.append(parse(parameters.extension))
    if not parameters.metadata:
        return
    entries = xml.add(parent, "meta:covMetadata")
    for key, text in parameters.metadata:
        xml.add(entries, f"meta:{ncname(key)}", _NO_XML.sub(" ", text))


def _gml_description(described: Described, *, general: bool) -> bytes:
    """Write the CoverageDescriptions of one coverage."""
    xml = _WCS_2_1 if general else _WCS_2_0
    root = xml.root("wcs:CoverageDescriptions")
    gml.add_description(
        xml, root, described, name=ncname(described.id), native_format=GML, general=general
    )
    return document(root)


def _with_member(made: Json, key: str, text: str) -> bytes:
    """Return an object with one more member, which is text already."""
    head = json.dumps(made, ensure_ascii=False)
    return f'{head[:-1]}, "{key}": {text}}}'.encode()
