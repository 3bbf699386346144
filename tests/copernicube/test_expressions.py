"""Formulas on cubes: their text, and their values against NumPy, from a store and its server."""

import copy
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import copernicube
from copernicube.app import build
from copernicube.client import Catalogue, Expression
from copernicube.client.term import query_of
from copernicube.config import Settings
from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from datacube.wcps.parser import parse
from tests.builders.expressions import CASES, NDVI, SAME, Ask, Numbers, ndvi
from tests.builders.loopback import loopback
from tests.builders.made import Made, add_examples, make_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return add_examples(make_store(tmp_path_factory.mktemp("made") / "store"))


@pytest.fixture(scope="module")
def folder(made: Made) -> Path:
    return Path(made.local.store.location.name)


@pytest.fixture(scope="module")
def near(folder: Path) -> Catalogue:
    return copernicube.open(folder)


@pytest.fixture(scope="module")
def far(folder: Path) -> Iterator[Catalogue]:
    """Return the same cubes through a server on loopback."""
    with loopback(build(Settings(store=str(folder)))) as url:
        yield copernicube.open(url)


@pytest.fixture(scope="module")
def numbers(made: Made) -> Numbers:
    def known(name: str, band: str, nodata: float) -> NDArray[np.float64]:
        stored = made.arrays[name][band].astype(np.float64)
        stored[stored == nodata] = np.nan
        return stored

    return Numbers(
        b4=known("T", "b4", 65535),
        b8=known("T", "b8", 65535),
        a=known("A", "v", -32768),
        g=known("G", "v", -(2**31)),
        w=known("W", "v", np.nan),
    )


@pytest.mark.parametrize("case", CASES)
def test_a_formula_prints_as_a_query_that_reads_back(case: str, near: Catalogue) -> None:
    ask, expected, _ = CASES[case]
    made = ask(near)
    assert expected in str(made)
    assert parse(str(made)) == query_of(made.state)
    assert made.to_wcps() == str(made)


@pytest.mark.parametrize("place", ["near", "far"])
@pytest.mark.parametrize("case", CASES)
def test_a_formula_has_the_values_of_numpy(
    case: str, place: str, numbers: Numbers, request: pytest.FixtureRequest
) -> None:
    ask, _, count = CASES[case]
    expression = ask(request.getfixturevalue(place))
    found, expected = expression.compute(), np.asarray(count(numbers))
    if not expected.shape:
        assert not expression.axes
        assert found == pytest.approx(expected.item(), rel=1e-9)
        return
    assert isinstance(found, xr.DataArray)
    assert len(found.dims) == len(expression.axes)
    assert found.name == expression.bands[0]
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert (found.dtype == bool) == (expected.dtype == bool)


@pytest.mark.parametrize("ask", SAME.values(), ids=SAME)
def test_a_store_and_its_server_give_the_same(ask: Ask, near: Catalogue, far: Catalogue) -> None:
    one, other = ask(near).to_xarray(), ask(far).to_xarray()
    xr.testing.assert_identical(one.load(), other.load())


def test_pieces_of_a_server_make_the_whole(
    near: Catalogue, far: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copernicube.client.remote_results.PIECE_BYTES", 4000)
    whole, pieces = (c["T"].b4.sel(bbox=(3, 4, 21, 29)).to_xarray() for c in (near, far))
    assert isinstance(pieces, xr.DataArray)
    assert pieces.chunks == ((1,) * 7, (27, 23), (36,))
    xr.testing.assert_identical(whole.load(), pieces.load())


def test_nothing_is_read_before_it_is_computed(near: Catalogue, far: Catalogue) -> None:
    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise AssertionError("Dask was asked to compute")

    with dask.config.set(scheduler=refuse):
        for place in (near, far):
            lazy = ndvi(place).median("time").to_xarray()
            assert lazy.chunks is not None
            with pytest.raises(AssertionError, match="asked to compute"):
                lazy.compute()


def test_cells_have_coordinates(near: Catalogue) -> None:
    cells = near["U"].B04.to_xarray()
    plain = near["U"].to_xarray()
    for name in ("time", "y", "x", "spatial_ref"):
        xr.testing.assert_identical(cells[name].drop_attrs(), plain[name].drop_attrs())
    assert cells.spatial_ref.attrs == plain.spatial_ref.attrs
    assert cells.encoding["grid_mapping"] == "spatial_ref"
    grid = near["G"].v.to_xarray()
    assert grid.i.dtype == np.int64
    assert grid.i.values.tolist() == list(range(11))


def test_bands_are_stacked_and_taken(near: Catalogue, numbers: Numbers) -> None:
    cube = near["T"]
    made = copernicube.stack({"sum": cube.b4 + cube.b8, "one": 1})
    assert "{sum: $c.b4 + $c.b8; one: 1}" in str(made)
    assert made.bands == ("sum", "one")
    cells = made.compute()
    assert isinstance(cells, xr.Dataset)
    np.testing.assert_array_equal(cells["sum"], numbers.b4 + numbers.b8)
    np.testing.assert_array_equal(made.one.to_xarray(), np.ones(numbers.b4.shape))
    assert made["SUM"].bands == ("sum",)
    assert {"sum", "one", "mean"} <= set(dir(made))
    with pytest.raises(UnknownNameError, match="this coverage has sum, one"):
        made["two"]
    with pytest.raises(AttributeError, match="its bands are sum, one"):
        _ = made.two


def test_numbers_of_several_bands_are_named(near: Catalogue, numbers: Numbers) -> None:
    assert near["T"].expression().max().compute() == {
        "b4": np.nanmax(numbers.b4),
        "b8": np.nanmax(numbers.b8),
    }


def test_a_part_that_is_used_often_stands_once(near: Catalogue, numbers: Numbers) -> None:
    made, expected = near["A"].v * 1.0, numbers.a
    for _ in range(40):
        made, expected = (made + made) / 2, (expected + expected) / 2
    assert len(str(made)) < 5000
    np.testing.assert_allclose(np.asarray(made), expected)


def test_long_sums_are_answered(near: Catalogue, numbers: Numbers) -> None:
    made = near["A"].v * 0
    for _ in range(1000):
        made = made + near["A"].v
    np.testing.assert_allclose(np.asarray(made), numbers.a * 1000)


def test_an_array_is_made_of_one_band(near: Catalogue, numbers: Numbers) -> None:
    np.testing.assert_array_equal(np.asarray(near["A"].v), numbers.a)
    with pytest.raises(InvalidParameterError, match="one band, not b4, b8"):
        np.asarray(near["T"].expression())


def test_complex_numbers_are_computed_here(near: Catalogue, far: Catalogue) -> None:
    turned = near["G"].v * 1j
    assert "complex" in str((near["G"].v * (1 - 2j)).to_wcps())
    assert turned.imag.max().compute() == (far["G"].v * 1j).imag.max().compute()
    assert (far["A"].v * 0 + 2j).mean().compute() == 2j


def test_a_formula_is_copied_as_it_is(near: Catalogue) -> None:
    made = ndvi(near)
    assert str(copy.copy(made)) == str(made)
    assert copy.copy(near["T"]).bands == near["T"].bands


def test_files_are_made(near: Catalogue, far: Catalogue) -> None:
    for place in (near, far):
        assert place["A"].v.encode("tiff").startswith(b"II")
        text = place["A"].v.sel(bbox=(0, 0, 1, 1)).encode("json")
        assert text.count(b",") == 3


def test_a_formula_is_shown_short(near: Catalogue) -> None:
    assert repr(ndvi(near)) == f"<Expression on T: {NDVI}>\n  axes ansi, Lat, Lon; bands b8"
    assert repr(ndvi(near).mean()).endswith("axes none: a number; bands b8")


def test_what_makes_no_sense_is_refused(near: Catalogue, far: Catalogue) -> None:
    cube = near["T"]
    with pytest.raises(InvalidParameterError, match="neither true nor false"):
        bool(cube.b4 > 3)
    with pytest.raises(InvalidParameterError, match="ndarray is no part of an expression"):
        _ = cube.b4 + np.zeros(3)
    with pytest.raises(UnknownNameError, match="'spacing'; offered: absolute"):
        np.spacing(cube.b4)
    with pytest.raises(UnknownNameError, match="axis height; this coverage has ansi, Lat, Lon"):
        cube.b4.mean("height")
    with pytest.raises(UnknownNameError, match="axis time; this coverage has Lat, Lon"):
        cube.b4.mean("time").mean("time")
    with pytest.raises(InvalidParameterError, match="no axis is named"):
        cube.b4.mean([])
    with pytest.raises(InvalidParameterError, match="allowed are year, month, day"):
        cube.b4.mean(every="week")  # type: ignore[arg-type]  # that is refused
    with pytest.raises(InvalidParameterError, match="needs the time axis"):
        cube.b4.mean("x", every="month")
    with pytest.raises(UnknownNameError, match="type 'int64'"):
        cube.b4.astype("int64")
    with pytest.raises(InvalidParameterError, match="Polygon or MultiPolygon"):
        cube.b4.clip_to(shapely.Point(1, 2))
    with pytest.raises(InvalidParameterError, match="takes a factor, or sizes"):
        cube.b4.scale()
    with pytest.raises(InvalidParameterError, match="each minimum below"):
        cube.b4.sel(bbox=(3, 0, 1, 1))
    with pytest.raises(InvalidParameterError, match=r"one store or server at one revision"):
        _ = cube.b4 + far["T"].b4
    with pytest.raises(AttributeError, match="unknown band b5; this coverage has b4, b8"):
        _ = cube.b5
    with pytest.raises(RequestError, match="differ in their axes"):
        (cube.b4 - cube.b4.sel(time="2020")).compute()


type Formula = str | float | tuple[str, Formula, Formula]
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": lambda one, other: other - one,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "not": lambda one, _: ~one,
    "negative": lambda one, _: -one,
    "where": lambda one, other: one.where(one.isnull(), other),
    "reduced": lambda one, _: one.mean(one.axes[0]) * one.max() if one.axes else one,
}
FORMULAS = st.recursive(
    st.sampled_from(["b4", "b8", 2, -1.5, 0]),
    lambda below: st.tuples(st.sampled_from(sorted(BINARY)), below, below),
    max_leaves=25,
)


@given(formula=FORMULAS)
@settings(max_examples=100, deadline=None)
def test_any_formula_reads_back(formula: Formula, near: Catalogue) -> None:
    made = built(formula, near["T"].expression()) + near["T"].b4
    assert parse(str(made)) == query_of(made.state)


def built(formula: Formula, cube: Expression) -> Expression:
    if isinstance(formula, str):
        return cube[formula]
    if not isinstance(formula, tuple):
        return cube.b4 * formula
    made: Expression = BINARY[formula[0]](built(formula[1], cube), built(formula[2], cube))
    return made
