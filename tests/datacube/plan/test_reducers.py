import pytest

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.nodes import Field
from datacube.plan.reducers import (
    REDUCER_ALIASES,
    REDUCERS,
    has_histogram,
    reduce_fields,
    reducer,
    state_bytes,
)

RED = Field(name="red", dtype="int16", nodata=-1, nulls=(-1.0,))


def test_fields_keep_their_names_and_null_sets() -> None:
    both = reduce_fields("max", (RED, Field(name="mask", dtype="bool", nodata=None)))
    assert [(f.name, f.dtype, f.nodata, f.nulls) for f in both] == [
        ("red", "int16", None, (-1.0,)),
        ("mask", "bool", None, ()),
    ]
    assert reduce_fields("count", (RED,))[0].nulls == ()
    assert reduce_fields("maxtime", (RED,))[0].dtype == "int64"
    assert reduce_fields("maxtime", (RED,), (1.0, 2.0))[0].dtype == "float64"


def test_names_and_parameters_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="unknown reducer 'mode'"):
        reduce_fields("mode", (RED,))
    with pytest.raises(InvalidParameterError, match=r"takes 1 parameters \(p\), not 0"):
        reduce_fields("quantile", (RED,))
    with pytest.raises(InvalidParameterError, match=r"takes 0 parameters \(none\), not 1"):
        reduce_fields("median", (RED,), (0.5,))
    with pytest.raises(InvalidParameterError, match=r"p from 0 to 1, not 1.5"):
        reduce_fields("quantile", (RED,), (1.5,))
    with pytest.raises(InvalidParameterError, match=r"'max' takes no complex64 \(z\)"):
        reduce_fields("max", (Field(name="z", dtype="complex64", nodata=None),))


def test_aliases_name_reducers() -> None:
    assert set(REDUCER_ALIASES.values()) <= REDUCERS.keys()
    assert not REDUCER_ALIASES.keys() & REDUCERS.keys()
    assert reducer("*").name == "product"


def test_memory_of_states() -> None:
    assert state_bytes("avg", "int16", 1000, 10**9) == 40_000
    assert state_bytes("median", "int16", 1, 10**12) == 65536 * 8
    assert state_bytes("median", "float32", 100, 140) == 2 * 100 * 140 * 5
    assert has_histogram("uint8", (100, 100))
    assert not has_histogram("uint8", (1000, 1000))
    assert not has_histogram("int32", ())
