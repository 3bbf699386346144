"""The PyPI client `wcps` against the server, unmodified: every method once."""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest
import rasterio
import wcps.model
import wcps.spectral
from numpy.typing import NDArray
from wcps.model import (
    Datacube,
    Encode,
    ResampleAlg,
    Udf,
    WCPSClientException,
    WCPSExpr,
)
from wcps.service import Service, WCPSResult, WCPSResultType

from tests.acceptance.wcps_cases import (
    CASES,
    COMPLEX,
    PICTURES,
)
from tests.acceptance.wcps_data import Case, add_cases, arrays_of
from tests.builders.made import WGS84, Frame, add_cube, make_store, regular
from tests.builders.served import served

LETTERS = tuple(
    sorted(
        {letter for index in vars(wcps.spectral).values() for letter in getattr(index, "bands", ())}
    )
)
"""Whatever an index is made of: bands and constants."""
BAND_OF = {letter: f"b{at}" for at, letter in enumerate(LETTERS)}
"""Names of bands do not differ by case alone, as `G` and `g` do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A served store and what is in it."""

    service: Service
    arrays: dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = make_store(tmp_path_factory.mktemp("client") / "store")
    add_cases(made)
    rng = np.random.default_rng(5)
    bands = {band: rng.uniform(0.05, 0.95, (2, 3)) for band in BAND_OF.values()}
    earth = (regular("Lat", 25, 24, 2), regular("Lon", 0, 1.5, 3))
    add_cube(made, "spectrum", bands, Frame(axes=earth, crs=WGS84))
    arrays = arrays_of(made)
    made.local.catalog.close()
    with served(Path(made.local.store.location.name)) as url:
        yield Server(service=Service(f"{url}/rasdaman/ows"), arrays=arrays)


def as_numbers(value: Any) -> NDArray[np.float64]:  # noqa: ANN401  # JSON
    """Read JSON arrays; null is NaN."""
    return np.asarray(value, dtype=float)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_results_equal_numpy(server: Server, case: Case) -> None:
    write, make = case
    result = server.service.execute(write())
    wanted = make(server.arrays)
    if isinstance(wanted, np.ndarray):
        assert result.type == WCPSResultType.JSON
        found = as_numbers(result.value)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted.astype(float), rtol=1e-6)
    elif isinstance(wanted, list):
        assert (result.type, result.value) == (WCPSResultType.MULTIBAND_SCALAR, wanted)
    else:
        assert result.type == WCPSResultType.SCALAR
        assert type(result.value) is type(wanted) or isinstance(wanted, np.floating)
        assert result.value == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("case", PICTURES.values(), ids=PICTURES)
def test_files_become_arrays(server: Server, case: Case) -> None:
    write, make = case
    result = server.service.execute(write(), convert_to_numpy=True)
    assert result.type == WCPSResultType.NUMPY
    np.testing.assert_array_equal(result.value, make(server.arrays))


@pytest.mark.parametrize("kind", COMPLEX, ids=lambda kind: kind.value)
def test_complex_casts(server: Server, kind: wcps.model.CastType) -> None:
    result = server.service.execute((Datacube("map").cast(kind).eq(Datacube("map"))).count())
    assert result.value == server.arrays["map.v"].size


def test_other_results(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = server.service
    domain = service.execute("for $c in (map) return domain($c)")
    assert (domain.type, domain.value) == (WCPSResultType.TEXT, "Lat(20:25),Lon(0:8)")
    nothing = service.execute(
        "for $c in (map) return avg(clip($c, POLYGON((21 1, 21.1 1, 21 1.1, 21 1))))"
    )
    assert nothing.type == WCPSResultType.SCALAR
    csv = service.execute(Datacube("NIR")["i":0:2, "j":0:2].red.encode("csv"))
    assert csv.type == WCPSResultType.ARRAY
    (a, b), (c, d) = server.arrays["NIR.red"][:2, :2]
    assert csv.value == f"{{{a},{b}}},{{{c},{d}}}".encode()
    raw = service.execute_raw(Datacube("NIR")["i":0:2, "j":0:2].red.encode("json"))
    assert raw.json() == [[a, b], [c, d]]
    service.download(Datacube("map").encode("netcdf"), str(tmp_path / "map.nc"))
    with rasterio.open(tmp_path / "map.nc") as file:
        assert file.crs.to_epsg() == 4326
        np.testing.assert_array_equal(file.read(1), server.arrays["map.v"])
    service.show(Datacube("map").max())
    service.show(Datacube("NIR").max())
    service.show(WCPSResult(value=raw.json(), type=WCPSResultType.JSON))
    largest = [int(server.arrays[f"NIR.{band}"].max()) for band in ("red", "green", "blue")]
    assert capsys.readouterr().out.splitlines() == [
        str(server.arrays["map.v"].max()),
        "{" + ", ".join(map(str, largest)) + "}",
        str(raw.json()),
    ]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("for $c in (nowhere) return avg($c)", "NoSuchCoverage: .*nowhere"),
        ("for $c in (map) return avg($c.b99)", "NoSuchField: .*b99"),
        ("for $c in (map) return avg($c", "SyntaxError: "),
        ("for $c in (map) return avg($c[Height(1)])", "InvalidAxisLabel: .*Height"),
        ("for $c in (map) return avg($c[Lat(80:85)])", "InvalidSubsetting: "),
        ('for $c in (map) return encode($c, "image/x-none")', "UnsupportedEncodingFormat: "),
        ("for $c in (map) return image.stretch($c)", "image.stretch"),
    ],
)
def test_errors_are_the_clients_exceptions(server: Server, query: str, told: str) -> None:
    with pytest.raises(WCPSClientException, match=told):
        server.service.execute(query)


@pytest.mark.parametrize("method", ResampleAlg)
def test_every_method_keeps_cells_that_lie_on_their_own(
    server: Server, method: ResampleAlg
) -> None:
    query = Datacube("map").reproject("EPSG:4326", method).encode("json")
    found = np.asarray(server.service.execute(query).value, "float64")
    cells = server.arrays["map.v"]
    assert found.shape == cells.shape
    if method is ResampleAlg.CUBICSPLINE:
        # A B-spline smooths: it goes near its cells, not through them.
        assert cells.min() <= found.min() <= found.max() <= cells.max()
        assert np.corrcoef(found.ravel(), cells.ravel())[0, 1] > 0.5
    else:
        np.testing.assert_allclose(found, cells, atol=1)


def test_functions_of_users_are_listed_and_their_calls_understood(server: Server) -> None:
    assert server.service.list_udfs() == "[]"
    # A built-in that the client has no class for.
    result = server.service.execute(Udf("median", [Datacube("map")]))
    assert result.value == pytest.approx(np.median(server.arrays["map.v"]))


INDICES: dict[str, Any] = {
    name: index
    for name, index in vars(wcps.spectral).items()
    if inspect.isclass(index) and index.__module__ == wcps.spectral.__name__
}


def _written(index: Any) -> WCPSExpr:  # noqa: ANN401  # a class of the client's
    cube = Datacube("spectrum")
    made = index(**{letter: cube.band(BAND_OF[letter]) for letter in index.bands})
    return Encode(made).to("json")


def test_every_spectral_index_equals_its_formula(server: Server) -> None:
    bands = {letter: server.arrays[f"spectrum.{band}"] for letter, band in BAND_OF.items()}
    wrong = {}
    assert len(INDICES) >= 245
    for name, index in INDICES.items():
        query = _written(index)
        with np.errstate(all="ignore"):
            wanted = eval(index.formula, {}, bands)  # noqa: S307  # the client's own text
        found = as_numbers(server.service.execute(query).value)
        if not np.allclose(found, wanted, rtol=1e-9, atol=0, equal_nan=True):
            wrong[name] = index.formula
    assert not wrong


def _functions() -> dict[CodeType, str]:
    """Return every public function, method, operator and constructor of the client's model."""
    found: dict[CodeType, str] = {}
    for name, value in vars(wcps.model).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            found[value.__code__] = name
        if not inspect.isclass(value) or value.__module__ != wcps.model.__name__:
            continue
        for key, member in vars(value).items():
            function = getattr(member, "__func__", member)
            # Enumerations get methods from Python itself.
            private = key.startswith("_") and (issubclass(value, Enum) or not key.startswith("__"))
            if inspect.isfunction(function) and not private:
                found[function.__code__] = f"{name}.{key}"
    return found


def test_no_method_of_the_client_is_missed() -> None:
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for write, _ in (*CASES.values(), *PICTURES.values()):
            str(write())
        str(Udf("median", [Datacube("map")]))
    finally:
        sys.setprofile(before)
    missed = {name for code, name in _functions().items() if code not in called}
    # Lists of constants that only messages of the client itself need.
    assert missed <= {"ResampleAlg.list", "CastType.list", "CondenseOp.list"}
    assert len(_functions()) > 150
