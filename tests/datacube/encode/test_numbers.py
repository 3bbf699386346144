from math import isnan

import numpy as np
import pytest

from datacube.cells import Cells
from datacube.encode.numbers import Stored, stored_as
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Field
from tests.builders.plans import reflectance, scene_classes


def field(dtype: str, nodata: float | None = None) -> Field:
    return Field(name=dtype, dtype=dtype, nodata=nodata)


B04 = Field(name="B04", dtype="int16", nodata=-32768, band=reflectance("B04"))
SCL = Field(name="SCL", dtype="uint8", nodata=0, band=scene_classes())


@pytest.mark.parametrize(
    ("fields", "dtype", "nodata"),
    [
        ((B04,), "int16", -32768),
        ((SCL,), "uint8", 0),
        # No valid class is -32768, but a valid reflectance may be 0.
        ((SCL, B04), "int16", -32768),
        ((B04, SCL), "int16", -32768),
        # 0 may be valid in one and 255 in the other.
        ((field("uint8", 0), field("uint8", 255)), "int16", -32768),
        ((field("uint16", 0), field("int16", -32768)), "int32", -32768),
        # A Boolean leaves 254 numbers; bytes without a nodata leave none.
        ((field("bool"),), "uint8", 255),
        ((field("uint8"),), "int16", -32768),
        ((field("int8", -128),), "int16", -128),
        ((field("int32"),), "int32", -(2**31)),
        ((field("float32", -9999.0),), "float32", -9999.0),
    ],
)
def test_type_and_nodata(fields: tuple[Field, ...], dtype: str, nodata: float) -> None:
    assert stored_as(fields) == Stored(dtype=dtype, nodata=nodata)


@pytest.mark.parametrize(
    ("fields", "dtype"),
    [
        ((field("float32", float("nan")), SCL), "float32"),
        ((field("float32", -9999.0), field("float32", -1.0)), "float32"),
        ((field("float32"), field("int32")), "float64"),
        ((field("float16"),), "float32"),
    ],
)
def test_floats_that_differ_take_nan(fields: tuple[Field, ...], dtype: str) -> None:
    stored = stored_as(fields)
    assert stored.dtype == dtype
    assert isnan(stored.nodata)


@pytest.mark.parametrize(
    "fields",
    [
        (field("int64", 0), field("float32")),
        (field("uint64", 0), field("int64", 0)),
        (field("complex64"),),
    ],
)
def test_what_no_type_holds_is_refused(fields: tuple[Field, ...]) -> None:
    with pytest.raises(InvalidParameterError, match=fields[0].name):
        stored_as(fields)


def test_what_is_not_valid_is_rewritten() -> None:
    cells = Cells(("a",), (np.array([1, 77, 3], np.uint8),), (np.array([True, False, True]),))
    filled = Stored(dtype="int16", nodata=-5).fill(cells, "a")
    assert filled.dtype == np.int16
    assert filled.tolist() == [1, -5, 3]
