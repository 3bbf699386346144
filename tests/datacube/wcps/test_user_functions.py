"""Functions that an operator adds, from entry point to cells."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from copernicube.functions import GROUP, functions_of
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.udf import UserFunction
from tests.builders.asked import processor
from tests.builders.made import Made


def stretch(cells: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
    stretched: NDArray[np.float64] = (cells.astype(np.float64) - low) / (high - low) * 255
    return np.clip(stretched, 0, 255)


def failing(cells: NDArray[Any]) -> NDArray[Any]:
    raise ZeroDivisionError(f"of {cells.ndim} axes")


def flattened(cells: NDArray[Any]) -> NDArray[Any]:
    return cells.ravel()


STRETCH = UserFunction(
    name="image.stretch", parameters=("cells", "low", "high"), dtype="uint8", body=stretch
)
FAILING = UserFunction(name="bad.failing", parameters=("cells",), dtype=None, body=failing)
FLAT = UserFunction(name="bad.flat", parameters=("cells",), dtype=None, body=flattened)
FUNCTIONS = {f.name: f for f in (STRETCH, FAILING, FLAT)}


def run(cubes: Made, query: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    asked = replace(processor(cubes), functions=FUNCTIONS)
    (plan,) = asked.results(query)
    cells = cubes.session.compute(plan)  # type: ignore[arg-type]  # the query encodes nothing
    return cells.values[0], cells.valid[0]


def test_cells_pass_through_the_function(cubes: Made) -> None:
    values, valid = run(cubes, "for $c in (T) return Image.Stretch($c.b4, 100, 5000)")
    b4 = cubes.arrays["T"]["b4"]
    known = b4 != 65535
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(valid, known)
    wanted = np.clip((b4.astype(float) - 100) / 4900 * 255, 0, 255).astype("uint8")
    np.testing.assert_array_equal(values[known], wanted[known])


def test_each_band_passes_and_formulas_go_on(cubes: Made) -> None:
    query = 'for $c in (T) return (image.stretch($c, 0, 255) + 1)[ansi("2020-05-01")]'
    asked = replace(processor(cubes), functions=FUNCTIONS)
    (plan,) = asked.results(query)
    assert [(f.name, f.dtype) for f in plan.fields] == [("b4", "uint16"), ("b8", "uint16")]  # type: ignore[union-attr]  # no Answer
    cells = cubes.session.compute(plan)  # type: ignore[arg-type]  # no Answer
    b8 = cubes.arrays["T"]["b8"][2]
    np.testing.assert_array_equal(cells.values[1], np.clip(b8, 0, 255).astype("uint16") + 1)


def test_a_new_version_has_another_key(cubes: Made) -> None:
    query = "for $c in (A) return image.stretch($c, 0, 9)"
    keys = set()
    for version in ("1", "2"):
        functions = {"image.stretch": replace(STRETCH, version=version)}
        (result,) = replace(processor(cubes), functions=functions).bind(query)
        keys.add(result.value.plan.key)  # type: ignore[union-attr]  # it is a Raster
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("bad.failing($c)", "function 'bad.failing' failed: of 2 axes"),
        ("bad.flat($c)", r"gave shape \(3600,\), not its arguments' \(60, 60\)"),
        ("image.stretch($c)", r"image.stretch\(cells, low, high\) takes 3 arguments, not 1"),
    ],
)
def test_what_fails_is_told(call: str, message: str, cubes: Made) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        run(cubes, f"for $c in (A) return {call}")


def test_unknown_functions_name_those_there_are(cubes: Made) -> None:
    message = "unknown function 'image.blur'; offered: bad.failing, bad.flat, image.stretch"
    with pytest.raises(UnknownNameError, match=message):
        run(cubes, "for $c in (A) return image.blur($c)")


def point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name=name, value=f"{__name__}:{attribute}", group=GROUP)


def test_entry_points_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])
    assert functions_of([point("image.stretch", "STRETCH")]) == {"image.stretch": STRETCH}
    with pytest.raises(InvalidParameterError, match=r"gives 'image.stretch'; both are"):
        functions_of([point("image.other", "STRETCH")])
    with pytest.raises(InvalidParameterError, match="gives a function, not a UserFunction"):
        functions_of([point("image.stretch", "stretch")])
