"""Coverages as nested lists of numbers: JSON and CSV."""

from collections.abc import Callable, Iterator
from pathlib import Path

from datacube.axes import PLACEHOLDER
from datacube.cells import Cells
from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import runs
from datacube.encode.files import temporary_path
from datacube.encode.orientation import text_order
from datacube.encode.shades import null_fills
from datacube.encode.sources import coverage_of
from datacube.encode.text import cell_characters, cell_texts, null_text, writer
from datacube.encode.written import finite
from datacube.errors import LimitExceededError
from datacube.grid import Window
from datacube.plan.encoding_memory import IN_MEMORY_BYTES, MOST_TEXT_BYTES, TEXT_RUN_CELLS
from datacube.plan.formats import NETCDF, PICTURE_FORMATS
from datacube.plan.nodes import Plan

type Places = tuple[tuple[int, int], ...]
"""Half-open ranges, one an axis."""


def encode_csv(job: EncodeJob) -> bytes | Path:
    """Write a coverage as CSV: `1,2,3`, or `{1,2},{3,4}` for two axes and more.

    Axes are nested as their CRSs list them, outer axes first; a cell of several
    fields is `"v1 v2"`. What is null or not finite is `null`, or the asked nodata; with
    `compat` null is the first null value, and infinities and NaN stay.

    Raises
    ------
    LimitExceededError
        If the text could be longer than allowed.
    """
    return _whole(job, _nested(job, json=False))


def encode_nested_json(job: EncodeJob) -> bytes | Path:
    """Write a coverage as JSON: nested lists in the order of `encode_csv`, a row a line.

    A cell of several fields is a text, `"v1 v2"`; complex numbers are texts too.
    """
    return _whole(job, _nested(job, json=True))


def check_text_size(job: EncodeJob, plan: Plan) -> int:
    """Return the most bytes that the cells can take as text.

    Raises
    ------
    LimitExceededError
        If they are more than allowed.
    """
    cell = sum(cell_characters(field.numpy_dtype) for field in plan.fields)
    longest = plan.domain.size * cell
    allowed = min(MOST_TEXT_BYTES, job.limits.output_bytes)
    if longest > allowed:
        raise LimitExceededError(
            f"{plan.domain.size} cells can take {longest} bytes as text; allowed are {allowed} "
            f"{'of text' if allowed == MOST_TEXT_BYTES else '(LIMIT_OUTPUT_BYTES)'}: "
            f"ask for less, or for {NETCDF}"
        )
    return longest


def cell_runs(
    job: EncodeJob, plan: Plan, *, json: bool, order: tuple[int, ...] | None = None
) -> Iterator[tuple[Places, list[list[str]]]]:
    """Yield the texts of cells, run by run, one list a field.

    They are in the order of the axes at `order`, by default that of `text_order`. With
    each run come the ranges of its places along those axes.
    """
    if order is None:
        order = text_order(plan.domain, job.node.parameters.transpose)
    origin = plan.domain.window.ranges
    shape = [plan.domain.shape[at] for at in order]
    names = tuple(field.name for field in plan.fields)
    writers = [writer(field.numpy_dtype, json=json) for field in plan.fields]
    parameters, compat = job.node.parameters, job.node.compat
    fills: tuple[float | None, ...] = (None,) * len(names)
    if parameters.nodata:
        fills = null_fills(plan.fields, parameters.nodata, compat=compat)
    nulls = [
        null_text(field, fill, compat=compat, json=json)
        for field, fill in zip(plan.fields, fills, strict=True)
    ]
    for places in runs(shape, TEXT_RUN_CELLS):
        ranges = list(origin)
        for at, (start, stop) in zip(order, places, strict=True):
            ranges[at] = (origin[at][0] + start, origin[at][0] + stop)
        cells = _ordered(job.compute(plan, Window(tuple(ranges))).select(names), order, plan)
        yield (
            places,
            [
                cell_texts(values, valid if compat else finite(values, valid), write, null)
                for values, valid, write, null in zip(
                    cells.values, cells.valid, writers, nulls, strict=True
                )
            ],
        )


def _one_text_a_cell(plan: Plan, columns: list[list[str]], *, json: bool) -> list[str]:
    """Join the fields of each cell to a quoted text; what is no number of JSON is quoted too."""
    if len(columns) > 1 or (json and plan.fields[0].numpy_dtype.kind == "c"):
        return ['"' + " ".join(parts) + '"' for parts in zip(*columns, strict=True)]
    return columns[0]


def _ordered(cells: Cells, order: tuple[int, ...], plan: Plan) -> Cells:
    """Bring axes into the order of the text; those that are not in it have one place."""
    gone = tuple(at for at, axis in enumerate(plan.domain.axes) if axis.name == PLACEHOLDER)
    turned = (*order, *(at for at in gone if at not in order))
    shape = tuple(cells.shape[at] for at in order)
    return Cells(
        cells.names,
        tuple(v.transpose(turned).reshape(shape) for v in cells.values),
        tuple(v.transpose(turned).reshape(shape) for v in cells.valid),
    )


def _nested(job: EncodeJob, *, json: bool) -> Iterator[str]:
    plan = coverage_of(job, PICTURE_FORMATS)
    check_text_size(job, plan)
    order = text_order(plan.domain, job.node.parameters.transpose)
    shape = [plan.domain.shape[at] for at in order]
    if not shape:
        for _, columns in cell_runs(job, plan, json=json):
            yield _one_text_a_cell(plan, columns, json=json)[0]
        return
    opening, closing = _json_brackets(len(shape)) if json else _csv_brackets(len(shape))
    for places, columns in cell_runs(job, plan, json=json):
        texts = _one_text_a_cell(plan, columns, json=json)
        rows = len(texts) // max(1, places[-1][1] - places[-1][0])
        for row, at in enumerate(_row_starts(places)):
            width = len(texts) // rows
            started = _leading(at, [0] * len(at))
            yield opening(started, first=not any(at))
            yield ",".join(texts[row * width : (row + 1) * width])
            ended = [*at[:-1], at[-1] + width - 1]
            yield closing(_leading(ended, [size - 1 for size in shape]))


def _row_starts(places: tuple[tuple[int, int], ...]) -> Iterator[list[int]]:
    """Yield the place of the first cell of each row of a run."""
    *outer, last = places
    at = [start for start, _ in outer]
    while True:
        yield [*at, last[0]]
        for axis in range(len(outer) - 1, -1, -1):
            at[axis] += 1
            if at[axis] < outer[axis][1]:
                break
            at[axis] = outer[axis][0]
        else:
            return


def _leading(at: list[int], edge: list[int]) -> int:
    """Count the last axes that stand at an edge: the lists that start or end here."""
    count = 0
    for place, limit in zip(reversed(at), reversed(edge), strict=True):
        if place != limit:
            break
        count += 1
    return count


type _Open = Callable[..., str]


def _json_brackets(depth: int) -> tuple[_Open, Callable[[int], str]]:
    """Return what opens and closes lists: every list of lists has a line for each member."""

    def opening(count: int, *, first: bool) -> str:
        if count == 0:
            return ","
        text = "" if first else ",\n"
        for level in range(depth - count, depth):
            text += " " * level * (text == "" or text.endswith("\n")) + "["
            if level < depth - 1:
                text += "\n"
        return text

    def closing(count: int) -> str:
        text = ""
        for level in range(depth - 1, depth - 1 - count, -1):
            text += "]" if level == depth - 1 else "\n" + " " * level + "]"
        return text

    return opening, closing


def _csv_brackets(depth: int) -> tuple[_Open, Callable[[int], str]]:
    """Return what opens and closes: braces, but none around the whole."""

    def opening(count: int, *, first: bool) -> str:
        return ("" if first else ",") + "{" * min(count, depth - 1)

    def closing(count: int) -> str:
        return "}" * min(count, depth - 1)

    return opening, closing


def _whole(job: EncodeJob, parts: Iterator[str]) -> bytes | Path:
    """Join texts, in memory where they are sure to be short, else in a temporary file."""
    plan = coverage_of(job, PICTURE_FORMATS)
    if check_text_size(job, plan) <= IN_MEMORY_BYTES:
        return "".join(parts).encode()
    with temporary_path(".txt") as path:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
        return path
