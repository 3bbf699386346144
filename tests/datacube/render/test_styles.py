from dataclasses import replace

import pytest

from datacube.cube import Band, Collection
from datacube.errors import UnknownNameError
from datacube.plan.colour import Classes, Composite, Grey
from datacube.plan.functions import FUNCTIONS
from datacube.plan.query import Method
from datacube.plan.style import BandTerm, Call, Term
from datacube.render.styles import DefaultStyles
from tests.builders.plans import reflectance, scene_classes

LAYER = Collection(id="S2_L2A", title="Sentinel-2 L2A", style_family="sentinel-2")
BANDS = (
    reflectance("B02"),
    reflectance("B03"),
    reflectance("B04"),
    replace(reflectance("B08"), aliases=("B8", "nir")),
    scene_classes(),
)


def names(bands: tuple[Band, ...], layer: Collection = LAYER) -> list[str]:
    return [style.name for style in DefaultStyles().styles(layer, bands)]


def test_all_styles_where_all_bands_are() -> None:
    assert names(BANDS) == [
        "true-colour",
        "false-colour",
        "ndvi",
        "scl",
        *("B02", "B03", "B04", "B08", "SCL"),
    ]


def test_only_styles_whose_bands_exist() -> None:
    assert names((reflectance("B01"),)) == ["B01"]
    assert names((reflectance("B04"), reflectance("B08"))) == ["ndvi", "B04", "B08"]


def test_another_family_has_its_bands_only() -> None:
    assert names(BANDS[:3], Collection(id="DEM", title="DEM")) == ["B02", "B03", "B04"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", "true-colour"),
        ("default", "true-colour"),
        ("NDVI", "ndvi"),
        ("b08", "B08"),
        ("nir", "B08"),
        ("SCL", "scl"),
    ],
)
def test_names_in_any_case_and_aliases(asked: str, found: str) -> None:
    assert DefaultStyles().style(LAYER, BANDS, asked).name == found


def test_an_unknown_style_lists_the_known() -> None:
    with pytest.raises(UnknownNameError, match="unknown style 'red'; offered: B01") as raised:
        DefaultStyles().style(LAYER, (reflectance("B01"),), "red")
    assert raised.value.kind == "style"


def test_measured_bands_are_interpolated_and_classes_never() -> None:
    book = DefaultStyles()
    assert book.style(LAYER, BANDS, "B08").method is Method.LINEAR
    assert isinstance(book.style(LAYER, BANDS, "B08").rule, Grey)
    for name in ("scl", "SCL"):
        assert book.style(LAYER, BANDS, name).method is Method.NEAREST
        assert isinstance(book.style(LAYER, BANDS, name).rule, Classes)


def test_haze_is_taken_off_top_of_atmosphere_reflectance() -> None:
    above = tuple(replace(b, standard_name="toa_bidirectional_reflectance") for b in BANDS[:3])
    for bands, hazy in ((BANDS, False), (above, True)):
        rule = DefaultStyles().style(LAYER, bands, "true-colour").rule
        assert isinstance(rule, Composite)
        red, green, blue = (stretch.low for stretch in rule.stretches)
        assert (0 < red < green < blue) is hazy


def test_every_function_of_a_style_exists() -> None:
    def functions(term: Term) -> set[str]:
        match term:
            case BandTerm():
                return set()
            case Call(function=name, args=args):
                return {name}.union(*(functions(arg) for arg in args))

    styles = DefaultStyles().styles(LAYER, BANDS)
    used = set().union(*(functions(term) for style in styles for term in style.terms))
    assert used == {"+", "-", "/"}
    assert used <= set(FUNCTIONS)
