"""A coverage as a Zarr v3 group in a zip, which Zarr reads without unpacking."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from datacube.cells import Cells
from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import blocks, chunk_shape
from datacube.encode.cf import Attributes, cf_dataset_attrs
from datacube.encode.files import temporary_path
from datacube.encode.packing import Packing
from datacube.encode.sources import coverage_of
from datacube.encode.zarr import METADATA_KEY, Member, members, packed_chunk, view_metadata
from datacube.errors import InvalidParameterError
from datacube.grid import Window
from datacube.plan.blocks import cut
from datacube.plan.encoding import EncodeParameters
from datacube.plan.encoding_memory import IN_MEMORY_BYTES
from datacube.plan.formats import PICTURE_FORMATS
from datacube.plan.nodes import Plan

type _Entry = tuple[str, bytes | None]
"""Name and bytes of a member; None where it is left out."""


def encode_zarr_zip(job: EncodeJob) -> bytes | Path:
    """Write a coverage as the served views are written: one array a field, CF attributes, CRS.

    Chunks of 512 x 512 and 1 along other axes, packed by blosc and stored as they are;
    one without a valid cell is left out. Members lie at the root of the zip and have no
    time of their own. Of the parameters, `metadata` are attributes of the group.

    Raises
    ------
    InvalidParameterError
        If no type holds a field, as with complex numbers, or another parameter is given.
    """
    plan = coverage_of(job, PICTURE_FORMATS)
    given = job.node.parameters
    if given != EncodeParameters(metadata=given.metadata):
        raise InvalidParameterError(
            f"of the parameters only metadata is offered for {job.node.media_type}",
            parameter="encode",
        )
    if sum(array.nbytes for array in members(plan).values()) <= IN_MEMORY_BYTES:
        body = BytesIO()
        _write(body, job, plan)
        return body.getvalue()
    with temporary_path(".zip") as path:
        with path.open("wb") as file:
            _write(file, job, plan)
        return path


def _write(target: BinaryIO, job: EncodeJob, plan: Plan) -> None:
    arrays = members(plan)
    with ZipFile(target, "w", ZIP_STORED) as file:
        group = view_metadata(
            plan,
            title=job.node.title,
            credits_=job.credits(),
            attributes=_attributes(job),
        )
        _put(file, METADATA_KEY, group)
        for array in arrays.values():
            _put(file, f"{array.name}/{METADATA_KEY}", array.document)
            if array.values is not None:
                key = "/".join((array.name, "c", *("0" * len(array.shape))))
                _put(file, key, array.pack(array.values))
        for name, body in _chunks(job, plan, arrays):
            if body is not None:
                _put(file, name, body)


def _attributes(job: EncodeJob) -> Attributes:
    """Return attributes of the group: the scenes that the job names, and what was asked."""
    return cf_dataset_attrs(job.node.title, job.scenes) | dict(job.node.parameters.metadata)


def _put(file: ZipFile, name: str, body: bytes) -> None:
    file.writestr(ZipInfo(name), body)


def _chunks(job: EncodeJob, plan: Plan, arrays: Mapping[str, Member]) -> Iterator[_Entry]:
    """Yield all chunks; those of a block are packed while the next one is evaluated."""
    with Packing[_Entry]() as threads:
        for window in _windows(plan):
            cells = job.compute(plan, window)
            work = list(_work(plan, arrays, window, cells))
            for one in work:
                threads.submit(one)
            yield from threads.results(waiting=len(work))
        yield from threads.results(waiting=0)


def _windows(plan: Plan) -> Iterator[Window]:
    """Yield blocks of whole chunks."""
    if len(plan.domain.axes) > 1:
        return blocks(plan.domain, len(plan.fields))
    (axis,), (length,) = plan.domain.axes, chunk_shape(plan.domain)
    starts = range(axis.first, axis.stop, length)
    return (Window(((start, min(start + length, axis.stop)),)) for start in starts)


def _work(
    plan: Plan, arrays: Mapping[str, Member], window: Window, cells: Cells
) -> Iterator[Callable[[], _Entry]]:
    """Yield what packs each chunk of a block, of one field after another."""
    first = tuple(axis.first for axis in plan.domain.axes)
    lengths = chunk_shape(plan.domain)
    local = tuple(
        cut((start - low, stop - low), length)
        for (start, stop), low, length in zip(window.ranges, first, lengths, strict=True)
    )
    for array in arrays.values():
        for ranges in product(*local) if array.variable is not None else ():
            numbers = (a // length for (a, _), length in zip(ranges, lengths, strict=True))
            at = tuple(
                slice(a + low - start, b + low - start)
                for (a, b), low, (start, _) in zip(ranges, first, window.ranges, strict=True)
            )
            name = "/".join((array.name, "c", *map(str, numbers)))
            yield partial(_packed, name, array, cells.part(at))


def _packed(name: str, array: Member, cells: Cells) -> _Entry:
    return name, None if array.variable is None else packed_chunk(array, array.variable, cells)
