"""A store in an object store: S3 and what speaks it, Google's, Azure's.

Every request is tried again with growing pauses where the answer is 5xx or none. Keys come
from the usual variables of the environment (`AWS_ACCESS_KEY_ID` and so on) and stand in no
message.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from time import sleep

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore as Bucket
from obstore.store import from_url
from zarr.abc.store import Store
from zarr.storage import ObjectStore

from datacube.errors import StoreError, StoreReadOnlyError

RETRIES = 5
RETRY_SECONDS = 30
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 60
_NO_BUCKET = "NoSuchBucket"
_BUCKET_PAUSES_S = (0.25, 1.0, 3.0)
"""Before a write is tried again whose bucket is said to be missing."""
_NO_CONDITION = ("501 Not Implemented", "NotImplemented")
"""How a store answers that knows no conditional puts, such as Swift."""
_REFUSED = (PermissionDeniedError, UnauthenticatedError)
_REFUSALS = ("403 Forbidden", "401 Unauthorized")


class Objects:
    """A store in an object store; a finished request is durable."""

    local = False

    def __init__(self, url: str, bucket: Bucket | None = None) -> None:
        """Name a bucket and a prefix in it, as `s3://BUCKET/PREFIX`; asks nothing yet.

        A `bucket` that is given is taken as it is, and the URL for its name.

        Raises
        ------
        StoreError
            If the URL is not understood.
        """
        self.name = url.rstrip("/")
        self._conditional = True
        self._bucket = _bucket(self.name) if bucket is None else bucket

    def __reduce__(self) -> tuple[object, ...]:
        # The keys stay: another process has its own.
        return Objects, (self.name,)

    def check(self) -> None:
        """Ask for a page of names.

        Raises
        ------
        StoreError
            If the endpoint does not answer, refuses the keys or has no such bucket.
        """
        with self._told("be opened"):
            next(iter(obstore.list(self._bucket, chunk_size=1)), None)

    def zarr_store(self) -> Store:
        """Return a read-only Zarr store of all keys."""
        return ObjectStore(self._bucket, read_only=True)

    def exists(self, key: str) -> bool:
        """Tell whether `key` was written."""
        try:
            with self._told(f"tell of {key}"):
                obstore.head(self._bucket, key)
        except FileNotFoundError:
            return False
        return True

    def get(self, key: str) -> bytes:
        """Return what was written; FileNotFoundError where it is missing."""
        with self._told(f"give {key}"):
            return bytes(obstore.get(self._bucket, key).bytes())

    def read_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return parts of what was written, each `(offset, length)`.

        Parts that lie near each other come in one request.
        """
        starts = [offset for offset, _ in ranges]
        lengths = [length for _, length in ranges]
        with self._told(f"give {key}"):
            found = obstore.get_ranges(self._bucket, key, starts=starts, lengths=lengths)
            return [bytes(part) for part in found]

    def read_end(self, key: str, length: int) -> bytes:
        """Return the last `length` bytes of what was written, or all where it has fewer."""
        with self._told(f"give {key}"):
            found = obstore.get(self._bucket, key, options={"range": {"suffix": length}})
            return bytes(found.bytes())

    def put_new(self, key: str, data: bytes) -> bool:
        """Write `key` whole where it is missing; False where it exists.

        Where the store knows no condition (`If-None-Match`), it is asked first: two writers at
        once could both write. No two writers share a slot.
        """
        with self._told(f"take {key}"):
            if self._conditional:
                try:
                    self._write(key, data, create=True)
                except AlreadyExistsError:
                    return False
                except BaseError as error:
                    if not any(text in str(error) for text in _NO_CONDITION):
                        raise
                    self._conditional = False
                else:
                    return True
            if self.exists(key):
                return False
            self._write(key, data)
        return True

    def put_parts(self, key: str, parts: Iterable[bytes]) -> int:
        """Write or replace `key` from parts, in uploads of some megabytes; return its bytes."""
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for part in parts:
                size += len(part)
                yield part

        with self._told(f"take {key}"):
            obstore.put(self._bucket, key, counted())
        return size

    def remove(self, prefix: str) -> None:
        """Delete everything below `prefix`, which may be missing: derived data only."""
        with self._told(f"delete {prefix}"):
            for some in obstore.list(self._bucket, f"{prefix}/"):
                obstore.delete(self._bucket, [entry["path"] for entry in some])

    def put(self, key: str, data: bytes) -> None:
        """Write or replace `key` whole."""
        with self._told(f"take {key}"):
            self._write(key, data)

    def children(self, prefix: str) -> Iterable[str]:
        """Names directly below `prefix`; empty where it is missing."""
        with self._told(f"list {prefix}"):
            found = obstore.list_with_delimiter(self._bucket, prefix or None)
        paths = [*found["common_prefixes"], *(entry["path"] for entry in found["objects"])]
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def sync(self, prefixes: Iterable[str]) -> None:
        """Nothing to do: every finished request is durable."""

    def _write(self, key: str, data: bytes, *, create: bool = False) -> None:
        """Write, and again where there is no bucket: Swift says so, too, of one too busy to ask."""
        for pause_s in (*_BUCKET_PAUSES_S, None):
            try:
                # Only a put that is one request takes the condition.
                obstore.put(
                    self._bucket,
                    key,
                    data,
                    mode="create" if create else None,
                    use_multipart=False if create else None,
                )
            except (BaseError, FileNotFoundError) as error:
                if pause_s is None or _NO_BUCKET not in str(error):
                    raise
                sleep(pause_s)
            else:
                return

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn failures of requests into errors of the store; a missing key stays one."""
        try:
            yield
        except FileNotFoundError as error:
            if _NO_BUCKET in str(error):
                raise StoreError(f"{self.name} cannot {what}: there is no such bucket") from None
            raise
        except (BaseError, OSError) as error:
            # A list that is refused comes as any failure; its text tells.
            text = str(error)
            if isinstance(error, _REFUSED) or any(status in text for status in _REFUSALS):
                refused = f"{self.name} cannot {what}: the keys are refused ({_short(error)})"
                raise StoreReadOnlyError(refused) from None
            if _NO_BUCKET in text:
                raise StoreError(f"{self.name} cannot {what}: there is no such bucket") from None
            raise StoreError(f"{self.name} cannot {what}: {_short(error)}") from None


def _bucket(url: str) -> Bucket:
    try:
        bucket: Bucket = from_url(
            url,
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "timeout": timedelta(seconds=_ANSWER_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            },
        )
    except (BaseError, ValueError) as error:
        raise StoreError(f"the store {url!r} cannot be opened: {_short(error)}") from None
    return bucket


def _short(error: Exception) -> str:
    """Return the first line of what went wrong; obstore's go on with pages for its makers."""
    return str(error).strip().partition("\n")[0][:300]
