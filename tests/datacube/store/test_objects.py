"""Object stores, without one: what is tried again."""

from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from datacube.errors import StoreError
from datacube.store.objects import Objects


def test_a_write_is_tried_again_where_the_bucket_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datacube.store.objects._BUCKET_PAUSES_S", (0.0, 0.0))
    objects = Objects("memory://", MemoryStore())
    put, failures = obstore.put, [2]

    def failing(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401  # as they come
        if failures[0]:
            failures[0] -= 1
            raise FileNotFoundError("<Code>NoSuchBucket</Code>")
        return put(*args, **kwargs)

    monkeypatch.setattr("datacube.store.objects.obstore.put", failing)
    objects.put("a", b"late")
    assert objects.get("a") == b"late"
    failures[0] = 1
    assert not objects.put_new("a", b"later")
    failures[0] = 3
    with pytest.raises(StoreError, match="no such bucket"):
        objects.put("b", b"never")
    assert not objects.exists("b")
