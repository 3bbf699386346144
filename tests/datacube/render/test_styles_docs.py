"""What the page on styles shows is true: its files pass, its expressions paint."""

import re
from pathlib import Path

import pytest
import yaml

from datacube.plan.colour import ColourRule, Composite, Grey, Stretch
from datacube.plan.query import Method
from datacube.render.definition import parse_style
from datacube.render.style_schema import STYLE
from tests.datacube.render.test_book import book
from tests.datacube.render.test_styles import BANDS, LAYER

PAGE = (Path(__file__).parents[3] / "docs/how-to/styles.md").read_text(encoding="utf-8")


def test_every_file_of_the_page_is_a_file_of_styles() -> None:
    files = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    parsed = [parse_style(style).name for file in files for style in file["styles"]]
    assert len(parsed) == len(set(parsed)) == 6


def test_every_key_is_explained() -> None:
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    explained = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert set(STYLE["properties"]) <= explained
    assert {m.value for m in (Method.NEAREST, Method.MODE, Method.CUBIC)} <= set(
        re.findall(r"`(\w+)`", PAGE)
    )


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        ("wcps:$c.B08", Grey(stretch=Stretch(low=0, high=1))),
        ("wcps(-0.2", Grey(stretch=Stretch(low=-0.2, high=0.9))),
        ("wcps:(unsigned", Composite(stretches=(Stretch(low=0, high=255),) * 3)),
    ],
)
def test_every_expression_of_the_page_paints(start: str, rule: ColourRule) -> None:
    (text,) = (t for t in re.findall(r"^STYLES=(.*)$", PAGE, re.MULTILINE) if t.startswith(start))
    assert book().style(LAYER, BANDS, text).rule == rule
