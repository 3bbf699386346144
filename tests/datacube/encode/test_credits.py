"""Notices of producers carry the years of what is read."""

import pytest

from datacube.service_provider import attribution

NOTICE = "Contains modified Copernicus Sentinel data [year]"


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ((2015,), "Contains modified Copernicus Sentinel data 2015"),
        ((2021, 2015, 2020), "Contains modified Copernicus Sentinel data 2015, 2020-2021"),
        ((), "Contains modified Copernicus Sentinel data"),
    ],
)
def test_years_are_written_as_runs(years: tuple[int, ...], expected: str) -> None:
    assert attribution(NOTICE, frozenset(years)) == expected


def test_a_notice_without_a_place_for_years_stays() -> None:
    assert attribution("Copernicus DEM, DLR", frozenset({2015})) == "Copernicus DEM, DLR"
