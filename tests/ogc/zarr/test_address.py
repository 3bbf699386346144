import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.errors import CubeError
from ogc.zarr.address import TimeCut, ViewAddress, parse_path

NUMBERS = st.floats(-1e7, 1e7, allow_nan=False).map(lambda x: x + 0.0)
MOMENTS = st.sampled_from(["2023", "2023-08", "2023-08-15", "2023-08-15T09:50:31.024Z"])


@st.composite
def addresses(draw: st.DrawFn) -> ViewAddress:
    bbox = None
    if draw(st.booleans()):
        x, y = (sorted(draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True))) for _ in "xy")
        bbox = (x[0], y[0], x[1], y[1])
    times = draw(
        st.none()
        | MOMENTS
        | MOMENTS.map(lambda t: f"{t}/..")
        | MOMENTS.map(lambda t: f"../{t}")
        | st.tuples(MOMENTS, MOMENTS).map("/".join)
    )
    return ViewAddress(
        coverage_id=draw(st.sampled_from(["S2_L2A_32633", "DEM_GLO30_4326_20m", "Ägäis"])),
        revision=draw(st.none() | st.integers(0, 10**12)),
        bbox=bbox,
        times=None if times is None else TimeCut.parse(times),
    )


@given(addresses(), st.sampled_from(["", "zarr.json", "B04/c/0/1/2", "time/c/0", ".zgroup"]))
def test_what_is_written_is_read_back(address: ViewAddress, key: str) -> None:
    path = f"{address}/{key}" if key else str(address)
    assert parse_path(path) == (address, key)


def test_an_address_is_one_segment_of_a_path() -> None:
    address = ViewAddress(
        coverage_id="S2",
        revision=7,
        bbox=(600000.0, 0.5, 600010.0, 1.0),
        times=TimeCut.parse("2023-08/.."),
    )
    assert address.path == "S2@7;bbox=600000,0.5,600010,1;datetime=2023-08%2F.."


def test_an_open_end_may_be_empty() -> None:
    assert TimeCut.parse("/2023") == TimeCut.parse("../2023")
    assert TimeCut.parse("2023/") == TimeCut.parse("2023/..")


def test_cuts_may_come_in_any_order() -> None:
    address, key = parse_path("S2@7;datetime=../2023;bbox=1,2,3,4/B04/zarr.json")
    assert str(address) == "S2@7;bbox=1,2,3,4;datetime=../2023"
    assert key == "B04/zarr.json"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", "is no view"),
        ("@5", "is no view"),
        ("S2@", "revision ''"),
        ("S2@-1", "revision '-1'"),
        ("S2@9999999999999999", "revision"),
        ("S2@5;bbox=1,2,3", "four numbers"),
        ("S2@5;bbox=1,2,nan,4", "four numbers"),
        ("S2@5;bbox=3,2,1,4", "below its maximum"),
        ("S2@5;bbox=1,2,3,4;bbox=1,2,3,4", "given twice"),
        ("S2@5;crs=EPSG:4326", "'crs' is not known"),
        ("S2@5;", "'' is not known"),
        ("S2@5;datetime=..", "one end may be"),
        ("S2@5;datetime=yesterday/zarr.json", "ISO 8601"),
        ("S2@5;datetime=2023-13", "ISO 8601"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is(path: str, told: str) -> None:
    with pytest.raises(CubeError, match=r".") as refused:
        parse_path(path)
    assert told in str(refused.value)
