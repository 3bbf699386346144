"""What is told of a query, against what the query then does."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from datacube.cells import Values
from datacube.errors import LimitExceededError, QuerySyntaxError, UnknownNameError
from datacube.explain.forms import to_json, to_text
from datacube.explain.outline import MAX_INPUTS, MAX_STEPS
from datacube.explain.values import Explanation, Level
from datacube.plan.cost import estimate
from datacube.plan.nodes import Encode, Plan, children
from datacube.protocols import BandRead, Limits, Principal, ReadCells
from datacube.slots import Slot
from datacube.wcps.bind.values import Encoded, Raster
from tests.builders.made import WGS84, Frame, Made, add_cube, add_examples, make_store, regular

SIDE_PX = 1200
NDVI = 'for $c in (T) return encode(($c.b8 - $c.b4) / ($c.b8 + $c.b4), "image/tiff")'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = add_examples(make_store(tmp_path_factory.mktemp("explain") / "store"))
    rng = np.random.default_rng(11)
    wide = rng.integers(1, 9000, (3, SIDE_PX, SIDE_PX)).astype("int16")
    place = (regular("Lat", 12, 0, SIDE_PX), regular("Lon", 0, 12, SIDE_PX))
    times = ("2021-01-01", "2021-01-02", "2021-01-03")
    add_cube(made, "Wide", {"v": wide}, Frame(axes=place, crs=WGS84, times=times))
    return made


@dataclass(slots=True)
class Counting:
    """Counts what is read of a store."""

    inner: ReadCells
    reads: list[tuple[int, BandRead]] = field(default_factory=list)

    def read(self, slot: Slot, request: BandRead) -> Values:
        self.reads.append((slot.number, request))
        return self.inner.read(slot, request)

    def chunks(self, side_px: int = 256) -> int:
        """Chunks of `side_px` cells that the reads touch, each read for itself."""
        return sum(
            int(np.prod([-(-b // side_px) - a // side_px for a, b in request.window.ranges[-2:]]))
            for _, request in self.reads
        )


class Refusing:
    """A store that nothing may be read of."""

    def read(self, slot: Slot, request: BandRead) -> Values:
        raise AssertionError(f"slot {slot.number} was read: {request}")


def explained(made: Made, text: str, limits: Limits | None = None) -> Explanation:
    """Explain a query on a store that nothing can be read of."""
    engine = replace(made.local.engine, cells=Refusing(), limits=limits or Limits())
    return engine.session().explain(text)


def prepared(made: Made, text: str) -> Plan:
    processor = made.session.processor()
    (result,) = processor.bind(text)
    match result.value:
        case Encoded(root=root):
            return processor.prepare(root.source)  # type: ignore[arg-type]  # WCPS encodes no pictures
        case Raster(plan=plan):
            return processor.prepare(plan)
        case _:
            raise TypeError(text)


def root_of(made: Made, text: str, plan: Plan) -> Encode | Plan:
    (result,) = made.session.processor().bind(text)
    value = result.value
    return replace(value.root, source=plan) if isinstance(value, Encoded) else plan


def distinct(plan: Plan) -> dict[str, Plan]:
    found = {plan.key: plan}
    for child in children(plan):
        found |= distinct(child)
    return found


QUERIES = [
    NDVI,
    "for $c in (T) return avg($c.b4[Lat(10:20)])",
    'for $c in (W) return encode(clip($c.u[height(10)], POLYGON((51 1, 58 1, 58 10))), "json")',
    'for $c in (U) return encode(crsTransform($c, "EPSG:4326", {}), "image/tiff")',
    'for $c in (T) return encode(condense + over $t t(0:6) using $c[ansi:"CRS:1"($t)], "csv")',
    'for $c in (G) return encode(coverage f over $x i(0:3) values $c[i($x), j(2)], "csv")',
]


@pytest.mark.parametrize("text", QUERIES)
def test_figures_are_the_estimates_and_every_node_is_told(made: Made, text: str) -> None:
    told = explained(made, text)
    (result,) = told.results
    plan = prepared(made, text)
    assert result.cost == told.cost == estimate(root_of(made, text, plan))
    assert result.outline is not None
    every = distinct(plan)
    assert result.outline.nodes == len(result.outline.steps) == len(every)
    assert Counter(step.operation for step in result.outline.steps) == Counter(
        type(node).__name__.lower() for node in every.values()
    )
    (top,) = (step for step in result.outline.steps if step.number == 1)
    assert tuple(span.cells for span in top.spans) == plan.domain.shape
    assert told.refusal == ""


@pytest.mark.parametrize("text", [NDVI, "for $c in (Wide) return max($c[Lat(3:9), Lon(1:2.5)])"])
def test_chunks_are_those_that_are_read(made: Made, text: str) -> None:
    (result,) = explained(made, text).results
    counting = Counting(made.local.engine.cells)
    replace(made.local.engine, cells=counting).session().query(text)
    assert result.cost is not None
    # Cells are read once however often they stand in the query; a dense cube has every chunk.
    assert result.cost.chunks == counting.chunks()
    assert result.scenes == len({number for number, _ in counting.reads})


def test_a_scan_says_where_it_reads(made: Made) -> None:
    text = 'for $c in (T) return encode($c.b4[Lat(10:20), ansi("2020-02":"2020-05")], "csv")'
    (result,) = explained(made, text).results
    assert result.outline is not None
    (scan,) = (step for step in result.outline.steps if step.operation == "scan")
    facts = dict(scan.facts)
    assert (facts["cube"], facts["level"], facts["bands"]) == ("T", 0, ("b4 (uint16)",))
    assert (facts["times"], facts["slots"]) == (2, 2)
    assert facts["first"] == "2020-02-01T00:00:00Z"
    assert facts["last"] == "2020-05-01T00:00:00Z"
    spans = {span.axis: span for span in scan.spans}
    # Rows of half a degree from 30 N: 20 N is the upper edge of row 20, 10 N the lower of row 39.
    assert (spans["Lat"].first, spans["Lat"].last) == (20, 39)
    assert (spans["Lat"].low, spans["Lat"].high, spans["Lat"].unit) == (10, 20, "degree")
    assert spans["ansi"].low == "2020-02-01T00:00:00Z"


def test_where_it_runs(made: Made) -> None:
    (small,) = explained(made, "for $c in (A) return max($c)").results
    assert small.run is not None
    assert (small.run.where, small.run.threads, small.run.blocks) == ("inline", 1, 1)
    (wide,) = explained(made, 'for $c in (Wide) return encode($c + 1, "image/tiff")').results
    assert wide.run is not None
    # 1200 cells a side are two blocks of at most 1024, on each of three dates.
    assert (wide.run.where, wide.run.blocks) == ("threads", 2 * 2 * 3)
    (lazy,) = explained(made, "for $c in (Wide) return $c + 1").results
    assert lazy.run is not None
    assert (lazy.run.where, lazy.run.blocks) == ("dask", 3)
    assert any("not encoded" in note for note in lazy.notes)
    (sums,) = explained(made, "for $c in (Wide) return add($c)").results
    assert sums.run is not None
    (reduction,) = sums.run.reductions
    assert (reduction.operator, reduction.cells, reduction.parts) == ("add", 1, 1)
    assert reduction.steps == 2 * 2 * 3


def test_what_is_over_a_limit_is_explained(made: Made) -> None:
    text = 'for $c in (Wide) return encode($c, "image/tiff")'
    limits = Limits(decoded_bytes=1000)
    told = explained(made, text, limits=limits)
    with pytest.raises(LimitExceededError) as refused:
        replace(made.local.engine, limits=limits).session().query(text)
    assert told.refusal == str(refused.value)
    assert "REFUSED: " in to_text(told)
    assert json.loads(to_json(told))["refused"] is True


def test_a_result_of_any_size_is_explained(made: Made) -> None:
    axes = "$x x(0:1000000000), $y y(0:1000000000)"
    told = explained(
        made, f'for $c in (A) return encode(coverage n over {axes} values $x + $y, "csv")'
    )
    assert "cells of the answer" in told.refusal
    assert told.cost.output_bytes > 10**18


def test_conditions_are_told_and_not_evaluated(made: Made) -> None:
    told = explained(made, "for $c in (A, B) where max($c) > 10000 return avg($c)")
    assert len(told.results) == 2
    for result in told.results:
        assert result.condition is not None
        assert result.condition.cost is not None
        assert result.condition.outline is not None
    assert told.cost.chunks == 4


def test_shared_parts_are_told_once(made: Made) -> None:
    text = to_text(explained(made, NDVI))
    assert len(re.findall(r"#\d+ scan T", text)) == len(re.findall(r"#\d+ bands", text)) == 2
    assert len(re.findall(r"bands: see #\d+", text)) == 2


def test_large_plans_are_summarised(made: Made) -> None:
    terms = " + ".join(f"sin($c.b4 * {k})" for k in range(1, 2500))
    told = explained(made, f"for $c in (T) return avg({terms})")
    (result,) = told.results
    assert result.outline is not None
    assert result.outline.nodes > 5000
    assert len(result.outline.steps) <= MAX_STEPS
    assert sum(number for _, number in result.outline.left_out) == result.outline.nodes - len(
        result.outline.steps
    )
    assert max(len(step.inputs) for step in result.outline.steps) <= MAX_INPUTS
    assert len(to_text(told)) + len(to_json(told)) < 60_000
    chain = " + ".join(["$c.b4"] * 3) + "".join(f") * {k}" for k in range(2, 190))
    nested = explained(made, f"for $c in (T) return avg({'(' * 188}{chain})")
    assert len(to_text(nested)) < 60_000


def test_long_lists_are_cut(made: Made) -> None:
    numbers = "; ".join(str(k * k % 997) for k in range(20_000))
    values = f"coverage k over $x x(0:19999) value list <{numbers}>"
    told = explained(made, f'for $c in (A) return encode({values}, "csv")')
    assert len(to_text(told)) < 3000
    many = explained(made, f"for $c in ({', '.join(['A', 'B'] * 200)}) return max($c)")
    assert (len(many.results), many.left_out) == (10, 390)
    # Results of equal reductions are made once, and all of them leave.
    assert (many.cost.chunks, many.cost.output_bytes) == (2, 400 * 3)


def test_numbers_and_descriptions_need_nothing(made: Made) -> None:
    for text in (
        "for $c in (A) return 1 + 2",
        'for $c in (A) return describe($c, "gml")',
        "for $c in (A) return domain($c, Lat)",
    ):
        (result,) = explained(made, text).results
        assert (result.outline, result.cost) == (None, None)
        assert result.notes == ("nothing is read",)


def test_levels_of_both_forms(made: Made) -> None:
    told = explained(made, NDVI)
    plan, cost = (json.loads(to_json(told, level)) for level in Level)
    assert plan["results"][0]["plan"]["nodes"] == told.results[0].outline.nodes  # type: ignore[union-attr]  # asserted elsewhere
    assert plan["rules"]["prune_bands"] >= 1
    assert "plan" not in cost["results"][0]
    assert "rules" not in cost
    assert plan["cost"] == cost["cost"]
    assert cost["cost"]["chunks"] == told.cost.chunks
    assert cost["limits"]["decoded_bytes"] == Limits().decoded_bytes
    assert "#1 apply /" in to_text(told)
    assert "#1" not in to_text(told, Level.COST)
    assert f"{told.cost.chunks} chunks" in to_text(told, Level.COST)


def test_faults_of_queries_are_errors(made: Made) -> None:
    with pytest.raises(UnknownNameError, match="Nowhere"):
        explained(made, "for $c in (Nowhere) return avg($c)")
    with pytest.raises(QuerySyntaxError):
        explained(made, "for $c in (A) return avg(")


def test_what_may_not_be_seen_does_not_exist(tmp_path: Path) -> None:
    made = make_store(tmp_path / "store")
    place = (regular("Lat", 4, 0, 4), regular("Lon", 0, 4, 4))
    add_cube(made, "Open", {"v": np.ones((4, 4), "int16")}, Frame(axes=place, crs=WGS84))
    stranger = Principal(name="stranger", access=frozenset())
    session = made.local.engine.session(principal=stranger)
    with pytest.raises(UnknownNameError) as hidden:
        session.explain("for $c in (Open) return avg($c)")
    with pytest.raises(UnknownNameError) as absent:
        session.explain("for $c in (Shut) return avg($c)")
    assert str(hidden.value).replace("Open", "") == str(absent.value).replace("Shut", "")
