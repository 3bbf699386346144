"""From a query to an answer, with a stand-in encoder."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from datacube.encode.answer import EncodeJob
from datacube.encode.kept import KeptDocuments
from datacube.engine import Engine
from datacube.errors import LimitExceededError, UnknownNameError
from datacube.plan import nodes, query
from datacube.protocols import Limits
from datacube.service_provider import Credits
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube

CUBE = optical_cube()
X0, Y0 = ORIGIN_M


def raw(job: EncodeJob) -> bytes | Path:
    """Encode the first band's bytes."""
    source = job.node.source
    plan = source.layers[0].source if isinstance(source, nodes.Picture) else source
    return job.compute(plan, plan.domain.window).values[0].tobytes()


def engine(world: World, limits: Limits | None = None) -> Engine:
    return Engine(
        catalog=world,
        cells=world,
        styles=FakeStyles(),
        encoders={"x": raw},
        limits=limits or Limits(),
    )


def add(world: World, day: int, east: float = 0.0) -> None:
    values = np.random.default_rng(day).integers(1, 9000, (60, 60)).astype("int16")
    bands = {"B02": values, "B04": values, "B08": values}
    world.add(CUBE, bands, when=BASE_TIME + timedelta(days=day), corner=(X0 + east, Y0))


CUT = query.Subset(
    source=query.SelectBands(source=query.Coverage(coverage_id=CUBE.name), bands=("B08",)),
    subsets=(query.Trim(axis="E", low=X0, high=X0 + 100),),
)
ASKED = query.Encode(source=CUT, media_type="x")
BOX = query.Map(
    layers=(query.MapLayer(layer="S2_L2A", style="B08"),),
    crs=CUBE.crs,
    bbox=(X0, Y0 - 100, X0 + 100, Y0),
    width_px=10,
    height_px=10,
)


def test_answer_has_body_scenes_and_revision() -> None:
    world = World()
    add(world, 0)
    answer = engine(world).session().answer(ASKED)
    values = np.random.default_rng(0).integers(1, 9000, (60, 60)).astype("int16")
    assert answer.body == values[:, :10].tobytes()
    assert answer.scenes == (world.slots[0].scene.product_id,)
    assert (answer.revision, answer.media_type, answer.notes) == (1, "x", ())


def test_etag_changes_with_the_slots_that_are_read_only() -> None:
    world = World()
    add(world, 0)
    made = engine(world)
    asked = query.Encode(source=BOX, media_type="x")
    first = made.session().answer(asked)
    add(world, 0, east=1200.0)
    elsewhere = made.session().answer(asked)
    assert elsewhere.etag == first.etag
    assert elsewhere.revision == 2
    add(world, 1)
    here = made.session().answer(asked)
    assert here.etag != first.etag
    assert len(here.scenes) == 2
    before = made.session(as_of=1).answer(asked)
    assert (before.etag, before.body, before.scenes) == (first.etag, first.body, first.scenes)


def test_etag_changes_with_the_version_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    add(world, 0)
    made = engine(world)
    first = made.session().answer(ASKED).etag
    with monkeypatch.context() as patched:
        patched.setattr("datacube.encode.answer._program_version", lambda: "9.9.9")
        assert made.session().answer(ASKED).etag != first
    assert made.session().answer(ASKED).etag == first


def test_a_map_is_made_once_until_what_it_shows_changes() -> None:
    world = World()
    add(world, 0)
    made, asked = engine(world), query.Encode(source=BOX, media_type="x")
    first = made.session().answer(asked)
    reads = len(world.reads)
    assert reads
    assert made.session().answer(asked) == first
    add(world, 0, east=1200.0)
    assert made.session().answer(asked) == replace(first, revision=2)
    assert len(world.reads) == reads
    add(world, 1)
    newer = made.session().answer(asked)
    assert newer.body != first.body
    assert len(world.reads) > reads
    assert made.session(as_of=1).answer(asked) == first


def test_without_room_no_map_is_kept() -> None:
    world = World()
    add(world, 0)
    made = replace(engine(world), pictures=KeptDocuments(0))
    asked = query.Encode(source=BOX, media_type="x")
    assert made.session().answer(asked) == made.session().answer(asked)
    assert len(world.reads) == 2


def test_unknown_formats_are_refused_before_any_work() -> None:
    world = World()
    add(world, 0)
    with pytest.raises(UnknownNameError, match="unknown format 'image/webp'; offered: x"):
        engine(world).session().answer(query.Encode(source=CUT, media_type="image/webp"))


def test_over_its_limit_a_request_is_refused_before_any_read() -> None:
    world = World()
    add(world, 0)
    with pytest.raises(LimitExceededError, match="stored cells to decode"):
        engine(world, Limits(decoded_bytes=1000)).session().answer(ASKED)
    assert not world.reads


def test_bound_plans_are_encoded_and_computed() -> None:
    world = World()
    add(world, 0)
    session = engine(world).session()
    bound = session.bind(ASKED)
    assert session.encode(bound) == session.answer(ASKED)
    assert isinstance(bound.encode.source, nodes.Scan)
    cells = session.compute(bound.encode.source)
    assert cells.shape == (1, 60, 10)
    assert session.estimate(bound).output_bytes == cells.nbytes
    assert session.etag(bound) == session.answer(ASKED).etag


def test_producers_are_looked_up_only_where_an_encoder_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, looked_up = World(), list[str]()
    add(world, 0)

    def credits_of(node: nodes.Encode, view: object, provider: object) -> Credits:
        del view, provider
        looked_up.append(node.media_type)
        return Credits()

    def asking(job: EncodeJob) -> bytes | Path:
        job.credits()
        return raw(job)

    monkeypatch.setattr("datacube.engine.credits_of", credits_of)
    session = replace(engine(world), encoders={"x": raw, "y": asking}).session()
    for media_type in ("x", "y"):
        session.answer(replace(ASKED, media_type=media_type))
    assert looked_up == ["y"]
