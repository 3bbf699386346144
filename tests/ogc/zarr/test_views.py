"""Views as members: statuses, headers, ranges, redirects."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numcodecs import Blosc
from numpy.typing import NDArray

from datacube.cells import Values
from datacube.engine import Session
from datacube.errors import RevisionError, StoreDamagedError
from datacube.plan.bind import Bound
from datacube.plan.query import Encode
from datacube.protocols import BandRead
from datacube.slots import Slot
from ogc.exchange import Reply
from ogc.zarr.views import ViewRequest, Views
from tests.builders.fakes import World
from tests.ogc.zarr.conftest import engine_over, make_world, scene

URL = "http://test/zarr"
VIEW = "S2_L2A_32633@3"


def ask(views: Views, path: str, **parts: str) -> Reply:
    return views.answer(ViewRequest(path=path, **parts), URL)


def body(reply: Reply) -> bytes:
    assert not isinstance(reply.body, Path)
    return reply.body


def header(reply: Reply, name: str) -> str:
    return dict(reply.headers)[name]


@pytest.fixture
def views(world: World) -> Views:
    return Views(engine_over(world).session)


def test_a_chunk_holds_the_stored_cells(views: Views, expected: NDArray[np.int16]) -> None:
    reply = ask(views, f"{VIEW}/B04/c/1/0/1")
    assert (reply.status, reply.media_type) == (200, "application/octet-stream")
    chunk = np.frombuffer(Blosc().decode(body(reply)), "<i2").reshape(512, 512)
    np.testing.assert_array_equal(chunk, expected[1, :512, 512:1024])


def test_a_chunk_without_data_is_404_and_a_key_without_member_too(views: Views) -> None:
    assert ask(views, f"{VIEW}/B04/c/0/0/1").status == 404
    assert ask(views, f"{VIEW}/B04/c/0/0/99").status == 404
    for key in ("B05/zarr.json", "B04", "B04/c/0/0", "B04/c/0/0/00", ".zgroup", "../x"):
        reply = ask(views, f"{VIEW}/{key}")
        assert (reply.status, reply.media_type) == (404, "application/problem+json"), key


def test_what_goes_out_may_be_kept_for_ever(views: Views) -> None:
    for key in ("zarr.json", "B04/zarr.json", "B04/c/0/0/0"):
        reply = ask(views, f"{VIEW}/{key}")
        assert header(reply, "Cache-Control") == "public, max-age=31536000, immutable"
        assert header(reply, "Copernicube-Revision") == "3"
        again = ask(views, f"{VIEW}/{key}", if_none_match=header(reply, "ETag"))
        assert (again.status, again.body) == (304, b"")


def test_the_metadata_names_the_scenes_and_carries_every_array(views: Views, world: World) -> None:
    reply = ask(views, f"{VIEW}/zarr.json")
    document = json.loads(body(reply))
    products = sorted(slot.scene.product_id for slot in world.slots)
    assert header(reply, "Copernicube-Scenes") == ", ".join(products)
    assert document["attributes"]["source_scenes"].split(", ") == products
    assert set(document["consolidated_metadata"]["metadata"]) == {
        *("B04", "SCL", "time", "y", "x", "spatial_ref")
    }
    assert body(ask(views, VIEW)) == body(reply)


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=0-9", slice(0, 10), "0-9"),
        ("bytes=5-", slice(5, None), "5-{last}"),
        ("bytes=-7", slice(-7, None), "{seventh}-{last}"),
        ("bytes=10-99999999", slice(10, None), "10-{last}"),
    ],
)
def test_ranges_of_bytes(views: Views, asked: str, part: slice, told: str) -> None:
    whole = body(ask(views, f"{VIEW}/B04/c/0/0/0"))
    reply = ask(views, f"{VIEW}/B04/c/0/0/0", range_header=asked)
    size = len(whole)
    assert (reply.status, reply.body) == (206, whole[part])
    told = told.format(last=size - 1, seventh=size - 7)
    assert header(reply, "Content-Range") == f"bytes {told}/{size}"


def test_a_range_outside_is_416_and_several_ranges_give_the_whole(views: Views) -> None:
    whole = ask(views, f"{VIEW}/zarr.json")
    outside = ask(views, f"{VIEW}/zarr.json", range_header="bytes=99999999-")
    assert outside.status == 416
    assert header(outside, "Content-Range") == f"bytes */{len(body(whole))}"
    several = ask(views, f"{VIEW}/zarr.json", range_header="bytes=0-1,4-5")
    assert (several.status, several.body) == (200, whole.body)


def test_the_bare_name_leads_to_the_present_or_as_of(views: Views) -> None:
    reply = ask(views, "S2_L2A_32633;datetime=../2023/B04/zarr.json")
    assert reply.status == 307
    assert header(reply, "Location") == f"{URL}/{VIEW};datetime=..%2F2023/B04/zarr.json"
    older = ask(views, "S2_L2A_32633", parameters="as_of=2")
    assert header(older, "Location") == f"{URL}/S2_L2A_32633@2"
    assert header(older, "Copernicube-Revision") == "2"


def test_a_new_scene_moves_the_bare_name_and_leaves_views_alone() -> None:
    world = make_world()
    views = Views(engine_over(world).session)
    before = body(ask(views, f"{VIEW}/zarr.json")), body(ask(views, f"{VIEW}/B04/c/1/0/0"))
    world.add(next(iter(world.cubes.values())), {"B04": scene(9)}, baseline="06.00")
    after = body(ask(views, f"{VIEW}/zarr.json")), body(ask(views, f"{VIEW}/B04/c/1/0/0"))
    assert before == after
    assert header(ask(views, "S2_L2A_32633"), "Location") == f"{URL}/S2_L2A_32633@4"
    assert body(ask(views, "S2_L2A_32633@4/B04/c/1/0/0")) != before[1]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "told"),
    [
        ("NIX@3/zarr.json", "", 404, "offered: S2_L2A_32633"),
        ("NIX", "", 404, "offered: S2_L2A_32633"),
        (f"{VIEW};bbox=0,0,1,1/zarr.json", "", 404, "misses axis"),
        (f"{VIEW};datetime=1999/zarr.json", "", 404, "the nearest: 2023-08-10T09:50:31.024Z"),
        ("NIX@3/B04/c/0/0/0", "", 400, "offered: S2_L2A_32633"),
        (f"{VIEW};bbox=0,0,1,1/B04/c/0/0/0", "", 400, "misses axis"),
        (f"{VIEW};bbox=1,2/zarr.json", "", 400, "four numbers"),
        (f"{VIEW}/zarr.json", "as_of=2", 400, "as_of 2 is not the revision 3"),
        (f"{VIEW}/zarr.json", "foo=1", 400, "allowed: as_of"),
        ("S2_L2A_32633", "as_of=x", 400, "integers"),
    ],
)
def test_failures_are_problem_documents(
    views: Views, path: str, parameters: str, status: int, told: str
) -> None:
    reply = ask(views, path, parameters=parameters)
    assert (reply.status, reply.media_type) == (status, "application/problem+json")
    pinned = parameters == "" and "bbox=1,2" not in path
    assert dict(reply.headers) == ({"Copernicube-Revision": "3"} if pinned else {})
    document = json.loads(body(reply))
    assert document["status"] == status
    assert told in document["detail"]


@dataclass(slots=True)
class Faulty(World):
    """A store whose cells cannot be read."""

    error: Exception = field(default_factory=lambda: StoreDamagedError("shard 0/0 is gone"))

    def read(self, slot: Slot, request: BandRead) -> Values:
        del slot, request
        raise self.error


def test_what_the_client_has_is_not_read_again() -> None:
    good = make_world()
    unread = Faulty(cubes=good.cubes, slots=good.slots, arrays=good.arrays)
    views = Views(engine_over(unread).session)
    tag = header(ask(views, f"{VIEW}/zarr.json"), "ETag")
    assert ask(views, f"{VIEW}/B04/c/0/0/0").status == 500
    again = ask(views, f"{VIEW}/B04/c/0/0/0", if_none_match=f'"other", {tag}')
    assert (again.status, again.body, header(again, "ETag")) == (304, b"", tag)
    for key in ("B05/zarr.json", "B04/c/0/0/99", "B04/c/0/0/00"):
        assert ask(views, f"{VIEW}/{key}", if_none_match=tag).status == 404, key


@pytest.mark.parametrize("error", [StoreDamagedError("shard 0/0 is gone"), KeyError("secret")])
def test_a_failure_is_never_404(error: Exception) -> None:
    good = make_world()
    bad = Faulty(cubes=good.cubes, slots=good.slots, arrays=good.arrays, error=error)
    reply = ask(Views(engine_over(bad).session), f"{VIEW}/B04/c/0/0/0")
    assert reply.status == 500
    assert b"secret" not in body(reply)
    assert "Cache-Control" not in dict(reply.headers)


def test_a_purged_revision_is_410_even_where_its_view_was_kept(world: World) -> None:
    engine, purged = engine_over(world), [False]

    def sessions(as_of: int | None) -> Session:
        if purged[0]:
            raise RevisionError("revision 3 was purged", purged=True)
        return engine.session(as_of)

    views = Views(sessions)
    assert ask(views, f"{VIEW}/B04/c/0/0/0").status == 200
    purged[0] = True
    assert ask(views, f"{VIEW}/B04/c/0/0/0").status == 410


def test_a_view_is_bound_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bound, bind = [], Session.bind

    def counted(session: Session, asked: Encode) -> Bound:
        bound.append(asked)
        return bind(session, asked)

    monkeypatch.setattr(Session, "bind", counted)
    views = Views(engine_over(world).session)
    for key in ("zarr.json", "B04/c/0/0/0", "B04/c/1/0/0"):
        assert ask(views, f"{VIEW}/{key}").status == 200
    assert len(bound) == 1
