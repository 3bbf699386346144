"""Legends: of the advertised size, and with the colours that maps have."""

import io
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from datacube.plan.colour import (
    ClassColour,
    Classes,
    ColourInterval,
    ColourRule,
    Composite,
    Grey,
    Intervals,
    Ramp,
    Stop,
    Stretch,
)
from datacube.plan.query import Method
from datacube.plan.style import BandTerm, Style
from datacube.render.legend import legend, legend_picture, legend_size

RULES: dict[str, ColourRule] = {
    "ramp": Ramp(
        stops=(Stop(value=-0.2, rgb=(0, 0, 255)), Stop(value=0.9, rgb=(255, 0, 0))), unit="K"
    ),
    "far apart": Ramp(
        stops=(Stop(value=-1e-9, rgb=(0, 0, 255)), Stop(value=1e12, rgb=(255, 0, 0)))
    ),
    "titled": Ramp(
        stops=(
            Stop(value=0, rgb=(0, 0, 255), title="the very lowest of all values"),
            Stop(value=1, rgb=(255, 0, 0), title="the highest"),
        )
    ),
    "grey": Grey(stretch=Stretch(low=0, high=4000)),
    "inverse": Grey(stretch=Stretch(low=1, high=0)),
    "intervals": Intervals(
        intervals=(
            ColourInterval(low=-inf, high=0.5, rgb=(9, 90, 200)),
            ColourInterval(low=0.5, high=inf, rgb=(200, 90, 9), title="m" * 500),
        ),
        unit="m s-1",
    ),
    "classes": Classes(
        classes=tuple(
            ClassColour(value=at, title=f"class {at}", rgb=(at, 255 - at, 7)) for at in range(255)
        )
    ),
    "composite": Composite(stretches=(Stretch(low=0, high=3000, gamma=1.4),) * 3),
}


def style(rule: ColourRule, title: str = "Title") -> Style:
    return Style(
        name="x",
        title=title,
        abstract="",
        terms=(BandTerm(band="B04"), BandTerm(band="B03"), BandTerm(band="B02")),
        rule=rule,
        method=Method.LINEAR,
    )


def pixels(made: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(made)).convert("RGB"))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("title", [True, False])
def test_the_size_is_the_one_that_was_told(name: str, title: bool) -> None:  # noqa: FBT001 - a case
    one = style(RULES[name], title="Titel über alles, größer als sonst " * 3)
    made = pixels(legend(one, title=title))
    assert made.shape[1::-1] == legend_size(one, title=title)
    assert max(legend_size(one)) <= 5000
    assert legend_size(one)[0] <= 612
    assert legend_size(one, title=title)[1] >= 30


def test_nothing_is_drawn_over_the_edge() -> None:
    for rule in RULES.values():
        made = pixels(legend(style(rule)))
        border = np.concatenate([made[0], made[-1], made[:, 0], made[:, -1]])
        assert (border == 255).all()


def test_a_ramp_shows_its_colours_from_end_to_end() -> None:
    made = legend_picture(style(RULES["ramp"]))[..., :3].astype(int)
    # The title and the unit are two lines of 16 pixels below a margin of 6.
    row = made[6 + 32 + 7]
    bar = row[(row != 255).any(axis=1)][1:-1]
    assert len(bar) == 218
    expected = np.linspace([0, 0, 255], [255, 0, 0], 220)[1:-1]
    assert np.abs(bar - expected).max() <= 2


def test_each_class_and_interval_has_its_colour() -> None:
    for name in ("classes", "intervals"):
        rule = RULES[name]
        entries = rule.classes if isinstance(rule, Classes) else ()
        if isinstance(rule, Intervals):
            wanted = [i.rgb for i in rule.intervals]
        else:
            wanted = [c.rgb for c in entries]
        made = pixels(legend(style(rule)))
        swatches = made[:, 6 + 11]
        found = {tuple(int(v) for v in colour) for colour in swatches}
        assert set(wanted) <= found


def test_transparent_colours_are_shown_over_checks() -> None:
    half = ColourInterval(low=0, high=1, rgb=(255, 0, 0), alpha=128)
    made = pixels(legend(style(Intervals(intervals=(half,))), title=False))
    inside = {tuple(int(v) for v in c) for c in made[9:17, 8:26].reshape(-1, 3)}
    assert inside == {(255, 127, 127), (230, 102, 102)}


def test_other_titles_are_other_pictures_and_equal_ones_equal_bytes() -> None:
    one = style(RULES["grey"])
    assert legend(one) == legend(replace(one))
    assert legend(one) != legend(replace(one, title="Other"))
    assert legend(one, title=False) != legend(one)


@pytest.mark.parametrize("letter", "äÖßéŁµ²°≥Ωя")
def test_letters_beyond_ascii_are_drawn(letter: str) -> None:
    """Each has a shape of its own: not that of a question mark, nor of its plain neighbour."""
    drawn = legend_picture(style(RULES["grey"], title=letter))
    for other in ("?", "a", "O", "L", "2", "A"):
        assert not np.array_equal(drawn, legend_picture(style(RULES["grey"], title=other)))


def test_a_letter_without_a_shape_is_a_question_mark() -> None:
    drawn, asked = (legend_picture(style(RULES["grey"], title=t)) for t in ("高", "?"))
    np.testing.assert_array_equal(drawn, asked)
