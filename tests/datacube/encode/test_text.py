import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wcps.service import Service

from datacube.axes import IrregularAxis
from datacube.encode import nested
from datacube.encode.text import scalar_text
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.plan.nodes import POINT, Domain, Field
from datacube.protocols import Limits
from tests.builders.plans import geographic_grid, time_axis, utm_grid
from tests.builders.results import encode_job, encoded, index_axis, result

JSON, CSV = "application/json", "text/csv"
LINE = Domain(outer=(index_axis("x", 3),))
SQUARE = Domain(outer=(index_axis("i", 2), index_axis("j", 3)))


@pytest.mark.parametrize(
    ("values", "dtype", "csv", "document"),
    [
        ((1, 2, 255), "uint8", "1,2,255", "[1,2,255]"),
        ((-5, 0, 2**62), "int64", "-5,0,4611686018427387904", "[-5,0,4611686018427387904]"),
        # Seven digits, and no trailing point.
        ((0.1, 1 / 3, 2.0), "float32", "0.1,0.3333333,2", "[0.1,0.3333333,2]"),
        (
            (0.1, 1 / 3, 119.0),
            "float64",
            "0.1,0.3333333333333333,119",
            "[0.1,0.3333333333333333,119]",
        ),
        ((1e22, 1e-7, -0.5), "float64", "1e+22,1e-07,-0.5", "[1e+22,1e-07,-0.5]"),
        ((True, False), "bool", "t,f", "[true,false]"),
        ((1 + 2j, -0.5j), "complex64", "(1,2),(-0,-0.5)", '["(1,2)","(-0,-0.5)"]'),
        # Results of x/0 have no value.
        ((np.nan, np.inf, 1), "float64", "null,null,1", "[null,null,1]"),
        ((complex(np.nan, np.inf), 1), "complex128", "null,(1,0)", '["null","(1,0)"]'),
    ],
)
def test_numbers_of_each_type(values: tuple[Any, ...], dtype: str, csv: str, document: str) -> None:
    domain = Domain(outer=(index_axis("x", len(values)),))
    plan = result(domain, {"v": np.array(values, dtype)})
    assert encoded(plan, CSV).decode() == csv
    assert encoded(plan, JSON).decode() == document
    json.loads(document)


def test_two_axes_are_nested_as_clients_expect() -> None:
    domain = Domain(outer=(index_axis("i", 2), index_axis("j", 2)))
    plan = result(domain, {"v": np.array([[104, 101], [103, 103]], np.uint8)})
    assert encoded(plan, JSON) == b"[\n [104,101],\n [103,103]\n]"
    assert encoded(plan, CSV) == b"{104,101},{103,103}"


@pytest.mark.parametrize("room", [1, 2, 5, 7, 12, 1000])
def test_any_depth_reads_back_whatever_is_written_at_once(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(nested, "TEXT_RUN_CELLS", room)
    shape = (2, 3, 2, 5)
    domain = Domain(outer=tuple(index_axis(f"a{k}", n) for k, n in enumerate(shape)))
    values = np.arange(60, dtype=np.int16).reshape(shape)
    plan = result(domain, {"v": values})
    text = encoded(plan, JSON).decode()
    assert json.loads(text) == values.tolist()
    assert "\n  [\n   [0,1,2,3,4],\n   [5,6,7,8,9]\n  ],\n" in text
    braces = encoded(plan, CSV).decode()
    assert json.loads(f"[{braces.replace('{', '[').replace('}', ']')}]") == values.tolist()


def test_axes_are_listed_as_the_crs_orders_them() -> None:
    values = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    utm = result(Domain(outer=(time_axis(),), grid=utm_grid(3, 4)), {"v": values})
    # EPSG:32633 lists E before N: time, E, N.
    assert json.loads(encoded(utm, JSON)) == values.transpose(0, 2, 1).tolist()
    geographic = result(Domain(outer=(time_axis(),), grid=geographic_grid(3, 4)), {"v": values})
    # EPSG:4326 lists Lat before Lon.
    assert json.loads(encoded(geographic, JSON)) == values.tolist()


def test_transpose_swaps_axes_of_the_text() -> None:
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    plan = result(SQUARE, {"v": values})
    assert json.loads(encoded(plan, JSON, '{"transpose": [0, 1]}')) == values.T.tolist()
    with pytest.raises(InvalidParameterError, match=r"does not fit the axes i, j"):
        encoded(plan, JSON, '{"transpose": [1, 2]}')


def test_several_bands_are_one_text_a_cell() -> None:
    arrays: dict[str, Any] = {
        "a": np.array([1, 2, 3], np.uint8),
        "b": np.array([0.5, 1, 2], np.float32),
    }
    plan = result(LINE, arrays, valid={"a": np.array([True, False, True])})
    assert encoded(plan, CSV) == b'"1 0.5","null 1","3 2"'
    assert json.loads(encoded(plan, JSON)) == ["1 0.5", "null 1", "3 2"]


def test_nulls() -> None:
    field = Field(name="v", dtype="int16", nodata=-1, nulls=(-9, -1))
    known = {"v": np.array([True, False, True])}
    plan = result(LINE, {"v": np.array([1, 77, 3], np.int16)}, valid=known, fields=(field,))
    assert encoded(plan, CSV) == b"1,null,3"
    assert json.loads(encoded(plan, JSON)) == [1, None, 3]
    assert encoded(plan, CSV, compat=True) == b"1,-9,3"
    assert encoded(plan, CSV, '{"nodata": 0}') == b"1,0,3"
    with pytest.raises(InvalidParameterError, match="nodata has 2 numbers; allowed is one, or 1"):
        encoded(plan, CSV, '{"nodata": [0, 1]}')


def test_infinities_stay_in_compat_and_become_the_asked_nodata_else() -> None:
    plan = result(LINE, {"v": np.array([np.nan, np.inf, 1])})
    assert encoded(plan, CSV, compat=True) == b"nan,inf,1"
    assert encoded(plan, CSV, '{"nodata": -9}') == b"-9,-9,1"
    assert encoded(plan, JSON, '{"nodata": -9}') == b"[-9,-9,1]"


def test_irregular_axes_make_no_difference() -> None:
    axis = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0))
    plan = result(Domain(outer=(axis,)), {"v": np.array([1.5, 2.5])})
    assert encoded(plan, CSV) == b"1.5,2.5"


def test_text_is_bounded_and_long_text_is_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = result(SQUARE, {"v": np.arange(6, dtype=np.int16)})
    with pytest.raises(LimitExceededError, match="42 bytes as text; allowed are 41"):
        encoded(plan, CSV, limits=Limits(output_bytes=41))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(nested, "IN_MEMORY_BYTES", 10)
    body = nested.encode_csv(encode_job(plan, CSV))
    assert isinstance(body, Path)
    assert body.read_text() == "{0,1,2},{3,4,5}"


@pytest.mark.parametrize(
    ("dtypes", "values", "valid", "text", "decoded"),
    [
        (("float64",), (119.0,), (True,), "119.0", 119.0),
        (("float32",), (np.float32(1 / 3).item(),), (True,), "0.3333333", 0.3333333),
        (("bool",), (True,), (True,), "t", True),
        (("bool",), (False,), (True,), "f", False),
        (("int64",), (269047963,), (True,), "269047963", 269047963),
        (("float64",), (1.0,), (False,), "NULL", None),
        (
            ("uint32", "float64", "bool"),
            (269047963, 2.0, True),
            (True, True, True),
            "{ 269047963, 2.0, t }",
            [269047963, 2.0, True],
        ),
        (("int16", "int16"), (1, 0), (True, False), "{ 1, NULL }", [1, None]),
        (("complex128",), (1 + 2j,), (True,), "(1,2)", "(1,2)"),
    ],
)
def test_scalars_are_decoded_by_the_client(
    dtypes: tuple[str, ...],
    values: tuple[object, ...],
    valid: tuple[bool, ...],
    text: str,
    decoded: object,
) -> None:
    fields = tuple(Field(name=f"b{k}", dtype=dtype, nodata=None) for k, dtype in enumerate(dtypes))
    assert scalar_text(fields, values, valid) == text
    arrays = {f.name: np.array(v, f.dtype) for f, v in zip(fields, values, strict=True)}
    known = {f.name: np.array(v) for f, v in zip(fields, valid, strict=True)}
    body = encoded(result(POINT, arrays, valid=known), "text/plain")
    assert body.decode() == text
    read = Service("http://unused").response_to_wcps_result(_Response(body, "text/plain"))
    assert read.value == decoded


def test_a_null_scalar_is_the_first_null_value_in_compat() -> None:
    field = Field(name="v", dtype="int16", nodata=None, nulls=(-9999, 0))
    assert scalar_text((field,), (1,), (False,), compat=True) == "-9999"
    assert scalar_text((field,), (1,), (False,)) == "NULL"


def test_an_array_is_no_scalar() -> None:
    with pytest.raises(InvalidParameterError, match="an array with the axes i, j"):
        encoded(result(SQUARE, {"v": np.zeros((2, 3))}), "text/plain")


def test_the_client_reads_arrays_as_json() -> None:
    plan = result(SQUARE, {"v": np.arange(6, dtype=np.float32) / 4})
    response = _Response(encoded(plan, JSON), JSON)
    read = Service("http://unused").response_to_wcps_result(response)
    assert read.value == [[0, 0.25, 0.5], [0.75, 1, 1.25]]


class _Response:
    """What the client asks of a response of `requests`."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self.content = body
        self.headers = {"Content-Type": media_type}

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> object:
        return json.loads(self.content)
