"""Styles from definitions: what they are made into, what is refused, and who goes first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from datacube.cube import Band, Collection
from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from datacube.plan.colour import Classes, Composite, Grey, Ramp, Stretch
from datacube.plan.query import Method
from datacube.protocols import Limits, StoredStyle
from datacube.render.book import ViewStyles
from datacube.render.definition import canonical, parse_style
from datacube.render.fragment import FragmentContext, band_math
from datacube.render.styles import DefaultStyles
from tests.builders.fakes import World, WorldView
from tests.datacube.render.test_styles import BANDS, LAYER

NDVI = "($c.B08 - $c.B04) / ($c.B08 + $c.B04)"
RAMP = [{"value": 0, "colour": "#000000"}, {"value": 1, "colour": "#ffffff80"}]


@dataclass(frozen=True, slots=True)
class StyledView(WorldView):
    kept: tuple[StoredStyle, ...] = field(default=())

    def stored_styles(self) -> Sequence[StoredStyle]:
        return self.kept


def book(*styles: dict[str, Any]) -> ViewStyles:
    definitions = [(parse_style(style), canonical(style)) for style in styles]
    kept = tuple(
        StoredStyle(name=one.name, target=one.target, definition=text) for one, text in definitions
    )
    view = StyledView(World(), 0, kept)
    context = FragmentContext(view=view, limits=Limits(), functions={})
    return ViewStyles(house=DefaultStyles(), context=context)


def names(
    styles: ViewStyles, layer: Collection = LAYER, bands: tuple[Band, ...] = BANDS
) -> list[str]:
    return [style.name for style in styles.styles(layer, bands)]


def test_without_stored_styles_all_is_as_the_house_has_it() -> None:
    house = DefaultStyles()
    assert book().styles(LAYER, BANDS) == house.styles(LAYER, BANDS)
    assert book().style(LAYER, BANDS, "") == house.style(LAYER, BANDS, "")


def test_stored_styles_stand_behind_the_default_and_before_the_others() -> None:
    made = names(book({"name": "mine", "band": "B08"}))
    assert made[:4] == ["true-colour", "mine", "false-colour", "ndvi"]


def test_a_stored_default_is_the_default() -> None:
    styles = book({"name": "mine", "band": "B08", "default": True})
    assert names(styles)[0] == styles.style(LAYER, BANDS, "").name == "mine"
    assert styles.style(LAYER, BANDS, "default").name == "mine"


def test_a_stored_style_takes_the_place_of_one_of_the_house() -> None:
    styles = book({"name": "True-Colour", "title": "Ours", "bands": ["B04", "B03", "B02"]})
    assert styles.style(LAYER, BANDS, "").title == "Ours"
    assert names(styles).count("True-Colour") == 1
    assert "true-colour" not in names(styles)


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_target_goes_first(order: int) -> None:
    three = (
        {"name": "x", "title": "any", "band": "B08"},
        {"name": "x", "title": "family", "band": "B08", "for": {"family": "sentinel-2"}},
        {"name": "x", "title": "own", "band": "B08", "for": {"collection": "S2_L2A"}},
    )
    styles = book(*three[::order])
    other = Collection(id="S2_L1C", title="", style_family="sentinel-2")
    dem = Collection(id="DEM", title="")
    assert [styles.style(c, BANDS, "x").title for c in (LAYER, other, dem)] == [
        "own",
        "family",
        "any",
    ]


def test_a_style_is_offered_only_where_its_bands_are() -> None:
    styles = book({"name": "swir", "band": "B12"}, {"name": "sum", "expression": "B11 + B12"})
    assert not {"swir", "sum"} & set(names(styles))
    with pytest.raises(UnknownNameError, match="unknown band B12"):
        styles.style(LAYER, BANDS, "swir")
    with pytest.raises(UnknownNameError, match="offered: true-colour"):
        styles.style(LAYER, BANDS, "nothing")


def test_what_is_left_out_follows_from_the_bands() -> None:
    styles = book(
        {"name": "classes", "band": "SCL", "opacity": 0.5},
        {"name": "grey", "band": "nir"},
        {"name": "rgb", "bands": ["B04", "3", "B02"], "stretch": [{"gamma": 2}, {}, {}]},
        {"name": "ramp", "expression": "nir / 10000", "ramp": RAMP, "opacity": 0.5, "unit": "m"},
        {"name": "is", "wcps": "$c.SCL = 4"},
    )
    made = {style.name: style for style in styles.styles(LAYER, BANDS)}
    classes = made["classes"].rule
    assert isinstance(classes, Classes)
    assert {c.alpha for c in classes.classes} == {128}
    assert made["classes"].method is Method.NEAREST
    assert made["grey"].rule == Grey(stretch=Stretch(low=0, high=4000, gamma=1.2))
    rgb = made["rgb"]
    # Bands by number count from 1: the third is B04.
    assert rgb.bands == ("B04", "B02")
    assert isinstance(rgb.rule, Composite)
    assert [s.gamma for s in rgb.rule.stretches] == [2, 1.2, 1.2]
    assert isinstance(made["ramp"].rule, Ramp)
    assert made["ramp"].rule.unit == "m"
    assert [stop.alpha for stop in made["ramp"].rule.stops] == [128, 64]
    assert made["ramp"].bands == ("B08",)
    assert made["is"].rule == Grey(stretch=Stretch(low=0, high=1))
    assert made["is"].method is Method.NEAREST


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"wcps:{NDVI}", Grey(stretch=Stretch(low=0, high=1))),
        (f"wcps(-0.2, 0.9):{NDVI}", Grey(stretch=Stretch(low=-0.2, high=0.9))),
        ("WCPS(1,0):$c.B08", Grey(stretch=Stretch(low=1, high=0))),
        ("wcps:$c.B08", Grey(stretch=Stretch(low=0, high=4000, gamma=1.2))),
        ("wcps:$c.B08 + 1", Grey(stretch=Stretch(low=0, high=10_000))),
        (
            "wcps:(unsigned char) {r: $c.B04; g: $c.B03; b: $c.B02}",
            Composite(stretches=(Stretch(low=0, high=255),) * 3),
        ),
        (
            "wcps:(unsigned char) {r: $c.B04; g: $c.B03; b: $c.B02; a: $c.SCL * 20}",
            Composite(stretches=(Stretch(low=0, high=255),) * 3, alpha_band=True),
        ),
        (
            "wcps(0,3000):{r: $c.B04; g: $c.B03; b: $c.B02}",
            Composite(stretches=(Stretch(low=0, high=3000),) * 3),
        ),
    ],
)
def test_expressions_as_styles(text: str, rule: object) -> None:
    assert book().style(LAYER, BANDS, text).rule == rule


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wcps:", "needs an expression"),
        ("wcps:$c.B04 +", "is not WCPS"),
        ("wcps:$d.B04", "unknown variable 'd'"),
        ("wcps:$c.B99", "unknown band B99"),
        ("wcps:avg($c.B04)", "gives one number"),
        ("wcps:$c.B04 - avg($c.B04)", "differ from tile to tile"),
        ("wcps:{a: $c.B04; b: $c.B03}", "gives 2 bands"),
        ("wcps:{a: $c.B04; b: $c.B03; c: $c.B02}", "unsigned char"),
        ("wcps(3,3):$c.B04", "two different numbers"),
        ("wcps(1e,3):$c.B04", "two different numbers"),
        ('wcps:encode($c.B04, "png")', "not an encoded file"),
        ("wcps:$c[Lat(0)].B04", "gives"),
        ("wcps:coverage x over $i i(0:1) values $i", "gives"),
        (f"wcps:{'1+' * 3000}1", "characters"),
        ("wcps:1 let $d := 3", "is not WCPS"),
    ],
)
def test_wrong_expressions_are_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        book().style(LAYER, BANDS, text)


def test_the_place_of_an_error_is_shown() -> None:
    with pytest.raises(RequestError) as caught:
        book().style(LAYER, BANDS, "wcps:sqrt($c.B04) + avg($c.B99)")
    (note,) = caught.value.__notes__
    line, marks = note.split("\n")
    assert line[marks.index("^") : marks.rindex("^") + 1] in {"$c.B99", "B99"}


def test_band_math_leaves_functions_words_and_numbers_alone() -> None:
    text = 'max(B8, 2e3) * (nir > 1.5 and not B04 = 3) + $c.B02 + "B04"'
    assert band_math(text, BANDS) == (
        'max($c.B08, 2e3) * ($c.B08 > 1.5 and not $c.B04 = 3) + $c.B02 + "B04"'
    )
    with pytest.raises(UnknownNameError, match="unknown band B99"):
        band_math("B99 + 1", BANDS)


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ({"band": "B08"}, "'name' is a required property"),
        ({"name": "a/b", "band": "B08"}, "name"),
        ({"name": "x"}, "exactly one of band, bands, expression, wcps"),
        ({"name": "x", "band": "B08", "wcps": "1"}, "exactly one of"),
        ({"name": "x", "band": "B08", "ramp": RAMP, "values": RAMP}, "at most one of"),
        ({"name": "x", "bands": ["B02", "B03"]}, "too short"),
        ({"name": "x", "band": "B08", "ramp": RAMP[:1]}, "too short"),
        ({"name": "x", "band": "B08", "ramp": RAMP[::-1]}, "values ascend"),
        ({"name": "x", "band": "B08", "values": [RAMP[0], RAMP[0]]}, "unique"),
        ({"name": "x", "band": "B08", "ramp": [{"value": 0, "colour": "red"}] * 2}, "red"),
        ({"name": "x", "bands": ["a", "b", "c"], "ramp": RAMP}, "for one"),
        ({"name": "x", "band": "B08", "opacity": 1.5}, "maximum of 1"),
        ({"name": "x", "band": "B08", "stretch": {"low": 1}}, "stretch"),
        ({"name": "x", "band": "B08", "stretch": {"low": 1, "high": 1}}, "no width"),
        ({"name": "x", "band": "B08", "stretch": {"low": 0, "high": float("inf")}}, "finite"),
        ({"name": "x", "band": "B08", "mask": {"band": "SCL", "keep": [4]}}, "dependency"),
        ({"name": "x", "band": "B08", "time": "newest", "mask": {"band": "SCL"}}, "mask"),
        ({"name": "x", "band": "B08", "time": "oldest"}, "oldest"),
        ({"name": "x", "band": "B08", "for": {"collection": "a", "family": "b"}}, "for"),
        (
            {"name": "x", "band": "B08", "intervals": [{"low": 1, "high": 1, "colour": "#000000"}]},
            "is empty",
        ),
        (
            {
                "name": "x",
                "band": "B08",
                "intervals": [
                    {"high": 2, "colour": "#000000"},
                    {"low": 1, "colour": "#000000"},
                ],
            },
            "begins below 2",
        ),
        ([], "is not of type 'object'"),
    ],
)
def test_wrong_definitions_are_refused_with_the_place(style: object, told: str) -> None:
    with pytest.raises(InvalidParameterError, match=told):
        parse_style(style)


def test_equal_styles_are_equal_texts() -> None:
    one = {"name": "x", "band": "B08", "title": "Höhe"}
    assert canonical(one) == canonical(dict(reversed(one.items())))
    assert json.loads(canonical(one)) == one
