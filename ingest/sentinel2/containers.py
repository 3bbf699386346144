"""A SAFE product as a tree of files: a folder, a zip that stays packed, an s3:// prefix."""

import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError as ObjectStoreError
from obstore.store import S3Store

from datacube.errors import SourceError, UnsafeSourceError
from ingest.rasters import ObjectStoreAccess

if TYPE_CHECKING:
    from obstore.store import S3Config  # a type without a class at run time

MAX_ENTRIES = 10_000
"""Files of a product; real ones have about 150."""
MAX_TOTAL_BYTES = 8 * 2**30
"""Unpacked size of a product; real ones have about 1 GiB."""
MAX_RATIO = 200
"""Unpacked to packed size of one entry above 1 MiB; the XML of real ones reaches about 30."""
MAX_DIRECTORY_BYTES = 4 * 2**20
"""Central directory of a zip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The files of one product."""

    location: str
    names: frozenset[str]
    """Paths below the product's root, with `/`."""
    read: Callable[[str, int], bytes]
    """Bytes of a file, at most the second argument and one more."""
    gdal_path: Callable[[str], str]


def open_container(location: str, access: ObjectStoreAccess) -> Container:
    """Open the SAFE product at `location`.

    Raises
    ------
    SourceError
        If there is none.
    UnsafeSourceError
        If a zip is built to harm.
    """
    if location.startswith("s3://"):
        return _open_prefix(location, access)
    path = Path(location)
    if path.is_dir():
        return _open_folder(path)
    if path.is_file():
        return _open_zip(path)
    raise SourceError(f"{location} does not exist")


def _open_folder(root: Path) -> Container:
    names: set[str] = set()
    for folder, _, files in os.walk(root):  # links to folders are not followed
        for file in files:
            if len(names) >= MAX_ENTRIES:
                raise UnsafeSourceError(f"{root} has more than {MAX_ENTRIES} files")
            names.add(Path(folder, file).relative_to(root).as_posix())

    def read(name: str, limit: int) -> bytes:
        try:
            with (root / name).open("rb") as file:
                return file.read(limit + 1)
        except OSError as error:
            raise SourceError(f"{root / name} cannot be read: {error.strerror}") from error

    return Container(
        location=str(root), names=frozenset(names), read=read, gdal_path=lambda n: str(root / n)
    )


def _open_zip(path: Path) -> Container:
    _check_directory_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SourceError(f"{path} is no readable zip: {error}") from error
    _check_entries(path, entries)
    roots = {
        entry.filename.partition(".SAFE/")[0] + ".SAFE/"
        for entry in entries
        if ".SAFE/" in entry.filename
    }
    if len(roots) > 1:
        raise SourceError(f"{path} has {len(roots)} products; one zip holds one")
    root = roots.pop() if roots else ""
    names = {e.filename.removeprefix(root) for e in entries if e.filename.startswith(root)}

    def read(name: str, limit: int) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(root + name) as file:
                return file.read(limit + 1)
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise SourceError(f"{name} in {path} cannot be read: {error}") from error

    # The braces end the archive's name, whatever its suffix.
    return Container(
        location=str(path),
        names=frozenset(names),
        read=read,
        gdal_path=lambda name: f"/vsizip/{{{path.resolve()}}}/{root}{name}",
    )


def _check_directory_size(path: Path) -> None:
    """Look at the end of the zip before its directory is read into memory."""
    size = path.stat().st_size
    if size == 0:
        raise SourceError(f"{path} is empty")
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))  # 22 bytes and the longest comment
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise SourceError(f"{path} is neither a folder nor a complete zip")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory > MAX_DIRECTORY_BYTES:
        raise UnsafeSourceError(
            f"{path} has a directory of {directory} bytes; {MAX_DIRECTORY_BYTES} are allowed"
        )


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise UnsafeSourceError(f"{path} has {len(entries)} entries; {MAX_ENTRIES} are allowed")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise UnsafeSourceError(f"{path} unpacks to {total} bytes; {MAX_TOTAL_BYTES} are allowed")
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        if entry.filename.startswith("/") or ".." in parts or re.search(r"[\\:{}]", entry.filename):
            raise UnsafeSourceError(f"{path} has an entry outside itself: {entry.filename!r}")
        if entry.file_size > 2**20 and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
            raise UnsafeSourceError(
                f"{path}: {entry.filename!r} unpacks from {entry.compress_size} to "
                f"{entry.file_size} bytes; a factor of {MAX_RATIO} is allowed"
            )
        if entry.flag_bits & 1:
            raise SourceError(f"{path}: {entry.filename!r} is encrypted")


def s3_store(bucket: str, access: ObjectStoreAccess) -> S3Store:
    """Return a client of one bucket."""
    config: S3Config = {
        "region": access.region or "us-east-1",
        "virtual_hosted_style_request": access.endpoint_url is None,
        "skip_signature": access.anonymous,
    }
    if access.endpoint_url:
        config["endpoint"] = access.endpoint_url
    if access.access_key_id and access.secret_access_key:
        config["access_key_id"] = access.access_key_id
        config["secret_access_key"] = access.secret_access_key
    if access.session_token:
        config["session_token"] = access.session_token
    plain = (access.endpoint_url or "").startswith("http://")
    return S3Store(bucket, config=config, client_options={"allow_http": plain, "timeout": "60s"})


def _open_prefix(location: str, access: ObjectStoreAccess) -> Container:
    bucket, _, prefix = location.removeprefix("s3://").rstrip("/").partition("/")
    names = set()
    try:
        store = s3_store(bucket, access)
        for batch in store.list(prefix=prefix):
            for found in batch:
                names.add(found["path"].removeprefix(prefix).lstrip("/"))
            if len(names) > MAX_ENTRIES:
                raise UnsafeSourceError(f"{location} has more than {MAX_ENTRIES} files")
    except (ObjectStoreError, ValueError) as error:
        raise SourceError(f"{location} cannot be listed: {error}") from error
    if not names:
        raise SourceError(f"{location} has no files")

    def read(name: str, limit: int) -> bytes:
        try:
            result = obstore.get(store, f"{prefix}/{name}")
            if result.meta["size"] > limit:
                return bytes(
                    obstore.get_range(store, f"{prefix}/{name}", start=0, length=limit + 1)
                )
            return bytes(result.bytes())
        except ObjectStoreError as error:
            raise SourceError(f"{location}/{name} cannot be read: {error}") from error

    return Container(
        location=location,
        names=frozenset(names),
        read=read,
        gdal_path=lambda name: f"/vsis3/{bucket}/{prefix}/{name}",
    )
