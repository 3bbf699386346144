"""Maps that were bound before are not bound again, and nothing else is taken for them."""

from dataclasses import fields, replace

import pytest
from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.grid import Grid
from datacube.plan import bindings
from datacube.plan.bind import Bound
from datacube.plan.bindings import KeptBindings
from datacube.plan.colour import Void
from datacube.plan.nodes import Encode as BoundEncode
from datacube.plan.nodes import Picture
from datacube.plan.query import AxisChoice, Coverage, Encode, Map, MapLayer, MapTime
from datacube.times import parse_period

MAP = Map(
    layers=(MapLayer(layer="a", style="b"),),
    crs=CRS.from_epsg(3857),
    bbox=(0.0, 0.0, 1.0, 1.0),
    width_px=4,
    height_px=4,
)
ASKED = Encode(source=MAP, media_type="image/png")
CHANGES = {
    "layers": (MapLayer(layer="a", style="c"),),
    "crs": CRS.from_epsg(3395),
    "bbox": (0.0, 0.0, 1.0, 2.0),
    "width_px": 5,
    "height_px": 5,
    "time": MapTime(instant=parse_period("2020")),
    "transparent": True,
    "background": (1, 2, 3),
    "void": Void(world=(0.0, 0.0, 1.0, 1.0), rgba=(0, 0, 0, 0)),
    "choices": (AxisChoice(axis="height", values=((2.0, 2.0),)),),
}
OTHERS = [
    replace(ASKED, media_type="image/jpeg"),
    replace(ASKED, options=(("QUALITY", "9"),)),
    *(replace(ASKED, source=replace(MAP, **{name: value})) for name, value in CHANGES.items()),  # type: ignore[arg-type]  # values of several types
]


class Maker:
    """Binds to an empty picture, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Bound:
        self.made += 1
        x, y = (RegularAxis(name=n, uom="", start=0.0, step=1.0, size=1) for n in ("x", "y"))
        picture = Picture(
            layers=(), grid=Grid(crs=MAP.crs, x=x, y=y), transparent=True, background=(0, 0, 0)
        )
        encode = BoundEncode(source=picture, media_type="image/png")
        return Bound(encode=encode, notes=(), revision=1)


def test_an_equal_map_is_bound_once() -> None:
    kept, make = KeptBindings(), Maker()
    first = kept.get(1, ASKED, make)
    same = replace(ASKED, source=replace(MAP, crs=CRS.from_epsg(3857)))
    assert kept.get(1, same, make) is first
    assert make.made == 1


def test_every_part_of_the_question_counts() -> None:
    assert CHANGES.keys() == {field.name for field in fields(Map)}
    kept, make = KeptBindings(), Maker()
    for asked in (ASKED, *OTHERS):
        kept.get(1, asked, make)
    assert make.made == 1 + len(OTHERS)
    kept.get(2, ASKED, make)
    assert make.made == 2 + len(OTHERS)


def test_coverages_are_not_kept() -> None:
    kept, make = KeptBindings(), Maker()
    for _ in range(2):
        kept.get(1, Encode(source=Coverage(coverage_id="a"), media_type="image/png"), make)
    assert make.made == 2


def test_those_longest_unasked_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "MOST_BINDINGS", 2)
    kept, make = KeptBindings(), Maker()
    for asked in (ASKED, OTHERS[0], ASKED, OTHERS[1], ASKED):
        kept.get(1, asked, make)
    assert make.made == 3
    kept.get(1, OTHERS[0], make)
    assert make.made == 4
